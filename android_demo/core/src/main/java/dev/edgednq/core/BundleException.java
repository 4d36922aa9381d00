package dev.edgednq.core;

/** A bundle is missing, damaged, of an unknown version, or unsafe. */
public class BundleException extends EdgeDnqException {
  private static final long serialVersionUID = 1L;

  /** Takes the line for the person. */
  public BundleException(String message) {
    super(message);
  }

  /** Takes the line for the person and what led to it. */
  public BundleException(String message, Throwable cause) {
    super(message, cause);
  }
}
