package dev.edgednq.core;

import java.util.Arrays;
import java.util.List;

/**
 * The rules of one video: what may be chosen for a frame, which frames a skip holds, and the mean of
 * the logits.
 *
 * <p>A frame that is not held is decided by {@link #choose} and, where the action runs a program,
 * followed by {@link #execute}; a held one is counted by {@link #hold}.
 */
final class Walk {
  final Picker picker;
  private final List<ActionSpec> actions;
  private final boolean[] everything;
  private final boolean[] programsOnly;
  private final double[] sum;
  private int frames;
  private int executed;
  private int chosen;
  private int held;

  Walk(List<ActionSpec> actions, int classes, Picker picker) {
    this.picker = picker;
    this.actions = actions;
    this.everything = new boolean[actions.size()];
    this.programsOnly = new boolean[actions.size()];
    Arrays.fill(everything, true);
    for (int index = 0; index < programsOnly.length; index++) {
      programsOnly[index] = actions.get(index).program != null;
    }
    this.sum = new double[classes];
    reset();
  }

  /** Begins another video. */
  void reset() {
    Arrays.fill(sum, 0.0);
    frames = 0;
    executed = 0;
    chosen = 0;
    held = 0;
    picker.reset();
  }

  /** Returns the frames seen. */
  int frames() {
    return frames;
  }

  /** Returns the frames that a program ran on. */
  int executed() {
    return executed;
  }

  /** Returns the index of the action of the last frame that was decided. */
  int chosen() {
    return chosen;
  }

  /** Tells whether a longer skip has decided about the next frame already. */
  boolean isHeld() {
    return held > 0;
  }

  /** Counts a held frame; returns the skip that holds it. */
  ActionSpec hold() {
    held--;
    frames++;
    return actions.get(chosen);
  }

  /** Counts a frame that is not held; returns the action for it. */
  ActionSpec choose(float[] policyLogits) throws EdgeDnqException {
    // A prediction needs a frame: nothing is skipped before one was executed.
    boolean[] allowed = (executed > 0 ? everything : programsOnly).clone();
    int index = picker.pick(policyLogits, allowed);
    if (index < 0 || index >= actions.size() || (executed == 0 && !programsOnly[index])) {
      throw new EdgeDnqException("action " + index + " was chosen, which is not allowed now");
    }
    ActionSpec action = actions.get(index);
    chosen = index;
    frames++;
    if (action.program == null) {
      held = action.skip - 1;
    }
    return action;
  }

  /** Takes the logits, [K], of the program that the chosen action runs. */
  void execute(float[] logits) {
    for (int index = 0; index < sum.length; index++) {
      sum[index] += logits[index];
    }
    executed++;
  }

  /**
   * Returns the mean logits of the executed frames, [K].
   *
   * @throws IllegalStateException there was no frame yet.
   */
  double[] meanLogits() {
    if (executed == 0) {
      throw new IllegalStateException("there is no prediction before the first frame");
    }
    double[] mean = new double[sum.length];
    for (int index = 0; index < mean.length; index++) {
      mean[index] = sum[index] / executed;
    }
    return mean;
  }
}
