package dev.edgednq.core;

import static org.junit.Assert.assertEquals;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import org.junit.Test;

public final class ManifestDigestTest {
  @Test
  public void numbersAreWrittenAsThePythonPackageWritesThem() throws Exception {
    for (JsonElement element : Vectors.core().getAsJsonArray("numbers")) {
      JsonArray pair = element.getAsJsonArray();
      double value = Double.parseDouble(pair.get(0).getAsString());
      assertEquals(pair.get(1).getAsString(), ManifestDigest.number(value));
    }
  }
}
