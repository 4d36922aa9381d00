package dev.edgednq.nativelib;

/** What programs run on. */
public enum Kernels {
  /** edge-dnq's kernels for what they know, the runtime's for the rest. */
  AUTO,
  /** The runtime's own kernels. */
  OFF
}
