package dev.edgednq.presentation;

import dev.edgednq.core.LatestFrame;

/** A camera's frames: the newest wins, and one that it replaces goes back to the camera at once. */
public final class LiveFrames implements FrameSource {
  private final LatestFrame<SourceFrame> newest = new LatestFrame<>();

  /** Takes a frame from the camera; called by the camera's thread. */
  public void offer(SourceFrame frame) {
    closeIfAny(newest.offer(frame));
  }

  @Override
  public SourceFrame next() throws InterruptedException {
    return newest.take();
  }

  @Override
  public void suspend() {}

  @Override
  public void rewind() {}

  @Override
  public long dropped() {
    return newest.dropped();
  }

  @Override
  public void close() {
    closeIfAny(newest.close());
  }

  private static void closeIfAny(SourceFrame frame) {
    if (frame != null) {
      frame.close();
    }
  }
}
