package dev.edgednq.presentation;

import dev.edgednq.core.Budget;
import dev.edgednq.core.CoreFixtures;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.Prediction;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.Step;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** What a worker works with in tests: it counts what is done with it, and fails on command. */
final class Scripted {
  static final long PATIENCE_MS = 60_000;

  static final List<ActionStyle> STYLES = Collections.unmodifiableList(Arrays.asList(
      new ActionStyle("w8a8", 0xFF0072B2, 1f), new ActionStyle("skip", 0xFF8A8A8A, 0.08f)));

  static final List<String> LABELS = Collections.unmodifiableList(Arrays.asList("squat", "walk"));

  private Scripted() {}

  /** Opens itself; every second frame is a skip. */
  static final class Recogniser implements FrameRecogniser, RecognitionWorker.Opener {
    volatile EdgeDnqException refusal;
    volatile EdgeDnqException failure;
    volatile Budget budget;
    volatile int opened;
    volatile int closed;
    volatile int resets;
    private final List<String> strangers = Collections.synchronizedList(new ArrayList<String>());
    private int frames;
    private Thread owner;

    List<String> strangers() {
      return strangers;
    }

    private void called(String by) {
      if (Thread.currentThread() != owner) {
        strangers.add(by);
      }
    }

    @Override
    public FrameRecogniser open() throws EdgeDnqException {
      if (refusal != null) {
        throw refusal;
      }
      owner = Thread.currentThread();
      opened++;
      frames = 0;
      return this;
    }

    @Override
    public Step step(RgbFrame frame) throws EdgeDnqException {
      called("step");
      if (failure != null) {
        throw failure;
      }
      boolean executed = frames % 2 == 0;
      return CoreFixtures.step(frames++, executed ? "w8a8" : "skip", executed);
    }

    @Override
    public Prediction result(int top) {
      called("result");
      return CoreFixtures.prediction(LABELS, new double[] {2, 1}, (frames + 1) / 2, frames);
    }

    @Override
    public void reset() {
      called("reset");
      resets++;
      frames = 0;
    }

    @Override
    public void setBudget(Budget wanted) {
      called("setBudget");
      budget = wanted;
    }

    @Override
    public BudgetState budget() {
      called("budget");
      return new BudgetState(Double.NaN, Double.NaN, 0, 1, 2);
    }

    @Override
    public List<ActionStyle> styles() {
      return STYLES;
    }

    @Override
    public void close() {
      called("close");
      closed++;
    }
  }

  /** Gives so many frames of 2x2 pixels. */
  static final class Source implements FrameSource {
    volatile int frames;
    volatile boolean blocks;
    volatile boolean emptyFrames;
    volatile EdgeDnqException failure;
    volatile int taken;
    volatile int closedFrames;
    volatile int suspended;
    volatile int closed;
    private int given;

    @Override
    public SourceFrame next() throws EdgeDnqException, InterruptedException {
      if (failure != null) {
        throw failure;
      }
      if (blocks) {
        Thread.sleep(PATIENCE_MS);
      }
      if (given >= frames) {
        return null;
      }
      given++;
      taken++;
      return new SourceFrame() {
        @Override
        public RgbFrame toRgb(RgbFrame reuse) {
          return emptyFrames ? null : new RgbFrame(2, 2);
        }

        @Override
        public void close() {
          closedFrames++;
        }
      };
    }

    @Override
    public void suspend() {
      suspended++;
    }

    @Override
    public void rewind() {
      given = 0;
    }

    @Override
    public long dropped() {
      return 0;
    }

    @Override
    public void close() {
      closed++;
    }
  }

  /** Waits for phases and moments. */
  static final class Listener implements RecognitionWorker.Listener {
    volatile int moments;
    private final List<RecognitionWorker.Phase> phases = new ArrayList<>();

    @Override
    public synchronized void changed(RecognitionWorker.Phase phase) {
      phases.add(phase);
      notifyAll();
    }

    @Override
    public synchronized void recognised(Moment moment, RgbFrame frame) {
      moments++;
      notifyAll();
    }

    /** Waits for a phase, and forgets those up to it. */
    synchronized void await(RecognitionWorker.Phase phase) throws InterruptedException {
      long end = System.nanoTime() + PATIENCE_MS * 1_000_000;
      while (!phases.contains(phase)) {
        waitUntil(end, "phase " + phase + " among " + phases);
      }
      phases.subList(0, phases.indexOf(phase) + 1).clear();
    }

    synchronized void awaitMoments(int count) throws InterruptedException {
      long end = System.nanoTime() + PATIENCE_MS * 1_000_000;
      while (moments < count) {
        waitUntil(end, count + " moments");
      }
    }

    private void waitUntil(long end, String what) throws InterruptedException {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new AssertionError("waited in vain for " + what);
      }
      wait(left);
    }
  }
}
