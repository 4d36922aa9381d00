package dev.edgednq.presentation;

import dev.edgednq.core.Budget;
import dev.edgednq.core.BudgetPicker;
import dev.edgednq.core.Bundle;
import dev.edgednq.core.Cost;
import dev.edgednq.core.CostTable;
import dev.edgednq.core.DeviceInfo;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.Manifest;
import dev.edgednq.core.Prediction;
import dev.edgednq.core.Profiler;
import dev.edgednq.core.ProgramLoader;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.Session;
import dev.edgednq.core.Step;
import dev.edgednq.core.ThreadCosts;
import java.util.List;

/** A session whose policy can be held to a budget. */
public final class SessionRecogniser implements FrameRecogniser {
  /** How far a budget may go beyond the cheapest and the dearest action, as a fraction. */
  private static final double ROOM = 0.1;

  /** A range needs a positive end, however fast the device. */
  private static final double SHORTEST_MS = 1e-3;

  private final Session session;
  private final BudgetPicker picker;
  private final Manifest manifest;
  private final double mostMs;

  private SessionRecogniser(
      Session session, BudgetPicker picker, Manifest manifest, double mostMs) {
    this.session = session;
    this.picker = picker;
    this.manifest = manifest;
    this.mostMs = mostMs;
  }

  /**
   * Loads a bundle's programs. Costs come from the device's cost table; without one they are
   * measured for a moment.
   */
  public static SessionRecogniser open(Bundle bundle, ProgramLoader loader, DeviceInfo device)
      throws EdgeDnqException {
    Manifest manifest = bundle.manifest;
    Session session = session(bundle, loader);
    try {
      CostTable table = CostTable.find(session, device);
      ThreadCosts costs = table != null ? table.costs : Profiler.quick(session);
      BudgetPicker picker = null;
      if (manifest.policy != null) {
        picker = new BudgetPicker(manifest, costs, null);
        session.setPicker(picker);
      }
      return new SessionRecogniser(session, picker, manifest, dearestMs(costs));
    } catch (EdgeDnqException | RuntimeException problem) {
      session.close();
      throw problem;
    }
  }

  /** Loads a bundle; one without a policy runs its reference program on every frame. */
  static Session session(Bundle bundle, ProgramLoader loader) throws EdgeDnqException {
    boolean learned = bundle.manifest.policy != null;
    String policy = learned ? "learned" : "uniform:" + bundle.manifest.reference().name;
    return new Session(bundle, loader, policy);
  }

  private static double dearestMs(ThreadCosts costs) {
    double dearest = 0;
    for (Cost cost : costs.actions.values()) {
      dearest = Math.max(dearest, cost.medianMs);
    }
    return dearest;
  }

  @Override
  public Step step(RgbFrame frame) throws EdgeDnqException {
    return session.step(frame);
  }

  @Override
  public Prediction result(int top) {
    return session.result(top);
  }

  @Override
  public void reset() {
    session.reset();
  }

  @Override
  public void setBudget(Budget budget) {
    if (picker != null) {
      picker.setBudget(budget);
    }
  }

  @Override
  public BudgetState budget() {
    if (picker == null) {
      return null;
    }
    Budget target = picker.budget();
    Budget held = picker.held();
    double leastMs = Math.max(SHORTEST_MS, picker.leastMs() * (1 - ROOM));
    return new BudgetState(target == null ? Double.NaN : target.value,
        held == null ? Double.NaN : held.value, picker.costBias(), leastMs,
        Math.max(mostMs, leastMs) * (1 + ROOM));
  }

  @Override
  public List<ActionStyle> styles() {
    return ActionStyle.of(manifest);
  }

  @Override
  public void close() {
    session.close();
  }
}
