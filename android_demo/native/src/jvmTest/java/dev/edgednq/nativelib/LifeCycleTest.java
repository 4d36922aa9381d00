package dev.edgednq.nativelib;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import dev.edgednq.core.Bundle;
import dev.edgednq.core.BundleException;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.Program;
import dev.edgednq.core.ProgramSpec;
import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.Session;
import dev.edgednq.core.Step;
import dev.edgednq.core.TensorSpec;
import java.io.File;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;

public final class LifeCycleTest {
  /** Opening and closing; an interpreting, emulated Java takes a tenth of them. */
  private static final int CYCLES = Integer.getInteger("edgednq.cycles", 1000);

  private File folder;
  private Bundle bundle;
  private LiteRtRuntime runtime;

  @Before
  public void open() throws Exception {
    folder = Cases.bundle(Cases.all().get(0));
    bundle = Bundle.load(folder);
    runtime = LiteRtRuntime.open(1, Kernels.AUTO);
  }

  @After
  public void nothingIsLeftOpen() throws Exception {
    assertEquals(0, LiteRtRuntime.openHandles());
  }

  private Program program() throws EdgeDnqException {
    ProgramSpec spec = bundle.manifest.programs.get(0);
    return load(runtime, bundle.read(spec.files.get(Bundle.RUNTIME)), spec.input);
  }

  private Program load(LiteRtRuntime on, byte[] content, TensorSpec input)
      throws EdgeDnqException {
    ProgramSpec spec = bundle.manifest.programs.get(0);
    List<TensorSpec> outputs = Collections.singletonList(spec.output);
    return on.load(content, Collections.singletonList(input), outputs);
  }

  private ByteBuffer[] buffer(TensorSpec tensor, int more) {
    return new ByteBuffer[] {ByteBuffer.allocateDirect(tensor.bytes() + more)};
  }

  @Test
  public void aThousandSessionsLeaveNothingOpen() throws Exception {
    RgbFrame frame = new RgbFrame(64, 48);
    new Random(0).nextBytes(frame.pixels);
    int programs = bundle.manifest.programs.size() + 1;
    float[] first = null;
    for (int cycle = 0; cycle < CYCLES; cycle++) {
      try (Session session = new Session(bundle, runtime, "learned")) {
        assertEquals(programs, LiteRtRuntime.openHandles());
        Step step = session.step(frame);
        first = first == null ? step.logits : first;
        assertArrayEquals(first, step.logits, 0f);
      }
      assertEquals(0, LiteRtRuntime.openHandles());
    }
  }

  @Test
  public void aClosedSessionSaysSo() throws Exception {
    Session session = new Session(bundle, runtime, "learned");
    session.step(new RgbFrame(20, 20));
    session.close();
    session.close();
    try {
      session.step(new RgbFrame(20, 20));
      fail("it was closed");
    } catch (IllegalStateException expected) {
      assertEquals("the session was closed", expected.getMessage());
    }
    try {
      session.result(1);
      fail("it was closed");
    } catch (IllegalStateException expected) {
      assertEquals("the session was closed", expected.getMessage());
    }
  }

  @Test
  public void aClosedProgramSaysSo() throws Exception {
    ProgramSpec spec = bundle.manifest.programs.get(0);
    Program program = program();
    ByteBuffer[] inputs = buffer(spec.input, 0);
    ByteBuffer[] outputs = buffer(spec.output, 0);
    program.run(inputs, outputs);
    program.close();
    program.close();
    try {
      program.run(inputs, outputs);
      fail("it was closed");
    } catch (IllegalStateException expected) {
      assertEquals("the program was closed", expected.getMessage());
    }
    // Below Java's own check, too.
    for (long handle : new long[] {0, -1, 1, Long.MAX_VALUE}) {
      assertFalse(NativeCalls.close(handle));
      try {
        NativeCalls.run(handle, inputs, outputs);
        fail("there is no such program");
      } catch (IllegalStateException expected) {
        assertEquals("the program was closed", expected.getMessage());
      }
    }
  }

  @Test
  public void closingWhileAnotherThreadRunsIsSafe() throws Exception {
    final ProgramSpec spec = bundle.manifest.programs.get(0);
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      for (int turn = 0; turn < 20; turn++) {
        final Program program = program();
        Future<Boolean> runner =
            thread.submit(
                new Callable<Boolean>() {
                  @Override
                  public Boolean call() throws Exception {
                    try {
                      while (true) {
                        program.run(buffer(spec.input, 0), buffer(spec.output, 0));
                      }
                    } catch (IllegalStateException closed) {
                      return true;
                    }
                  }
                });
        Thread.sleep(5);
        program.close();
        assertTrue(runner.get(60, TimeUnit.SECONDS));
      }
    } finally {
      thread.shutdownNow();
    }
  }

  @Test
  public void otherBuffersThanTheTensorsAreRefused() throws Exception {
    ProgramSpec spec = bundle.manifest.programs.get(0);
    ByteBuffer[] good = buffer(spec.input, 0);
    ByteBuffer[] out = buffer(spec.output, 0);
    ByteBuffer[] onHeap = {ByteBuffer.allocate(spec.input.bytes())};
    try (Program program = program()) {
      for (ByteBuffer[] wrong :
          new ByteBuffer[][] {
            buffer(spec.input, 1), buffer(spec.input, -1), onHeap, {}, {good[0], good[0]}, {null}
          }) {
        try {
          program.run(wrong, out);
          fail("not the tensors' buffers");
        } catch (IllegalArgumentException expected) {
          assertTrue(expected.getMessage(), expected.getMessage().contains("buffer"));
        }
      }
      program.run(good, out);
    }
  }

  @Test
  public void whatIsNoProgramIsToldInOneLine() throws Exception {
    ProgramSpec spec = bundle.manifest.programs.get(0);
    byte[] content = bundle.read(spec.files.get(Bundle.RUNTIME));
    refused(new byte[0], spec.input, "not a TFLite program");
    refused(new byte[1000], spec.input, "not a TFLite program");
    byte[] half = new byte[content.length / 2];
    System.arraycopy(content, 0, half, 0, half.length);
    refused(half, spec.input, "LiteRT cannot");
    refused(content, spec.output, "has no tensor");
  }

  private void refused(byte[] content, TensorSpec input, String part) throws Exception {
    try {
      load(runtime, content, input).close();
      fail("not a program");
    } catch (BundleException error) {
      assertTrue(error.getMessage(), error.getMessage().contains(part));
      assertFalse(error.getMessage(), error.getMessage().contains("\n"));
    }
  }

  @Test
  public void threadsAndKernelsChangeNoBit() throws Exception {
    RgbFrame frame = new RgbFrame(100, 80);
    new Random(1).nextBytes(frame.pixels);
    double[] expected = null;
    for (int threads = 1; threads <= 3; threads++) {
      for (Kernels kernels : Kernels.values()) {
        LiteRtRuntime on = LiteRtRuntime.open(threads, kernels);
        try (Session session = new Session(bundle, on, "learned")) {
          for (int index = 0; index < 4; index++) {
            session.step(frame);
          }
          double[] mean = session.meanLogits();
          expected = expected == null ? mean : expected;
          assertArrayEquals(threads + " threads, " + kernels, expected, mean, 0.0);
        }
      }
    }
  }
}
