package dev.edgednq.core;

/** The best of several actions. */
final class Choice {
  private Choice() {}

  /**
   * Returns the index of the highest allowed score, the first of equals; as in numpy, one that is not
   * a number counts as the highest.
   */
  static int best(double[] scores, boolean[] allowed) {
    int best = 0;
    double highest = allowed[0] ? scores[0] : Double.NEGATIVE_INFINITY;
    for (int index = 1; index < scores.length && !Double.isNaN(highest); index++) {
      double score = allowed[index] ? scores[index] : Double.NEGATIVE_INFINITY;
      if (score > highest || Double.isNaN(score)) {
        best = index;
        highest = score;
      }
    }
    return best;
  }

  /** Returns {@code logits[a] - price * costs[a]}; the logits alone where the price is 0. */
  static double[] scores(float[] logits, double price, double[] costs) {
    double[] scores = new double[logits.length];
    for (int index = 0; index < scores.length; index++) {
      scores[index] = price == 0 ? logits[index] : logits[index] - price * costs[index];
    }
    return scores;
  }
}
