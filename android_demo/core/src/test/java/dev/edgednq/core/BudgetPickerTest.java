package dev.edgednq.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.fail;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Locale;
import org.junit.Test;

public final class BudgetPickerTest {
  /** A mean of up to 256 numbers: Python adds them in another order from 3.12 on. */
  private static final double SUM_TOLERANCE = 1e-13;

  @Test
  public void choicesPricesAndCostsEqualThePythonPackageBitForBit() throws Exception {
    for (JsonElement element : Vectors.core().getAsJsonArray("budgets")) {
      replay(element.getAsJsonObject());
    }
  }

  private static void replay(JsonObject run) {
    JsonElement deadline = run.get("deadline");
    Budget.Unit unit = Budget.Unit.valueOf(run.get("unit").getAsString().toUpperCase(Locale.ROOT));
    BudgetPicker picker =
        new BudgetPicker(
            costs(run.getAsJsonObject("costs")),
            new Budget(unit, run.get("value").getAsDouble()),
            deadline.isJsonNull() ? Double.POSITIVE_INFINITY : deadline.getAsDouble(),
            run.get("window").getAsInt());
    assertNull(picker.held());
    int index = 0;
    for (JsonElement element : run.getAsJsonArray("steps")) {
      step(picker, element.getAsJsonObject(), unit + " step " + index++);
    }
  }

  private static void step(BudgetPicker picker, JsonObject step, String what) {
    JsonArray may = step.getAsJsonArray("allowed");
    boolean[] allowed = new boolean[may.size()];
    for (int index = 0; index < allowed.length; index++) {
      allowed[index] = may.get(index).getAsBoolean();
    }
    int action = picker.pick(Vectors.floats(step.get("logits")), allowed);
    assertEquals(what, step.get("action").getAsInt(), action);
    boolean held = step.get("held").getAsBoolean();
    picker.observe(held ? Observer.HELD : action, exact(step, "latency"));
    if (!step.get("outside").isJsonNull()) {
      picker.spentOutside(exact(step, "outside"));
    }
    assertEquals(what, exact(step, "price"), picker.costBias(), 0.0);
    assertEquals(what, exact(step, "least"), picker.leastMs(), 0.0);
    assertEquals(what, exact(step, "slowdown"), picker.slowdown(), 0.0);
    double had = step.get("had").getAsDouble();
    assertEquals(what, had, picker.held().value, SUM_TOLERANCE * had);
  }

  private static double exact(JsonObject step, String name) {
    return Double.parseDouble(step.get(name).getAsString());
  }

  private static StepCosts costs(JsonObject costs) {
    JsonArray first = costs.getAsJsonArray("first_ms");
    double[] durations = new double[first.size()];
    int[] lengths = new int[first.size()];
    for (int index = 0; index < durations.length; index++) {
      durations[index] = first.get(index).getAsDouble();
      lengths[index] = costs.getAsJsonArray("lengths").get(index).getAsInt();
    }
    return new StepCosts(
        durations,
        lengths,
        costs.get("held_ms").getAsDouble(),
        costs.get("reference_ms").getAsDouble(),
        costs.get("tail").getAsDouble());
  }

  @Test
  public void withoutABudgetItIsTheLearnedPolicy() {
    StepCosts costs = new StepCosts(new double[] {9, 1}, new int[] {1, 1}, 0, 9, 1);
    BudgetPicker picker = new BudgetPicker(costs, new Budget(Budget.Unit.MS, 1), 1e9, 4);
    boolean[] allowed = {true, true};
    for (int index = 0; index < 50; index++) {
      picker.observe(picker.pick(new float[] {2, 1}, allowed), 9);
    }
    assertEquals(1, picker.pick(new float[] {2, 1}, allowed));
    picker.setBudget(null);
    assertEquals(0, picker.pick(new float[] {2, 1}, allowed));
    assertEquals(0.0, picker.costBias(), 0.0);
    assertNull(picker.held());
  }

  @Test
  public void aBudgetIsAPositiveNumber() {
    for (double value : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      try {
        new Budget(Budget.Unit.MS, value);
        fail("not a budget: " + value);
      } catch (IllegalArgumentException expected) {
        assertFalse(expected.getMessage().isEmpty());
      }
    }
    assertEquals("12.50 ms per frame", new Budget(Budget.Unit.MS, 12.5).toString());
  }
}
