package dev.edgednq.presentation;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;
import static org.junit.Assume.assumeNotNull;

import dev.edgednq.core.Bundle;
import dev.edgednq.core.BundleException;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.Manifest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Bundles come and go as a whole; {@code -Dedgednq.bundle} names a real one. */
public class BundleStoreTest {
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  /** A bundle's files in memory, as an app's package or another app gives them. */
  private static final class Files extends TreeMap<String, byte[]> implements BundleFiles {
    private static final long serialVersionUID = 1;

    static Files of(File bundle) throws IOException {
      Files files = new Files();
      for (File file : bundle.listFiles()) {
        byte[] content = new byte[(int) file.length()];
        try (InputStream stream = new FileInputStream(file)) {
          assertEquals(content.length, stream.read(content));
        }
        files.put(file.getName(), content);
      }
      return files;
    }

    @Override
    public List<String> names() {
      return Arrays.asList(keySet().toArray(new String[0]));
    }

    @Override
    public InputStream open(String name) throws IOException {
      return new ByteArrayInputStream(get(name));
    }

    InputStream zip() throws IOException {
      ByteArrayOutputStream zip = new ByteArrayOutputStream();
      try (ZipOutputStream entries = new ZipOutputStream(zip)) {
        for (Map.Entry<String, byte[]> file : entrySet()) {
          entries.putNextEntry(new ZipEntry("bundle/" + file.getKey()));
          entries.write(file.getValue());
        }
      }
      return new ByteArrayInputStream(zip.toByteArray());
    }

    String program() {
      for (String name : keySet()) {
        if (name.endsWith(".tflite")) {
          return name;
        }
      }
      throw new AssertionError("no program");
    }
  }

  private final Files assets = new Files();
  private Files files;
  private BundleStore store;

  @Before
  public void takeTheBundle() throws IOException {
    String bundle = System.getProperty("edgednq.bundle");
    assumeNotNull(bundle);
    files = Files.of(new File(bundle));
    store = new BundleStore(folder.getRoot(), assets);
  }

  private void assertLeftovers(String... names) {
    String[] found = folder.getRoot().list();
    Arrays.sort(found);
    assertEquals(Arrays.asList(names), Arrays.asList(found));
  }

  private Problem problemOfOpening() throws EdgeDnqException {
    try {
      store.open();
    } catch (ProblemException expected) {
      return expected.problem;
    }
    throw new AssertionError("opened");
  }

  @Test
  public void withoutABundleThatIsTold() throws EdgeDnqException {
    assertEquals(Problem.BUNDLE_MISSING, problemOfOpening());
  }

  @Test
  public void theAppsBundleIsStoredOnceAndReplacedByAnUpdate()
      throws EdgeDnqException, IOException {
    assets.putAll(files);
    Bundle first = store.open();
    File program = new File(first.folder, files.program());
    assertTrue(program.setLastModified(1_000_000_000_000L));
    long stored = program.lastModified();
    store.open();
    assertEquals("stored again", stored, program.lastModified());
    // The same bundle in other words is another one.
    byte[] manifest = assets.get(Manifest.FILE);
    byte[] longer = Arrays.copyOf(manifest, manifest.length + 1);
    longer[manifest.length] = '\n';
    assets.put(Manifest.FILE, longer);
    store.open();
    assertTrue(program.lastModified() != stored);
    assertLeftovers("shipped");
  }

  @Test
  public void aChosenBundleGoesFirstUntilItIsForgotten() throws EdgeDnqException, IOException {
    assets.putAll(files);
    store.chooseZip(files.zip());
    assertTrue(store.isChosen());
    assertEquals("chosen", store.open().folder.getName());
    store.forgetChosen();
    assertFalse(store.isChosen());
    assertEquals("shipped", store.open().folder.getName());
  }

  @Test
  public void ofAFolderTheBundleIsTakenAndNothingBesides() throws EdgeDnqException {
    Files more = new Files();
    more.putAll(files);
    more.put("holiday.mp4", new byte[1000]);
    Bundle bundle = store.chooseFolder(more);
    assertEquals(files.keySet(), new TreeSet<>(Arrays.asList(bundle.folder.list())));
    assertEquals("chosen", bundle.folder.getName());
    assertLeftovers("chosen");
  }

  @Test
  public void aDamagedBundleLeavesTheOneBefore() throws EdgeDnqException, IOException {
    store.chooseFolder(files);
    Files damaged = new Files();
    damaged.putAll(files);
    byte[] program = damaged.get(files.program()).clone();
    program[program.length / 2] ^= 1;
    damaged.put(files.program(), program);
    try {
      store.chooseZip(damaged.zip());
      fail("took a damaged bundle");
    } catch (BundleException expected) {
      assertTrue(expected.getMessage(), expected.getMessage().contains("sha256"));
    }
    damaged.remove(Manifest.FILE);
    try {
      store.chooseFolder(damaged);
      fail("took a folder that is no bundle");
    } catch (ProblemException expected) {
      assertEquals(Problem.BUNDLE_DAMAGED, expected.problem);
    }
    assertEquals("chosen", store.open().folder.getName());
    assertLeftovers("chosen");
  }

  @Test
  public void aBundleDamagedOnTheDeviceIsTold() throws EdgeDnqException, IOException {
    Bundle bundle = store.chooseFolder(files);
    try (FileOutputStream file =
             new FileOutputStream(new File(bundle.folder, files.program()), true)) {
      file.write(0);
    }
    try {
      store.open();
      fail("opened");
    } catch (BundleException expected) {
      assertEquals(Problem.BUNDLE_DAMAGED, Notice.of(expected, Problem.UNEXPECTED).problem);
    }
  }
}
