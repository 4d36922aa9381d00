package dev.edgednq.core;

/** Pictures whose pixels are ints 0xAARRGGBB, as Android's bitmaps give them. */
public final class Argb {
  private Argb() {}

  /**
   * Converts a picture; opacity is ignored.
   *
   * @param argb width * height pixels, rows from the top.
   * @param reuse takes the result where it has its size; may be null.
   */
  public static RgbFrame toRgb(int[] argb, int width, int height, RgbFrame reuse) {
    if (argb.length != (long) width * height) {
      throw new IllegalArgumentException(
          argb.length + " pixels are not " + width + "x" + height);
    }
    RgbFrame frame = RgbFrame.reuse(reuse, width, height);
    int to = 0;
    for (int pixel : argb) {
      frame.pixels[to++] = (byte) (pixel >> 16);
      frame.pixels[to++] = (byte) (pixel >> 8);
      frame.pixels[to++] = (byte) pixel;
    }
    return frame;
  }
}
