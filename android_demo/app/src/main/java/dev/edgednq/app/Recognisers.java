package dev.edgednq.app;

import android.content.Context;
import android.os.Build;
import dev.edgednq.core.DeviceInfo;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.ProgramLoader;
import dev.edgednq.nativelib.Kernels;
import dev.edgednq.nativelib.LiteRtRuntime;
import dev.edgednq.presentation.BundleStore;
import dev.edgednq.presentation.FrameRecogniser;
import dev.edgednq.presentation.LoaderOpener;
import dev.edgednq.presentation.Problem;
import dev.edgednq.presentation.ProblemException;
import dev.edgednq.presentation.RecognitionWorker;
import dev.edgednq.presentation.SessionRecogniser;

/** Where bundles lie on this device, what runs them, and what the device is. */
final class Recognisers {
  /** Two threads serve batches of one well; more would take cores from the camera. */
  private static final int MOST_THREADS = 2;

  private Recognisers() {}

  static BundleStore store(Context context) {
    Context app = context.getApplicationContext();
    return new BundleStore(app.getFilesDir(), new AssetFiles(app.getAssets()));
  }

  static LoaderOpener loader() {
    return new LoaderOpener() {
      @Override
      public ProgramLoader open() throws EdgeDnqException {
        int threads = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
        try {
          return LiteRtRuntime.open(threads, Kernels.AUTO);
        } catch (EdgeDnqException unavailable) {
          throw new ProblemException(Problem.RUNTIME_UNAVAILABLE, unavailable);
        }
      }
    };
  }

  static DeviceInfo device() {
    String name = Build.MANUFACTURER + " " + Build.MODEL;
    return new DeviceInfo(name, NewerPlatform.processor(), System.getProperty("os.arch"));
  }

  static RecognitionWorker.Opener opener(Context context) {
    final BundleStore store = store(context);
    return new RecognitionWorker.Opener() {
      @Override
      public FrameRecogniser open() throws EdgeDnqException {
        return SessionRecogniser.open(store.open(), loader().open(), device());
      }
    };
  }
}
