package dev.edgednq.presentation;

import dev.edgednq.core.Prediction;
import dev.edgednq.core.Step;

/** Everything that a screen shows of one frame; nobody changes it. */
public final class Moment {
  public final Step step;
  public final Prediction prediction;

  /** The frame's action, by its place in the bundle. */
  public final int action;

  /** Actions of the frames up to this one, the oldest first. */
  public final byte[] recent;

  /** Share of every action, 0..1. */
  public final float[] shares;

  /** Null where the bundle has no policy to hold to a budget. */
  public final BudgetState budget;

  /** Frames that newer ones replaced; they are no skips, which the policy decides. */
  public final long dropped;

  public Moment(Step step, Prediction prediction, int action, PrecisionHistory history,
      BudgetState budget, long dropped) {
    this.step = step;
    this.prediction = prediction;
    this.action = action;
    this.recent = history.recent();
    this.shares = history.shares();
    this.budget = budget;
    this.dropped = dropped;
  }
}
