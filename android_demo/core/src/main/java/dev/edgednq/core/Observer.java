package dev.edgednq.core;

/** A picker that wants to know what its choices took. */
public interface Observer {
  /** The action of a frame that a longer skip holds. */
  int HELD = -1;

  /**
   * Takes what a frame took.
   *
   * @param action the index that was picked for it, or {@link #HELD}.
   * @param latencyMs duration of the whole step.
   */
  void observe(int action, double latencyMs);
}
