package dev.edgednq.presentation;

/**
 * Paces a video's frames: never faster than their timestamps, slower where the device is slower.
 */
public final class PlaybackClock {
  private static final long PATIENCE_NS = 250_000_000L;

  private boolean running;
  private long offsetNs;

  /**
   * Returns how long to wait before a frame is shown.
   *
   * @param timestampUs the frame's place in the video
   * @param nowNs a monotonic clock
   * @return nanoseconds, 0 where it is due
   */
  public long waitNs(long timestampUs, long nowNs) {
    long placeNs = timestampUs * 1000;
    // What a slow device lost is not made up for: frames would rush past.
    if (!running || nowNs - placeNs - offsetNs > PATIENCE_NS) {
      running = true;
      offsetNs = nowNs - placeNs;
    }
    return Math.max(0, offsetNs + placeNs - nowNs);
  }

  /** Forgets the time: the next frame is due at once. */
  public void stop() {
    running = false;
  }
}
