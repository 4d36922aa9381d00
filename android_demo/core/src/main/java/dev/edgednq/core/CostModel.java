package dev.edgednq.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Costs that follow what steps take: by a factor that all actions share, and by one for each. */
final class CostModel {
  /** Times within a window that the costs follow a change of the device's speed. */
  static final double FOLLOW = 32.0;

  /** A step that takes more than so many times what is expected moves the costs no further. */
  private static final double SPIKE = 4.0;

  private static final int TAIL_WINDOW = 128;
  private static final int FEWEST_FOR_TAIL = 32;

  private final double[] first;
  private final int[] lengths;
  private final double held;
  private final double reference;
  private final double fast;
  private final double slow;
  private final ArrayDeque<Double> ratios = new ArrayDeque<>();
  private final List<Double> sorted = new ArrayList<>();
  private double slowdown = 1.0;
  private double tail;

  CostModel(StepCosts costs, int window) {
    first = costs.first.clone();
    lengths = costs.lengths;
    held = costs.held;
    reference = costs.reference;
    fast = Math.min(1.0, FOLLOW / window);
    slow = Math.min(1.0, 2.0 / window);
    tail = costs.tail;
  }

  /** Returns how many times longer steps take now than at first. */
  double slowdown() {
    return slowdown;
  }

  /** Returns the mean duration, now, of a frame decided so, in milliseconds. */
  double first(int action) {
    return first[action] * slowdown;
  }

  /** Returns the milliseconds that 19 of 20 such frames do not exceed now. */
  double high(int action) {
    return first(action) * tail;
  }

  /** Returns the costs per frame now, [A], in reference frames as they were at first. */
  double[] relative() {
    double[] costs = new double[first.length];
    for (int index = 0; index < costs.length; index++) {
      int length = lengths[index];
      costs[index] = (first[index] + (length - 1) * held) / length * slowdown / reference;
    }
    return costs;
  }

  /** Takes the duration of a frame that was decided so. */
  void observe(int action, double latencyMs) {
    double expected = first(action);
    if (expected <= 0) {
      return;
    }
    noteRatio(latencyMs / expected);
    double latency = Math.min(latencyMs, SPIKE * expected);
    slowdown += fast * (latency / first[action] - slowdown);
    double own = latency / slowdown;
    first[action] += slow * (own - first[action]);
  }

  private void noteRatio(double ratio) {
    int place = Collections.binarySearch(sorted, ratio);
    sorted.add(place < 0 ? -place - 1 : place, ratio);
    ratios.addLast(ratio);
    if (ratios.size() > TAIL_WINDOW) {
      sorted.remove(Collections.binarySearch(sorted, ratios.removeFirst()));
    }
    int count = sorted.size();
    if (count >= FEWEST_FOR_TAIL) {
      tail = sorted.get((int) Math.ceil(0.95 * count) - 1);
    }
  }
}
