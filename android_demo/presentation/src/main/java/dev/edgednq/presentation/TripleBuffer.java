package dev.edgednq.presentation;

/**
 * Three pictures between one painter and one viewer: neither waits for the other, the viewer sees
 * whole pictures only, and the newest one.
 */
public final class TripleBuffer<T> {
  private T back;
  private T middle;
  private T front;
  private boolean fresh;

  public TripleBuffer(T first, T second, T third) {
    back = first;
    middle = second;
    front = third;
  }

  /** Returns the picture to paint; the painter's until {@link #publish}. */
  public synchronized T back() {
    return back;
  }

  /** Replaces the picture to paint, for example by one of another size. */
  public synchronized void replaceBack(T picture) {
    back = picture;
  }

  /** Gives what was painted to the viewer. */
  public synchronized void publish() {
    T painted = back;
    back = middle;
    middle = painted;
    fresh = true;
  }

  /** Returns the newest picture; the viewer's until the next call. */
  public synchronized T front() {
    if (fresh) {
      T newest = middle;
      middle = front;
      front = newest;
      fresh = false;
    }
    return front;
  }
}
