package dev.edgednq.core;

import java.util.List;

/** Picks the action it is told to; a program where a video must begin with one. */
final class Rota implements Picker {
  private final boolean needsPolicy;
  private final int firstProgram;
  private int action;

  Rota(List<ActionSpec> actions, boolean needsPolicy) {
    this.needsPolicy = needsPolicy;
    int first = 0;
    while (actions.get(first).program == null) {
      first++;
    }
    firstProgram = first;
  }

  void tell(int wanted) {
    action = wanted;
  }

  @Override
  public boolean needsPolicy() {
    return needsPolicy;
  }

  @Override
  public int pick(float[] logits, boolean[] allowed) {
    return allowed[action] ? action : firstProgram;
  }

  @Override
  public void reset() {
    // Nothing is remembered.
  }
}
