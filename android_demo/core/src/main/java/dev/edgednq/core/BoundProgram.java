package dev.edgednq.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;

/** A program of the bundle with the buffers it reads and writes. */
final class BoundProgram {
  final ByteBuffer[] inputs;
  final ByteBuffer[] outputs;
  final KernelUse kernels;
  private final Program program;

  BoundProgram(
      Bundle bundle,
      ProgramLoader loader,
      String owner,
      Map<String, FileSpec> files,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs)
      throws EdgeDnqException {
    FileSpec file = bundle.programFile(files, owner);
    this.inputs = buffers(inputs);
    this.outputs = buffers(outputs);
    // Last, so that nothing can fail while a loaded program has no owner yet.
    try {
      program = loader.load(bundle.read(file), inputs, outputs);
    } catch (BundleException error) {
      throw new BundleException(
          bundle.folder + "/" + file.file + ": " + error.getMessage(), error);
    }
    kernels = program.kernels();
  }

  void run() throws EdgeDnqException {
    program.run(inputs, outputs);
  }

  void close() {
    program.close();
  }

  private static ByteBuffer[] buffers(List<TensorSpec> tensors) {
    ByteBuffer[] buffers = new ByteBuffer[tensors.size()];
    for (int index = 0; index < buffers.length; index++) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(tensors.get(index).bytes());
      buffers[index] = buffer.order(ByteOrder.nativeOrder());
    }
    return buffers;
  }
}
