package dev.edgednq.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/** The video's class so far, from the mean logits of the executed frames. */
public final class Prediction {
  /** The likeliest class. */
  public final String label;

  /** Its softmax probability. */
  public final double score;

  /** The likeliest classes, the best first. */
  public final List<Score> top;

  /** Frames that a program ran on. */
  public final int executed;

  /** Frames seen. */
  public final int frames;

  private Prediction(List<Score> ranked, int top, int executed, int frames) {
    this.label = ranked.get(0).label;
    this.score = ranked.get(0).probability;
    this.top = Collections.unmodifiableList(new ArrayList<>(ranked.subList(0, top)));
    this.executed = executed;
    this.frames = frames;
  }

  /** Ranks by mean logits, [K]; of equals the first class comes first. */
  static Prediction of(List<String> labels, final double[] mean, int top, int executed, int frames) {
    double highest = Double.NEGATIVE_INFINITY;
    List<Integer> order = new ArrayList<>();
    for (int index = 0; index < mean.length; index++) {
      highest = Math.max(highest, mean[index]);
      order.add(index);
    }
    Collections.sort(
        order,
        new Comparator<Integer>() {
          @Override
          public int compare(Integer first, Integer second) {
            return Double.compare(mean[second], mean[first]);
          }
        });
    double sum = 0.0;
    for (double logit : mean) {
      sum += Math.exp(logit - highest);
    }
    List<Score> ranked = new ArrayList<>();
    for (int index : order) {
      ranked.add(new Score(labels.get(index), Math.exp(mean[index] - highest) / sum));
    }
    return new Prediction(ranked, Math.max(0, Math.min(top, ranked.size())), executed, frames);
  }
}
