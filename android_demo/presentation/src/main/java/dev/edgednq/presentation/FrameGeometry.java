package dev.edgednq.presentation;

/** How camera frames lie, and which size of them to ask for. */
public final class FrameGeometry {
  private FrameGeometry() {}

  /**
   * Returns by how much a frame is to be turned clockwise to stand upright on the screen.
   *
   * @param sensorDegrees what the camera says: the turn in the device's natural orientation
   * @param displayDegrees how far the screen's content is turned, 0, 90, 180 or 270
   * @param front whether the camera looks at the person
   */
  public static int clockwise(int sensorDegrees, int displayDegrees, boolean front) {
    int turn = front ? sensorDegrees + displayDegrees : sensorDegrees - displayDegrees;
    return ((turn % 360) + 360) % 360;
  }

  /**
   * Chooses among sizes: the smallest whose shorter side is enough, else the largest.
   *
   * @param sizes pairs of width and height, at least one
   * @param shorterSide pixels that are enough
   * @return the index of the choice
   */
  public static int choose(int[][] sizes, int shorterSide) {
    int best = 0;
    for (int i = 1; i < sizes.length; i++) {
      boolean enough = isEnough(sizes[i], shorterSide);
      boolean bestEnough = isEnough(sizes[best], shorterSide);
      boolean smaller = area(sizes[i]) < area(sizes[best]);
      if (enough != bestEnough ? enough : enough == smaller) {
        best = i;
      }
    }
    return best;
  }

  private static boolean isEnough(int[] size, int shorterSide) {
    return Math.min(size[0], size[1]) >= shorterSide;
  }

  private static long area(int[] size) {
    return (long) size[0] * size[1];
  }
}
