package dev.edgednq.app;

import android.media.Image;
import android.media.MediaCodec;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.YuvColor;
import dev.edgednq.presentation.SourceFrame;

/** A frame in the decoder's own memory. */
final class DecodedFrame implements SourceFrame {
  private final MediaCodec decoder;
  private final int buffer;
  private final Image image;
  private final YuvColor color;
  private final int clockwise;

  DecodedFrame(MediaCodec decoder, int buffer, Image image, YuvColor color, int clockwise) {
    this.decoder = decoder;
    this.buffer = buffer;
    this.image = image;
    this.color = color;
    this.clockwise = clockwise;
  }

  @Override
  public RgbFrame toRgb(RgbFrame reuse) {
    return Images.yuv(image).toRgb(color, clockwise, false, reuse);
  }

  @Override
  public void close() {
    image.close();
    decoder.releaseOutputBuffer(buffer, false);
  }
}
