package dev.edgednq.core;

import java.util.Arrays;

/** An input or output tensor of a program. */
public final class TensorSpec {
  /** Element types that bundles use. */
  public enum Type {
    /** Codes on a grid. */
    INT8("int8", 1),
    /** Real numbers. */
    FLOAT32("float32", 4);

    /** As the manifest writes it. */
    public final String text;

    /** Size of an element. */
    public final int bytes;

    Type(String text, int bytes) {
      this.text = text;
      this.bytes = bytes;
    }
  }

  /** Its name in the program's signature. */
  public final String name;

  /** Sizes, each at least 1. */
  public final int[] shape;

  /** Element type. */
  public final Type type;

  /** Real size of one code; null for float32. */
  public final Double scale;

  /** Code of real zero, -128 to 127; null for float32. */
  public final Integer zeroPoint;

  TensorSpec(String name, int[] shape, Type type, Double scale, Integer zeroPoint) {
    this.name = name;
    this.shape = shape;
    this.type = type;
    this.scale = scale;
    this.zeroPoint = zeroPoint;
  }

  /** Returns how many elements the tensor has. */
  public int elements() {
    int count = 1;
    for (int size : shape) {
      count *= size;
    }
    return count;
  }

  /** Returns how many bytes the tensor has. */
  public int bytes() {
    return elements() * type.bytes;
  }

  @Override
  public String toString() {
    return type.text + " " + Arrays.toString(shape);
  }
}
