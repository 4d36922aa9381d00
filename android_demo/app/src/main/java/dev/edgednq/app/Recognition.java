package dev.edgednq.app;

import android.os.Handler;
import android.os.Looper;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.presentation.FrameSource;
import dev.edgednq.presentation.Moment;
import dev.edgednq.presentation.Notice;
import dev.edgednq.presentation.RecognitionWorker;
import dev.edgednq.presentation.TripleBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A recognition that outlives the screen which began it: rotating the device makes the screen anew,
 * but neither the programs nor the prediction. All methods but the listener's are for the UI
 * thread.
 */
class Recognition implements RecognitionWorker.Listener {
  /** A screen that shows it. */
  interface Screen {
    /** Something is other than it was; called on the UI thread. */
    void update();
  }

  final TripleBuffer<Picture> pictures =
      new TripleBuffer<>(new Picture(), new Picture(), new Picture());
  final RecognitionWorker worker;
  private final Handler ui = new Handler(Looper.getMainLooper());
  private final AtomicBoolean pending = new AtomicBoolean();
  private Screen screen;

  Recognition(RecognitionWorker.Opener opener, FrameSource source) {
    worker = new RecognitionWorker(opener, source, this);
  }

  /** Begins; a subclass is whole by then. */
  final Recognition start() {
    worker.start();
    return this;
  }

  /** Shows itself on a screen from now on; null is none. */
  void attach(Screen next) {
    screen = next;
    announce();
  }

  void resume() {
    worker.resume();
  }

  void pause() {
    worker.pause();
  }

  void close() {
    screen = null;
    worker.close();
  }

  /** Returns why nothing is recognised, or null. */
  Notice notice() {
    return worker.notice();
  }

  @Override
  public void changed(RecognitionWorker.Phase phase) {
    announce();
  }

  @Override
  public void recognised(Moment moment, RgbFrame frame) {
    pictures.back().paint(moment, frame);
    pictures.publish();
    announce();
  }

  /** Has the screen updated soon; many announcements before that are one. */
  final void announce() {
    if (pending.compareAndSet(false, true)) {
      ui.post(new Runnable() {
        @Override
        public void run() {
          pending.set(false);
          if (screen != null) {
            screen.update();
          }
        }
      });
    }
  }
}
