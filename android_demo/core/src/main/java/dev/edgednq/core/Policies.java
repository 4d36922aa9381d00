package dev.edgednq.core;

import java.util.List;

/** Pickers by their descriptions. */
public final class Policies {
  private static final String FORMS = "learned, uniform:NAME or NAME,NAME,...";

  private Policies() {}

  /**
   * Makes a picker.
   *
   * @param description learned; uniform:NAME, one action for every frame; or NAME,NAME,..., a cycle.
   *     (The Python package's random policies are for evaluations.)
   * @throws EdgeDnqException another form, an unknown action, or a policy that executes no frame.
   */
  public static Picker parse(String description, List<ActionSpec> actions)
      throws EdgeDnqException {
    String text = description.trim();
    if (text.equals("learned")) {
      return new LearnedPicker();
    }
    String names = text.startsWith("uniform:") ? text.substring("uniform:".length()) : text;
    boolean uniform = names.length() < text.length();
    if (names.isEmpty() || names.indexOf(':') >= 0 || (uniform && names.indexOf(',') >= 0)) {
      throw new EdgeDnqException("unknown policy '" + description + "': expected " + FORMS);
    }
    return new CyclePicker(indices(names, description, actions));
  }

  private static int[] indices(String names, String description, List<ActionSpec> actions)
      throws EdgeDnqException {
    String[] parts = names.split(",", -1);
    int[] indices = new int[parts.length];
    boolean runs = false;
    for (int position = 0; position < parts.length; position++) {
      indices[position] = index(parts[position].trim(), description, actions);
      runs |= actions.get(indices[position]).program != null;
    }
    if (!runs) {
      throw new EdgeDnqException(
          "policy '" + description + "' skips every frame: include a program");
    }
    return indices;
  }

  private static int index(String name, String description, List<ActionSpec> actions)
      throws EdgeDnqException {
    StringBuilder known = new StringBuilder();
    for (int index = 0; index < actions.size(); index++) {
      if (actions.get(index).name.equals(name)) {
        return index;
      }
      known.append(index == 0 ? "" : ", ").append(actions.get(index).name);
    }
    throw new EdgeDnqException(
        "policy '" + description + "' names the unknown action '" + name + "': the bundle has "
            + known + "; a policy is " + FORMS);
  }
}
