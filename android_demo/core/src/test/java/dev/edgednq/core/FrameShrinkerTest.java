package dev.edgednq.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertSame;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Arrays;
import org.junit.Test;

public final class FrameShrinkerTest {
  @Test
  public void equalsThePythonPackageBitForBit() throws Exception {
    byte[] expected = Vectors.read(Vectors.file("shrunk.bin"));
    FrameShrinker shrinker = new FrameShrinker();
    int seed = 0;
    int from = 0;
    for (JsonElement element : Vectors.core().getAsJsonArray("shrunk")) {
      JsonObject picture = element.getAsJsonObject();
      int height = picture.get("height").getAsInt();
      int width = picture.get("width").getAsInt();
      int size = picture.get("size").getAsInt();
      RgbFrame frame = new RgbFrame(width, height, Vectors.noise(seed, 3 * width * height));
      byte[] pixels = shrinker.shrink(frame, size).pixels;
      int to = from + 3 * size * size;
      String what = width + "x" + height + " to " + size;
      assertArrayEquals(what, Arrays.copyOfRange(expected, from, to), pixels);
      from = to;
      seed++;
    }
    assertArrayEquals(new int[] {from}, new int[] {expected.length});
  }

  @Test
  public void leavesAFrameOfTheRightSizeAlone() {
    RgbFrame frame = new RgbFrame(5, 5);
    assertSame(frame, new FrameShrinker().shrink(frame, 5));
  }

  @Test(expected = IllegalArgumentException.class)
  public void refusesNoSize() {
    new FrameShrinker().shrink(new RgbFrame(5, 5), 0);
  }
}
