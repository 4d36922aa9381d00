package dev.edgednq.presentation;

import dev.edgednq.core.Cost;
import dev.edgednq.core.CostTable;
import dev.edgednq.core.DeviceInfo;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.KernelUse;
import dev.edgednq.core.Profiler;
import dev.edgednq.core.ProgramLoader;
import dev.edgednq.core.Session;
import dev.edgednq.core.ThreadCosts;
import java.io.File;
import java.util.Map;

/** What a bundle costs on this device, measured and written beside the bundle. */
public final class DeviceProfile {
  /** Frames as the camera gives them. */
  private static final int HEIGHT = 480;

  private static final int WIDTH = 640;

  /** Costs of the whole step by action. */
  public final Map<String, Cost> actions;

  /** Which kernels every program runs on, and the policy. */
  public final Map<String, KernelUse> kernels;

  /** Where the table lies. */
  public final File file;

  /** The table as edge-dnq reads it. */
  public final String json;

  private DeviceProfile(
      Map<String, Cost> actions, Map<String, KernelUse> kernels, File file, String json) {
    this.actions = actions;
    this.kernels = kernels;
    this.file = file;
    this.json = json;
  }

  /** Returns the job that measures for so many seconds. */
  public static BackgroundRun.Job<DeviceProfile> job(final BundleStore store,
      final LoaderOpener loader, final DeviceInfo device, final double seconds) {
    return new BackgroundRun.Job<DeviceProfile>() {
      @Override
      public DeviceProfile run(BackgroundRun.Progress progress)
          throws EdgeDnqException, InterruptedException {
        Session session = SessionRecogniser.session(store.open(), loader.open());
        try {
          return measured(session, device, seconds, progress);
        } finally {
          session.close();
        }
      }
    };
  }

  private static DeviceProfile measured(Session session, DeviceInfo device, double seconds,
      final BackgroundRun.Progress progress) throws EdgeDnqException, InterruptedException {
    ThreadCosts costs = Profiler.measure(session, HEIGHT, WIDTH, seconds, new Profiler.Progress() {
      @Override
      public boolean told(double fraction) {
        progress.told(fraction);
        return !Thread.currentThread().isInterrupted();
      }
    });
    long now = System.currentTimeMillis();
    CostTable table = CostTable.of(session, device, costs, HEIGHT, WIDTH, now);
    return new DeviceProfile(costs.actions, session.kernels(), table.write(), table.json());
  }
}
