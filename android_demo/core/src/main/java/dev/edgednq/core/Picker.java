package dev.edgednq.core;

/** Chooses the action of every frame that is not held by a longer skip. */
public interface Picker {
  /** Tells whether the policy program must run; without it {@link #pick} gets null. */
  boolean needsPolicy();

  /**
   * Returns the index of an allowed action.
   *
   * @param logits the policy's action logits, [A], or null.
   * @param allowed which actions may be chosen, [A]: all, except that skips may not before a frame
   *     has been executed.
   */
  int pick(float[] logits, boolean[] allowed) throws EdgeDnqException;

  /** Begins another video. */
  void reset();
}
