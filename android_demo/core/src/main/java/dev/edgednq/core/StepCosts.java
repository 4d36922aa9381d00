package dev.edgednq.core;

/** What steps cost before anything was observed, in milliseconds. */
final class StepCosts {
  /** A decided frame, by action, policy included. */
  final double[] first;

  /** Frames that the action decides about. */
  final int[] lengths;

  /** A frame held by a longer skip. */
  final double held;

  /** A frame of the reference program, without a policy. */
  final double reference;

  /** 95th percentile of a step over its typical duration. */
  final double tail;

  StepCosts(double[] first, int[] lengths, double held, double reference, double tail) {
    this.first = first;
    this.lengths = lengths;
    this.held = held;
    this.reference = reference;
    this.tail = tail;
  }

  /** Returns the costs that a picker begins with. */
  static StepCosts of(Manifest manifest, ThreadCosts costs) {
    double base = costs.frame.medianMs;
    double policy = costs.policy == null ? 0.0 : costs.policy.medianMs;
    int count = manifest.actions.size();
    double[] first = new double[count];
    int[] lengths = new int[count];
    for (int index = 0; index < count; index++) {
      ActionSpec action = manifest.actions.get(index);
      double program = action.program == null ? 0.0 : costs.programs.get(action.program).medianMs;
      first[index] = base + policy + program;
      lengths[index] = Math.max(1, action.skip);
    }
    double tail = costs.actions.isEmpty() ? 1.0 : Double.NEGATIVE_INFINITY;
    for (Cost cost : costs.actions.values()) {
      tail = Math.max(tail, cost.p95Ms / cost.medianMs);
    }
    double reference = base + costs.programs.get(manifest.reference().name).medianMs;
    double held = costs.held == null ? 0.0 : costs.held.medianMs;
    return new StepCosts(first, lengths, held, reference, tail);
  }
}
