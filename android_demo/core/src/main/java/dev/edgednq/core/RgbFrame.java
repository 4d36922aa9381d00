package dev.edgednq.core;

/** A picture: three bytes a pixel (red, green, blue), rows from the top without gaps. */
public final class RgbFrame {
  private static final int MAX_PIXELS = Integer.MAX_VALUE / 3;

  /** Pixels of a row. */
  public final int width;

  /** Rows. */
  public final int height;

  /** 3 * width * height bytes. */
  public final byte[] pixels;

  /** Makes a black picture. */
  public RgbFrame(int width, int height) {
    this(width, height, new byte[3 * checkedPixels(width, height)]);
  }

  /** Takes pixels as they are, without a copy. */
  public RgbFrame(int width, int height, byte[] pixels) {
    if (pixels.length != 3 * checkedPixels(width, height)) {
      throw new IllegalArgumentException(
          width + "x" + height + " RGB pixels do not take " + pixels.length + " bytes");
    }
    this.width = width;
    this.height = height;
    this.pixels = pixels;
  }

  /** Returns {@code candidate} where it has that size, else a new picture. */
  static RgbFrame reuse(RgbFrame candidate, int width, int height) {
    boolean fits = candidate != null && candidate.width == width && candidate.height == height;
    return fits ? candidate : new RgbFrame(width, height);
  }

  private static int checkedPixels(int width, int height) {
    if (width < 1 || height < 1 || (long) width * height > MAX_PIXELS) {
      throw new IllegalArgumentException("a picture cannot be " + width + "x" + height);
    }
    return width * height;
  }
}
