package dev.edgednq.presentation;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import dev.edgednq.presentation.CameraLifecycle.Answer;
import java.util.Random;
import org.junit.Test;

/** Whatever people, the system and cameras do, cameras are closed and nobody is nagged. */
public class CameraLifecycleTest {
  private static final Notice LOST = new Notice(Problem.CAMERA_LOST, "");

  /** A camera that opens when the test says so, and complains about wrong commands. */
  private static final class Camera implements CameraLifecycle.Commands {
    boolean held;
    int questions;
    int openings;
    int ends;
    Notice told;

    @Override
    public void askPermission() {
      questions++;
    }

    @Override
    public void open() {
      assertFalse("opened twice", held);
      assertEquals("opened after the end", 0, ends);
      held = true;
      openings++;
    }

    @Override
    public void close() {
      assertTrue("closed twice", held);
      held = false;
    }

    @Override
    public void tell(Notice notice) {
      told = notice;
    }

    @Override
    public void end() {
      assertFalse("ended with an open camera", held);
      ends++;
    }
  }

  private final Camera camera = new Camera();
  private final CameraLifecycle lifecycle = new CameraLifecycle(camera);

  @Test
  public void aPauseReleasesTheCameraAndComingBackOpensIt() {
    lifecycle.resumed(true);
    lifecycle.opened();
    assertTrue(camera.held);
    lifecycle.paused();
    assertFalse(camera.held);
    lifecycle.resumed(true);
    assertTrue(camera.held);
    assertEquals(2, camera.openings);
  }

  @Test
  public void aPauseWhileOpeningClosesAsSoonAsItIsOpen() {
    lifecycle.resumed(true);
    lifecycle.paused();
    assertTrue("it cannot be closed yet", camera.held);
    lifecycle.opened();
    assertFalse(camera.held);
  }

  @Test
  public void comingBackWhileOpeningOpensOnce() {
    lifecycle.resumed(true);
    lifecycle.paused();
    lifecycle.resumed(true);
    lifecycle.opened();
    assertTrue(camera.held);
    assertEquals(1, camera.openings);
  }

  @Test
  public void aRefusedPermissionIsToldAndNotAskedForAgain() {
    lifecycle.resumed(false);
    assertEquals(1, camera.questions);
    lifecycle.paused(); // The system's question covers the screen.
    lifecycle.answered(Answer.REFUSED);
    lifecycle.resumed(false);
    assertEquals(1, camera.questions);
    assertEquals(0, camera.openings);
    assertEquals(Problem.CAMERA_REFUSED, camera.told.problem);
    lifecycle.retried();
    assertEquals(2, camera.questions);
  }

  @Test
  public void aPermissionGivenInTheSettingsCounts() {
    lifecycle.resumed(false);
    lifecycle.answered(Answer.BLOCKED);
    assertEquals(Problem.CAMERA_BLOCKED, camera.told.problem);
    lifecycle.paused();
    lifecycle.resumed(true);
    lifecycle.opened();
    assertTrue(camera.held);
    assertNull(camera.told);
  }

  @Test
  public void aQuestionThatWentAwayIsAskedAgain() {
    lifecycle.resumed(false);
    lifecycle.paused();
    lifecycle.answered(Answer.NONE);
    lifecycle.resumed(false);
    assertEquals(2, camera.questions);
  }

  @Test
  public void aGrantBehindTheQuestionOpensWhenTheScreenIsBack() {
    lifecycle.resumed(false);
    lifecycle.paused();
    lifecycle.answered(Answer.GRANTED);
    assertEquals(0, camera.openings);
    lifecycle.resumed(true);
    assertEquals(1, camera.openings);
  }

  @Test
  public void aLostCameraIsToldAndOpenedAgainOnRequest() {
    lifecycle.resumed(true);
    lifecycle.opened();
    lifecycle.failed(LOST);
    assertFalse(camera.held);
    assertEquals(LOST, camera.told);
    lifecycle.retried();
    lifecycle.opened();
    assertTrue(camera.held);
    assertNull(camera.told);
  }

  @Test
  public void theEndWaitsForACameraThatIsBeingOpened() {
    lifecycle.resumed(true);
    lifecycle.released();
    assertEquals(0, camera.ends);
    lifecycle.opened();
    assertFalse(camera.held);
    assertEquals(1, camera.ends);
    lifecycle.resumed(true);
    assertEquals(1, camera.openings);
  }

  @Test
  public void noOrderOfEventsLeavesACameraOpenOrNags() {
    for (int seed = 0; seed < 2000; seed++) {
      Camera any = new Camera();
      run(any, new CameraLifecycle(any), new Random(seed));
      assertFalse("seed " + seed, any.held);
      assertEquals("seed " + seed, 1, any.ends);
    }
  }

  /** Gives random events as the system would, and an end. */
  private static void run(Camera any, CameraLifecycle subject, Random random) {
    boolean inFront = false;
    boolean permitted = false;
    boolean opening = false;
    int mayAsk = 1;
    for (int event = 0; event < 40; event++) {
      int openings = any.openings;
      switch (random.nextInt(6)) {
        case 0:
          inFront = true;
          permitted |= random.nextInt(4) == 0;
          subject.resumed(permitted);
          break;
        case 1:
          inFront = false;
          subject.paused();
          break;
        case 2:
          Answer answer = Answer.values()[random.nextInt(4)];
          mayAsk += answer == Answer.NONE ? 1 : 0;
          permitted |= answer == Answer.GRANTED;
          subject.answered(answer);
          break;
        case 3:
          mayAsk++;
          subject.retried();
          break;
        case 4:
          if (opening) {
            opening = false;
            subject.opened();
          }
          break;
        default:
          opening = false;
          subject.failed(LOST);
      }
      opening = any.held && (opening || any.openings > openings);
      assertTrue("opened in the background", any.openings == openings || inFront);
      assertTrue("held in the background", !any.held || inFront || opening);
      assertTrue("asked too often", any.questions <= mayAsk);
      assertTrue("opened without permission", any.openings == 0 || permitted);
    }
    subject.released();
    if (any.held) {
      subject.opened();
    }
  }
}
