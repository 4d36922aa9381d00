package dev.edgednq.presentation;

/** A budget's controller at one moment. Times are milliseconds per frame. */
public final class BudgetState {
  /** What is to be held; NaN where nothing is. */
  public final double targetMs;

  /** What the last frames had; NaN before there is any. */
  public final double heldMs;

  /** The price of time, lambda; 0 is the learned policy. */
  public final double costBias;

  /** The smallest budget that makes sense. */
  public final double leastMs;

  /** The largest. */
  public final double mostMs;

  public BudgetState(
      double targetMs, double heldMs, double costBias, double leastMs, double mostMs) {
    this.targetMs = targetMs;
    this.heldMs = heldMs;
    this.costBias = costBias;
    this.leastMs = leastMs;
    this.mostMs = mostMs;
  }
}
