package dev.edgednq.core;

/** The learned policy: argmax over a of {@code logit[a] - costBias * cost[a]}. */
public final class LearnedPicker implements Picker {
  private final double costBias;
  private final double[] costs;

  /** Makes the policy as it was trained. */
  public LearnedPicker() {
    this(0.0, new double[0]);
  }

  /**
   * Makes a policy that weighs costs.
   *
   * @param costBias logits given up per unit of cost.
   * @param costs cost of each action, [A], in any one unit.
   */
  public LearnedPicker(double costBias, double[] costs) {
    this.costBias = costBias;
    this.costs = costs.clone();
  }

  @Override
  public boolean needsPolicy() {
    return true;
  }

  @Override
  public int pick(float[] logits, boolean[] allowed) {
    return Choice.best(Choice.scores(logits, costBias, costs), allowed);
  }

  @Override
  public void reset() {
    // Nothing is remembered here: the memory is the policy program's state.
  }
}
