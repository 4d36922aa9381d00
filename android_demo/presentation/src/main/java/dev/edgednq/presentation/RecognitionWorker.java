package dev.edgednq.presentation;

import dev.edgednq.core.Budget;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.Step;
import java.util.List;

/**
 * A thread that opens a recogniser, feeds it frames one by one and closes it: native memory is
 * touched by this thread alone. All public methods may be called from any thread and none waits for
 * the work, so a screen may call them.
 */
public final class RecognitionWorker {
  /** Where the work stands. */
  public enum Phase {
    /** Loading the programs. */
    OPENING,
    /** Recognising, or waiting for a frame. */
    RUNNING,
    /** Nothing is taken from the source. */
    PAUSED,
    /** The source has no more frames. */
    FINISHED,
    /** It cannot go on, and everything is freed; {@link #notice} says why. */
    FAILED,
    /** It was closed, and everything is freed. */
    CLOSED
  }

  /** Makes the recogniser, on the worker's thread. */
  public interface Opener {
    FrameRecogniser open() throws EdgeDnqException, InterruptedException;
  }

  /** Hears of the work on the worker's thread. */
  public interface Listener {
    /** The phase is another. */
    void changed(Phase phase);

    /** A frame was recognised; it is the listener's until it returns. */
    void recognised(Moment moment, RgbFrame frame);
  }

  private static final int REMEMBERED = 512;
  private static final int TOP = 3;

  private final Opener opener;
  private final FrameSource source;
  private final Listener listener;
  private final Thread thread;

  private Phase phase = Phase.OPENING;
  private Notice notice;
  private boolean started;
  private boolean paused;
  private boolean restart;
  private boolean closing;
  private volatile List<ActionStyle> styles;
  private volatile Moment latest;
  private volatile Budget wanted;

  // Of the worker's thread alone.
  private PrecisionHistory history;
  private Budget applied;
  private RgbFrame memory;

  /**
   * @param opener makes the recogniser, which the worker then owns
   * @param source belongs to the worker, too
   * @param listener hears of everything
   */
  public RecognitionWorker(Opener opener, FrameSource source, Listener listener) {
    this.opener = opener;
    this.source = source;
    this.listener = listener;
    thread = new Thread("recognition") {
      @Override
      public void run() {
        work();
      }
    };
  }

  /** Begins, once. */
  public synchronized void start() {
    if (!started && !closing) {
      started = true;
      thread.start();
    }
  }

  /** Takes no more frames until {@link #resume}. */
  public synchronized void pause() {
    paused = true;
  }

  /** Goes on. */
  public synchronized void resume() {
    paused = false;
    notifyAll();
  }

  /** Begins another video, from the source's first frame. */
  public synchronized void restart() {
    restart = true;
    notifyAll();
  }

  /** Holds a budget; null is the learned policy. */
  public void setBudget(Budget budget) {
    wanted = budget;
  }

  /** Returns the budget that is to be held, or null. */
  public Budget budget() {
    return wanted;
  }

  /** Ends the work; idempotent. The thread frees everything on its way out. */
  public synchronized void close() {
    if (closing) {
      return;
    }
    closing = true;
    if (started) {
      thread.interrupt();
    } else {
      source.close();
      phase = Phase.CLOSED;
    }
  }

  /**
   * Waits for the thread to end.
   *
   * @return whether it did within {@code milliseconds}
   */
  public boolean awaitEnd(long milliseconds) throws InterruptedException {
    thread.join(milliseconds);
    return !thread.isAlive();
  }

  public synchronized Phase phase() {
    return phase;
  }

  /** Returns why it failed, or null. */
  public synchronized Notice notice() {
    return notice;
  }

  /** Returns the last frame's moment, or null. */
  public Moment latest() {
    return latest;
  }

  /** Returns how actions look; null until the programs are loaded. */
  public List<ActionStyle> styles() {
    return styles;
  }

  private void work() {
    FrameRecogniser recogniser = null;
    Notice failure = null;
    try {
      recogniser = opener.open();
      styles = recogniser.styles();
      history = new PrecisionHistory(styles.size(), REMEMBERED);
      while (isReady(recogniser)) {
        SourceFrame frame = source.next();
        if (frame == null) {
          become(Phase.FINISHED, null);
        } else {
          recognise(recogniser, frame);
        }
      }
    } catch (InterruptedException closed) {
      // Nobody but close() interrupts.
    } catch (EdgeDnqException | RuntimeException | LinkageError | OutOfMemoryError problem) {
      failure = Notice.of(problem, Problem.RECOGNITION_FAILED);
    } finally {
      Thread.interrupted(); // Freeing is not to be cut short.
      if (recogniser != null) {
        recogniser.close();
      }
      source.close();
      become(failure == null ? Phase.CLOSED : Phase.FAILED, failure);
    }
  }

  /** Waits while there is nothing to do; tells whether to take a frame, or to end. */
  private boolean isReady(FrameRecogniser recogniser) throws InterruptedException {
    while (true) {
      boolean again;
      synchronized (this) {
        if (closing) {
          return false;
        }
        again = restart;
        restart = false;
      }
      if (again) {
        source.rewind();
        recogniser.reset();
        history.clear();
        become(Phase.RUNNING, null);
      }
      if (!isHeld()) {
        become(Phase.RUNNING, null);
        return true;
      }
      source.suspend();
      if (phase() != Phase.FINISHED) {
        become(Phase.PAUSED, null);
      }
      synchronized (this) {
        while (isHeld()) {
          wait();
        }
      }
    }
  }

  private synchronized boolean isHeld() {
    return !closing && !restart && (paused || phase == Phase.FINISHED);
  }

  private void recognise(FrameRecogniser recogniser, SourceFrame frame) throws EdgeDnqException {
    RgbFrame picture;
    try {
      picture = frame.toRgb(memory);
    } finally {
      frame.close();
    }
    if (picture == null) {
      return;
    }
    memory = picture;
    Budget budget = wanted;
    if (budget != applied) {
      recogniser.setBudget(budget);
      applied = budget;
    }
    Step step = recogniser.step(picture);
    int action = placeOf(step.action);
    history.add(action);
    Moment moment = new Moment(
        step, recogniser.result(TOP), action, history, recogniser.budget(), source.dropped());
    latest = moment;
    listener.recognised(moment, picture);
  }

  private int placeOf(String action) {
    for (int place = 0; place < styles.size(); place++) {
      if (styles.get(place).name.equals(action)) {
        return place;
      }
    }
    throw new IllegalStateException("the bundle has no action " + action);
  }

  private void become(Phase next, Notice why) {
    synchronized (this) {
      if (phase == next) {
        return;
      }
      phase = next;
      notice = why;
    }
    listener.changed(next);
  }
}
