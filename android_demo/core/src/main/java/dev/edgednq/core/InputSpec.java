package dev.edgednq.core;

/**
 * How a frame becomes the network frame: shorter side resized, centre cropped, RGB. Real value =
 * (pixel - mean) / std, per channel.
 */
public final class InputSpec {
  /** Side of the network frame in pixels. */
  public final int height;

  /** Equal to the height in a checked manifest. */
  public final int width;

  /** Three means in pixel units. */
  public final double[] mean;

  /** Three deviations in pixel units, positive. */
  public final double[] std;

  InputSpec(int height, int width, double[] mean, double[] std) {
    this.height = height;
    this.width = width;
    this.mean = mean;
    this.std = std;
  }
}
