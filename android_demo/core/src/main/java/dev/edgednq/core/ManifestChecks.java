package dev.edgednq.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What a manifest's types alone cannot rule out; the rules are the Python package's. */
final class ManifestChecks {
  static final int MAX_SIDE = 4096;
  static final int MAX_CLIP_FRAMES = 4096;
  static final long MAX_FILE_BYTES = 512L << 20;
  private static final int MAX_STATE = 1 << 20;

  private final Manifest manifest;
  private final List<String> problems = new ArrayList<>();

  private ManifestChecks(Manifest manifest) {
    this.manifest = manifest;
  }

  /** Returns the first contradiction, or null where there is none. */
  static String firstProblem(Manifest manifest) {
    ManifestChecks checks = new ManifestChecks(manifest);
    checks.names();
    checks.actions();
    checks.input();
    for (ProgramSpec program : manifest.programs) {
      checks.program(program);
    }
    if (manifest.policy != null) {
      checks.policy(manifest.policy);
    }
    checks.files();
    return checks.problems.isEmpty() ? null : checks.problems.get(0);
  }

  private void check(boolean holds, String problem) {
    if (!holds) {
      problems.add(problem);
    }
  }

  private void names() {
    Set<String> programs = new HashSet<>();
    Set<String> actions = new HashSet<>();
    for (ActionSpec action : manifest.actions) {
      name(action.name);
      actions.add(action.name);
    }
    for (ProgramSpec program : manifest.programs) {
      name(program.name);
      programs.add(program.name);
    }
    check(
        !programs.isEmpty() && programs.size() == manifest.programs.size(),
        "programs must be there and have different names");
    check(!manifest.labels.isEmpty(), "labels must not be empty");
    check(
        !actions.isEmpty() && actions.size() == manifest.actions.size(),
        "actions must be there and have different names");
  }

  private void name(String name) {
    boolean good = !name.isEmpty();
    for (int index = 0; index < name.length(); index++) {
      char character = name.charAt(index);
      good &= !Character.isISOControl(character) && ",: ".indexOf(character) < 0;
    }
    check(good, "'" + name + "' cannot be a name: it must be printable, without , : or space");
  }

  private void actions() {
    boolean runs = false;
    for (ActionSpec action : manifest.actions) {
      String owner = "action " + action.name;
      if (action.program == null) {
        check(action.skip >= 1, owner + " neither runs a program nor skips frames");
      } else {
        runs = true;
        check(action.skip == 0, owner + " both runs a program and skips frames");
        check(
            manifest.program(action.program) != null,
            owner + " runs the unknown program " + action.program);
      }
    }
    check(runs, "no action runs a program");
  }

  private void input() {
    InputSpec input = manifest.input;
    check(
        input.height == input.width,
        "input must be square, got " + input.height + "x" + input.width);
    check(
        Math.max(input.height, input.width) <= MAX_SIDE,
        "input must have at most " + MAX_SIDE + " pixels a side, got " + input.height);
    check(
        manifest.clipFrames <= MAX_CLIP_FRAMES,
        "clip_frames must be at most " + MAX_CLIP_FRAMES + ", got " + manifest.clipFrames);
    for (int channel = 0; channel < 3; channel++) {
      check(
          isFinite(input.mean[channel]) && isFinite(input.std[channel]) && input.std[channel] > 0,
          "input mean and std must be finite, std positive");
    }
  }

  private void program(ProgramSpec program) {
    String owner = "program " + program.name;
    check(isFrame(program.input), owner + " takes " + program.input + ", expected [1, S, S, 3]");
    int classes = manifest.labels.size();
    check(
        Arrays.equals(program.output.shape, new int[] {1, classes}),
        owner + " gives " + program.output + ", expected [1, " + classes + "]");
    check(!program.files.isEmpty(), owner + " has no file");
    boolean real = program.weightBits == Manifest.FLOAT_BITS;
    check(
        real == (program.activationBits == Manifest.FLOAT_BITS),
        owner + " is 32-bit in one half only");
    TensorSpec.Type type = real ? TensorSpec.Type.FLOAT32 : TensorSpec.Type.INT8;
    for (TensorSpec tensor : Arrays.asList(program.input, program.output)) {
      check(tensor.type == type, tensor.name + " of " + owner + " must be " + type.text);
      grid(tensor, owner);
    }
  }

  private void grid(TensorSpec tensor, String owner) {
    boolean real = tensor.type == TensorSpec.Type.FLOAT32;
    check(
        real ? tensor.scale == null : tensor.scale != null && tensor.zeroPoint != null,
        "tensor " + tensor.name + " of " + owner
            + " must be int8 with a scale and a zero point, or float32 without a scale");
    if (!real && tensor.scale != null && tensor.zeroPoint != null) {
      check(
          isFinite(tensor.scale)
              && tensor.scale > 0
              && tensor.zeroPoint >= -128
              && tensor.zeroPoint <= 127,
          "tensor " + tensor.name + " of " + owner + " has no usable scale");
    }
  }

  private void policy(PolicySpec policy) {
    TensorSpec frame = policy.inputs.get(0);
    TensorSpec logits = policy.outputs.get(0);
    int count = manifest.actions.size();
    check(isFrame(frame), "the policy takes " + frame + ", expected [1, P, P, 3]");
    grid(frame, "the policy");
    check(
        Arrays.equals(logits.shape, new int[] {1, count}),
        "the policy gives " + logits + ", expected [1, " + count + "] for the actions");
    check(logits.type == TensorSpec.Type.FLOAT32, "the policy's logits must be float32");
    int[] shape = policy.inputs.get(1).shape;
    check(
        shape.length == 2 && shape[0] == 1 && shape[1] <= MAX_STATE,
        "the policy's states must be of shape [1, H], H at most " + MAX_STATE);
    for (int index = 1; index < 3; index++) {
      for (List<TensorSpec> side : Arrays.asList(policy.inputs, policy.outputs)) {
        TensorSpec state = side.get(index);
        check(
            Arrays.equals(state.shape, shape) && state.type == TensorSpec.Type.FLOAT32,
            "the policy's states must all be float32 of one shape");
      }
    }
    if (policy.hasContext()) {
      TensorSpec context = policy.inputs.get(3);
      check(
          Arrays.equals(context.shape, new int[] {1, Context.FEATURES})
              && context.type == TensorSpec.Type.FLOAT32,
          "the policy's context must be float32 [1, " + Context.FEATURES + "]");
    }
    check(!policy.files.isEmpty(), "the policy has no file");
  }

  private static boolean isFrame(TensorSpec tensor) {
    int[] shape = tensor.shape;
    return shape.length == 4
        && shape[0] == 1
        && shape[1] == shape[2]
        && shape[1] <= MAX_SIDE
        && shape[3] == 3;
  }

  private void files() {
    Set<String> names = new HashSet<>();
    for (FileSpec spec : manifest.files()) {
      check(isPlainPath(spec.file), "'" + spec.file + "' is not a plain path inside the bundle");
      check(
          spec.bytes <= MAX_FILE_BYTES,
          spec.file + " says " + spec.bytes + " bytes, more than " + MAX_FILE_BYTES);
      check(names.add(spec.file), "two entries of the manifest name " + spec.file);
    }
  }

  /** Tells whether the name can mean nothing but a file inside the folder. */
  static boolean isPlainPath(String name) {
    if (name.isEmpty() || name.indexOf('\\') >= 0 || name.indexOf(':') >= 0) {
      return false;
    }
    for (int index = 0; index < name.length(); index++) {
      if (Character.isISOControl(name.charAt(index))) {
        return false;
      }
    }
    // A limit below 0 keeps empty parts: of a leading, trailing or doubled slash.
    for (String part : name.split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..")) {
        return false;
      }
    }
    return true;
  }

  private static boolean isFinite(double value) {
    return !Double.isNaN(value) && !Double.isInfinite(value);
  }
}
