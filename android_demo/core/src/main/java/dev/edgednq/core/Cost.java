package dev.edgednq.core;

import java.util.Arrays;

/** Durations of one thing. */
public final class Cost {
  /** Arithmetic mean in milliseconds. */
  public final double meanMs;

  /** Median in milliseconds. */
  public final double medianMs;

  /** 95th percentile in milliseconds. */
  public final double p95Ms;

  /** How often it was measured. */
  public final int runs;

  /** Takes what was measured before. */
  public Cost(double meanMs, double medianMs, double p95Ms, int runs) {
    this.meanMs = meanMs;
    this.medianMs = medianMs;
    this.p95Ms = p95Ms;
    this.runs = runs;
  }

  /** Sums durations up, at least one of them. */
  static Cost of(double[] milliseconds) {
    double sum = 0.0;
    for (double value : milliseconds) {
      sum += value;
    }
    double[] sorted = milliseconds.clone();
    Arrays.sort(sorted);
    return new Cost(
        sum / sorted.length, percentile(sorted, 0.5), percentile(sorted, 0.95), sorted.length);
  }

  /** Returns what a part of the values does not exceed, by linear interpolation between ranks. */
  private static double percentile(double[] sorted, double part) {
    double rank = part * (sorted.length - 1);
    int below = (int) Math.floor(rank);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
  }
}
