package dev.edgednq.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.Test;

public final class LatestFrameTest {
  @Test
  public void theNewestFrameWinsAndTheRestIsCounted() throws Exception {
    LatestFrame<String> slot = new LatestFrame<>();
    assertNull(slot.offer("a"));
    assertSame("a", slot.offer("b"));
    assertSame("b", slot.offer("c"));
    assertSame("c", slot.take());
    assertEquals(2, slot.dropped());
    assertNull(slot.offer("d"));
    assertSame("d", slot.close());
    assertSame("e", slot.offer("e"));
    assertNull(slot.take());
    assertNull(slot.close());
    assertEquals(2, slot.dropped());
  }

  @Test
  public void whoWaitsGetsTheNextFrameOrTheEnd() throws Exception {
    final LatestFrame<Integer> slot = new LatestFrame<>();
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      Future<Integer> sum =
          thread.submit(
              new Callable<Integer>() {
                @Override
                public Integer call() throws Exception {
                  int last = -1;
                  for (Integer frame = slot.take(); frame != null; frame = slot.take()) {
                    assertTrue("frames come in order", frame > last);
                    last = frame;
                  }
                  return last;
                }
              });
      int lost = 0;
      for (int frame = 0; frame < 10_000; frame++) {
        lost += slot.offer(frame) == null ? 0 : 1;
      }
      assertEquals(lost, slot.dropped());
      Integer left = slot.close();
      int last = sum.get(30, TimeUnit.SECONDS);
      assertEquals(9_999, left == null ? last : (int) left);
    } finally {
      thread.shutdownNow();
    }
  }
}
