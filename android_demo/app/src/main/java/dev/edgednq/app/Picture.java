package dev.edgednq.app;

import android.graphics.Bitmap;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.presentation.Moment;
import dev.edgednq.presentation.Pixels;
import java.nio.ByteBuffer;

/** The frame that was recognised, as a bitmap, and what came of it. */
final class Picture {
  Moment moment;
  Bitmap bitmap;
  private byte[] rgba = {};

  /** Takes over a frame's pixels. */
  void paint(Moment recognised, RgbFrame frame) {
    moment = recognised;
    if (bitmap == null || bitmap.getWidth() != frame.width || bitmap.getHeight() != frame.height) {
      bitmap = Bitmap.createBitmap(frame.width, frame.height, Bitmap.Config.ARGB_8888);
      rgba = new byte[4 * frame.width * frame.height];
    }
    Pixels.rgba(frame, rgba);
    bitmap.copyPixelsFromBuffer(ByteBuffer.wrap(rgba));
  }
}
