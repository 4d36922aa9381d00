package dev.edgednq.app;

import android.content.res.AssetManager;
import dev.edgednq.presentation.BundleFiles;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** The bundle that {@code :app:bundleAssets} put into the app's package. */
final class AssetFiles implements BundleFiles {
  private static final String FOLDER = "bundle";

  private final AssetManager assets;

  AssetFiles(AssetManager assets) {
    this.assets = assets;
  }

  @Override
  public List<String> names() throws IOException {
    List<String> found = new ArrayList<>();
    list("", found);
    return found;
  }

  /** Adds the files below a folder of the bundle, named from the bundle on. */
  private void list(String folder, List<String> found) throws IOException {
    for (String entry : assets.list(FOLDER + (folder.isEmpty() ? "" : "/" + folder))) {
      String name = folder.isEmpty() ? entry : folder + "/" + entry;
      if (assets.list(FOLDER + "/" + name).length > 0) {
        list(name, found);
      } else {
        found.add(name);
      }
    }
  }

  @Override
  public InputStream open(String name) throws IOException {
    return assets.open(FOLDER + "/" + name);
  }
}
