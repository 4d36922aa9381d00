package dev.edgednq.core;

import static org.junit.Assert.assertArrayEquals;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import org.junit.Test;

public final class ContextTest {
  @Test
  public void equalsThePythonPackageBitForBit() throws Exception {
    for (JsonElement element : Vectors.core().getAsJsonArray("contexts")) {
      JsonObject video = element.getAsJsonObject();
      int side = video.get("side").getAsInt();
      Context context = new Context();
      // What was before a reset leaves nothing behind.
      context.look(new byte[3 * side * side]);
      context.execute(new float[] {3, 1});
      context.reset();
      for (JsonElement entry : video.getAsJsonArray("steps")) {
        JsonObject step = entry.getAsJsonObject();
        byte[] pixels = Vectors.noise(step.get("picture").getAsInt(), 3 * side * side);
        assertArrayEquals(Vectors.floats(step.get("context")), context.look(pixels), 0f);
        if (!step.get("logits").isJsonNull()) {
          context.execute(Vectors.floats(step.get("logits")));
        }
      }
    }
  }
}
