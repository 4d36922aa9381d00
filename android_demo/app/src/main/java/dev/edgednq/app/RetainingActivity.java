package dev.edgednq.app;

import android.app.Activity;
import android.os.Bundle;

/** A screen whose work goes on while a rotation makes the screen anew. */
abstract class RetainingActivity<W> extends Activity {
  private W work;

  /** Returns the work, also that of the screen before the rotation; null where there is none. */
  final W work() {
    return work;
  }

  final void setWork(W begun) {
    work = begun;
  }

  /** Lets the work go on without this screen. */
  abstract void detach(W from);

  /** Ends the work: nobody will look any more. */
  abstract void end(W over);

  @Override
  @SuppressWarnings({"deprecation", "unchecked"})
  // The way without a library; it keeps what it got.
  protected void onCreate(Bundle state) {
    super.onCreate(state);
    work = (W) getLastNonConfigurationInstance();
  }

  @Override
  @SuppressWarnings("deprecation")
  public final Object onRetainNonConfigurationInstance() {
    return work;
  }

  @Override
  protected void onDestroy() {
    if (work != null) {
      if (isChangingConfigurations()) {
        detach(work);
      } else {
        end(work);
      }
    }
    super.onDestroy();
  }
}
