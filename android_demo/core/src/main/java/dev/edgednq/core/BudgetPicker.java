package dev.edgednq.core;

import java.util.Arrays;

/**
 * The learned policy at the price of time, lambda, that holds a budget: argmax over a of {@code
 * logit[a] - lambda * cost[a]}.
 *
 * <p>Lambda follows by projected dual ascent; edge_dnq/budget.py of the Python package states the
 * method and why it holds the budget, and this class is its arithmetic, operation by operation. A
 * reset keeps the price and the costs: the device is the same for the next video.
 */
public final class BudgetPicker implements Picker, Observer {
  /** Frames that a budget is held over, unless another number is given. */
  public static final int WINDOW = 256;

  /** Times lambda would cross its range within a window at an error of the whole budget. */
  private static final double GAIN = 32.0;

  /** How far the balance may fall below 0, in scales. */
  private static final double CREDIT = 1.0;

  /** How far the balance may rise above the range, in scales. */
  private static final double DEBT = 8.0;

  /** Of the frame period, left for steps where all that is between them takes all of it. */
  private static final double LEAST_SHARE = 0.05;

  private final CostModel costs;
  private final PriceRange range;
  private final RecentMean spent;
  private final double[] table;
  private final double tableHeld;
  private final double referenceMs;
  private final int[] lengths;
  private final int window;
  private final double deadlineMs;
  private volatile Budget budget;
  private volatile double balance;
  private volatile double leastMs;
  private volatile double outsideMs = Double.NaN;

  /**
   * Begins with costs that were measured.
   *
   * @param manifest of the bundle.
   * @param costs of its actions.
   * @param budget null leaves the price at 0: the learned policy.
   */
  public BudgetPicker(Manifest manifest, ThreadCosts costs, Budget budget) {
    this(StepCosts.of(manifest, costs), budget, Double.POSITIVE_INFINITY, WINDOW);
  }

  /**
   * Begins with costs that were measured, and keeps a deadline.
   *
   * @param deadlineMs no action is chosen whose 95th percentile is above, while one is not; infinite
   *     for none.
   * @param window frames that the budget is held over, at least 1.
   */
  public BudgetPicker(
      Manifest manifest, ThreadCosts costs, Budget budget, double deadlineMs, int window) {
    this(StepCosts.of(manifest, costs), budget, deadlineMs, window);
  }

  BudgetPicker(StepCosts begin, Budget budget, double deadlineMs, int window) {
    if (window < 1 || !(deadlineMs > 0)) {
      throw new IllegalArgumentException("window and deadline must be positive");
    }
    this.budget = budget;
    this.window = window;
    this.deadlineMs = deadlineMs;
    costs = new CostModel(begin, window);
    range = new PriceRange(window);
    spent = new RecentMean(window);
    table = costs.relative();
    tableHeld = begin.held / begin.reference;
    referenceMs = begin.reference;
    lengths = begin.lengths;
    noteLeast(table);
  }

  /** Returns what is held; null for nothing. */
  public Budget budget() {
    return budget;
  }

  /** Changes what is held, from any thread; null leaves the price at 0. */
  public void setBudget(Budget wanted) {
    budget = wanted;
  }

  /** Returns the price of time, lambda, in logits per reference frame; 0 without a budget. */
  public double costBias() {
    return budget == null ? 0.0 : Math.max(0.0, balance);
  }

  /** Returns the mean duration of a frame, now, if only the cheapest action were chosen. */
  public double leastMs() {
    return leastMs;
  }

  /** Returns how many times longer steps take now than at first. */
  public double slowdown() {
    return costs.slowdown();
  }

  /** Returns what the last window really had, in the budget's unit; null before there is any. */
  public Budget held() {
    Budget wanted = budget;
    double mean = wanted == null ? Double.NaN : spent.of(wanted.unit);
    if (!(mean > 0)) {
      return null;
    }
    if (wanted.unit == Budget.Unit.FPS) {
      mean = 1e3 / (mean + outside());
    }
    return new Budget(wanted.unit, mean);
  }

  @Override
  public boolean needsPolicy() {
    return true;
  }

  @Override
  public int pick(float[] logits, boolean[] allowed) {
    boolean[] inTime = deadlineMs < Double.POSITIVE_INFINITY ? inTime(allowed) : allowed;
    Budget wanted = budget;
    if (wanted == null) {
      return Choice.best(Choice.scores(logits, 0.0, table), inTime);
    }
    double[] now = wanted.unit == Budget.Unit.COST ? table : costs.relative();
    range.note(logits, now);
    return Choice.best(Choice.scores(logits, Math.max(0.0, balance), now), inTime);
  }

  @Override
  public void observe(int action, double latencyMs) {
    if (action != HELD) {
      costs.observe(action, latencyMs);
      noteLeast(costs.relative());
    }
    Budget wanted = budget;
    if (wanted == null) {
      return;
    }
    boolean byTable = wanted.unit == Budget.Unit.COST;
    double target = byTable ? wanted.value : targetMs(wanted);
    double taken = byTable ? tableCost(action) : latencyMs;
    spent.add(wanted.unit, taken);
    double step = GAIN * range.scale() / window * (taken / target - 1);
    double limit = range.highest() + DEBT * range.scale();
    balance = Math.min(Math.max(-CREDIT * range.scale(), balance + step), limit);
  }

  /** Takes what passed between two steps, drawing and decoding, waiting for a camera left out. */
  public void spentOutside(double milliseconds) {
    double before = outsideMs;
    outsideMs =
        Double.isNaN(before)
            ? milliseconds
            : before + CostModel.FOLLOW / window * (milliseconds - before);
  }

  @Override
  public void reset() {
    // Nothing is forgotten between videos.
  }

  private double outside() {
    double milliseconds = outsideMs;
    return Double.isNaN(milliseconds) ? 0.0 : milliseconds;
  }

  private double targetMs(Budget wanted) {
    if (wanted.unit == Budget.Unit.MS) {
      return wanted.value;
    }
    double period = 1e3 / wanted.value;
    return Math.max(period - outside(), LEAST_SHARE * period);
  }

  /** Returns the cost of one frame by the table; the frames of a skip share theirs evenly. */
  private double tableCost(int action) {
    if (action == HELD) {
      return tableHeld;
    }
    int length = lengths[action];
    return table[action] * length - (length - 1) * tableHeld;
  }

  private void noteLeast(double[] relative) {
    double least = relative[0];
    for (double cost : relative) {
      least = Math.min(least, cost);
    }
    leastMs = least * referenceMs;
  }

  private boolean[] inTime(boolean[] allowed) {
    boolean[] fitting = new boolean[allowed.length];
    boolean any = false;
    int fastest = 0;
    double shortest = Double.POSITIVE_INFINITY;
    for (int action = 0; action < allowed.length; action++) {
      double high = costs.high(action);
      fitting[action] = allowed[action] && high <= deadlineMs;
      any |= fitting[action];
      if (allowed[action] && high < shortest) {
        fastest = action;
        shortest = high;
      }
    }
    if (!any) {
      Arrays.fill(fitting, false);
      fitting[fastest] = true;
    }
    return fitting;
  }
}
