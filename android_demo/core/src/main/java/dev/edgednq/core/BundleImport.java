package dev.edgednq.core;

import java.io.EOFException;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;

/** Takes a bundle from a zip file: checked as a whole before it takes its place. */
public final class BundleImport {
  private static final int MAX_ENTRIES = 1024;
  private static final long MAX_TOTAL_BYTES = 2L << 30;

  private BundleImport() {}

  /**
   * Unpacks and checks a bundle; {@code target} appears, or is replaced, only when all is right.
   *
   * @param zip of the bundle's folder or of its content; not closed.
   * @param target the folder that the bundle is to become.
   * @throws EdgeDnqException not a zip file of a bundle, damaged, or the storage is full; what was
   *     in {@code target} is as before.
   */
  public static Bundle unzip(InputStream zip, File target) throws EdgeDnqException {
    File partial = new File(target.getPath() + ".partial");
    delete(partial);
    try {
      unpack(zip, partial);
      File folder = bundleFolder(partial);
      Bundle.load(folder);
      moveInto(folder, target);
      return Bundle.load(target);
    } catch (ZipException | EOFException error) {
      throw new BundleException("this is not a whole zip file: choose a zip of a bundle", error);
    } catch (IOException error) {
      throw new EdgeDnqException("cannot unpack the bundle: " + error.getMessage(), error);
    } finally {
      delete(partial);
    }
  }

  private static void unpack(InputStream zip, File folder) throws IOException, BundleException {
    ZipInputStream entries = new ZipInputStream(zip);
    long left = MAX_TOTAL_BYTES;
    int count = 0;
    for (ZipEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
      if (++count > MAX_ENTRIES) {
        throw new BundleException("this zip file has more than " + MAX_ENTRIES + " entries");
      }
      if (entry.isDirectory()) {
        continue;
      }
      if (!ManifestChecks.isPlainPath(entry.getName())) {
        throw new BundleException(
            "this zip file names '" + entry.getName() + "', which is no path inside a bundle");
      }
      File path = new File(folder, entry.getName());
      makeFolder(path.getParentFile());
      try (OutputStream file = new FileOutputStream(path)) {
        left -= Streams.copy(entries, file, Math.min(left, ManifestChecks.MAX_FILE_BYTES));
      }
    }
    if (count == 0) {
      throw new BundleException("this is not a zip file of a bundle: it has no entries");
    }
  }

  /** Returns the folder that holds the manifest: the root, or the one folder in it. */
  private static File bundleFolder(File root) throws BundleException {
    if (new File(root, Manifest.FILE).isFile()) {
      return root;
    }
    File[] inside = root.listFiles();
    if (inside != null && inside.length == 1 && new File(inside[0], Manifest.FILE).isFile()) {
      return inside[0];
    }
    throw new BundleException(
        "this zip file has no " + Manifest.FILE + ": choose a zip of a bundle");
  }

  private static void moveInto(File folder, File target) throws IOException {
    File old = new File(target.getPath() + ".old");
    delete(old);
    boolean replaces = target.exists();
    if (replaces && !target.renameTo(old)) {
      throw new IOException("the storage refuses to replace " + target);
    }
    if (!folder.renameTo(target)) {
      if (replaces && !old.renameTo(target)) {
        throw new IOException("the storage refuses to put " + target + " back: it is in " + old);
      }
      throw new IOException("the storage refuses to make " + target);
    }
    delete(old);
  }

  private static void makeFolder(File folder) throws IOException {
    if (!folder.isDirectory() && !folder.mkdirs()) {
      throw new IOException("the storage refuses to make " + folder);
    }
  }

  /** Deletes a file, or a folder with all in it, such as a bundle that is not wanted any more. */
  public static void delete(File path) {
    File[] inside = path.listFiles();
    if (inside != null) {
      for (File entry : inside) {
        delete(entry);
      }
    }
    path.delete();
  }
}
