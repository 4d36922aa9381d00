package dev.edgednq.presentation;

import dev.edgednq.core.RgbFrame;

/** A frame as a camera or a decoder gives it; whoever holds it closes it, once. */
public interface SourceFrame {
  /**
   * Converts the frame, upright.
   *
   * @param reuse a frame whose memory may be taken, or null
   * @return the picture; null where the buffer is gone because the camera was closed
   */
  RgbFrame toRgb(RgbFrame reuse);

  /** Gives the buffer back to the camera or decoder. */
  void close();
}
