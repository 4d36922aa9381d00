package dev.edgednq.presentation;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import dev.edgednq.core.BundleException;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.YuvColor;
import org.junit.Test;

/** The small sums behind the screens. */
public class ScreenMathsTest {
  @Test
  public void aSliderGoesThereAndBack() {
    BudgetScale scale = new BudgetScale(0.5, 40);
    assertEquals(0.5, scale.valueMs(0), 1e-12);
    assertEquals(40, scale.valueMs(BudgetScale.LAST), 1e-9);
    for (int position = 0; position <= BudgetScale.LAST; position++) {
      assertEquals(position, scale.position(scale.valueMs(position)));
    }
    assertEquals(0, scale.position(0.1));
    assertEquals(BudgetScale.LAST, scale.position(1000));
    // Equal ways are equal ratios: the middle is the geometric mean.
    assertEquals(Math.sqrt(0.5 * 40), scale.valueMs(BudgetScale.LAST / 2), 1e-9);
  }

  @Test
  public void aSliderNeedsARange() {
    double[][] wrong = {{0, 1}, {2, 2}, {3, 1}, {1, Double.NaN}, {1, Double.POSITIVE_INFINITY}};
    for (double[] range : wrong) {
      try {
        new BudgetScale(range[0], range[1]);
        fail("took " + range[0] + ".." + range[1]);
      } catch (IllegalArgumentException expected) {
        assertTrue(expected.getMessage().contains("range"));
      }
    }
  }

  @Test
  public void theHistoryKeepsTheNewestAndCountsAll() {
    PrecisionHistory history = new PrecisionHistory(3, 4);
    assertEquals(0, history.recent().length);
    for (int action : new int[] {0, 1, 2, 1, 1, 2}) {
      history.add(action);
    }
    assertArrayEquals(new byte[] {2, 1, 1, 2}, history.recent());
    assertArrayEquals(new float[] {1 / 6f, 3 / 6f, 2 / 6f}, history.shares(), 1e-6f);
    history.clear();
    assertArrayEquals(new float[] {0, 0, 0}, history.shares(), 0f);
    history.add(2);
    assertArrayEquals(new byte[] {2}, history.recent());
  }

  @Test
  public void framesStandUpright() {
    // A phone's camera at its back: its sensor lies on its side.
    assertEquals(90, FrameGeometry.clockwise(90, 0, false));
    assertEquals(0, FrameGeometry.clockwise(90, 90, false));
    assertEquals(270, FrameGeometry.clockwise(90, 180, false));
    assertEquals(180, FrameGeometry.clockwise(90, 270, false));
    // Its camera in front turns the other way round.
    assertEquals(270, FrameGeometry.clockwise(270, 0, true));
    assertEquals(0, FrameGeometry.clockwise(270, 90, true));
    assertEquals(180, FrameGeometry.clockwise(270, 270, true));
  }

  @Test
  public void theSmallestSizeThatIsEnoughIsChosen() {
    int[][] sizes = {{4000, 3000}, {640, 360}, {640, 480}, {800, 600}, {176, 144}};
    assertEquals(2, FrameGeometry.choose(sizes, 480));
    assertEquals(0, FrameGeometry.choose(sizes, 3500));
    assertEquals(4, FrameGeometry.choose(sizes, 100));
  }

  @Test
  public void videosAreNeverFasterThanTheirTimestamps() {
    PlaybackClock clock = new PlaybackClock();
    long start = 7_000_000_000L;
    assertEquals(0, clock.waitNs(0, start));
    assertEquals(30_000_000, clock.waitNs(40_000, start + 10_000_000));
    assertEquals(0, clock.waitNs(80_000, start + 90_000_000));
    // A little late is made up for, very late is not.
    assertEquals(20_000_000, clock.waitNs(120_000, start + 100_000_000));
    assertEquals(0, clock.waitNs(160_000, start + 2_000_000_000L));
    assertEquals(40_000_000, clock.waitNs(200_000, start + 2_000_000_000L));
    clock.stop();
    assertEquals(0, clock.waitNs(240_000, start + 2_000_000_000L));
  }

  @Test
  public void videosThatDoNotTellTheirColoursGoByTheirSize() {
    assertEquals(YuvColor.BT601_LIMITED, VideoColor.of(0, 0, 480));
    assertEquals(YuvColor.BT709_LIMITED, VideoColor.of(0, 0, 720));
    assertEquals(YuvColor.BT601_LIMITED, VideoColor.of(4, 2, 1080));
    assertEquals(YuvColor.BT601_FULL, VideoColor.of(2, 1, 1080));
    assertEquals(YuvColor.BT709_FULL, VideoColor.of(1, 1, 240));
  }

  @Test
  public void pixelsBecomeOpaque() {
    RgbFrame frame = new RgbFrame(2, 1, new byte[] {1, 2, 3, (byte) 250, 0, 7});
    byte[] rgba = new byte[8];
    Pixels.rgba(frame, rgba);
    assertArrayEquals(new byte[] {1, 2, 3, -1, (byte) 250, 0, 7, -1}, rgba);
  }

  @Test
  public void failuresAreToldAsWhatTheyMean() {
    Problem other = Problem.RECOGNITION_FAILED;
    assertEquals(Problem.BUNDLE_DAMAGED, Notice.of(new BundleException("bad"), other).problem);
    assertEquals(other, Notice.of(new EdgeDnqException("bad"), other).problem);
    assertEquals(Problem.RUNTIME_UNAVAILABLE,
        Notice.of(new UnsatisfiedLinkError("libedge_dnq_jni.so"), other).problem);
    assertEquals(Problem.OUT_OF_MEMORY, Notice.of(new OutOfMemoryError(), other).problem);
    assertEquals(Problem.UNEXPECTED, Notice.of(new IllegalStateException("oh"), other).problem);
    assertEquals(
        "NO_VIDEO", Notice.of(new ProblemException(Problem.NO_VIDEO, ""), other).toString());
  }
}
