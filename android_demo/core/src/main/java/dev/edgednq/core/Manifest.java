package dev.edgednq.core;

import java.util.ArrayList;
import java.util.List;

/** manifest.json of a bundle: everything a runtime needs to know. */
public final class Manifest {
  /** Name of the file in a bundle. */
  public static final String FILE = "manifest.json";

  /** The version of the schema that this reader knows. */
  public static final int SCHEMA_VERSION = 1;

  /** Bits of a float32 program. */
  public static final int FLOAT_BITS = 32;

  /** The bundle's name. */
  public final String name;

  /** What made it. */
  public final String createdBy;

  /** The classes. */
  public final List<String> labels;

  /** Frames of a clip in training. */
  public final int clipFrames;

  /** How frames are prepared. */
  public final InputSpec input;

  /** The policy program; null where the bundle has none. */
  public final PolicySpec policy;

  /** What may be done with a frame, in the order of the policy's logits. */
  public final List<ActionSpec> actions;

  /** The programs. */
  public final List<ProgramSpec> programs;

  /** Vectors recorded at export. */
  public final FileSpec golden;

  Manifest(
      String name,
      String createdBy,
      List<String> labels,
      int clipFrames,
      InputSpec input,
      PolicySpec policy,
      List<ActionSpec> actions,
      List<ProgramSpec> programs,
      FileSpec golden) {
    this.name = name;
    this.createdBy = createdBy;
    this.labels = labels;
    this.clipFrames = clipFrames;
    this.input = input;
    this.policy = policy;
    this.actions = actions;
    this.programs = programs;
    this.golden = golden;
  }

  /** Returns the program of that name, or null. */
  public ProgramSpec program(String wanted) {
    for (ProgramSpec program : programs) {
      if (program.name.equals(wanted)) {
        return program;
      }
    }
    return null;
  }

  /** Returns every file that the manifest names. */
  public List<FileSpec> files() {
    List<FileSpec> found = new ArrayList<>();
    for (ProgramSpec program : programs) {
      found.addAll(program.files.values());
    }
    if (policy != null) {
      found.addAll(policy.files.values());
    }
    found.add(golden);
    return found;
  }

  /** Returns the program that costs are relative to: w8a8, or the first. */
  public ProgramSpec reference() {
    ProgramSpec eightBit = program("w8a8");
    return eightBit != null ? eightBit : programs.get(0);
  }
}
