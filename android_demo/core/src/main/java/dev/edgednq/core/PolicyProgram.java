package dev.edgednq.core;

import java.nio.ByteBuffer;

/** The policy program, its state, and the context where it takes one. */
final class PolicyProgram {
  private static final int FIRST_STATE = 1;
  private static final int STATES = 2;
  private static final int CONTEXT = 3;

  private final BoundProgram program;
  private final FrameShrinker shrinker = new FrameShrinker();
  private final InputEncoder encoder;
  private final Context context;
  private final int side;
  private final int actions;

  PolicyProgram(Bundle bundle, ProgramLoader loader, PolicySpec spec) throws EdgeDnqException {
    TensorSpec frame = spec.inputs.get(0);
    encoder = new InputEncoder(bundle.manifest.input, frame);
    context = spec.hasContext() ? new Context() : null;
    side = frame.shape[1];
    actions = spec.outputs.get(0).elements();
    program =
        new BoundProgram(bundle, loader, "the policy", spec.files, spec.inputs, spec.outputs);
  }

  KernelUse kernels() {
    return program.kernels;
  }

  /** Forgets all frames. */
  void reset() {
    for (int index = FIRST_STATE; index < FIRST_STATE + STATES; index++) {
      ByteBuffer state = program.inputs[index];
      state.clear();
      state.put(new byte[state.capacity()]);
    }
    if (context != null) {
      context.reset();
    }
  }

  /** Returns the action logits, [A], of a network frame; advances the state. */
  float[] decide(RgbFrame frame) throws EdgeDnqException {
    RgbFrame seen = shrinker.shrink(frame, side);
    encoder.encode(seen, program.inputs[0]);
    if (context != null) {
      ByteBuffer told = program.inputs[CONTEXT];
      told.clear();
      told.asFloatBuffer().put(context.look(seen.pixels));
    }
    program.run();
    for (int index = FIRST_STATE; index < FIRST_STATE + STATES; index++) {
      program.inputs[index].clear();
      program.outputs[index].clear();
      program.inputs[index].put(program.outputs[index]);
    }
    float[] logits = new float[actions];
    program.outputs[0].clear();
    program.outputs[0].asFloatBuffer().get(logits);
    return logits;
  }

  /** Takes the logits, [K], of the program that ran on the last frame. */
  void executed(float[] logits) {
    if (context != null) {
      context.execute(logits);
    }
  }

  void close() {
    program.close();
  }
}
