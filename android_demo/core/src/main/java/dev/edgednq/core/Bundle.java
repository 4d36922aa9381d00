package dev.edgednq.core;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A bundle on disk: a folder with manifest.json and the programs it names. Nothing in it is handed
 * to native code before its size and sha256 were compared with the manifest, and no path leads out
 * of the folder. Programs are not kept: a phone's Java memory may be smaller than all of them.
 */
public final class Bundle {
  /** The runtime whose programs are read, as manifests call it. */
  public static final String RUNTIME = "litert";

  private static final int MAX_MANIFEST_BYTES = 4 << 20;

  /** The folder it came from. */
  public final File folder;

  /** What it holds. */
  public final Manifest manifest;

  private Bundle(File folder, Manifest manifest) {
    this.folder = folder;
    this.manifest = manifest;
  }

  /**
   * Reads a bundle's manifest, and checks it and the programs for {@link #RUNTIME}.
   *
   * @throws BundleException missing, damaged, of an unknown version, inconsistent or unsafe.
   */
  public static Bundle load(File folder) throws BundleException {
    if (!folder.isDirectory()) {
      String problem = folder.exists() ? " is not a folder" : " does not exist";
      throw new BundleException(folder + problem + ": expected a bundle that edge-dnq exported");
    }
    File file = new File(folder, Manifest.FILE);
    if (!file.exists()) {
      throw new BundleException(
          folder + " has no " + Manifest.FILE + ": expected a bundle that edge-dnq exported");
    }
    byte[] content = readInside(folder, Manifest.FILE, MAX_MANIFEST_BYTES);
    Bundle bundle = new Bundle(folder, ManifestReader.read(content, file.getPath()));
    for (FileSpec spec : bundle.programFiles()) {
      bundle.read(spec);
    }
    return bundle;
  }

  /**
   * Reads one of the manifest's files and checks it; returns the very bytes that were checked.
   *
   * @throws BundleException the manifest does not list it, or it is not as the manifest says.
   */
  public byte[] read(FileSpec spec) throws BundleException {
    if (!manifest.files().contains(spec)) {
      throw new BundleException(folder + ": the manifest lists no file " + spec.file);
    }
    byte[] content = readInside(folder, spec.file, ManifestChecks.MAX_FILE_BYTES);
    File path = new File(folder, spec.file);
    if (content.length != spec.bytes) {
      throw new BundleException(
          path + " has " + content.length + " bytes, the manifest says " + spec.bytes
              + ": copy the bundle again");
    }
    if (!Sha256.hex(content).equals(spec.sha256)) {
      throw new BundleException(
          path + " does not have the sha256 of the manifest: it is damaged or was changed; copy"
              + " the bundle again");
    }
    return content;
  }

  /**
   * Returns the file that {@link #RUNTIME} runs.
   *
   * @throws BundleException there is none among {@code files}.
   */
  FileSpec programFile(Map<String, FileSpec> files, String owner) throws BundleException {
    FileSpec spec = files.get(RUNTIME);
    if (spec == null) {
      throw new BundleException(
          folder + ": " + owner + " has no file for " + RUNTIME + ", only for " + files.keySet()
              + ": export the bundle with --runtime litert or both");
    }
    return spec;
  }

  private List<FileSpec> programFiles() throws BundleException {
    List<FileSpec> found = new ArrayList<>();
    for (ProgramSpec program : manifest.programs) {
      found.add(programFile(program.files, program.name));
    }
    if (manifest.policy != null) {
      found.add(programFile(manifest.policy.files, "the policy"));
    }
    return found;
  }

  /** Reads a regular file of the folder, following no link out of it. */
  private static byte[] readInside(File folder, String name, long limit) throws BundleException {
    File path = new File(folder, name);
    try {
      File expected = new File(folder.getCanonicalFile(), name);
      if (!path.getCanonicalPath().equals(expected.getPath())) {
        throw new BundleException(path + " is a link: a bundle holds plain files only");
      }
      if (!path.isFile()) {
        String problem = path.exists() ? " is not a regular file" : " is missing";
        throw new BundleException(path + problem + ": copy the bundle again");
      }
      if (path.length() > limit) {
        throw new BundleException(
            path + " has " + path.length() + " bytes, more than " + limit);
      }
      try (InputStream stream = new FileInputStream(path)) {
        return Streams.readAll(stream, limit);
      }
    } catch (IOException error) {
      throw new BundleException("cannot read " + path + ": " + error.getMessage(), error);
    }
  }
}
