package dev.edgednq.presentation;

import static org.junit.Assert.assertEquals;
import static org.junit.Assume.assumeNotNull;

import dev.edgednq.core.Bundle;
import dev.edgednq.core.EdgeDnqException;
import java.io.File;
import java.util.List;
import java.util.Locale;
import org.junit.Test;

/** {@code -Dedgednq.styles} is what the Python package says of {@code -Dedgednq.bundle}. */
public class ActionStyleTest {
  @Test
  public void actionsLookAsInPython() throws EdgeDnqException {
    String expected = System.getProperty("edgednq.styles");
    assumeNotNull(expected);
    Bundle bundle = Bundle.load(new File(System.getProperty("edgednq.bundle")));
    List<ActionStyle> styles = ActionStyle.of(bundle.manifest);
    StringBuilder found = new StringBuilder();
    for (ActionStyle style : styles) {
      String color = String.format(Locale.ROOT, "#%06X", style.color & 0xFFFFFF);
      found.append(style.name).append(' ').append(color).append(' ');
      found.append(style.height).append(';');
    }
    assertEquals(expected, found.toString());
  }
}
