package dev.edgednq.core;

import java.nio.ByteBuffer;
import java.util.Collections;

/** One program of the bundle, from network frame to real logits. */
final class Recogniser {
  private final BoundProgram program;
  private final FrameShrinker shrinker = new FrameShrinker();
  private final InputEncoder encoder;
  private final TensorSpec output;
  private final int side;

  Recogniser(Bundle bundle, ProgramLoader loader, ProgramSpec spec) throws EdgeDnqException {
    encoder = new InputEncoder(bundle.manifest.input, spec.input);
    output = spec.output;
    side = spec.input.shape[1];
    program =
        new BoundProgram(
            bundle,
            loader,
            spec.name,
            spec.files,
            Collections.singletonList(spec.input),
            Collections.singletonList(spec.output));
  }

  KernelUse kernels() {
    return program.kernels;
  }

  /** Returns the logits, [K], of a network frame. */
  float[] recognise(RgbFrame frame) throws EdgeDnqException {
    encoder.encode(shrinker.shrink(frame, side), program.inputs[0]);
    program.run();
    ByteBuffer raw = program.outputs[0];
    float[] logits = new float[output.elements()];
    if (output.type == TensorSpec.Type.FLOAT32) {
      raw.clear();
      raw.asFloatBuffer().get(logits);
      return logits;
    }
    float scale = output.scale.floatValue();
    for (int index = 0; index < logits.length; index++) {
      logits[index] = ((float) raw.get(index) - output.zeroPoint) * scale;
    }
    return logits;
  }

  void close() {
    program.close();
  }
}
