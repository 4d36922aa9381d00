package dev.edgednq.presentation;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

/** The viewer sees whole pictures, never an older one than before, and the last one in the end. */
public class TripleBufferTest {
  @Test
  public void withoutANewPictureTheViewerKeepsItsOwn() {
    TripleBuffer<int[]> buffer = new TripleBuffer<>(new int[1], new int[1], new int[1]);
    int[] painted = buffer.back();
    buffer.publish();
    assertSame(painted, buffer.front());
    assertSame(painted, buffer.front());
  }

  @Test
  public void picturesAreNeverSeenHalfPainted() throws InterruptedException {
    final int last = 20_000;
    final TripleBuffer<int[]> buffer = new TripleBuffer<>(new int[64], new int[64], new int[64]);
    Thread painter = new Thread() {
      @Override
      public void run() {
        for (int number = 1; number <= last; number++) {
          int[] picture = buffer.back();
          java.util.Arrays.fill(picture, number);
          buffer.publish();
        }
      }
    };
    painter.start();
    int seen = 0;
    while (seen < last) {
      int[] picture = buffer.front();
      for (int part : picture) {
        assertEquals(picture[0], part);
      }
      assertTrue(picture[0] >= seen);
      seen = picture[0];
    }
    painter.join();
  }
}
