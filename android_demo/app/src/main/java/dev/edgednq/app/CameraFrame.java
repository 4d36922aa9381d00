package dev.edgednq.app;

import android.media.Image;
import android.media.ImageReader;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.YuvColor;
import dev.edgednq.presentation.SourceFrame;

/** A frame in the camera's own memory, which goes away when the camera is closed. */
final class CameraFrame implements SourceFrame {
  /** The memory that frames lie in; frames are read and memory is freed one at a time. */
  static final class Memory {
    private final ImageReader reader;
    private boolean open = true;

    Memory(ImageReader reader) {
      this.reader = reader;
    }

    /** Frees it; waits for a frame that is being read. */
    synchronized void close() {
      open = false;
      reader.close();
    }
  }

  private final Memory memory;
  private final Image image;
  private final int clockwise;

  CameraFrame(Memory memory, Image image, int clockwise) {
    this.memory = memory;
    this.image = image;
    this.clockwise = clockwise;
  }

  @Override
  public RgbFrame toRgb(RgbFrame reuse) {
    synchronized (memory) {
      if (!memory.open) {
        return null;
      }
      return Images.yuv(image).toRgb(YuvColor.BT601_FULL, clockwise, false, reuse);
    }
  }

  @Override
  public void close() {
    synchronized (memory) {
      image.close();
    }
  }
}
