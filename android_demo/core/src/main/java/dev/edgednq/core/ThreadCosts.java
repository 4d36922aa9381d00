package dev.edgednq.core;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a bundle's parts cost with one number of threads. */
public final class ThreadCosts {
  /** Threads per program. */
  public final int threads;

  /** A step outside policy and program: shrinking the frame, bookkeeping. */
  public final Cost frame;

  /** The policy's part of a step; null where the bundle has none. */
  public final Cost policy;

  /** Every program's part. */
  public final Map<String, Cost> programs;

  /** The whole step by action, policy included; of a longer skip its first frame. */
  public final Map<String, Cost> actions;

  /** The whole step on a frame that a longer skip holds; null where there is none. */
  public final Cost held;

  /** Takes what was measured. */
  public ThreadCosts(
      int threads,
      Cost frame,
      Cost policy,
      Map<String, Cost> programs,
      Map<String, Cost> actions,
      Cost held) {
    this.threads = threads;
    this.frame = frame;
    this.policy = policy;
    this.programs = Collections.unmodifiableMap(new LinkedHashMap<>(programs));
    this.actions = Collections.unmodifiableMap(new LinkedHashMap<>(actions));
    this.held = held;
  }
}
