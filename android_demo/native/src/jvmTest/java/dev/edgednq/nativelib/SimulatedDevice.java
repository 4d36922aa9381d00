package dev.edgednq.nativelib;

import dev.edgednq.core.Bundle;
import dev.edgednq.core.Clock;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.FileSpec;
import dev.edgednq.core.KernelUse;
import dev.edgednq.core.Program;
import dev.edgednq.core.ProgramLoader;
import dev.edgednq.core.ProgramSpec;
import dev.edgednq.core.Session;
import dev.edgednq.core.TensorSpec;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Real programs and a clock that they move: each run takes what is written for it. */
final class SimulatedDevice implements ProgramLoader, Clock {
  private final ProgramLoader loader;
  private final double tick;
  private final Map<String, double[]> durations;
  private final Map<ByteBuffer, String> names = new HashMap<>();
  private double now;

  SimulatedDevice(
      ProgramLoader loader, Bundle bundle, double tick, Map<String, double[]> durations)
      throws EdgeDnqException {
    this.loader = loader;
    this.tick = tick;
    this.durations = durations;
    for (ProgramSpec program : bundle.manifest.programs) {
      name(bundle, program.files, program.name);
    }
    if (bundle.manifest.policy != null) {
      name(bundle, bundle.manifest.policy.files, Session.POLICY);
    }
  }

  private void name(Bundle bundle, Map<String, FileSpec> files, String name)
      throws EdgeDnqException {
    names.put(ByteBuffer.wrap(bundle.read(files.get(Bundle.RUNTIME))), name);
  }

  @Override
  public double seconds() {
    double before = now;
    now += tick;
    return before;
  }

  @Override
  public Program load(byte[] content, List<TensorSpec> inputs, List<TensorSpec> outputs)
      throws EdgeDnqException {
    final Program program = loader.load(content, inputs, outputs);
    final double[] own = durations.get(names.get(ByteBuffer.wrap(content)));
    return new Program() {
      private int runs;

      @Override
      public void run(ByteBuffer[] from, ByteBuffer[] to) throws EdgeDnqException {
        program.run(from, to);
        now += own[runs++ % own.length];
      }

      @Override
      public KernelUse kernels() {
        return program.kernels();
      }

      @Override
      public void close() {
        program.close();
      }
    };
  }

  @Override
  public int threads() {
    return loader.threads();
  }

  @Override
  public String runtime() {
    return loader.runtime();
  }

  @Override
  public String version() {
    return loader.version();
  }
}
