package dev.edgednq.presentation;

import java.util.Arrays;

/** A ring of what was chosen for the last frames, and the share of every action in the video. */
public final class PrecisionHistory {
  private final byte[] ring;
  private final long[] counts;
  private long frames;

  /**
   * @param actions how many there are, at most 127
   * @param capacity frames to remember
   */
  public PrecisionHistory(int actions, int capacity) {
    ring = new byte[capacity];
    counts = new long[actions];
  }

  /** Adds the newest frame's action, by its place in the bundle. */
  public void add(int action) {
    ring[(int) (frames++ % ring.length)] = (byte) action;
    counts[action]++;
  }

  /** Forgets everything: another video begins. */
  public void clear() {
    frames = 0;
    Arrays.fill(counts, 0);
  }

  /** Returns the remembered actions, the oldest first, as a new array. */
  public byte[] recent() {
    int size = (int) Math.min(frames, ring.length);
    byte[] recent = new byte[size];
    int oldest = (int) ((frames - size) % ring.length);
    int head = Math.min(size, ring.length - oldest);
    System.arraycopy(ring, oldest, recent, 0, head);
    System.arraycopy(ring, 0, recent, head, size - head);
    return recent;
  }

  /** Returns every action's share of all frames, 0..1, as a new array. */
  public float[] shares() {
    float[] shares = new float[counts.length];
    for (int action = 0; action < counts.length; action++) {
      shares[action] = frames == 0 ? 0 : counts[action] / (float) frames;
    }
    return shares;
  }
}
