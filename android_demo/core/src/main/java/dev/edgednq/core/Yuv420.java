package dev.edgednq.core;

import java.nio.ByteBuffer;

/**
 * A picture of full-size brightness and half-size colour differences in any layout, as Android's
 * YUV_420_888 describes it: planar and both semi-planar orders included.
 *
 * <p>Every pixel takes the colour difference of its 2x2 block, as OpenCV's cvtColor does. The planes
 * are read by position from their start; their own positions are not moved.
 */
public final class Yuv420 {
  private final int width;
  private final int height;
  private final int left;
  private final int top;
  private final Plane y;
  private final Plane u;
  private final Plane v;

  /**
   * Describes a picture.
   *
   * @param width pixels of a row.
   * @param height rows.
   * @param y brightness, one byte a pixel without gaps inside a row.
   * @param yRowStride bytes from a row of {@code y} to the next.
   * @param u first colour difference, (width + 1) / 2 by (height + 1) / 2.
   * @param v second colour difference, likewise.
   * @param chromaRowStride bytes from a row of {@code u} or {@code v} to the next.
   * @param chromaPixelStride bytes from a value of {@code u} or {@code v} to the next.
   * @throws IllegalArgumentException the planes are too short for this.
   */
  public Yuv420(
      int width,
      int height,
      ByteBuffer y,
      int yRowStride,
      ByteBuffer u,
      ByteBuffer v,
      int chromaRowStride,
      int chromaPixelStride) {
    this(
        width,
        height,
        0,
        0,
        new Plane(y, yRowStride, 1, width, height),
        new Plane(u, chromaRowStride, chromaPixelStride, (width + 1) / 2, (height + 1) / 2),
        new Plane(v, chromaRowStride, chromaPixelStride, (width + 1) / 2, (height + 1) / 2));
  }

  private Yuv420(int width, int height, int left, int top, Plane y, Plane u, Plane v) {
    this.width = width;
    this.height = height;
    this.left = left;
    this.top = top;
    this.y = y;
    this.u = u;
    this.v = v;
  }

  /**
   * Returns the part that is to be shown: a decoder's picture may have a border.
   *
   * @throws IllegalArgumentException it reaches out of the picture.
   */
  public Yuv420 cropped(int cropLeft, int cropTop, int cropWidth, int cropHeight) {
    boolean inside =
        cropLeft >= 0
            && cropTop >= 0
            && cropWidth >= 1
            && cropHeight >= 1
            && cropWidth <= width - cropLeft
            && cropHeight <= height - cropTop;
    if (!inside) {
      throw new IllegalArgumentException(
          "a crop of " + cropWidth + "x" + cropHeight + " at " + cropLeft + "," + cropTop
              + " reaches out of " + width + "x" + height);
    }
    return new Yuv420(cropWidth, cropHeight, left + cropLeft, top + cropTop, y, u, v);
  }

  /**
   * Converts the picture.
   *
   * @param color what the codes mean.
   * @param rotationDegrees 0, 90, 180 or 270: how far to turn the picture clockwise.
   * @param squareOnly only the centre square, which is all that networks see.
   * @param reuse takes the result where it has its size; may be null.
   * @return the picture, turned.
   */
  public RgbFrame toRgb(
      YuvColor color, int rotationDegrees, boolean squareOnly, RgbFrame reuse) {
    boolean lies = rotationDegrees == 90 || rotationDegrees == 270;
    if (!lies && rotationDegrees != 0 && rotationDegrees != 180) {
      throw new IllegalArgumentException("cannot turn a picture by " + rotationDegrees);
    }
    int outWidth = lies ? height : width;
    int outHeight = lies ? width : height;
    int side = Math.min(width, height);
    int outLeft = squareOnly ? (outWidth - side) / 2 : 0;
    int outTop = squareOnly ? (outHeight - side) / 2 : 0;
    if (squareOnly) {
      outWidth = side;
      outHeight = side;
    }
    RgbFrame frame = RgbFrame.reuse(reuse, outWidth, outHeight);
    Turn turn = new Turn(rotationDegrees, width, height, outLeft, outTop, outWidth, outHeight);
    convert(color, turn, frame.pixels);
    return frame;
  }

  private void convert(YuvColor color, Turn turn, byte[] pixels) {
    byte[] grays = new byte[turn.columns];
    int firstChroma = (left + turn.left) / 2;
    int chromaCount = (left + turn.left + turn.columns - 1) / 2 - firstChroma + 1;
    byte[] blues = new byte[u.span(chromaCount)];
    byte[] reds = new byte[v.span(chromaCount)];
    for (int row = 0; row < turn.rows; row++) {
      int sourceRow = top + turn.top + row;
      y.read(sourceRow, left + turn.left, grays);
      u.read(sourceRow / 2, firstChroma, blues);
      v.read(sourceRow / 2, firstChroma, reds);
      int to = turn.start + row * turn.rowStep;
      for (int column = 0; column < turn.columns; column++) {
        int chroma = ((left + turn.left + column) / 2 - firstChroma) * u.pixelStride;
        color.write(grays[column] & 255, blues[chroma] & 255, reds[chroma] & 255, pixels, to);
        to += turn.columnStep;
      }
    }
  }

  /** Where the pixels of a part of the picture go when it is turned; steps are in bytes. */
  private static final class Turn {
    final int left;
    final int top;
    final int columns;
    final int rows;
    final int start;
    final int columnStep;
    final int rowStep;

    Turn(int degrees, int width, int height, int outLeft, int outTop, int outWidth, int outHeight) {
      int line = 3 * outWidth;
      boolean lies = degrees == 90 || degrees == 270;
      columns = lies ? outHeight : outWidth;
      rows = lies ? outWidth : outHeight;
      switch (degrees) {
        case 90:
          left = outTop;
          top = height - outLeft - outWidth;
          start = 3 * (outWidth - 1);
          columnStep = line;
          rowStep = -3;
          break;
        case 180:
          left = width - outLeft - outWidth;
          top = height - outTop - outHeight;
          start = 3 * (outWidth * outHeight - 1);
          columnStep = -3;
          rowStep = -line;
          break;
        case 270:
          left = width - outTop - outHeight;
          top = outLeft;
          start = line * (outHeight - 1);
          columnStep = -line;
          rowStep = 3;
          break;
        default:
          left = outLeft;
          top = outTop;
          start = 0;
          columnStep = 3;
          rowStep = line;
          break;
      }
    }
  }

  /** One plane in a buffer. */
  private static final class Plane {
    final int pixelStride;
    private final ByteBuffer bytes;
    private final int rowStride;

    Plane(ByteBuffer bytes, int rowStride, int pixelStride, int columns, int rows) {
      // The last row may end with its last value: what would pad it need not be there.
      long last = (long) (rows - 1) * rowStride + (long) (columns - 1) * pixelStride;
      long least = (long) (columns - 1) * pixelStride + 1;
      if (columns < 1 || rows < 1 || pixelStride < 1 || rowStride < least || last >= bytes.limit()) {
        throw new IllegalArgumentException(
            "a plane of " + bytes.limit() + " bytes does not hold " + columns + "x" + rows
                + " values with strides " + rowStride + " and " + pixelStride);
      }
      this.bytes = bytes.duplicate();
      this.rowStride = rowStride;
      this.pixelStride = pixelStride;
    }

    int span(int count) {
      return (count - 1) * pixelStride + 1;
    }

    /** Fills {@code into} with a row's bytes from the value at {@code column} on. */
    void read(int row, int column, byte[] into) {
      bytes.clear();
      bytes.position(row * rowStride + column * pixelStride);
      bytes.get(into);
    }
  }
}
