package dev.edgednq.presentation;

import dev.edgednq.core.RgbFrame;

/** Frames as bitmaps want them. */
public final class Pixels {
  private Pixels() {}

  /**
   * Writes a frame as bytes R, G, B, 255: the memory of Android's ARGB_8888 bitmaps.
   *
   * @param rgba 4 bytes per pixel
   */
  public static void rgba(RgbFrame frame, byte[] rgba) {
    byte[] rgb = frame.pixels;
    int count = frame.width * frame.height;
    for (int pixel = 0, from = 0, to = 0; pixel < count; pixel++) {
      rgba[to++] = rgb[from++];
      rgba[to++] = rgb[from++];
      rgba[to++] = rgb[from++];
      rgba[to++] = (byte) 255;
    }
  }
}
