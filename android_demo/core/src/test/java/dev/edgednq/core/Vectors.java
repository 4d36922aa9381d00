package dev.edgednq.core;

import static org.junit.Assume.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Vectors that the Python package wrote; tests are skipped where there are none. */
final class Vectors {
  private static final String FOLDER = "edgednq.vectors";
  private static JsonObject core;

  private Vectors() {}

  /** Returns a file of the folder that the property {@link #FOLDER} names. */
  static File file(String name) {
    String folder = System.getProperty(FOLDER);
    assumeTrue("no vectors: 'make test-android' writes them and runs this test", folder != null);
    return new File(folder, name);
  }

  static byte[] read(File file) throws IOException {
    try (InputStream stream = new FileInputStream(file)) {
      return Streams.readAll(stream, Integer.MAX_VALUE);
    }
  }

  static synchronized JsonObject core() throws IOException {
    File file = file("core.json");
    if (core == null) {
      String text = new String(read(file), StandardCharsets.UTF_8);
      core = JsonParser.parseString(text).getAsJsonObject();
    }
    return core;
  }

  /** Returns numbers that are written as hexadecimal texts. */
  static double[] doubles(JsonElement element) {
    JsonArray array = element.getAsJsonArray();
    double[] values = new double[array.size()];
    for (int index = 0; index < values.length; index++) {
      values[index] = Double.parseDouble(array.get(index).getAsString());
    }
    return values;
  }

  static float[] floats(JsonElement element) {
    double[] exact = doubles(element);
    float[] values = new float[exact.length];
    for (int index = 0; index < values.length; index++) {
      values[index] = (float) exact[index];
    }
    return values;
  }

  /** Returns the bytes of Python's {@code noise}. */
  static byte[] noise(int seed, int count) {
    byte[] bytes = new byte[count];
    for (int index = 0; index < count; index++) {
      bytes[index] = (byte) ((index * 0x9E3779B1 + seed * 0x85EBCA6B) >>> 24);
    }
    return bytes;
  }
}
