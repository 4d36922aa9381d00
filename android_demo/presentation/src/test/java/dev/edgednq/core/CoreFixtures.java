package dev.edgednq.core;

import java.util.List;

/** Makes what only a session makes, for tests of those who show it. */
public final class CoreFixtures {
  private CoreFixtures() {}

  /** Returns a step that took 1.25 ms. */
  public static Step step(int index, String action, boolean executed) {
    float[] logits = executed ? new float[1] : null;
    return new Step(index, action, logits, null, 1.25, 0.25, executed ? 1.0 : 0.0);
  }

  /** Returns the prediction from mean logits. */
  public static Prediction prediction(
      List<String> labels, double[] logits, int executed, int frames) {
    return Prediction.of(labels, logits, labels.size(), executed, frames);
  }
}
