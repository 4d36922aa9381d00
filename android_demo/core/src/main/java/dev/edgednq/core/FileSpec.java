package dev.edgednq.core;

/** One file of a bundle: a relative path with slashes, its size and its sha256. */
public final class FileSpec {
  /** Path inside the bundle. */
  public final String file;

  /** Size, at least 1. */
  public final long bytes;

  /** 64 lower-case hexadecimal digits. */
  public final String sha256;

  FileSpec(String file, long bytes, String sha256) {
    this.file = file;
    this.bytes = bytes;
    this.sha256 = sha256;
  }
}
