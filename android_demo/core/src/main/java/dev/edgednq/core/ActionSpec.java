package dev.edgednq.core;

/** One thing the policy may do: run a program, or skip frames. */
public final class ActionSpec {
  /** Such as w4a4 or skip. */
  public final String name;

  /** The program to run; null for a skip. */
  public final String program;

  /** Frames skipped, this one included; 0 where a program runs. */
  public final int skip;

  ActionSpec(String name, String program, int skip) {
    this.name = name;
    this.program = program;
    this.skip = skip;
  }
}
