package dev.edgednq.core;

import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.rules.TemporaryFolder;

/** A copy of the bundle among the vectors, to do harm to. */
final class TestBundle {
  static final List<String> FILES =
      Arrays.asList("manifest.json", "full.tflite", "low.tflite", "policy.tflite");

  final File folder;

  TestBundle(TemporaryFolder temporary) throws IOException {
    folder = temporary.newFolder();
    for (String name : FILES) {
      write(name, Vectors.read(new File(Vectors.file("bundle"), name)));
    }
  }

  byte[] read(String name) throws IOException {
    return Vectors.read(new File(folder, name));
  }

  void write(String name, byte[] content) throws IOException {
    try (OutputStream stream = new FileOutputStream(new File(folder, name))) {
      stream.write(content);
    }
  }

  /** Replaces the first occurrence of a text in the manifest. */
  void edit(String from, String to) throws IOException {
    String text = new String(read(Manifest.FILE), StandardCharsets.UTF_8);
    int at = text.indexOf(from);
    assertTrue("no " + from + " in the manifest", at >= 0);
    String edited = text.substring(0, at) + to + text.substring(at + from.length());
    write(Manifest.FILE, edited.getBytes(StandardCharsets.UTF_8));
  }

  /** Makes sure that the bundle is refused with one line that has a part. */
  void refused(String part) {
    try {
      Bundle.load(folder);
      fail("a bundle was taken that should say: " + part);
    } catch (BundleException error) {
      assertTrue(error.getMessage(), error.getMessage().contains(part));
      assertFalse(error.getMessage(), error.getMessage().contains("\n"));
    }
  }
}
