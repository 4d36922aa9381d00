package dev.edgednq.presentation;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import dev.edgednq.core.Budget;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.presentation.RecognitionWorker.Phase;
import java.util.Collections;
import org.junit.After;
import org.junit.Test;

/** One thread opens, works and frees, whatever the screen does meanwhile. */
public class RecognitionWorkerTest {
  private final Scripted.Recogniser recogniser = new Scripted.Recogniser();
  private final Scripted.Source source = new Scripted.Source();
  private final Scripted.Listener listener = new Scripted.Listener();
  private RecognitionWorker worker = new RecognitionWorker(recogniser, source, listener);

  @After
  public void everythingIsFreedOnce() throws InterruptedException {
    worker.close();
    worker.close();
    assertTrue(worker.awaitEnd(Scripted.PATIENCE_MS));
    assertEquals(recogniser.opened, recogniser.closed);
    assertEquals(source.taken, source.closedFrames);
    assertTrue(source.closed >= 1);
    assertEquals("calls from other threads", Collections.emptyList(), recogniser.strangers());
  }

  @Test
  public void framesAreRecognisedInOrderAndTheEndIsTold() throws InterruptedException {
    source.frames = 5;
    worker.start();
    listener.await(Phase.FINISHED);
    assertEquals(5, listener.moments);
    assertEquals(4, worker.latest().step.index);
    assertEquals(5, worker.latest().recent.length);
    assertEquals(1f, worker.latest().shares[0] + worker.latest().shares[1], 1e-6f);
  }

  @Test
  public void againBeginsAnotherVideo() throws InterruptedException {
    source.frames = 3;
    worker.start();
    listener.await(Phase.FINISHED);
    worker.restart();
    listener.await(Phase.RUNNING);
    listener.await(Phase.FINISHED);
    assertEquals(1, recogniser.resets);
    assertEquals(6, listener.moments);
    assertEquals(3, worker.latest().recent.length);
    assertEquals(1, recogniser.opened);
  }

  @Test
  public void aPauseTakesNoFramesAndSuspendsTheSource() throws InterruptedException {
    source.frames = Integer.MAX_VALUE;
    worker.start();
    listener.awaitMoments(2);
    worker.pause();
    listener.await(Phase.PAUSED);
    int before = listener.moments;
    assertTrue(source.suspended >= 1);
    Thread.sleep(30);
    assertEquals(before, listener.moments);
    worker.resume();
    listener.awaitMoments(before + 2);
    assertEquals(0, recogniser.resets);
  }

  @Test
  public void aBudgetIsHeldFromTheNextFrameOn() throws InterruptedException {
    source.frames = Integer.MAX_VALUE;
    worker.start();
    listener.awaitMoments(1);
    assertNull(recogniser.budget);
    Budget budget = new Budget(Budget.Unit.MS, 7);
    worker.setBudget(budget);
    listener.awaitMoments(listener.moments + 2);
    assertEquals(budget, recogniser.budget);
    worker.setBudget(null);
    listener.awaitMoments(listener.moments + 2);
    assertNull(recogniser.budget);
  }

  @Test
  public void closingWakesAWorkerThatWaitsForAFrame() throws InterruptedException {
    source.blocks = true;
    worker.start();
    listener.await(Phase.RUNNING);
    worker.close();
    listener.await(Phase.CLOSED);
  }

  @Test
  public void aCameraClosedMeanwhileSkipsTheFrame() throws InterruptedException {
    source.frames = 3;
    source.emptyFrames = true;
    worker.start();
    listener.await(Phase.FINISHED);
    assertEquals(0, listener.moments);
  }

  @Test
  public void aFailingStepIsToldAndEverythingIsFreed() throws InterruptedException {
    source.frames = 3;
    recogniser.failure = new EdgeDnqException("the program failed");
    worker.start();
    listener.await(Phase.FAILED);
    assertEquals(Problem.RECOGNITION_FAILED, worker.notice().problem);
    assertEquals("the program failed", worker.notice().detail);
  }

  @Test
  public void aFailingSourceIsToldAsWhatItIs() throws InterruptedException {
    source.failure = new ProblemException(Problem.VIDEO_UNSUPPORTED, "video/av01");
    worker.start();
    listener.await(Phase.FAILED);
    assertEquals(Problem.VIDEO_UNSUPPORTED, worker.notice().problem);
  }

  @Test
  public void whatCannotBeOpenedIsToldAndNothingIsClosed() throws InterruptedException {
    recogniser.refusal = new ProblemException(Problem.BUNDLE_MISSING, "");
    worker.start();
    listener.await(Phase.FAILED);
    assertEquals(Problem.BUNDLE_MISSING, worker.notice().problem);
    assertEquals(0, recogniser.closed);
  }

  @Test
  public void aWorkerThatNeverBeganIsClosed() {
    worker.close();
    worker.start();
    assertEquals(Phase.CLOSED, worker.phase());
    assertEquals(0, recogniser.opened);
  }

  @Test
  public void aThousandRoundsFreeEverything() throws InterruptedException {
    source.frames = Integer.MAX_VALUE;
    for (int round = 0; round < 1000; round++) {
      worker.close();
      worker.awaitEnd(Scripted.PATIENCE_MS);
      worker = new RecognitionWorker(recogniser, source, listener);
      worker.start();
      if (round % 3 == 0) {
        worker.pause();
      }
      if (round % 7 == 0) {
        listener.await(round % 3 == 0 ? Phase.PAUSED : Phase.RUNNING);
      }
    }
  }
}
