package dev.edgednq.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Measures the steps of a session on this device, every action in turns with the others. */
public final class Profiler {
  /** Is told how far a measurement is. */
  public interface Progress {
    /** Takes the fraction done, 0 to 1; returns whether to go on. */
    boolean told(double fraction);
  }

  /**
   * Frames of one action in a row: policies stay with an action for some frames as well, and changing
   * it with every frame would measure caches that no policy leaves behind.
   */
  private static final int BLOCK = 8;

  private static final int FEWEST_RUNS = 16;
  private static final int FRAMES = 4;
  private static final int QUICK_RUNS = 4;
  private static final double QUICK_SECONDS = 0.3;
  private static final int QUICK_HEIGHT = 480;
  private static final int QUICK_WIDTH = 640;

  private final Session session;
  private final Manifest manifest;
  private final boolean withPolicy;
  private final Rota rota;
  private final List<RgbFrame> frames = new ArrayList<>();
  private final List<List<Step>> steps = new ArrayList<>();
  private final List<Step> held = new ArrayList<>();
  private int turn;

  private Profiler(Session session, int height, int width) {
    this.session = session;
    manifest = session.bundle().manifest;
    withPolicy = session.kernels().containsKey(Session.POLICY);
    rota = new Rota(manifest.actions, withPolicy);
    // Programs take the same time for any content.
    Random random = new Random(0);
    for (int index = 0; index < FRAMES; index++) {
      RgbFrame frame = new RgbFrame(width, height);
      random.nextBytes(frame.pixels);
      frames.add(frame);
    }
  }

  /**
   * Measures a session; its picker is put back afterwards, which begins another video.
   *
   * @param session made for the learned policy where the bundle has one.
   * @param frameHeight rows of the frames to measure with.
   * @param frameWidth pixels of their rows.
   * @param seconds how long at least.
   * @param progress may stop the measurement.
   * @throws InterruptedException it was stopped.
   */
  public static ThreadCosts measure(
      Session session, int frameHeight, int frameWidth, double seconds, Progress progress)
      throws EdgeDnqException, InterruptedException {
    return measure(session, frameHeight, frameWidth, seconds, FEWEST_RUNS, progress);
  }

  /** Measures a session for a moment, for a budget where no table holds. */
  public static ThreadCosts quick(Session session) throws EdgeDnqException {
    try {
      return measure(session, QUICK_HEIGHT, QUICK_WIDTH, QUICK_SECONDS, QUICK_RUNS, null);
    } catch (InterruptedException impossible) {
      throw new AssertionError("nothing stops it", impossible);
    }
  }

  private static ThreadCosts measure(
      Session session, int height, int width, double seconds, int fewest, Progress progress)
      throws EdgeDnqException, InterruptedException {
    Picker before = session.picker();
    Profiler profiler = new Profiler(session, height, width);
    try {
      return profiler.run(seconds, fewest, progress);
    } finally {
      session.setPicker(before);
    }
  }

  private ThreadCosts run(double seconds, int fewest, Progress progress)
      throws EdgeDnqException, InterruptedException {
    session.setPicker(rota);
    session.step(frames.get(0));
    clear();
    round();
    clear();
    double started = Clock.SYSTEM.seconds();
    for (double done = 0; done < 1; ) {
      round();
      double spent = Clock.SYSTEM.seconds() - started;
      done = Math.min(spent / seconds, (double) fewestRuns() / fewest);
      if (progress != null && !progress.told(Math.min(1.0, done))) {
        throw new InterruptedException("the measurement was stopped");
      }
    }
    return costs();
  }

  private void clear() {
    steps.clear();
    held.clear();
    for (int index = 0; index < manifest.actions.size(); index++) {
      steps.add(new ArrayList<Step>());
    }
  }

  /** Runs a block of every action, beginning with another one each time. */
  private void round() throws EdgeDnqException {
    int count = manifest.actions.size();
    for (int position = 0; position < count; position++) {
      block((turn + position) % count);
    }
    turn = (turn + 1) % count;
  }

  private void block(int index) throws EdgeDnqException {
    rota.tell(index);
    for (int position = 0; position < BLOCK; position++) {
      steps.get(index).add(session.step(frames.get(position % FRAMES)));
      for (int frame = 1; frame < manifest.actions.get(index).skip; frame++) {
        held.add(session.step(frames.get(0)));
      }
    }
  }

  private int fewestRuns() {
    int fewest = Integer.MAX_VALUE;
    for (List<Step> taken : steps) {
      fewest = Math.min(fewest, taken.size());
    }
    return fewest;
  }

  private ThreadCosts costs() {
    Map<String, List<Step>> programSteps = new LinkedHashMap<>();
    Map<String, Cost> actions = new LinkedHashMap<>();
    List<Step> every = new ArrayList<>();
    for (int index = 0; index < steps.size(); index++) {
      ActionSpec action = manifest.actions.get(index);
      List<Step> taken = steps.get(index);
      every.addAll(taken);
      actions.put(action.name, cost(taken, Part.WHOLE));
      if (action.program != null) {
        if (!programSteps.containsKey(action.program)) {
          programSteps.put(action.program, new ArrayList<Step>());
        }
        programSteps.get(action.program).addAll(taken);
      }
    }
    Map<String, Cost> programs = new LinkedHashMap<>();
    for (Map.Entry<String, List<Step>> entry : programSteps.entrySet()) {
      programs.put(entry.getKey(), cost(entry.getValue(), Part.PROGRAM));
    }
    return new ThreadCosts(
        session.loader().threads(),
        cost(every, Part.REST),
        withPolicy ? cost(every, Part.POLICY) : null,
        programs,
        actions,
        held.isEmpty() ? null : cost(held, Part.WHOLE));
  }

  /** Part of a step. */
  private enum Part {
    WHOLE,
    POLICY,
    PROGRAM,
    REST
  }

  private static Cost cost(List<Step> steps, Part part) {
    double[] values = new double[steps.size()];
    for (int index = 0; index < values.length; index++) {
      Step step = steps.get(index);
      switch (part) {
        case POLICY:
          values[index] = step.policyMs;
          break;
        case PROGRAM:
          values[index] = step.programMs;
          break;
        case REST:
          values[index] = step.latencyMs - step.policyMs - step.programMs;
          break;
        default:
          values[index] = step.latencyMs;
          break;
      }
    }
    return Cost.of(values);
  }
}
