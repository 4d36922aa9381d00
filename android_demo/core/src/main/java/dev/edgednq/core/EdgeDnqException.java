package dev.edgednq.core;

/** A mistake or a limit that is told to a person: the message is one clear line. */
public class EdgeDnqException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Takes the line: what was given, what was expected, what to do next. */
  public EdgeDnqException(String message) {
    super(printable(message));
  }

  /** Takes the line and what led to it. */
  public EdgeDnqException(String message, Throwable cause) {
    super(printable(message), cause);
  }

  /** Shows control characters escaped: names of files and labels come from outside. */
  private static String printable(String message) {
    StringBuilder line = new StringBuilder(message.length());
    for (int index = 0; index < message.length(); index++) {
      char character = message.charAt(index);
      if (Character.isISOControl(character)) {
        line.append(String.format("\\u%04x", (int) character));
      } else {
        line.append(character);
      }
    }
    return line.toString();
  }
}
