package dev.edgednq.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.fail;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.Test;

public final class Yuv420Test {
  private static final int[] ROTATIONS = {0, 90, 180, 270};

  /** A picture in some layout, from a rule. */
  private static final class Layout {
    final int width;
    final int height;
    final Yuv420 picture;

    Layout(int width, int height, int rowGap, int pixelStride, boolean interleaved) {
      this.width = width;
      this.height = height;
      int across = (width + 1) / 2;
      int down = (height + 1) / 2;
      int yStride = width + rowGap;
      ByteBuffer y = ByteBuffer.allocateDirect((height - 1) * yStride + width);
      for (int row = 0; row < height; row++) {
        for (int column = 0; column < width; column++) {
          y.put(row * yStride + column, gray(column, row));
        }
      }
      int chromaStride = across * pixelStride + rowGap;
      int length = (down - 1) * chromaStride + (across - 1) * pixelStride + 1;
      ByteBuffer first = ByteBuffer.allocateDirect(length + 1);
      ByteBuffer u = first;
      ByteBuffer v = ByteBuffer.allocateDirect(length);
      if (interleaved) {
        // As NV12: both differences in one buffer, V one byte later.
        first.position(1);
        v = first.slice();
        first.position(0);
      }
      for (int row = 0; row < down; row++) {
        for (int column = 0; column < across; column++) {
          u.put(row * chromaStride + column * pixelStride, blue(column, row));
          v.put(row * chromaStride + column * pixelStride, red(column, row));
        }
      }
      picture = new Yuv420(width, height, y, yStride, u, v, chromaStride, pixelStride);
    }

    static byte gray(int column, int row) {
      return (byte) (17 * column + 71 * row);
    }

    static byte blue(int column, int row) {
      return (byte) (29 * column + 101 * row + 5);
    }

    static byte red(int column, int row) {
      return (byte) (53 * column - 37 * row);
    }

    /** Converts pixel by pixel what is at a place of the turned picture. */
    byte[] expected(YuvColor color, int degrees, int x, int y) {
      int column = x;
      int row = y;
      if (degrees == 90) {
        column = y;
        row = height - 1 - x;
      } else if (degrees == 180) {
        column = width - 1 - x;
        row = height - 1 - y;
      } else if (degrees == 270) {
        column = width - 1 - y;
        row = x;
      }
      byte[] pixel = new byte[3];
      int u = blue(column / 2, row / 2) & 255;
      int v = red(column / 2, row / 2) & 255;
      color.write(gray(column, row) & 255, u, v, pixel, 0);
      return pixel;
    }
  }

  @Test
  public void everyColorEqualsThePythonSide() throws Exception {
    byte[] expected = Vectors.read(Vectors.file("rgb.bin"));
    JsonObject settings = Vectors.core().getAsJsonObject("yuv");
    int step = settings.get("step").getAsInt();
    int count = 255 / step + 1;
    int rows = 2 * count * count;
    byte[] y = new byte[rows * 128];
    byte[] u = new byte[rows / 2 * 64];
    byte[] v = new byte[rows / 2 * 64];
    for (int index = 0; index < y.length; index++) {
      y[index] = (byte) index;
    }
    for (int pair = 0; pair < count * count; pair++) {
      Arrays.fill(u, 64 * pair, 64 * pair + 64, (byte) (pair / count * step));
      Arrays.fill(v, 64 * pair, 64 * pair + 64, (byte) (pair % count * step));
    }
    ByteBuffer[] planes = {ByteBuffer.wrap(y), ByteBuffer.wrap(u), ByteBuffer.wrap(v)};
    Yuv420 picture = new Yuv420(128, rows, planes[0], 128, planes[1], planes[2], 64, 1);
    int from = 0;
    for (JsonElement name : settings.getAsJsonArray("colors")) {
      YuvColor color = YuvColor.valueOf(name.getAsString());
      byte[] pixels = picture.toRgb(color, 0, false, null).pixels;
      byte[] wanted = Arrays.copyOfRange(expected, from, from + pixels.length);
      assertArrayEquals(color.name(), wanted, pixels);
      from += pixels.length;
    }
    assertEquals(expected.length, from);
  }

  @Test
  public void everyLayoutAndRotationGivesTheSamePixels() {
    for (int[] size : new int[][] {{8, 6}, {7, 5}, {5, 9}, {1, 1}, {2, 7}}) {
      for (Layout layout :
          Arrays.asList(
              new Layout(size[0], size[1], 0, 1, false),
              new Layout(size[0], size[1], 3, 2, true),
              new Layout(size[0], size[1], 5, 3, false))) {
        for (int degrees : ROTATIONS) {
          checkWhole(layout, degrees);
          checkSquare(layout, degrees);
        }
      }
    }
  }

  private static void checkWhole(Layout layout, int degrees) {
    RgbFrame frame = layout.picture.toRgb(YuvColor.BT601_FULL, degrees, false, null);
    assertEquals(degrees % 180 == 0 ? layout.width : layout.height, frame.width);
    checkPixels(layout, degrees, frame, 0, 0);
  }

  /** The square is what a network frame of the whole picture is made from. */
  private static void checkSquare(Layout layout, int degrees) {
    RgbFrame square = layout.picture.toRgb(YuvColor.BT601_FULL, degrees, true, null);
    int side = Math.min(layout.width, layout.height);
    assertEquals(side, square.width);
    assertEquals(side, square.height);
    int outWidth = degrees % 180 == 0 ? layout.width : layout.height;
    int outHeight = degrees % 180 == 0 ? layout.height : layout.width;
    checkPixels(layout, degrees, square, (outWidth - side) / 2, (outHeight - side) / 2);
  }

  private static void checkPixels(Layout layout, int degrees, RgbFrame frame, int left, int top) {
    for (int y = 0; y < frame.height; y++) {
      for (int x = 0; x < frame.width; x++) {
        int at = 3 * (y * frame.width + x);
        byte[] pixel = Arrays.copyOfRange(frame.pixels, at, at + 3);
        byte[] expected = layout.expected(YuvColor.BT601_FULL, degrees, left + x, top + y);
        assertArrayEquals(degrees + " at " + x + "," + y, expected, pixel);
      }
    }
  }

  @Test
  public void aCropIsThePartOfTheWhole() {
    Layout layout = new Layout(12, 10, 2, 2, true);
    RgbFrame whole = layout.picture.toRgb(YuvColor.BT709_LIMITED, 0, false, null);
    RgbFrame part = layout.picture.cropped(3, 1, 7, 6).toRgb(YuvColor.BT709_LIMITED, 0, false, null);
    for (int y = 0; y < 6; y++) {
      int from = 3 * ((y + 1) * 12 + 3);
      assertArrayEquals(
          Arrays.copyOfRange(whole.pixels, from, from + 21),
          Arrays.copyOfRange(part.pixels, 21 * y, 21 * y + 21));
    }
  }

  @Test
  public void theResultIsReusedWhereItFits() {
    Layout layout = new Layout(6, 4, 0, 1, false);
    RgbFrame first = layout.picture.toRgb(YuvColor.BT601_FULL, 0, false, null);
    assertSame(first, layout.picture.toRgb(YuvColor.BT601_FULL, 180, false, first));
    assertEquals(4, layout.picture.toRgb(YuvColor.BT601_FULL, 90, false, first).width);
  }

  @Test
  public void refusesWhatCannotBeRead() {
    ByteBuffer y = ByteBuffer.allocate(16);
    ByteBuffer chroma = ByteBuffer.allocate(4);
    new Yuv420(4, 4, y, 4, chroma, chroma, 2, 1);
    for (int[] wrong : new int[][] {{5, 4, 4, 2, 1}, {4, 5, 4, 2, 1}, {4, 4, 3, 2, 1}, {4, 4, 4, 2, 2}}) {
      try {
        new Yuv420(wrong[0], wrong[1], y, wrong[2], chroma, chroma, wrong[3], wrong[4]);
        fail("a plane is too short for " + Arrays.toString(wrong));
      } catch (IllegalArgumentException expected) {
        // As it should be.
      }
    }
    Layout layout = new Layout(6, 4, 0, 1, false);
    try {
      layout.picture.cropped(3, 0, 4, 4);
      fail("the crop reaches out");
    } catch (IllegalArgumentException expected) {
      // As it should be.
    }
    try {
      layout.picture.toRgb(YuvColor.BT601_FULL, 45, false, null);
      fail("45 degrees");
    } catch (IllegalArgumentException expected) {
      // As it should be.
    }
  }

  @Test
  public void bitmapsLoseTheirOpacityOnly() {
    RgbFrame frame = Argb.toRgb(new int[] {0x80010203, 0xff00fffe}, 2, 1, null);
    assertArrayEquals(new byte[] {1, 2, 3, 0, -1, -2}, frame.pixels);
  }
}
