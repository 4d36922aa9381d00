package dev.edgednq.core;

/** A class and how likely it is. */
public final class Score {
  /** The class. */
  public final String label;

  /** Its softmax probability, 0 to 1. */
  public final double probability;

  Score(String label, double probability) {
    this.label = label;
    this.probability = probability;
  }
}
