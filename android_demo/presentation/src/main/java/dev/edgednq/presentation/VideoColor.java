package dev.edgednq.presentation;

import dev.edgednq.core.YuvColor;

/** What the codes of a decoded video mean. */
public final class VideoColor {
  /** MediaFormat's values; its constants came with API level 24. */
  private static final int STANDARD_BT709 = 1;

  private static final int RANGE_FULL = 1;
  private static final int HIGH_DEFINITION = 720;

  private VideoColor() {}

  /**
   * Chooses the conversion.
   *
   * @param standard MediaFormat's color-standard; 0 where the decoder does not tell
   * @param range its color-range; 0 likewise
   * @param height of the picture: videos that do not tell are BT.709 from 720 rows on
   */
  public static YuvColor of(int standard, int range, int height) {
    boolean bt709 = standard == STANDARD_BT709 || (standard == 0 && height >= HIGH_DEFINITION);
    if (range == RANGE_FULL) {
      return bt709 ? YuvColor.BT709_FULL : YuvColor.BT601_FULL;
    }
    return bt709 ? YuvColor.BT709_LIMITED : YuvColor.BT601_LIMITED;
  }
}
