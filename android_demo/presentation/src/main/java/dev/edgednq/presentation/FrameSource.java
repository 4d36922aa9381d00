package dev.edgednq.presentation;

import dev.edgednq.core.EdgeDnqException;

/** Where frames come from. All calls come from the recognition's own thread. */
public interface FrameSource {
  /**
   * Waits for the next frame.
   *
   * @return the frame, to be closed by the caller; null when there are no more
   * @throws InterruptedException the recognition is paused or ends
   */
  SourceFrame next() throws EdgeDnqException, InterruptedException;

  /** Gives up what the device lends (a decoder, say); {@link #next} goes on where it was. */
  void suspend();

  /** Goes back to the first frame, where there is one. */
  void rewind();

  /** Returns how many frames were replaced by newer ones before anyone took them. */
  long dropped();

  /** Ends it; idempotent. */
  void close();
}
