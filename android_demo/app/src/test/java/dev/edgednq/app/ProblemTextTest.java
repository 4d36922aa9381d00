package dev.edgednq.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;

import dev.edgednq.presentation.Problem;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.junit.Test;

/** Whatever goes wrong, a person is told, and what can be done has a button. */
public class ProblemTextTest {
  @Test
  public void everyProblemHasItsOwnSentence() throws ReflectiveOperationException {
    Set<Integer> sentences = new HashSet<>();
    for (Problem problem : Problem.values()) {
      String name = "problem_" + problem.name().toLowerCase(Locale.ROOT);
      int expected = R.string.class.getField(name).getInt(null);
      assertEquals(name, expected, ProblemText.sentence(problem));
      sentences.add(expected);
    }
    assertEquals(Problem.values().length, sentences.size());
  }

  @Test
  public void everyRemedyHasAButton() {
    for (ProblemText.Remedy remedy : ProblemText.Remedy.values()) {
      if (remedy == ProblemText.Remedy.NONE) {
        assertEquals(0, ProblemText.button(remedy));
      } else {
        assertNotEquals(0, ProblemText.button(remedy));
      }
    }
  }

  @Test
  public void aRefusedPermissionCanBeGiven() {
    assertEquals(ProblemText.Remedy.ALLOW, ProblemText.remedy(Problem.CAMERA_REFUSED));
    assertEquals(ProblemText.Remedy.SETTINGS, ProblemText.remedy(Problem.CAMERA_BLOCKED));
    assertEquals(ProblemText.Remedy.NONE, ProblemText.remedy(Problem.NO_CAMERA));
  }
}
