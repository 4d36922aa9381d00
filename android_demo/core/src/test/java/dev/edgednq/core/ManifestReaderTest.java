package dev.edgednq.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public final class ManifestReaderTest {
  /** What is replaced in a good manifest, by what, and what is then said. */
  private static final String[][] MISTAKES = {
    {"\"schema_version\": 1", "\"schema_version\": 2", "schema version 2, this app reads 1"},
    {"\"schema_version\": 1", "\"schema_version\": \"1\"", "must be a whole number"},
    {"\"clip_frames\": 8", "\"clip_frames\": 8.5", "clip_frames must be a whole number"},
    {"\"clip_frames\": 8", "\"clip_frames\": 0", "clip_frames must be at least 1"},
    {"\"clip_frames\": 8", "\"clip_frames\": 99999999999", "clip_frames must be at most"},
    {"\"clip_frames\": 8", "\"clip_frames\": 5000", "at most 4096"},
    {"\"clip_frames\": 8,", "\"clip_frames\": 8, \"more\": 1,", "unknown field more"},
    {"\"clip_frames\": 8,", "", "has no clip_frames"},
    {"\"height\": 40", "\"height\": 41", "input must be square"},
    {"\"rgb\"", "\"bgr\"", "color must be rgb"},
    {"58.395", "0.0", "std positive"},
    {"58.395", "1e999", "must be finite"},
    {"58.395", "\"58\"", "must be a number"},
    {"\"weight_bits\": 32", "\"weight_bits\": 16", "must be one of"},
    {"\"weight_bits\": 32", "\"weight_bits\": 8", "32-bit in one half only"},
    {"\"scale\": 0.0173", "\"scale\": -1", "has no usable scale"},
    {"\"scale\": 0.0173", "\"scale\": null", "must be int8 with a scale"},
    {"\"zero_point\": -9", "\"zero_point\": 300", "has no usable scale"},
    {"\"bow\",", "", "expected [1, 4]"},
    {"full.tflite", "../full.tflite", "is not a plain path"},
    {"full.tflite", "/full.tflite", "is not a plain path"},
    {"full.tflite", "a//full.tflite", "is not a plain path"},
    {"full.tflite", "a\\\\full.tflite", "is not a plain path"},
    {"full.tflite", "low.tflite", "two entries of the manifest name low.tflite"},
    {"\"litert\"", "\"executorch\"", "has no file for litert, only for [executorch]"},
    {"\"skip3\"", "\"skip\"", "different names"},
    {"\"skip3\"", "\"skip 3\"", "cannot be a name"},
    {"\"program\": \"full\"", "\"program\": \"w9\"", "unknown program w9"},
    {"\"skip\": 3", "\"skip\": 0", "neither runs a program nor skips"},
    {"\"sha256\": \"", "\"sha256\": \"X", "64 hexadecimal digits"},
    {"\"bytes\": ", "\"bytes\": 9", "bytes, the manifest says 9"},
    {"{", "// a remark\n{", "is not JSON"},
    {"{", "{,", "is not JSON"},
  };

  @Rule public final TemporaryFolder temporary = new TemporaryFolder();

  @Test
  public void everyMistakeIsToldInOneLine() throws Exception {
    for (String[] mistake : MISTAKES) {
      TestBundle copy = new TestBundle(temporary);
      copy.edit(mistake[0], mistake[1]);
      copy.refused(mistake[2]);
    }
  }

  @Test
  public void aBundleMayHaveNoPolicy() throws Exception {
    TestBundle copy = new TestBundle(temporary);
    String text = new String(copy.read(Manifest.FILE), "UTF-8");
    int from = text.indexOf("\"policy\": {");
    int to = text.indexOf("\"actions\": [");
    assertTrue(from > 0 && from < to);
    copy.edit(text.substring(from, to), "\"policy\": null, ");
    Bundle bundle = Bundle.load(copy.folder);
    assertEquals(null, bundle.manifest.policy);
    assertEquals(3, bundle.manifest.files().size());
  }

  @Test
  public void onlyPlainPathsStayInside() {
    for (String good : new String[] {"a", "a.b", "a/b.tflite", "..a", "a b"}) {
      assertTrue(good, ManifestChecks.isPlainPath(good));
    }
    for (String bad : new String[] {"", "/", "/a", "a/", ".", "..", "a/../b", "a/./b", "C:a", "\n"}) {
      assertFalse(bad, ManifestChecks.isPlainPath(bad));
    }
  }
}
