package dev.edgednq.presentation;

/** Positions of a slider as milliseconds; equal ways are equal ratios. */
public final class BudgetScale {
  /** The last position; the first is 0. */
  public static final int LAST = 1000;

  private final double leastMs;
  private final double mostMs;

  /**
   * @param leastMs at position 0, positive
   * @param mostMs at {@link #LAST}, larger
   */
  public BudgetScale(double leastMs, double mostMs) {
    if (!(leastMs > 0 && mostMs > leastMs && mostMs < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("a range from " + leastMs + " to " + mostMs + " ms");
    }
    this.leastMs = leastMs;
    this.mostMs = mostMs;
  }

  /** Returns the milliseconds at a position; positions outside are those of the ends. */
  public double valueMs(int position) {
    double part = Math.max(0, Math.min(LAST, position)) / (double) LAST;
    return leastMs * Math.pow(mostMs / leastMs, part);
  }

  /** Returns the position nearest to a value. */
  public int position(double valueMs) {
    double part = Math.log(valueMs / leastMs) / Math.log(mostMs / leastMs);
    return (int) Math.round(LAST * Math.max(0, Math.min(1, part)));
  }
}
