package dev.edgednq.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.util.Arrays;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public final class BundleImportTest {
  @Rule public final TemporaryFolder temporary = new TemporaryFolder();
  private TestBundle original;
  private File target;

  @Before
  public void prepare() throws Exception {
    original = new TestBundle(temporary);
    target = new File(temporary.newFolder("bundles"), "mine");
  }

  private byte[] zip(String prefix, String... more) throws IOException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(content)) {
      for (String name : TestBundle.FILES) {
        zip.putNextEntry(new ZipEntry(prefix + name));
        zip.write(original.read(name));
      }
      for (String name : more) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(1);
      }
    }
    return content.toByteArray();
  }

  private Bundle unzip(byte[] content) throws EdgeDnqException {
    return BundleImport.unzip(new ByteArrayInputStream(content), target);
  }

  private void refused(byte[] content, String part) {
    try {
      unzip(content);
      fail("a zip file was taken that should say: " + part);
    } catch (EdgeDnqException error) {
      assertTrue(error.getMessage(), error.getMessage().contains(part));
    }
    String[] left = target.getParentFile().list();
    assertEquals(target.exists() ? Arrays.asList("mine") : Arrays.asList(), Arrays.asList(left));
  }

  @Test
  public void aBundleComesAsAFolderOrAsItsContent() throws Exception {
    assertEquals(target, unzip(zip("")).folder);
    Bundle again = unzip(zip("my bundle/"));
    assertEquals(5, again.manifest.labels.size());
    assertEquals(Arrays.asList("mine"), Arrays.asList(target.getParentFile().list()));
  }

  @Test
  public void whatIsDamagedLeavesTheOldBundleAlone() throws Exception {
    unzip(zip(""));
    byte[] manifest = original.read(Manifest.FILE);
    byte[] whole = zip("");
    refused(Arrays.copyOf(whole, whole.length / 2), "not a whole zip file");
    refused(new byte[100], "has no entries");
    refused(zip("x/y/"), "has no manifest.json");
    original.write("low.tflite", new byte[] {1, 2, 3});
    refused(zip(""), "low.tflite has 3 bytes");
    assertArrayEquals(manifest, Vectors.read(new File(target, Manifest.FILE)));
  }

  @Test
  public void noEntryLeadsOut() throws Exception {
    for (String name : new String[] {"../evil", "/evil", "a/../../evil", "..\\evil"}) {
      refused(zip("", name), "which is no path inside a bundle");
      assertFalse(new File(temporary.getRoot(), "evil").exists());
    }
  }
}
