package dev.edgednq.app;

import android.content.Context;
import dev.edgednq.presentation.LiveFrames;
import dev.edgednq.presentation.Notice;
import dev.edgednq.presentation.RecognitionWorker;

/** A recognition of what the camera sees. */
final class LiveRecognition extends Recognition implements CameraController.Listener {
  final CameraController camera;
  private boolean asking;

  private LiveRecognition(Context context, LiveFrames frames) {
    super(Recognisers.opener(context), frames);
    camera = new CameraController(context, frames, this);
  }

  static Recognition begin(Context context) {
    return new LiveRecognition(context.getApplicationContext(), new LiveFrames()).start();
  }

  @Override
  public void changed(RecognitionWorker.Phase phase) {
    if (phase == RecognitionWorker.Phase.FAILED) {
      camera.pause(); // Nobody takes its frames any more.
    }
    super.changed(phase);
  }

  @Override
  void pause() {
    camera.pause();
    super.pause();
  }

  @Override
  void close() {
    camera.release();
    super.close();
  }

  @Override
  Notice notice() {
    Notice own = super.notice();
    return own != null ? own : camera.notice();
  }

  @Override
  public void noticeChanged() {
    announce();
  }

  @Override
  public void permissionNeeded() {
    setAsking(true);
    announce();
  }

  /** Tells, once, whether the person is to be asked for the permission. */
  synchronized boolean takeQuestion() {
    boolean asked = asking;
    asking = false;
    return asked;
  }

  private synchronized void setAsking(boolean now) {
    asking = now;
  }
}
