package dev.edgednq.core;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256 of bytes. */
final class Sha256 {
  private Sha256() {}

  /** Returns 64 lower-case hexadecimal digits. */
  static String hex(byte[] content) {
    try {
      StringBuilder text = new StringBuilder(64);
      for (byte value : MessageDigest.getInstance("SHA-256").digest(content)) {
        text.append(Character.forDigit((value >> 4) & 15, 16));
        text.append(Character.forDigit(value & 15, 16));
      }
      return text.toString();
    } catch (NoSuchAlgorithmException error) {
      throw new AssertionError("every Java has SHA-256", error);
    }
  }
}
