package dev.edgednq.core;

/**
 * How brightness and colour differences become red, green and blue, in fixed point with 20 bits
 * behind the point.
 *
 * <p>{@link #BT601_LIMITED} has the factors to three decimals that OpenCV's cvtColor has, and equals
 * it bit for bit; the others have those of ITU-R BT.601-7 and BT.709-6 to six decimals.
 */
public enum YuvColor {
  /** Still pictures and camera frames of Android (JFIF): Y, U and V use all of 0 to 255. */
  BT601_FULL(0, 1.0, 1.402, -0.344136, -0.714136, 1.772),
  /** Video of standard definition: Y is 16 to 235. */
  BT601_LIMITED(16, 1.164, 1.596, -0.391, -0.813, 2.018),
  /** Video of high definition: Y is 16 to 235. */
  BT709_LIMITED(16, 1.164384, 1.792741, -0.213249, -0.532909, 2.112402),
  /** Video of high definition that uses all of 0 to 255. */
  BT709_FULL(0, 1.0, 1.5748, -0.187324, -0.468124, 1.8556);

  private static final int POINT = 20;
  private static final int HALF = 1 << (POINT - 1);

  private final int black;
  private final int brightness;
  private final int redOfV;
  private final int greenOfU;
  private final int greenOfV;
  private final int blueOfU;

  YuvColor(
      int black,
      double brightness,
      double redOfV,
      double greenOfU,
      double greenOfV,
      double blueOfU) {
    this.black = black;
    this.brightness = fixed(brightness);
    this.redOfV = fixed(redOfV);
    this.greenOfU = fixed(greenOfU);
    this.greenOfV = fixed(greenOfV);
    this.blueOfU = fixed(blueOfU);
  }

  private static int fixed(double factor) {
    return (int) Math.rint(factor * (1 << 20));
  }

  /** Writes the pixel of the codes y, u and v (0 to 255 each) as three bytes at {@code to}. */
  void write(int y, int u, int v, byte[] pixels, int to) {
    int gray = Math.max(0, y - black) * brightness + HALF;
    int blue = u - 128;
    int red = v - 128;
    pixels[to] = clamp((gray + redOfV * red) >> POINT);
    pixels[to + 1] = clamp((gray + greenOfU * blue + greenOfV * red) >> POINT);
    pixels[to + 2] = clamp((gray + blueOfU * blue) >> POINT);
  }

  private static byte clamp(int value) {
    return (byte) Math.max(0, Math.min(value, 255));
  }
}
