package dev.edgednq.presentation;

import dev.edgednq.core.EdgeDnqException;

/** A failure whose meaning for a person is known where it happens. */
public final class ProblemException extends EdgeDnqException {
  private static final long serialVersionUID = 1;

  public final Problem problem;

  public ProblemException(Problem problem, String message) {
    super(message);
    this.problem = problem;
  }

  public ProblemException(Problem problem, Throwable cause) {
    super(String.valueOf(cause.getMessage()), cause);
    this.problem = problem;
  }
}
