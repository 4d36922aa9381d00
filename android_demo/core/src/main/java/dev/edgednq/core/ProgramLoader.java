package dev.edgednq.core;

import java.util.List;

/** An inference runtime. */
public interface ProgramLoader {
  /**
   * Makes a program ready to run.
   *
   * @param content the program's file, from a checked bundle.
   * @param inputs what it must take, in the order in which {@link Program#run} is to take it.
   * @param outputs what it must give, likewise.
   * @throws EdgeDnqException not a program, or its tensors differ from the specs.
   */
  Program load(byte[] content, List<TensorSpec> inputs, List<TensorSpec> outputs)
      throws EdgeDnqException;

  /** Returns the number of threads that a program may use. */
  int threads();

  /** Returns the runtime's name, as cost tables write it. */
  String runtime();

  /** Returns the version of edge-dnq that the kernels are from. */
  String version();
}
