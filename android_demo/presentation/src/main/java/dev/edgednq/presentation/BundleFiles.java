package dev.edgednq.presentation;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * A bundle's files where they cannot be had as a folder: in the app's package, or another app's.
 */
public interface BundleFiles {
  /**
   * Returns the paths of all files, with slashes, from the bundle on; empty where there is none.
   */
  List<String> names() throws IOException;

  /** Opens one of them. */
  InputStream open(String name) throws IOException;
}
