package dev.edgednq.presentation;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import dev.edgednq.core.RgbFrame;
import java.util.ArrayList;
import java.util.List;
import org.junit.Test;

/** The newest frame wins, and every frame goes back to the camera once. */
public class LiveFramesTest {
  private static final class Frame implements SourceFrame {
    volatile int closed;

    @Override
    public RgbFrame toRgb(RgbFrame reuse) {
      return null;
    }

    @Override
    public void close() {
      closed++;
    }
  }

  private final LiveFrames frames = new LiveFrames();

  @Test
  public void aFrameThatNobodyTookIsReplacedAndGivenBack() throws InterruptedException {
    Frame old = new Frame();
    Frame newest = new Frame();
    frames.offer(old);
    frames.offer(newest);
    assertEquals(1, old.closed);
    assertEquals(1, frames.dropped());
    assertSame(newest, frames.next());
    assertEquals(0, newest.closed);
  }

  @Test
  public void afterTheEndFramesAreGivenBackAtOnce() throws InterruptedException {
    Frame waiting = new Frame();
    Frame late = new Frame();
    frames.offer(waiting);
    frames.close();
    frames.offer(late);
    assertEquals(1, waiting.closed);
    assertEquals(1, late.closed);
    assertNull(frames.next());
    frames.close();
    assertEquals(1, waiting.closed);
  }

  @Test
  public void aSlowTakerLosesFramesButLeaksNone() throws InterruptedException {
    final List<Frame> given = new ArrayList<>();
    Thread camera = new Thread() {
      @Override
      public void run() {
        for (int i = 0; i < 20_000; i++) {
          Frame frame = new Frame();
          given.add(frame);
          frames.offer(frame);
        }
        frames.close();
      }
    };
    camera.start();
    int taken = 0;
    for (SourceFrame frame = frames.next(); frame != null; frame = frames.next()) {
      taken++;
      Thread.yield();
      frame.close();
    }
    camera.join();
    for (Frame frame : given) {
      assertEquals(1, frame.closed);
    }
    assertTrue("taken and dropped", taken + frames.dropped() >= given.size() - 1);
  }
}
