package dev.edgednq.core;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Reading streams whose length is not to be believed. */
final class Streams {
  private static final int BLOCK = 1 << 16;

  private Streams() {}

  /**
   * Returns the whole stream.
   *
   * @throws IOException it cannot be read, or has more than {@code limit} bytes.
   */
  static byte[] readAll(InputStream stream, long limit) throws IOException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    copy(stream, content, limit);
    return content.toByteArray();
  }

  /**
   * Copies the whole stream; returns its length.
   *
   * @throws IOException it cannot be read or written, or has more than {@code limit} bytes.
   */
  static long copy(InputStream from, OutputStream to, long limit) throws IOException {
    byte[] block = new byte[BLOCK];
    long total = 0;
    for (int count = from.read(block); count >= 0; count = from.read(block)) {
      total += count;
      if (total > limit) {
        throw new IOException("it has more than " + limit + " bytes");
      }
      to.write(block, 0, count);
    }
    return total;
  }
}
