package dev.edgednq.presentation;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import dev.edgednq.core.EdgeDnqException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.Test;

/** A job goes on while screens come and go, and each hears the end once. */
public class BackgroundRunTest {
  private static final long PATIENCE_MS = 60_000;

  private static final class Screen implements BackgroundRun.Listener<String> {
    final List<String> heard = Collections.synchronizedList(new ArrayList<String>());

    @Override
    public void progressed(double fraction) {
      heard.add(String.valueOf(fraction));
    }

    @Override
    public void succeeded(String result) {
      heard.add(result);
    }

    @Override
    public void failed(Notice notice) {
      heard.add(notice.toString());
    }
  }

  /** Tells half, waits until it may go on, and ends. */
  private static final class Job implements BackgroundRun.Job<String> {
    final CountDownLatch halfway = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);
    volatile boolean interrupted;
    EdgeDnqException failure;

    @Override
    public String run(BackgroundRun.Progress progress)
        throws EdgeDnqException, InterruptedException {
      progress.told(0.5);
      halfway.countDown();
      try {
        goOn.await();
      } catch (InterruptedException cancelled) {
        interrupted = true;
        throw cancelled;
      }
      if (failure != null) {
        throw failure;
      }
      return "done";
    }
  }

  private final Job job = new Job();
  private final BackgroundRun<String> run =
      new BackgroundRun<>("test", Problem.STORAGE_FAILED, job);
  private final Screen screen = new Screen();

  private void end() throws InterruptedException {
    job.goOn.countDown();
    assertTrue(run.awaitEnd(PATIENCE_MS));
  }

  @Test
  public void aScreenHearsProgressAndTheResult() throws InterruptedException {
    run.attach(screen);
    run.start();
    end();
    assertEquals(Arrays.asList("0.0", "0.5", "done"), screen.heard);
  }

  @Test
  public void aScreenMadeAnewIsToldWhereTheJobStands() throws InterruptedException {
    run.attach(screen);
    run.start();
    job.halfway.await();
    run.attach(null);
    end();
    Screen next = new Screen();
    run.attach(next);
    assertEquals(Collections.singletonList("done"), next.heard);
    assertEquals(Arrays.asList("0.0", "0.5"), screen.heard);
  }

  @Test
  public void aFailureIsToldAsWhatItMeans() throws InterruptedException {
    job.failure = new EdgeDnqException("no space left on device");
    run.attach(screen);
    run.start();
    end();
    assertEquals("STORAGE_FAILED: no space left on device", screen.heard.get(2));
  }

  @Test
  public void aCancelledJobIsInterruptedAndTellsNothing() throws InterruptedException {
    run.attach(screen);
    run.start();
    job.halfway.await();
    run.cancel();
    assertTrue(run.awaitEnd(PATIENCE_MS));
    assertTrue(job.interrupted);
    assertEquals(Arrays.asList("0.0", "0.5"), screen.heard);
  }
}
