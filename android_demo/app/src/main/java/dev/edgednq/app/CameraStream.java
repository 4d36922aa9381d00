package dev.edgednq.app;

import android.graphics.ImageFormat;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CaptureRequest;
import android.hardware.camera2.params.StreamConfigurationMap;
import android.media.Image;
import android.media.ImageReader;
import android.os.Handler;
import android.util.Size;
import dev.edgednq.presentation.FrameGeometry;
import dev.edgednq.presentation.Notice;
import dev.edgednq.presentation.Problem;
import java.util.Collections;

/**
 * One camera from opening to closing. Everything happens on the thread of the handler. Frames come
 * in buffers of the camera; no surface of the screen takes part.
 */
final class CameraStream
    extends CameraDevice.StateCallback implements ImageReader.OnImageAvailableListener {
  /** Hears of it. */
  interface Listener {
    void opened(CameraStream stream);

    void failed(CameraStream stream, Notice why);

    void frame(CameraFrame frame);

    /** Returns how far the screen's content is turned. */
    int displayDegrees();
  }

  private static final int SHORTER_SIDE = 480;

  /** One is being recognised, one waits, one comes; and one to spare. */
  private static final int BUFFERS = 4;

  private final Handler handler;
  private final Listener listener;
  private final ImageReader reader;
  private final CameraFrame.Memory memory;
  private final int sensorDegrees;
  private final boolean front;
  private CameraDevice device;
  private boolean closed;

  private CameraStream(CameraCharacteristics camera, Handler handler, Listener listener) {
    this.handler = handler;
    this.listener = listener;
    front = isFront(camera);
    Integer turned = camera.get(CameraCharacteristics.SENSOR_ORIENTATION);
    sensorDegrees = turned == null ? 0 : turned;
    Size size = sizeOf(camera);
    reader = ImageReader.newInstance(
        size.getWidth(), size.getHeight(), ImageFormat.YUV_420_888, BUFFERS);
    reader.setOnImageAvailableListener(this, handler);
    memory = new CameraFrame.Memory(reader);
  }

  /**
   * Begins to open the camera that looks away from the person, else any.
   *
   * @return null where the device has none
   */
  static CameraStream open(CameraManager manager, Handler handler, Listener listener)
      throws CameraAccessException {
    String chosen = null;
    for (String id : manager.getCameraIdList()) {
      if (chosen == null || isFront(manager.getCameraCharacteristics(chosen))) {
        chosen = id;
      }
    }
    if (chosen == null) {
      return null;
    }
    CameraStream stream =
        new CameraStream(manager.getCameraCharacteristics(chosen), handler, listener);
    try {
      manager.openCamera(chosen, stream, handler);
    } catch (CameraAccessException | RuntimeException failure) {
      stream.close();
      throw failure;
    }
    return stream;
  }

  private static boolean isFront(CameraCharacteristics camera) {
    Integer facing = camera.get(CameraCharacteristics.LENS_FACING);
    return facing != null && facing == CameraCharacteristics.LENS_FACING_FRONT;
  }

  private static Size sizeOf(CameraCharacteristics camera) {
    StreamConfigurationMap map = camera.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP);
    Size[] sizes = map == null ? null : map.getOutputSizes(ImageFormat.YUV_420_888);
    if (sizes == null || sizes.length == 0) {
      throw new IllegalArgumentException("the camera gives no YUV_420_888 frames");
    }
    int[][] pairs = new int[sizes.length][];
    for (int i = 0; i < sizes.length; i++) {
      pairs[i] = new int[] {sizes[i].getWidth(), sizes[i].getHeight()};
    }
    return sizes[FrameGeometry.choose(pairs, SHORTER_SIDE)];
  }

  /** Gives the camera back; idempotent. One that is still being opened is closed once it is. */
  void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (device != null) {
      device.close();
    }
    memory.close();
  }

  @Override
  public void onOpened(CameraDevice opened) {
    if (closed) {
      opened.close();
      return;
    }
    device = opened;
    listener.opened(this);
    if (!closed) {
      stream();
    }
  }

  @Override
  public void onDisconnected(CameraDevice lost) {
    lose(lost, new Notice(Problem.CAMERA_LOST, ""));
  }

  @Override
  public void onError(CameraDevice failed, int error) {
    lose(failed, CameraController.noticeOf(error));
  }

  private void lose(CameraDevice lost, Notice why) {
    lost.close();
    listener.failed(this, why);
  }

  private void stream() {
    try {
      device.createCaptureSession(
          Collections.singletonList(reader.getSurface()), new Streaming(), handler);
    } catch (CameraAccessException failure) {
      listener.failed(this, CameraController.noticeOf(failure));
    }
  }

  @Override
  public void onImageAvailable(ImageReader source) {
    Image image = closed ? null : source.acquireNextImage();
    if (image != null) {
      int turn = FrameGeometry.clockwise(sensorDegrees, listener.displayDegrees(), front);
      listener.frame(new CameraFrame(memory, image, turn));
    }
  }

  private final class Streaming extends CameraCaptureSession.StateCallback {
    @Override
    public void onConfigured(CameraCaptureSession session) {
      if (closed) {
        return;
      }
      try {
        CaptureRequest.Builder request = device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW);
        request.addTarget(reader.getSurface());
        session.setRepeatingRequest(request.build(), null, handler);
      } catch (CameraAccessException failure) {
        listener.failed(CameraStream.this, CameraController.noticeOf(failure));
      } catch (IllegalStateException closedMeanwhile) {
        // The camera went away; its own callback tells.
        session.close();
      }
    }

    @Override
    public void onConfigureFailed(CameraCaptureSession session) {
      listener.failed(CameraStream.this, new Notice(Problem.CAMERA_FAILED, "no capture session"));
    }
  }
}
