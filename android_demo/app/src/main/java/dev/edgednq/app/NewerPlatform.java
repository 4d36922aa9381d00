package dev.edgednq.app;

import android.os.Build;

/** What Android has learned since API level 23, at which the sources compile: asked by name. */
final class NewerPlatform {
  private static final int S = 31;

  private NewerPlatform() {}

  /**
   * Returns the processor's name: of the chip where the system tells (level 31), else the board's.
   */
  static String processor() {
    if (Build.VERSION.SDK_INT >= S) {
      try {
        String model = String.valueOf(Build.class.getField("SOC_MODEL").get(null));
        if (!model.equals(Build.UNKNOWN)) {
          return model;
        }
      } catch (NoSuchFieldException | IllegalAccessException absent) {
        return Build.HARDWARE;
      }
    }
    return Build.HARDWARE;
  }
}
