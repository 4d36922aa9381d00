package dev.edgednq.presentation;

import dev.edgednq.core.Bundle;
import dev.edgednq.core.BundleImport;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.Manifest;
import java.io.BufferedInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * The bundles on this device: one that the person chose goes before the one that came with the app.
 * Every change is whole or not at all.
 */
public final class BundleStore {
  private final File chosen;
  private final File shipped;
  private final BundleImport.Files assets;

  /**
   * @param folder of this app alone
   * @param assets the files of the bundle in the app's package; none where it has none
   */
  public BundleStore(File folder, BundleImport.Files assets) {
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
  public Bundle chooseFolder(BundleImport.Files files) throws EdgeDnqException {
    synchronized (BundleStore.class) {
      return BundleImport.copy(files, chosen);
    }
  }

  /** Goes back to the bundle that came with the app. */
  public void forgetChosen() {
    synchronized (BundleStore.class) {
      BundleImport.delete(chosen);
    }
  }

  private Bundle openShipped() throws EdgeDnqException {
    boolean current;
    try {
      if (!assets.names().contains(Manifest.FILE)) {
        throw new ProblemException(Problem.BUNDLE_MISSING, "");
      }
      current = isShippedCurrent();
    } catch (IOException problem) {
      throw new ProblemException(Problem.STORAGE_FAILED, problem);
    }
    return current ? Bundle.load(shipped) : BundleImport.copy(assets, shipped);
  }

  /** An update of the app may bring another bundle: the manifests tell, as they hold all digests. */
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
