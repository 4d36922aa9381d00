package dev.edgednq.core;

/** The prices of time that make a difference to recent frames. */
final class PriceRange {
  /** Actions whose costs are this near to the cheapest, in reference frames, are cheap. */
  static final double ALIKE = 0.15;

  /** Costs that differ by less are not told apart by any price. */
  static final double DISTINCT = 0.01;

  /** Times within a window that a high price is forgotten. */
  private static final double FORGET = 4.0;

  private final double release;
  private double scale;
  private double highest;

  PriceRange(int window) {
    release = Math.min(1.0, FORGET / window);
  }

  /** Returns the price at which cheap actions win every recent frame. */
  double scale() {
    return scale;
  }

  /** Returns the price at which the cheapest actions win every recent frame. */
  double highest() {
    return highest;
  }

  /** Takes a frame's logits and the costs of its actions, each [A]. */
  void note(float[] logits, double[] costs) {
    scale = held(scale, decidingPrice(logits, costs, ALIKE));
    highest = Math.max(scale, held(highest, decidingPrice(logits, costs, DISTINCT)));
  }

  private double held(double before, double price) {
    return Math.max(price, before + release * (price - before));
  }

  /**
   * Returns the price from which on one of the cheapest actions wins a frame.
   *
   * @param alike costs this near to the lowest count as the cheapest.
   */
  static double decidingPrice(float[] logits, double[] costs, double alike) {
    double least = costs[0];
    for (double cost : costs) {
      least = Math.min(least, cost);
    }
    double limit = least + alike;
    int rival = rival(logits, costs, limit);
    double price = 0.0;
    for (int index = 0; index < costs.length; index++) {
      if (costs[index] > limit && logits[index] > logits[rival]) {
        double gap = (double) logits[index] - logits[rival];
        price = Math.max(price, gap / Math.max(costs[index] - costs[rival], DISTINCT));
      }
    }
    return price;
  }

  /** Returns the best of the cheap actions: the highest logit, of equals the lowest cost. */
  private static int rival(float[] logits, double[] costs, double limit) {
    int rival = -1;
    for (int index = 0; index < costs.length; index++) {
      boolean better =
          rival < 0
              || logits[index] > logits[rival]
              || (logits[index] == logits[rival] && costs[index] < costs[rival]);
      if (costs[index] <= limit && better) {
        rival = index;
      }
    }
    return rival;
  }
}
