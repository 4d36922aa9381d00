package dev.edgednq.nativelib;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.edgednq.core.RgbFrame;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileReader;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the Python package wrote for these tests, below the folder that the property edgednq.cases
 * names: for every case a bundle, frames, and vectors of its runtime.
 */
final class Cases {
  private Cases() {}

  static {
    LiteRtRuntime.setLibraries(path("edgednq.jni"), path("edgednq.litert"));
  }

  /** Returns the folders, the first of which is a small bundle. */
  static List<File> all() {
    File[] found = path("edgednq.cases").listFiles();
    Arrays.sort(found);
    return Arrays.asList(found);
  }

  static File bundle(File folder) {
    return new File(folder, "bundle");
  }

  static JsonObject vectors(File folder) throws IOException {
    try (Reader reader = new FileReader(new File(folder, "vectors.json"))) {
      return JsonParser.parseReader(reader).getAsJsonObject();
    }
  }

  static List<RgbFrame> frames(File folder, JsonArray shape) throws IOException {
    int height = shape.get(1).getAsInt();
    int width = shape.get(2).getAsInt();
    List<RgbFrame> frames = new ArrayList<>();
    File file = new File(folder, "frames.bin");
    try (DataInputStream stream =
        new DataInputStream(new BufferedInputStream(new FileInputStream(file)))) {
      for (int index = 0; index < shape.get(0).getAsInt(); index++) {
        RgbFrame frame = new RgbFrame(width, height);
        stream.readFully(frame.pixels);
        frames.add(frame);
      }
    }
    return frames;
  }

  /** Returns numbers that are written as hexadecimal texts; null for null. */
  static double[] doubles(JsonElement element) {
    if (element.isJsonNull()) {
      return null;
    }
    JsonArray array = element.getAsJsonArray();
    double[] values = new double[array.size()];
    for (int index = 0; index < values.length; index++) {
      values[index] = Double.parseDouble(array.get(index).getAsString());
    }
    return values;
  }

  private static File path(String property) {
    String value = System.getProperty(property);
    if (value == null) {
      throw new IllegalStateException("'make test-android' runs these tests and sets " + property);
    }
    return new File(value);
  }
}
