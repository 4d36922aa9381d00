package dev.edgednq.nativelib;

import dev.edgednq.core.Bundle;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.Program;
import dev.edgednq.core.ProgramLoader;
import dev.edgednq.core.TensorSpec;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

/** Programs on LiteRT, with edge-dnq's kernels. Safe to use from several threads. */
public final class LiteRtRuntime implements ProgramLoader {
  private static final String JNI_LIBRARY = "edge_dnq_jni";
  private static final int FLOAT32 = 1;
  private static final int INT8 = 9;

  private static File jniLibrary;
  private static String liteRtLibrary = "libLiteRt.so";
  private static boolean loaded;

  private final int threads;
  private final Kernels kernels;

  private LiteRtRuntime(int threads, Kernels kernels) {
    this.threads = threads;
    this.kernels = kernels;
  }

  /**
   * Names the libraries' files where there is no Android to find them; before the first {@link
   * #open}.
   */
  public static synchronized void setLibraries(File jni, File liteRt) {
    if (loaded) {
      throw new IllegalStateException("the libraries were loaded already");
    }
    jniLibrary = jni;
    liteRtLibrary = liteRt.getAbsolutePath();
  }

  /**
   * Makes the runtime ready.
   *
   * @param threads threads per program, at least 1.
   * @throws EdgeDnqException the libraries cannot be loaded.
   */
  public static LiteRtRuntime open(int threads, Kernels kernels) throws EdgeDnqException {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    load();
    return new LiteRtRuntime(threads, kernels);
  }

  private static synchronized void load() throws EdgeDnqException {
    if (loaded) {
      return;
    }
    try {
      if (jniLibrary == null) {
        System.loadLibrary(JNI_LIBRARY);
      } else {
        System.load(jniLibrary.getAbsolutePath());
      }
      loaded = true;
    } catch (UnsatisfiedLinkError error) {
      throw new EdgeDnqException("cannot load the native library: " + error.getMessage(), error);
    }
  }

  /** Returns the instruction set that {@link Kernels#AUTO} uses on this processor. */
  public static String isa() throws EdgeDnqException {
    load();
    return NativeCalls.isa();
  }

  /** Returns how many programs are open now. */
  public static int openHandles() throws EdgeDnqException {
    load();
    return NativeCalls.openHandles();
  }

  @Override
  public Program load(byte[] content, List<TensorSpec> inputs, List<TensorSpec> outputs)
      throws EdgeDnqException {
    List<TensorSpec> tensors = new ArrayList<>(inputs);
    tensors.addAll(outputs);
    int count = tensors.size();
    String[] names = new String[count];
    int[] types = new int[count];
    int[][] shapes = new int[count][];
    float[] scales = new float[count];
    int[] zeroPoints = new int[count];
    for (int index = 0; index < count; index++) {
      TensorSpec tensor = tensors.get(index);
      names[index] = tensor.name;
      types[index] = tensor.type == TensorSpec.Type.INT8 ? INT8 : FLOAT32;
      shapes[index] = tensor.shape;
      scales[index] = tensor.scale == null ? 0f : tensor.scale.floatValue();
      zeroPoints[index] = tensor.zeroPoint == null ? 0 : tensor.zeroPoint;
    }
    boolean wanted = kernels == Kernels.AUTO;
    long handle =
        NativeCalls.open(
            liteRtLibrary,
            content,
            names,
            types,
            shapes,
            scales,
            zeroPoints,
            inputs.size(),
            threads,
            wanted);
    return new LiteRtProgram(handle, wanted);
  }

  @Override
  public int threads() {
    return threads;
  }

  @Override
  public String runtime() {
    return Bundle.RUNTIME;
  }

  @Override
  public String version() {
    return NativeCalls.version();
  }
}
