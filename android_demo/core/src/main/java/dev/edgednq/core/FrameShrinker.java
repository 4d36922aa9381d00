package dev.edgednq.core;

/**
 * From a picture to the network frame: the centre square, halved by means of 2x2 pixels while it is
 * at least twice too large (an odd last row and column are dropped), then resized bilinearly.
 *
 * <p>The arithmetic is OpenCV's INTER_AREA for halving and INTER_LINEAR_EXACT, which the Python
 * package uses: both are defined in whole numbers, so results are equal bit for bit. An instance
 * keeps its buffers and belongs to one thread.
 */
public final class FrameShrinker {
  /** Fractional bits of a bilinear weight. */
  private static final int WEIGHT_BITS = 8;

  private static final int ONE = 1 << WEIGHT_BITS;

  private byte[] square = new byte[0];
  private RgbFrame result;
  private LinearAxis axis;
  private int[] upper = new int[0];
  private int[] lower = new int[0];

  /**
   * Resizes the shorter side to {@code size} and crops the centre.
   *
   * @return a picture of {@code size} x {@code size}: {@code frame} itself where it has that shape,
   *     else one that lives until the next call.
   */
  public RgbFrame shrink(RgbFrame frame, int size) {
    if (size < 1) {
      throw new IllegalArgumentException("a network frame cannot have a side of " + size);
    }
    if (frame.width == size && frame.height == size) {
      return frame;
    }
    int side = Math.min(frame.width, frame.height);
    int top = (frame.height - side) / 2;
    int left = (frame.width - side) / 2;
    byte[] source = frame.pixels;
    int stride = 3 * frame.width;
    int offset = top * stride + 3 * left;
    while (side >= 2 * size) {
      side /= 2;
      if (square.length < 3 * side * side) {
        square = new byte[3 * side * side];
      }
      // In place from the second halving on: a pixel is written after its four were read.
      halve(source, offset, stride, side);
      source = square;
      stride = 3 * side;
      offset = 0;
    }
    result = RgbFrame.reuse(result, size, size);
    if (side == size) {
      for (int row = 0; row < size; row++) {
        System.arraycopy(source, offset + row * stride, result.pixels, row * 3 * size, 3 * size);
      }
    } else {
      interpolate(source, offset, stride, side, size);
    }
    return result;
  }

  private void halve(byte[] source, int offset, int stride, int side) {
    byte[] target = square;
    int to = 0;
    for (int row = 0; row < side; row++) {
      int from = offset + 2 * row * stride;
      for (int column = 0; column < side; column++, from += 6) {
        for (int channel = from; channel < from + 3; channel++) {
          int sum =
              (source[channel] & 255)
                  + (source[channel + 3] & 255)
                  + (source[channel + stride] & 255)
                  + (source[channel + stride + 3] & 255);
          target[to++] = (byte) ((sum + 2) >> 2);
        }
      }
    }
  }

  private void interpolate(byte[] source, int offset, int stride, int side, int size) {
    if (axis == null || axis.from != side || axis.to != size) {
      axis = new LinearAxis(side, size);
      upper = new int[3 * size];
      lower = new int[3 * size];
    }
    int upperRow = -1;
    int lowerRow = -1;
    int to = 0;
    for (int row = 0; row < size; row++) {
      int first = axis.first[row];
      int second = axis.second[row];
      if (first != upperRow) {
        if (first == lowerRow) {
          int[] swapped = upper;
          upper = lower;
          lower = swapped;
          lowerRow = -1;
        } else {
          blendColumns(source, offset + first * stride, upper);
        }
        upperRow = first;
      }
      if (second != lowerRow) {
        blendColumns(source, offset + second * stride, lower);
        lowerRow = second;
      }
      int weight = axis.weight[row];
      for (int column = 0; column < 3 * size; column++) {
        int sum = upper[column] * (ONE - weight) + lower[column] * weight;
        int half = 1 << (2 * WEIGHT_BITS - 1);
        result.pixels[to++] = (byte) ((sum + half) >> (2 * WEIGHT_BITS));
      }
    }
  }

  private void blendColumns(byte[] source, int row, int[] blended) {
    int to = 0;
    for (int column = 0; column < axis.to; column++) {
      int first = row + 3 * axis.first[column];
      int second = row + 3 * axis.second[column];
      int weight = axis.weight[column];
      for (int channel = 0; channel < 3; channel++) {
        blended[to++] =
            (source[first + channel] & 255) * (ONE - weight)
                + (source[second + channel] & 255) * weight;
      }
    }
  }

  /** Which two pixels of a line an output pixel lies between, and the weight of the second. */
  private static final class LinearAxis {
    final int from;
    final int to;
    final int[] first;
    final int[] second;
    final int[] weight;

    LinearAxis(int from, int to) {
      this.from = from;
      this.to = to;
      first = new int[to];
      second = new int[to];
      weight = new int[to];
      // Twice inverted, as OpenCV does it: not always from / to.
      double scale = 1.0 / ((double) to / from);
      for (int index = 0; index < to; index++) {
        double position = scale * (index + 0.5) - 0.5;
        int whole = (int) Math.floor(position);
        first[index] = Math.max(0, Math.min(whole, from - 1));
        second[index] = Math.min(first[index] + 1, from - 1);
        boolean between = whole >= 0 && whole < from - 1;
        weight[index] = between ? (int) Math.rint((position - whole) * ONE) : 0;
      }
    }
  }
}
