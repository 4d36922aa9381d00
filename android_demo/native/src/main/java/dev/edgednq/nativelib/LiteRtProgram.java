package dev.edgednq.nativelib;

import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.core.KernelUse;
import dev.edgednq.core.Program;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;

/** A program by its native handle, which is given back exactly once. */
final class LiteRtProgram implements Program {
  private static final long CLOSED = 0;

  private final AtomicLong handle;
  private final KernelUse kernels;

  LiteRtProgram(long handle, boolean kernelsWanted) {
    this.handle = new AtomicLong(handle);
    this.kernels = kernelsWanted ? kernelUse(handle) : KernelUse.stock("switched off");
  }

  @Override
  public void run(ByteBuffer[] inputs, ByteBuffer[] outputs) throws EdgeDnqException {
    long open = handle.get();
    if (open == CLOSED) {
      throw new IllegalStateException("the program was closed");
    }
    NativeCalls.run(open, inputs, outputs);
  }

  @Override
  public KernelUse kernels() {
    return kernels;
  }

  @Override
  public void close() {
    long open = handle.getAndSet(CLOSED);
    if (open != CLOSED) {
      NativeCalls.close(open);
    }
  }

  private static KernelUse kernelUse(long handle) {
    String problem = NativeCalls.kernelsProblem(handle);
    if (!problem.isEmpty()) {
      return KernelUse.stock(problem);
    }
    return KernelUse.ofReport(NativeCalls.kernelsReport(handle));
  }
}
