package dev.edgednq.core;

import java.util.Map;

/** One precision of the recognition network; one of 32 bits is a float32 program. */
public final class ProgramSpec {
  /** Such as w4a4. */
  public final String name;

  /** 32, 8, 4 or 2. */
  public final int weightBits;

  /** 32, 8, 4 or 2. */
  public final int activationBits;

  /** Multiplications of a run. */
  public final long macs;

  /** The frame, [1, S, S, 3]. */
  public final TensorSpec input;

  /** The logits, [1, K]. */
  public final TensorSpec output;

  /** The program's files by the runtime that takes them, in the manifest's order. */
  public final Map<String, FileSpec> files;

  ProgramSpec(
      String name,
      int weightBits,
      int activationBits,
      long macs,
      TensorSpec input,
      TensorSpec output,
      Map<String, FileSpec> files) {
    this.name = name;
    this.weightBits = weightBits;
    this.activationBits = activationBits;
    this.macs = macs;
    this.input = input;
    this.output = output;
    this.files = files;
  }
}
