package dev.edgednq.core;

/** What one frame led to. */
public final class Step {
  /** Frames seen before this one since the start or the last reset. */
  public final int index;

  /** The action's name; on a held frame that of the skip that holds it. */
  public final String action;

  /** Whether a program ran. */
  public final boolean executed;

  /** The program's logits, [K]; null on a skipped frame. */
  public final float[] logits;

  /** The policy's logits, [A]; null where the policy did not run. */
  public final float[] policyLogits;

  /** Duration of the whole step, preparing the frame included. */
  public final double latencyMs;

  /** The policy's part: shrinking the frame, its program, the choice. */
  public final double policyMs;

  /** The program's part: encoding the frame, the program, decoding the logits. */
  public final double programMs;

  Step(
      int index,
      String action,
      float[] logits,
      float[] policyLogits,
      double latencyMs,
      double policyMs,
      double programMs) {
    this.index = index;
    this.action = action;
    this.executed = logits != null;
    this.logits = logits;
    this.policyLogits = policyLogits;
    this.latencyMs = latencyMs;
    this.policyMs = policyMs;
    this.programMs = programMs;
  }
}
