package dev.edgednq.presentation;

import dev.edgednq.core.BundleException;

/** A problem, and what is known of it. */
public final class Notice {
  public final Problem problem;

  /** One line that names the cause; empty where the problem says it all. */
  public final String detail;

  public Notice(Problem problem, String detail) {
    this.problem = problem;
    this.detail = detail == null ? "" : detail;
  }

  /**
   * Tells what a failure means for a person.
   *
   * @param failure what was thrown
   * @param otherwise the problem where its type does not tell
   */
  public static Notice of(Throwable failure, Problem otherwise) {
    if (failure instanceof ProblemException) {
      return new Notice(((ProblemException) failure).problem, failure.getMessage());
    }
    if (failure instanceof BundleException) {
      return new Notice(Problem.BUNDLE_DAMAGED, failure.getMessage());
    }
    if (failure instanceof LinkageError) {
      return new Notice(Problem.RUNTIME_UNAVAILABLE, failure.getMessage());
    }
    if (failure instanceof OutOfMemoryError) {
      return new Notice(Problem.OUT_OF_MEMORY, "");
    }
    if (failure instanceof RuntimeException || failure instanceof Error) {
      return new Notice(Problem.UNEXPECTED, failure.toString());
    }
    return new Notice(otherwise, failure.getMessage());
  }

  @Override
  public String toString() {
    return detail.isEmpty() ? problem.name() : problem + ": " + detail;
  }
}
