package dev.edgednq.presentation;

import dev.edgednq.core.Budget;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.Prediction;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.Step;
import java.util.List;

/** Recognises a video frame by frame and holds native memory; one thread makes all calls. */
public interface FrameRecogniser {
  /** Looks at the next frame of the video. */
  Step step(RgbFrame frame) throws EdgeDnqException;

  /** Returns the prediction so far with the {@code top} likeliest classes. */
  Prediction result(int top);

  /** Begins another video. */
  void reset();

  /** Holds a budget from the next frame on; null is the learned policy. */
  void setBudget(Budget budget);

  /** Returns what the controller of budgets does now; null where there is none. */
  BudgetState budget();

  /** Returns how every action looks, in the bundle's order. */
  List<ActionStyle> styles();

  /** Frees native memory. */
  void close();
}
