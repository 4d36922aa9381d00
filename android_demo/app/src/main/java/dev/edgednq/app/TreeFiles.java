package dev.edgednq.app;

import android.content.ContentResolver;
import android.database.Cursor;
import android.net.Uri;
import android.provider.DocumentsContract;
import android.provider.DocumentsContract.Document;
import dev.edgednq.presentation.BundleFiles;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The files of a folder that the person picked, which any app may provide. */
final class TreeFiles implements BundleFiles {
  private static final int MOST_FILES = 1024;
  private static final int DEEPEST = 8;
  private static final String[] COLUMNS = {
      Document.COLUMN_DOCUMENT_ID, Document.COLUMN_DISPLAY_NAME, Document.COLUMN_MIME_TYPE};

  private final ContentResolver resolver;
  private final Uri tree;
  private final Map<String, Uri> files = new LinkedHashMap<>();

  TreeFiles(ContentResolver resolver, Uri tree) {
    this.resolver = resolver;
    this.tree = tree;
  }

  @Override
  public List<String> names() throws IOException {
    files.clear();
    try {
      list(DocumentsContract.getTreeDocumentId(tree), "", 0);
    } catch (SecurityException | IllegalArgumentException refused) {
      throw new IOException("the folder cannot be read: " + refused.getMessage(), refused);
    }
    return new ArrayList<>(files.keySet());
  }

  private void list(String folder, String prefix, int depth) throws IOException {
    Uri children = DocumentsContract.buildChildDocumentsUriUsingTree(tree, folder);
    try (Cursor cursor = resolver.query(children, COLUMNS, null, null, null)) {
      if (cursor == null) {
        throw new IOException("the folder cannot be read");
      }
      while (cursor.moveToNext()) {
        String id = cursor.getString(0);
        String name = prefix + cursor.getString(1);
        if (!Document.MIME_TYPE_DIR.equals(cursor.getString(2))) {
          files.put(name, DocumentsContract.buildDocumentUriUsingTree(tree, id));
        } else if (depth < DEEPEST) {
          list(id, name + "/", depth + 1);
        }
        if (files.size() > MOST_FILES) {
          throw new IOException("the folder has more than " + MOST_FILES + " files");
        }
      }
    }
  }

  @Override
  public InputStream open(String name) throws IOException {
    Uri document = files.get(name);
    InputStream stream = document == null ? null : resolver.openInputStream(document);
    if (stream == null) {
      throw new FileNotFoundException(name);
    }
    return stream;
  }
}
