package dev.edgednq.core;

/**
 * A place for one frame between a camera and the thread that recognises: who comes late finds the
 * newest, and what was replaced before anyone took it is counted as dropped.
 */
public final class LatestFrame<T> {
  private T frame;
  private long dropped;
  private boolean closed;

  /**
   * Puts a frame down; never waits.
   *
   * @return the frame to give back to its owner: the one that was not taken in time, after {@link
   *     #close} {@code newest} itself; null where there is none.
   */
  public synchronized T offer(T newest) {
    if (closed) {
      return newest;
    }
    T replaced = frame;
    if (replaced != null) {
      dropped++;
    }
    frame = newest;
    notifyAll();
    return replaced;
  }

  /** Takes the newest frame, waiting for one; returns null after {@link #close}. */
  public synchronized T take() throws InterruptedException {
    while (frame == null && !closed) {
      wait();
    }
    T taken = frame;
    frame = null;
    return taken;
  }

  /** Returns how many frames were replaced before anyone took them. */
  public synchronized long dropped() {
    return dropped;
  }

  /** Ends it: who waits gets null. Returns the frame to give back to its owner, or null. */
  public synchronized T close() {
    closed = true;
    T left = frame;
    frame = null;
    notifyAll();
    return left;
  }
}
