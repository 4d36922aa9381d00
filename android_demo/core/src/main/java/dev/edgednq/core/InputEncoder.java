package dev.edgednq.core;

import java.nio.ByteBuffer;

/**
 * Turns network frames into a program's input through one table per channel: {@code clip(rint((pixel
 * - mean) / std / scale) + zeroPoint, -128, 127)} for int8, {@code (pixel - mean) / std} for float32.
 */
final class InputEncoder {
  private final boolean real;
  private final byte[] codes = new byte[3 * 256];
  private final float[] values = new float[3 * 256];
  private byte[] row = new byte[0];

  InputEncoder(InputSpec input, TensorSpec tensor) {
    real = tensor.type == TensorSpec.Type.FLOAT32;
    for (int pixel = 0; pixel < 256; pixel++) {
      for (int channel = 0; channel < 3; channel++) {
        double value = (pixel - input.mean[channel]) / input.std[channel];
        if (real) {
          values[3 * pixel + channel] = (float) value;
        } else {
          double code = Math.rint(value / tensor.scale) + tensor.zeroPoint;
          codes[3 * pixel + channel] = (byte) Math.max(-128.0, Math.min(code, 127.0));
        }
      }
    }
  }

  /** Writes the frame from the start of {@code into}, whose order must be the machine's. */
  void encode(RgbFrame frame, ByteBuffer into) {
    into.clear();
    if (real) {
      encodeReal(frame, into);
    } else {
      encodeCodes(frame, into);
    }
  }

  private void encodeCodes(RgbFrame frame, ByteBuffer into) {
    byte[] pixels = frame.pixels;
    if (row.length != pixels.length) {
      row = new byte[pixels.length];
    }
    for (int index = 0; index < pixels.length; index += 3) {
      row[index] = codes[3 * (pixels[index] & 255)];
      row[index + 1] = codes[3 * (pixels[index + 1] & 255) + 1];
      row[index + 2] = codes[3 * (pixels[index + 2] & 255) + 2];
    }
    into.put(row);
  }

  private void encodeReal(RgbFrame frame, ByteBuffer into) {
    byte[] pixels = frame.pixels;
    for (int index = 0; index < pixels.length; index++) {
      into.putFloat(4 * index, values[3 * (pixels[index] & 255) + index % 3]);
    }
  }
}
