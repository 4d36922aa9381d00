package dev.edgednq.nativelib;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import dev.edgednq.core.ActionSpec;
import dev.edgednq.core.Bundle;
import dev.edgednq.core.Cost;
import dev.edgednq.core.CostTable;
import dev.edgednq.core.DeviceInfo;
import dev.edgednq.core.Picker;
import dev.edgednq.core.Profiler;
import dev.edgednq.core.Session;
import dev.edgednq.core.ThreadCosts;
import java.io.File;
import org.junit.Test;

/** Costs measured here, written, and found again; the Python side reads the same file afterwards. */
public final class CostTableTest {
  private static final DeviceInfo DEVICE = new DeviceInfo("Phone \"X\" 7", "Chip/9", "aarch64");

  @Test
  public void whatIsMeasuredIsWrittenAndFoundAgain() throws Exception {
    for (File folder : Cases.all()) {
      Bundle bundle = Bundle.load(Cases.bundle(folder));
      try (Session session =
          new Session(bundle, LiteRtRuntime.open(1, Kernels.AUTO), "learned")) {
        Picker before = session.picker();
        ThreadCosts costs = Profiler.measure(session, 120, 160, 0.2, null);
        assertSame(before, session.picker());
        check(costs, bundle);
        File file = CostTable.of(session, DEVICE, costs, 120, 160, 1_764_000_000_000L).write();
        assertEquals(folder.getName() + " " + file, ".costs", suffix(file.getParentFile()));
        CostTable found = CostTable.find(session, DEVICE);
        assertNotNull(found);
        assertEquals(costs.frame.medianMs, found.costs.frame.medianMs, 0.0);
        assertEquals(costs.actions.keySet(), found.costs.actions.keySet());
        assertNull(CostTable.find(session, new DeviceInfo("another", "Chip/9", "aarch64")));
      }
    }
  }

  private static String suffix(File path) {
    return path.getName().substring(path.getName().lastIndexOf('.'));
  }

  private static void check(ThreadCosts costs, Bundle bundle) {
    assertEquals(bundle.manifest.programs.size(), costs.programs.size());
    assertNotNull(costs.policy);
    boolean held = false;
    for (ActionSpec action : bundle.manifest.actions) {
      held |= action.skip > 1;
      Cost cost = costs.actions.get(action.name);
      assertTrue(action.name, cost.runs >= 16 && cost.medianMs > 0 && cost.p95Ms >= cost.medianMs);
    }
    assertEquals(held, costs.held != null);
  }

  @Test
  public void aMeasurementCanBeStopped() throws Exception {
    Bundle bundle = Bundle.load(Cases.bundle(Cases.all().get(0)));
    try (Session session = new Session(bundle, LiteRtRuntime.open(1, Kernels.OFF), "learned")) {
      final double[] told = {-1};
      Profiler.Progress progress =
          new Profiler.Progress() {
            @Override
            public boolean told(double fraction) {
              assertTrue(fraction >= told[0] && fraction <= 1);
              told[0] = fraction;
              return fraction < 0.01;
            }
          };
      Profiler.measure(session, 48, 64, 3600, progress);
      fail("an hour has passed");
    } catch (InterruptedException expected) {
      assertEquals(0, LiteRtRuntime.openHandles());
    }
  }
}
