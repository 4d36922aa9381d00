package dev.edgednq.core;

import java.nio.ByteBuffer;

/** A loaded program; one thread at a time may run it. */
public interface Program extends AutoCloseable {
  /**
   * Runs once.
   *
   * @param inputs direct buffers in the machine's byte order, in the order of the specs it was loaded
   *     with, each of exactly its tensor's bytes.
   * @param outputs likewise; they are filled from their start, their positions are not moved.
   * @throws EdgeDnqException the runtime gives up.
   * @throws IllegalArgumentException other buffers.
   * @throws IllegalStateException it was closed.
   */
  void run(ByteBuffer[] inputs, ByteBuffer[] outputs) throws EdgeDnqException;

  /** Tells which kernels it runs on. */
  KernelUse kernels();

  /** Frees it; again does nothing. */
  @Override
  void close();
}
