package dev.edgednq.presentation;

import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.ProgramLoader;

/** Loads the inference runtime, which takes a while: on a thread that may wait. */
public interface LoaderOpener {
  ProgramLoader open() throws EdgeDnqException;
}
