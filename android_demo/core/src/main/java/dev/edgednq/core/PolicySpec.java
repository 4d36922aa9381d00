package dev.edgednq.core;

import java.util.List;
import java.util.Map;

/**
 * The policy program: frame and float32 state h, c in; float32 action logits and new h, c out. A
 * policy that is told more than the frame takes a float32 context, too.
 */
public final class PolicySpec {
  /** Multiplications of a run. */
  public final long macs;

  /** Frame [1, P, P, 3], h [1, H], c [1, H] and, perhaps, context [1, 5]. */
  public final List<TensorSpec> inputs;

  /** Logits [1, A], h [1, H], c [1, H]. */
  public final List<TensorSpec> outputs;

  /** The program's files by the runtime that takes them, in the manifest's order. */
  public final Map<String, FileSpec> files;

  PolicySpec(
      long macs, List<TensorSpec> inputs, List<TensorSpec> outputs, Map<String, FileSpec> files) {
    this.macs = macs;
    this.inputs = inputs;
    this.outputs = outputs;
    this.files = files;
  }

  /** Tells whether the policy takes a context beside frame and state. */
  boolean hasContext() {
    return inputs.size() > 3;
  }
}
