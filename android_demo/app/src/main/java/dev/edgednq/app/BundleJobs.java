package dev.edgednq.app;

import android.content.ContentResolver;
import android.net.Uri;
import dev.edgednq.core.Bundle;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.presentation.BackgroundRun;
import dev.edgednq.presentation.BundleStore;
import dev.edgednq.presentation.Problem;
import dev.edgednq.presentation.ProblemException;
import java.io.IOException;
import java.io.InputStream;

/** What the start screen does with bundles, on a thread that may wait. */
final class BundleJobs {
  private BundleJobs() {}

  static BackgroundRun.Job<Bundle> check(final BundleStore store) {
    return new BackgroundRun.Job<Bundle>() {
      @Override
      public Bundle run(BackgroundRun.Progress progress) throws EdgeDnqException {
        return store.open();
      }
    };
  }

  static BackgroundRun.Job<Bundle> forget(final BundleStore store) {
    return new BackgroundRun.Job<Bundle>() {
      @Override
      public Bundle run(BackgroundRun.Progress progress) throws EdgeDnqException {
        store.forgetChosen();
        return store.open();
      }
    };
  }

  static BackgroundRun.Job<Bundle> zip(
      final BundleStore store, final ContentResolver resolver, final Uri file) {
    return new BackgroundRun.Job<Bundle>() {
      @Override
      public Bundle run(BackgroundRun.Progress progress) throws EdgeDnqException {
        try (InputStream stream = resolver.openInputStream(file)) {
          if (stream == null) {
            throw new ProblemException(Problem.FILE_UNREADABLE, "");
          }
          return store.chooseZip(stream);
        } catch (IOException | SecurityException unreadable) {
          throw new ProblemException(Problem.FILE_UNREADABLE, unreadable);
        }
      }
    };
  }

  static BackgroundRun.Job<Bundle> folder(
      final BundleStore store, final ContentResolver resolver, final Uri tree) {
    return new BackgroundRun.Job<Bundle>() {
      @Override
      public Bundle run(BackgroundRun.Progress progress) throws EdgeDnqException {
        return store.chooseFolder(new TreeFiles(resolver, tree));
      }
    };
  }
}
