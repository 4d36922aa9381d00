package dev.edgednq.core;

import java.util.Locale;

/** A mean to hold. */
public final class Budget {
  /** What is held. */
  public enum Unit {
    /** The mean duration of a step in milliseconds. */
    MS(" ms per frame"),
    /** Frames per second with all that happens between steps. */
    FPS(" frames per second"),
    /** The mean cost by the cost table, in frames of the reference program. */
    COST(" of the reference");

    private final String text;

    Unit(String text) {
      this.text = text;
    }
  }

  /** What is held. */
  public final Unit unit;

  /** Of that unit, positive. */
  public final double value;

  /** Takes a positive number. */
  public Budget(Unit unit, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException("a budget must be a positive number, got " + value);
    }
    this.unit = unit;
    this.value = value;
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%.4g%s", value, unit.text);
  }
}
