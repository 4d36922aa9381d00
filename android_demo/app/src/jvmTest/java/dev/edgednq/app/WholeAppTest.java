package dev.edgednq.app;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import dev.edgednq.core.Budget;
import dev.edgednq.core.Bundle;
import dev.edgednq.core.CostTable;
import dev.edgednq.core.DeviceInfo;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.ProgramLoader;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.Session;
import dev.edgednq.core.Step;
import dev.edgednq.nativelib.Kernels;
import dev.edgednq.nativelib.LiteRtRuntime;
import dev.edgednq.presentation.BackgroundRun;
import dev.edgednq.presentation.BundleFiles;
import dev.edgednq.presentation.BundleStore;
import dev.edgednq.presentation.DeviceProfile;
import dev.edgednq.presentation.FrameRecogniser;
import dev.edgednq.presentation.LiveFrames;
import dev.edgednq.presentation.LoaderOpener;
import dev.edgednq.presentation.Moment;
import dev.edgednq.presentation.Notice;
import dev.edgednq.presentation.Problem;
import dev.edgednq.presentation.RecognitionWorker;
import dev.edgednq.presentation.RecognitionWorker.Phase;
import dev.edgednq.presentation.SessionRecogniser;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/**
 * All of the app but its screens, on a desktop JVM with the real runtime: a bundle that is
 * imported, frames as cameras give them, the worker, sessions in native code, budgets and profiles.
 */
public class WholeAppTest {
  private static final long PATIENCE_MS = 120_000;
  private static final DeviceInfo DEVICE = new DeviceInfo("Test", "cpu", "x86_64");

  private static final LoaderOpener LOADER = new LoaderOpener() {
    @Override
    public ProgramLoader open() throws EdgeDnqException {
      return LiteRtRuntime.open(1, Kernels.AUTO);
    }
  };

  @Rule public final TemporaryFolder folder = new TemporaryFolder();
  private final List<YuvFrames.Frame> frames = YuvFrames.read();
  private BundleStore store;

  @BeforeClass
  public static void nameTheLibraries() {
    LiteRtRuntime.setLibraries(new File(System.getProperty("edgednq.jni")),
        new File(System.getProperty("edgednq.litert")));
  }

  @Before
  public void importTheBundle() throws EdgeDnqException {
    final File bundle = new File(System.getProperty("edgednq.bundle"));
    store = new BundleStore(folder.getRoot(), null);
    store.chooseFolder(new BundleFiles() {
      @Override
      public List<String> names() {
        return Arrays.asList(bundle.list());
      }

      @Override
      public InputStream open(String name) throws IOException {
        return new FileInputStream(new File(bundle, name));
      }
    });
  }

  private RecognitionWorker.Opener opener() {
    return new RecognitionWorker.Opener() {
      @Override
      public FrameRecogniser open() throws EdgeDnqException {
        return SessionRecogniser.open(store.open(), LOADER.open(), DEVICE);
      }
    };
  }

  /** Keeps all moments; it waits with the worker, so it sees what it is told. */
  private static final class Kept implements RecognitionWorker.Listener {
    final List<Moment> moments = new ArrayList<>();
    final List<Phase> phases = new ArrayList<>();
    RgbFrame last;

    @Override
    public synchronized void changed(Phase phase) {
      phases.add(phase);
      notifyAll();
    }

    @Override
    public synchronized void recognised(Moment moment, RgbFrame frame) {
      moments.add(moment);
      last = frame;
      notifyAll();
    }

    synchronized void await(Phase phase, int count) throws InterruptedException {
      long end = System.currentTimeMillis() + PATIENCE_MS;
      while (!phases.contains(phase) || moments.size() < count) {
        assertTrue(phase + " among " + phases, System.currentTimeMillis() < end);
        wait(1000);
      }
    }
  }

  private static void end(RecognitionWorker worker) throws InterruptedException {
    worker.close();
    assertTrue(worker.awaitEnd(PATIENCE_MS));
    assertNull(String.valueOf(worker.notice()), worker.notice());
  }

  @Test
  public void theWorkerAnswersAsASessionDoes() throws EdgeDnqException, InterruptedException {
    Kept kept = new Kept();
    RecognitionWorker worker = new RecognitionWorker(opener(), new YuvFrames(frames), kept);
    worker.start();
    kept.await(Phase.FINISHED, frames.size());
    try (Session session = new Session(store.open(), LOADER.open(), "learned")) {
      for (int i = 0; i < frames.size(); i++) {
        Step expected = session.step(frames.get(i).toRgb(null));
        Moment moment = kept.moments.get(i);
        assertEquals(expected.action, moment.step.action);
        assertArrayEquals(expected.logits, moment.step.logits, 0f);
        assertArrayEquals(expected.policyLogits, moment.step.policyLogits, 0f);
        assertEquals(session.result(1).label, moment.prediction.label);
        assertEquals(session.result(1).score, moment.prediction.score, 0.0);
        assertEquals(expected.action, worker.styles().get(moment.action).name);
      }
    }
    DrawnScreen.write(kept.moments.get(frames.size() - 1), kept.last, worker.styles());
    end(worker);
    assertEquals(0, LiteRtRuntime.openHandles());
  }

  @Test
  public void theSliderMovesTheController() throws InterruptedException {
    Kept kept = new Kept();
    YuvFrames source = new YuvFrames(frames);
    source.repeats = true;
    RecognitionWorker worker = new RecognitionWorker(opener(), source, kept);
    worker.start();
    kept.await(Phase.RUNNING, 20);
    assertEquals(0, worker.latest().budget.costBias, 0.0);
    assertTrue(worker.latest().budget.leastMs < worker.latest().budget.mostMs);
    // Less than anything costs: the price rises as long as it may.
    worker.setBudget(new Budget(Budget.Unit.MS, worker.latest().budget.leastMs / 10));
    kept.await(Phase.RUNNING, kept.moments.size() + 400);
    double risen = worker.latest().budget.costBias;
    assertTrue("lambda " + risen, risen > 0);
    worker.setBudget(null);
    kept.await(Phase.RUNNING, kept.moments.size() + 20);
    assertEquals(0, worker.latest().budget.costBias, 0.0);
    assertTrue(Double.isNaN(worker.latest().budget.targetMs));
    end(worker);
  }

  @Test
  public void aCameraFasterThanTheDeviceDropsFramesAndNothingElse()
      throws EdgeDnqException, InterruptedException {
    Kept kept = new Kept();
    LiveFrames camera = new LiveFrames();
    RecognitionWorker worker = new RecognitionWorker(opener(), camera, kept);
    worker.start();
    int given = 0;
    while (kept.moments.size() < 50 || camera.dropped() == 0) {
      camera.offer(frames.get(given++ % frames.size()));
    }
    worker.pause();
    kept.await(Phase.RUNNING, 50);
    end(worker);
    assertTrue(kept.moments.size() + camera.dropped() <= given);
    assertEquals(0, LiteRtRuntime.openHandles());
  }

  @Test
  public void manyScreensInARowLeaveNoNativeMemory() throws EdgeDnqException, InterruptedException {
    profile(); // With a cost table, opening measures nothing.
    for (int round = 0; round < 60; round++) {
      Kept kept = new Kept();
      RecognitionWorker worker = new RecognitionWorker(opener(), new YuvFrames(frames), kept);
      worker.start();
      if (round % 3 > 0) {
        kept.await(Phase.RUNNING, round % 3);
      }
      end(worker);
    }
    assertEquals(0, LiteRtRuntime.openHandles());
  }

  @Test
  public void aBundleThatDoesNotLoadIsToldAndFreed()
      throws EdgeDnqException, IOException, InterruptedException {
    Bundle bundle = store.open();
    File program = new File(bundle.folder, bundle.manifest.policy.files.get("litert").file);
    assertTrue(program.delete());
    RecognitionWorker worker = new RecognitionWorker(opener(), new YuvFrames(frames), new Kept());
    worker.start();
    assertTrue(worker.awaitEnd(PATIENCE_MS));
    assertEquals(Problem.BUNDLE_DAMAGED, worker.notice().problem);
    assertTrue(worker.notice().detail, worker.notice().detail.contains("copy the bundle again"));
    assertEquals(0, LiteRtRuntime.openHandles());
  }

  @Test
  public void aProfileIsWrittenWhereSessionsFindIt() throws EdgeDnqException, InterruptedException {
    DeviceProfile profile = profile();
    assertTrue(profile.file.isFile());
    assertEquals("chosen.costs", profile.file.getParentFile().getName());
    try (Session session = new Session(store.open(), LOADER.open(), "learned")) {
      assertNotNull(CostTable.find(session, DEVICE));
    }
    assertEquals(0, LiteRtRuntime.openHandles());
  }

  private DeviceProfile profile() throws InterruptedException {
    final List<Object> heard = new ArrayList<>();
    BackgroundRun<DeviceProfile> run = new BackgroundRun<>(
        "profile", Problem.STORAGE_FAILED, DeviceProfile.job(store, LOADER, DEVICE, 0.5));
    run.attach(new BackgroundRun.Listener<DeviceProfile>() {
      @Override
      public void progressed(double fraction) {
        assertTrue(fraction >= 0 && fraction <= 1);
      }

      @Override
      public void succeeded(DeviceProfile profile) {
        heard.add(profile);
      }

      @Override
      public void failed(Notice notice) {
        heard.add(notice);
      }
    });
    run.start();
    assertTrue(run.awaitEnd(PATIENCE_MS));
    assertEquals(1, heard.size());
    return (DeviceProfile) heard.get(0);
  }
}
