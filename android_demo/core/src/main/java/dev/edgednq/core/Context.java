package dev.edgednq.core;

import java.util.Arrays;

/**
 * What a policy is told beside the frame: how much changed, and how sure recognition is. The rules
 * and the arithmetic are those of edge_dnq/context.py: float64, rounded to float32 once.
 *
 * <p>For every frame that the policy sees: {@link #look}, then, where a program ran on it, {@link
 * #execute}. Frames held by a longer skip are not seen.
 */
final class Context {
  /** Numbers in a context. */
  static final int FEATURES = 5;

  private static final double MARGIN_LIMIT = 8.0;
  private static final int GAP_LIMIT = 16;
  private static final int MEMORY = 8;

  private byte[] last;
  private byte[] executed;
  private double[] mean;
  private int count;
  private int gap;
  private double margin;
  private double meanMargin;

  Context() {
    reset();
  }

  /** Begins another video. */
  void reset() {
    last = null;
    executed = null;
    mean = null;
    count = 0;
    gap = GAP_LIMIT;
    margin = 0.0;
    meanMargin = 0.0;
  }

  /**
   * Returns the context of the next frame, every value in 0..1: change since the last executed frame,
   * change since the last frame, margin of the last executed frame, margin of the running mean, frames
   * since the last execution.
   *
   * @param pixels the policy's frame.
   */
  float[] look(byte[] pixels) {
    float[] values = {
      (float) change(pixels, executed),
      (float) change(pixels, last),
      (float) margin,
      (float) meanMargin,
      (float) ((double) gap / GAP_LIMIT)
    };
    last = pixels.clone();
    gap = Math.min(gap + 1, GAP_LIMIT);
    return values;
  }

  /** Takes the logits, [K], of the program that ran on the last frame. */
  void execute(float[] logits) {
    count = Math.min(count + 1, MEMORY);
    double[] exact = new double[logits.length];
    double[] updated = new double[logits.length];
    for (int index = 0; index < exact.length; index++) {
      exact[index] = logits[index];
      updated[index] =
          mean == null ? exact[index] : mean[index] + (exact[index] - mean[index]) / count;
    }
    mean = updated;
    executed = last;
    gap = 1;
    margin = margin(exact);
    meanMargin = margin(updated);
  }

  /** Returns the mean absolute difference of two frames in 0..1; 1 where there is no earlier. */
  private static double change(byte[] pixels, byte[] earlier) {
    if (earlier == null) {
      return 1.0;
    }
    long sum = 0;
    for (int index = 0; index < pixels.length; index++) {
      sum += Math.abs((pixels[index] & 255) - (earlier[index] & 255));
    }
    return sum / (255.0 * pixels.length);
  }

  /** Returns the largest of [K] logits less the second largest, limited and scaled to 0..1. */
  private static double margin(double[] logits) {
    if (logits.length < 2) {
      return 1.0;
    }
    double[] sorted = logits.clone();
    Arrays.sort(sorted);
    double lead = sorted[sorted.length - 1] - sorted[sorted.length - 2];
    return Math.min(lead, MARGIN_LIMIT) / MARGIN_LIMIT;
  }
}
