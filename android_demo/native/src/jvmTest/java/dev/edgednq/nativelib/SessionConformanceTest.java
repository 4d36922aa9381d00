package dev.edgednq.nativelib;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.edgednq.core.Budget;
import dev.edgednq.core.BudgetPicker;
import dev.edgednq.core.Bundle;
import dev.edgednq.core.Cost;
import dev.edgednq.core.KernelUse;
import dev.edgednq.core.LearnedPicker;
import dev.edgednq.core.Picker;
import dev.edgednq.core.Policies;
import dev.edgednq.core.Prediction;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.Session;
import dev.edgednq.core.Step;
import dev.edgednq.core.ThreadCosts;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;

/** Java, JNI and LiteRT answer as the Python package does on this processor, bit for bit. */
@RunWith(Parameterized.class)
public final class SessionConformanceTest {
  /**
   * Relative. Probabilities are shown, nothing is decided by them: numpy's exponential and Java's are
   * both right to an ulp or so, not to the same bit.
   */
  private static final double SOFTMAX_TOLERANCE = 1e-14;

  private final File folder;
  private final Kernels kernels;

  public SessionConformanceTest(File folder, Kernels kernels) {
    this.folder = folder;
    this.kernels = kernels;
  }

  @Parameterized.Parameters(name = "{0}, kernels {1}")
  public static Collection<Object[]> cases() {
    List<Object[]> cases = new ArrayList<>();
    for (File folder : Cases.all()) {
      for (Kernels kernels : Kernels.values()) {
        cases.add(new Object[] {folder, kernels});
      }
    }
    return cases;
  }

  @Test
  public void everyRunIsThePythonRun() throws Exception {
    JsonObject vectors = Cases.vectors(folder);
    Bundle bundle = Bundle.load(Cases.bundle(folder));
    List<RgbFrame> frames = Cases.frames(folder, vectors.getAsJsonArray("frames"));
    Map<String, double[]> durations = new HashMap<>();
    for (Map.Entry<String, JsonElement> entry : vectors.getAsJsonObject("durations").entrySet()) {
      durations.put(entry.getKey(), Cases.doubles(entry.getValue()));
    }
    double tick = Double.parseDouble(vectors.get("tick").getAsString());
    ThreadCosts costs = costs(vectors.getAsJsonObject("costs"));
    for (JsonElement element : vectors.getAsJsonArray("runs")) {
      JsonObject run = element.getAsJsonObject();
      SimulatedDevice device =
          new SimulatedDevice(LiteRtRuntime.open(1, kernels), bundle, tick, durations);
      Picker picker = picker(run, bundle, costs);
      try (Session session = new Session(bundle, device, picker, device)) {
        checkKernels(session);
        replay(session, frames, run);
      }
    }
    assertEquals("programs left open", 0, LiteRtRuntime.openHandles());
  }

  private void checkKernels(Session session) throws Exception {
    boolean own = false;
    for (KernelUse use : session.kernels().values()) {
      own |= use.name().equals("edge-dnq " + LiteRtRuntime.isa());
      assertTrue(use.describe(), kernels == Kernels.AUTO || use.name().equals("stock"));
    }
    assertEquals("whether our kernels ran", kernels == Kernels.AUTO, own);
  }

  private static void replay(Session session, List<RgbFrame> frames, JsonObject run)
      throws Exception {
    JsonArray steps = run.getAsJsonArray("steps");
    List<RgbFrame> backwards = new ArrayList<>(frames);
    Collections.reverse(backwards);
    int index = 0;
    for (List<RgbFrame> video : Arrays.asList(frames, backwards)) {
      session.reset();
      for (RgbFrame frame : video) {
        JsonObject expected = steps.get(index++).getAsJsonObject();
        String what = label(run) + ", step " + index;
        compare(what, expected, session.step(frame), session);
        meddle(session.picker(), run, index);
      }
    }
    assertEquals(steps.size(), index);
  }

  private static String label(JsonObject run) {
    JsonElement name = run.has("policy") ? run.get("policy") : run.get("name");
    return name == null ? "priced" : name.getAsString();
  }

  private static void compare(String what, JsonObject expected, Step step, Session session) {
    assertEquals(what, expected.get("action").getAsString(), step.action);
    assertEquals(what, expected.get("index").getAsInt(), step.index);
    assertFloats(what, Cases.doubles(expected.get("policy_logits")), step.policyLogits);
    assertFloats(what, Cases.doubles(expected.get("logits")), step.logits);
    double[] times = {step.latencyMs, step.policyMs, step.programMs};
    assertArrayEquals(what, Cases.doubles(expected.get("times")), times, 0.0);
    assertArrayEquals(what, Cases.doubles(expected.get("mean")), session.meanLogits(), 0.0);
    if (session.picker() instanceof BudgetPicker) {
      BudgetPicker picker = (BudgetPicker) session.picker();
      assertEquals(what, exact(expected, "price"), picker.costBias(), 0.0);
      assertEquals(what, exact(expected, "least"), picker.leastMs(), 0.0);
    }
    Prediction prediction = session.result(3);
    assertEquals(what, expected.get("executed").getAsInt(), prediction.executed);
    assertEquals(what, expected.get("frames").getAsInt(), prediction.frames);
    JsonArray top = expected.getAsJsonArray("top");
    assertEquals(what, top.size(), prediction.top.size());
    for (int rank = 0; rank < top.size(); rank++) {
      JsonArray pair = top.get(rank).getAsJsonArray();
      double score = Double.parseDouble(pair.get(1).getAsString());
      assertEquals(what, pair.get(0).getAsString(), prediction.top.get(rank).label);
      assertEquals(what, score, prediction.top.get(rank).probability, SOFTMAX_TOLERANCE * score);
    }
  }

  private static void assertFloats(String what, double[] expected, float[] actual) {
    double[] widened = actual == null ? null : new double[actual.length];
    for (int index = 0; widened != null && index < widened.length; index++) {
      widened[index] = actual[index];
    }
    assertArrayEquals(what, expected, widened, 0.0);
  }

  private static double exact(JsonObject object, String name) {
    return Double.parseDouble(object.get(name).getAsString());
  }

  private static Picker picker(JsonObject run, Bundle bundle, ThreadCosts costs) throws Exception {
    if (run.has("policy")) {
      return Policies.parse(run.get("policy").getAsString(), bundle.manifest.actions);
    }
    if (run.has("price")) {
      return new LearnedPicker(exact(run, "price"), Cases.doubles(run.get("costs")));
    }
    JsonObject settings = run.getAsJsonObject("budget");
    double deadline =
        settings.has("deadline_ms")
            ? settings.get("deadline_ms").getAsDouble()
            : Double.POSITIVE_INFINITY;
    int window = settings.get("window").getAsInt();
    return new BudgetPicker(bundle.manifest, costs, budget(settings), deadline, window);
  }

  /** Does between steps what the Python side did. */
  private static void meddle(Picker picker, JsonObject run, int steps) {
    JsonObject settings = run.getAsJsonObject("budget");
    if (settings != null && settings.has("outside_ms")) {
      double outside = settings.get("outside_ms").getAsDouble() * (1 + steps % 3);
      ((BudgetPicker) picker).spentOutside(outside);
    }
    if (settings != null && settings.has("then") && (steps == 20 || steps == 36)) {
      Budget wanted = steps == 20 ? budget(settings.getAsJsonObject("then")) : null;
      ((BudgetPicker) picker).setBudget(wanted);
    }
  }

  private static Budget budget(JsonObject settings) {
    String unit = settings.get("unit").getAsString().toUpperCase(Locale.ROOT);
    return new Budget(Budget.Unit.valueOf(unit), settings.get("value").getAsDouble());
  }

  private static ThreadCosts costs(JsonObject costs) {
    return new ThreadCosts(
        costs.get("threads").getAsInt(),
        cost(costs.get("frame")),
        cost(costs.get("policy")),
        costMap(costs.getAsJsonObject("programs")),
        costMap(costs.getAsJsonObject("actions")),
        cost(costs.get("held")));
  }

  private static Map<String, Cost> costMap(JsonObject costs) {
    Map<String, Cost> map = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> entry : costs.entrySet()) {
      map.put(entry.getKey(), cost(entry.getValue()));
    }
    return map;
  }

  private static Cost cost(JsonElement element) {
    JsonObject cost = element.getAsJsonObject();
    return new Cost(
        cost.get("mean_ms").getAsDouble(),
        cost.get("median_ms").getAsDouble(),
        cost.get("p95_ms").getAsDouble(),
        cost.get("runs").getAsInt());
  }
}
