package dev.edgednq.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.Arrays;
import java.util.List;
import org.junit.Test;

public final class PoliciesTest {
  private static final List<ActionSpec> ACTIONS =
      Arrays.asList(
          new ActionSpec("w8a8", "w8a8", 0),
          new ActionSpec("w2a2", "w2a2", 0),
          new ActionSpec("skip", null, 1));
  private static final boolean[] EVERYTHING = {true, true, true};
  private static final boolean[] PROGRAMS = {true, true, false};

  @Test
  public void aCyclePassesOverWhatIsNotAllowed() throws Exception {
    Picker picker = Policies.parse("skip, w2a2,w8a8", ACTIONS);
    assertFalse(picker.needsPolicy());
    assertEquals(1, picker.pick(null, PROGRAMS));
    assertEquals(0, picker.pick(null, EVERYTHING));
    assertEquals(2, picker.pick(null, EVERYTHING));
    picker.reset();
    assertEquals(2, picker.pick(null, EVERYTHING));
  }

  @Test
  public void learnedTakesTheFirstOfTheHighest() throws Exception {
    Picker picker = Policies.parse(" learned ", ACTIONS);
    assertTrue(picker.needsPolicy());
    assertEquals(1, picker.pick(new float[] {1, 2, 2}, EVERYTHING));
    assertEquals(1, picker.pick(new float[] {1, 2, 9}, PROGRAMS));
    assertEquals(0, picker.pick(new float[] {Float.NaN, 2, 9}, EVERYTHING));
    Picker priced = new LearnedPicker(0.5, new double[] {4, 1, 0});
    assertEquals(2, priced.pick(new float[] {1.5f, 0, -0.4f}, EVERYTHING));
  }

  @Test
  public void whatIsWrongIsSaidInOneLine() {
    expect("uniform:w4a4", "unknown action 'w4a4'");
    expect("uniform:skip", "skips every frame");
    expect("skip,skip", "skips every frame");
    expect("random", "unknown action 'random'");
    expect("uniform:w8a8,w2a2", "expected learned");
    expect("cycle:w8a8", "expected learned");
    expect("", "expected learned");
    expect("w8a8,\n", "unknown action");
  }

  private static void expect(String description, String part) {
    try {
      Policies.parse(description, ACTIONS);
      fail("not a policy: " + description);
    } catch (EdgeDnqException error) {
      assertTrue(error.getMessage(), error.getMessage().contains(part));
      assertFalse(error.getMessage(), error.getMessage().contains("\n"));
    }
  }
}
