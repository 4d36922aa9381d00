package dev.edgednq.app;

import android.content.Context;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.os.Handler;
import android.os.HandlerThread;
import dev.edgednq.presentation.CameraLifecycle;
import dev.edgednq.presentation.LiveFrames;
import dev.edgednq.presentation.Notice;
import dev.edgednq.presentation.Problem;

/**
 * Carries out what {@link CameraLifecycle} decides, on a thread of its own: opening and closing a
 * camera may take long. Public methods are for the UI thread and return at once.
 */
final class CameraController {
  /** Hears of it on the camera's thread. */
  interface Listener {
    /** Another problem is to be shown, or none. */
    void noticeChanged();

    /** The person is to be asked for the permission. */
    void permissionNeeded();
  }

  private final CameraManager manager;
  private final LiveFrames frames;
  private final Listener listener;
  private final HandlerThread thread = new HandlerThread("camera");
  private final Handler handler;
  private final CameraLifecycle lifecycle = new CameraLifecycle(new Carrier());
  private volatile Notice notice;
  private volatile int displayDegrees;

  // Of the camera's thread alone.
  private CameraStream stream;

  CameraController(Context context, LiveFrames frames, Listener listener) {
    manager = (CameraManager) context.getSystemService(Context.CAMERA_SERVICE);
    this.frames = frames;
    this.listener = listener;
    thread.start();
    handler = new Handler(thread.getLooper());
  }

  /** The screen is in front, turned by so much. */
  void resume(final boolean permitted, int degrees) {
    displayDegrees = degrees;
    handler.post(new Runnable() {
      @Override
      public void run() {
        lifecycle.resumed(permitted);
      }
    });
  }

  /** The screen is not in front any more. */
  void pause() {
    handler.post(new Runnable() {
      @Override
      public void run() {
        lifecycle.paused();
      }
    });
  }

  void answer(final CameraLifecycle.Answer answer) {
    handler.post(new Runnable() {
      @Override
      public void run() {
        lifecycle.answered(answer);
      }
    });
  }

  void retry() {
    handler.post(new Runnable() {
      @Override
      public void run() {
        lifecycle.retried();
      }
    });
  }

  /** Closes the camera, if it is open, and ends. */
  void release() {
    handler.post(new Runnable() {
      @Override
      public void run() {
        lifecycle.released();
      }
    });
  }

  /** Returns what keeps the camera closed, or null. */
  Notice notice() {
    return notice;
  }

  private final class Carrier implements CameraLifecycle.Commands, CameraStream.Listener {
    @Override
    public void askPermission() {
      listener.permissionNeeded();
    }

    @Override
    public void open() {
      try {
        stream = CameraStream.open(manager, handler, this);
        if (stream == null) {
          lifecycle.failed(new Notice(Problem.NO_CAMERA, ""));
        }
      } catch (CameraAccessException failure) {
        lifecycle.failed(noticeOf(failure));
      } catch (SecurityException failure) {
        lifecycle.failed(new Notice(Problem.CAMERA_REFUSED, failure.getMessage()));
      } catch (IllegalArgumentException failure) {
        lifecycle.failed(new Notice(Problem.CAMERA_FAILED, failure.getMessage()));
      }
    }

    @Override
    public void close() {
      if (stream != null) {
        stream.close();
        stream = null;
      }
    }

    @Override
    public void tell(Notice told) {
      notice = told;
      listener.noticeChanged();
    }

    @Override
    public void end() {
      thread.quitSafely();
    }

    @Override
    public void opened(CameraStream by) {
      if (by == stream) {
        lifecycle.opened();
      }
    }

    @Override
    public void failed(CameraStream by, Notice why) {
      if (by == stream) {
        lifecycle.failed(why);
      }
    }

    @Override
    public void frame(CameraFrame frame) {
      frames.offer(frame);
    }

    @Override
    public int displayDegrees() {
      return displayDegrees;
    }
  }

  /** Says what a refusal of the camera service means. */
  static Notice noticeOf(CameraAccessException failure) {
    switch (failure.getReason()) {
      case CameraAccessException.CAMERA_DISABLED:
        return new Notice(Problem.CAMERA_DISABLED, "");
      case CameraAccessException.CAMERA_DISCONNECTED:
        return new Notice(Problem.CAMERA_LOST, "");
      case CameraAccessException.CAMERA_IN_USE:
      case CameraAccessException.MAX_CAMERAS_IN_USE:
        return new Notice(Problem.CAMERA_IN_USE, "");
      default:
        return new Notice(Problem.CAMERA_FAILED, failure.getMessage());
    }
  }

  /** Says what an error of an open camera means. */
  static Notice noticeOf(int deviceError) {
    switch (deviceError) {
      case CameraDevice.StateCallback.ERROR_CAMERA_IN_USE:
      case CameraDevice.StateCallback.ERROR_MAX_CAMERAS_IN_USE:
        return new Notice(Problem.CAMERA_IN_USE, "");
      case CameraDevice.StateCallback.ERROR_CAMERA_DISABLED:
        return new Notice(Problem.CAMERA_DISABLED, "");
      default:
        return new Notice(Problem.CAMERA_FAILED, "error " + deviceError);
    }
  }
}
