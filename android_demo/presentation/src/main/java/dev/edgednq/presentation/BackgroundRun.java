package dev.edgednq.presentation;

import dev.edgednq.core.EdgeDnqException;

/**
 * One job on a thread of its own that outlives the screen that began it: a screen made anew after a
 * rotation attaches itself and is told where the job stands.
 */
public final class BackgroundRun<T> {
  /** The work. */
  public interface Job<T> {
    /** Does it; an interruption means that nobody wants it any more. */
    T run(Progress progress) throws EdgeDnqException, InterruptedException;
  }

  /** Hears how far a job is. */
  public interface Progress {
    /** Tells what fraction is done, 0..1. */
    void told(double fraction);
  }

  /** Hears on the job's thread, or on its own while it is attached. */
  public interface Listener<T> {
    void progressed(double fraction);

    void succeeded(T result);

    void failed(Notice notice);
  }

  private final Thread thread;
  private final Problem otherwise;
  private Listener<T> listener;
  private Listener<T> toldEnd;
  private double fraction;
  private boolean ended;
  private T result;
  private Notice notice;

  /**
   * @param name of the thread
   * @param otherwise what a failure means whose type does not tell
   */
  public BackgroundRun(String name, Problem otherwise, final Job<T> job) {
    this.otherwise = otherwise;
    thread = new Thread(name) {
      @Override
      public void run() {
        work(job);
      }
    };
  }

  public void start() {
    thread.start();
  }

  /** Attaches a listener and tells it where the job stands; null attaches none. */
  public void attach(Listener<T> next) {
    synchronized (this) {
      listener = next;
    }
    tell();
  }

  /** Asks the job to stop; a listener hears nothing more. */
  public void cancel() {
    attach(null);
    thread.interrupt();
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

  private void work(Job<T> job) {
    T made = null;
    Notice why = null;
    try {
      made = job.run(new Progress() {
        @Override
        public void told(double done) {
          synchronized (BackgroundRun.this) {
            fraction = done;
          }
          tell();
        }
      });
    } catch (InterruptedException cancelled) {
      return;
    } catch (EdgeDnqException | RuntimeException | LinkageError | OutOfMemoryError failure) {
      why = Notice.of(failure, otherwise);
    }
    synchronized (this) {
      ended = true;
      result = made;
      notice = why;
    }
    tell();
  }

  /** Tells outside the lock, as a listener may take long; the end is told to each once. */
  private void tell() {
    Listener<T> told;
    double done;
    boolean over;
    synchronized (this) {
      told = listener;
      done = fraction;
      over = ended;
      if (told == null || told == toldEnd) {
        return;
      }
      toldEnd = over ? told : null;
    }
    if (!over) {
      told.progressed(done);
    } else if (notice == null) {
      told.succeeded(result);
    } else {
      told.failed(notice);
    }
  }
}
