package dev.edgednq.core;

import java.util.ArrayDeque;

/** The mean of what recent frames had, in one unit; safe to ask from any thread. */
final class RecentMean {
  private final int window;
  private final ArrayDeque<Double> values = new ArrayDeque<>();
  private Budget.Unit unit;

  RecentMean(int window) {
    this.window = window;
  }

  /** Takes a frame's value; one of another unit makes the earlier ones forgotten. */
  synchronized void add(Budget.Unit of, double value) {
    if (of != unit) {
      unit = of;
      values.clear();
    }
    values.addLast(value);
    if (values.size() > window) {
      values.removeFirst();
    }
  }

  /** Returns the mean; not a number where there is no value in that unit. */
  synchronized double of(Budget.Unit wanted) {
    if (wanted != unit || values.isEmpty()) {
      return Double.NaN;
    }
    double sum = 0.0;
    for (double value : values) {
      sum += value;
    }
    return sum / values.size();
  }
}
