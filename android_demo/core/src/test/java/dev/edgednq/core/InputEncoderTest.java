package dev.edgednq.core;

import static org.junit.Assert.assertEquals;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.Test;

public final class InputEncoderTest {
  @Test
  public void everyPixelValueOfEveryChannelEqualsThePythonPackage() throws Exception {
    RgbFrame ramp = new RgbFrame(16, 16);
    for (int index = 0; index < ramp.pixels.length; index++) {
      ramp.pixels[index] = (byte) (index / 3);
    }
    for (JsonElement element : Vectors.core().getAsJsonArray("encoders")) {
      JsonObject settings = element.getAsJsonObject();
      boolean real = settings.get("scale").isJsonNull();
      TensorSpec tensor =
          new TensorSpec(
              "x",
              new int[] {1, 16, 16, 3},
              real ? TensorSpec.Type.FLOAT32 : TensorSpec.Type.INT8,
              real ? null : settings.get("scale").getAsDouble(),
              real ? null : settings.get("zero_point").getAsInt());
      InputSpec input = new InputSpec(16, 16, plain(settings, "mean"), plain(settings, "std"));
      ByteBuffer encoded = ByteBuffer.allocateDirect(tensor.bytes()).order(ByteOrder.nativeOrder());
      new InputEncoder(input, tensor).encode(ramp, encoded);
      double[] expected = Vectors.doubles(settings.get("values"));
      for (int index = 0; index < expected.length; index++) {
        double actual = real ? encoded.getFloat(4 * index) : encoded.get(index);
        assertEquals(expected[index], actual, 0.0);
      }
    }
  }

  private static double[] plain(JsonObject settings, String name) {
    JsonArray array = settings.getAsJsonArray(name);
    double[] values = new double[array.size()];
    for (int index = 0; index < values.length; index++) {
      values[index] = array.get(index).getAsDouble();
    }
    return values;
  }
}
