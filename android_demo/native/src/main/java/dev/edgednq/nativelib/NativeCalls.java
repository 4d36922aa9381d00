package dev.edgednq.nativelib;

import dev.edgednq.core.EdgeDnqException;
import java.nio.ByteBuffer;

/** The native methods; the library registers them when it is loaded. */
final class NativeCalls {
  private NativeCalls() {}

  /**
   * Loads a program; inputs come first among the tensors.
   *
   * @param types 1 for float32, 9 for int8.
   * @param scales 0 where there is none.
   * @return a number that is not 0.
   */
  static native long open(
      String library,
      byte[] content,
      String[] names,
      int[] types,
      int[][] shapes,
      float[] scales,
      int[] zeroPoints,
      int inputCount,
      int threads,
      boolean kernels)
      throws EdgeDnqException;

  static native void run(long handle, ByteBuffer[] inputs, ByteBuffer[] outputs)
      throws EdgeDnqException;

  /** Returns what edge-dnq's kernels did, as JSON; empty where they were not asked. */
  static native String kernelsReport(long handle);

  /** Returns why edge-dnq's kernels could not be asked; empty where they could. */
  static native String kernelsProblem(long handle);

  /** Returns whether there was such a program. */
  static native boolean close(long handle);

  static native int openHandles();

  static native String isa();

  static native String version();
}
