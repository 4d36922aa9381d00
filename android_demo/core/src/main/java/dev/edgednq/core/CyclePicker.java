package dev.edgednq.core;

/**
 * A fixed sequence of actions, over and over; each video begins at its start. An action that is not
 * allowed yet is passed over.
 */
final class CyclePicker implements Picker {
  private final int[] actions;
  private int next;

  CyclePicker(int[] actions) {
    this.actions = actions;
  }

  @Override
  public boolean needsPolicy() {
    return false;
  }

  @Override
  public int pick(float[] logits, boolean[] allowed) throws EdgeDnqException {
    for (int tried = 0; tried < actions.length; tried++) {
      int action = actions[next];
      next = (next + 1) % actions.length;
      if (allowed[action]) {
        return action;
      }
    }
    throw new EdgeDnqException("none of the sequence's actions is allowed: include a program");
  }

  @Override
  public void reset() {
    next = 0;
  }
}
