package dev.edgednq.presentation;

import dev.edgednq.core.Bundle;
import dev.edgednq.core.BundleImport;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.Manifest;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The bundles on this device: one that the person chose goes before the one that came with the app.
 * Every change is whole or not at all.
 */
public final class BundleStore {
  private static final int BLOCK = 1 << 16;

  private final File chosen;
  private final File shipped;
  private final BundleFiles assets;

  /**
   * @param folder of this app alone
   * @param assets the files of the bundle in the app's package; none where it has none
   */
  public BundleStore(File folder, BundleFiles assets) {
    chosen = new File(folder, "chosen");
    shipped = new File(folder, "shipped");
    this.assets = assets;
  }

  /**
   * Reads and checks the bundle to use.
   *
   * @throws ProblemException there is none, or it cannot be stored
   * @throws EdgeDnqException it is damaged
   */
  public Bundle open() throws EdgeDnqException {
    synchronized (BundleStore.class) {
      return chosen.exists() ? Bundle.load(chosen) : openShipped();
    }
  }

  /** Tells whether the person chose a bundle. */
  public boolean isChosen() {
    return chosen.exists();
  }

  /** Takes a bundle from a zip file; the stream is not closed. */
  public Bundle chooseZip(InputStream zip) throws EdgeDnqException {
    synchronized (BundleStore.class) {
      return BundleImport.unzip(zip, chosen);
    }
  }

  /** Takes a bundle from a folder. */
  public Bundle chooseFolder(BundleFiles files) throws EdgeDnqException {
    synchronized (BundleStore.class) {
      return copy(files, chosen);
    }
  }

  /** Goes back to the bundle that came with the app. */
  public void forgetChosen() {
    synchronized (BundleStore.class) {
      BundleImport.delete(chosen);
    }
  }

  /** Goes through a zip file, so that every bundle is checked and put in place by the same code. */
  private Bundle copy(BundleFiles files, File target) throws EdgeDnqException {
    File zip = new File(target.getPath() + ".zip");
    try {
      pack(files, zip);
      try (InputStream stream = new FileInputStream(zip)) {
        return BundleImport.unzip(stream, target);
      }
    } catch (IOException problem) {
      throw new ProblemException(Problem.STORAGE_FAILED, problem);
    } finally {
      BundleImport.delete(zip);
    }
  }

  private static void pack(BundleFiles files, File zip) throws IOException, ProblemException {
    try (ZipOutputStream packed = new ZipOutputStream(new FileOutputStream(zip))) {
      packed.setLevel(Deflater.NO_COMPRESSION);
      for (String name : listed(files)) {
        packed.putNextEntry(new ZipEntry(name));
        copy(files, name, packed);
      }
    }
  }

  /** Returns the files that the manifest names: a folder may hold anything besides. */
  private static List<String> listed(BundleFiles files) throws IOException, ProblemException {
    List<String> names = names(files);
    if (!names.contains(Manifest.FILE)) {
      throw new ProblemException(Problem.BUNDLE_DAMAGED, "there is no " + Manifest.FILE);
    }
    ByteArrayOutputStream manifest = new ByteArrayOutputStream();
    copy(files, Manifest.FILE, manifest);
    String text = manifest.toString("UTF-8");
    List<String> wanted = new ArrayList<>();
    for (String name : names) {
      if (name.equals(Manifest.FILE) || text.contains('"' + name + '"')) {
        wanted.add(name);
      }
    }
    return wanted;
  }

  private static List<String> names(BundleFiles files) throws ProblemException {
    try {
      return files.names();
    } catch (IOException problem) {
      throw new ProblemException(Problem.FILE_UNREADABLE, problem);
    }
  }

  private static void copy(BundleFiles files, String name, OutputStream to) throws IOException {
    byte[] block = new byte[BLOCK];
    try (InputStream file = files.open(name)) {
      for (int count = file.read(block); count >= 0; count = file.read(block)) {
        to.write(block, 0, count);
      }
    }
  }

  private Bundle openShipped() throws EdgeDnqException {
    if (!names(assets).contains(Manifest.FILE)) {
      throw new ProblemException(Problem.BUNDLE_MISSING, "");
    }
    boolean current;
    try {
      current = isShippedCurrent();
    } catch (IOException problem) {
      throw new ProblemException(Problem.STORAGE_FAILED, problem);
    }
    return current ? Bundle.load(shipped) : copy(assets, shipped);
  }

  /**
   * An update of the app may bring another bundle: the manifests tell, as they hold all digests.
   */
  private boolean isShippedCurrent() throws IOException {
    File kept = new File(shipped, Manifest.FILE);
    if (!kept.isFile()) {
      return false;
    }
    try (InputStream mine = new BufferedInputStream(new FileInputStream(kept));
         InputStream brought = new BufferedInputStream(assets.open(Manifest.FILE))) {
      int next = mine.read();
      while (next >= 0 && next == brought.read()) {
        next = mine.read();
      }
      return next < 0 && brought.read() < 0;
    }
  }
}
