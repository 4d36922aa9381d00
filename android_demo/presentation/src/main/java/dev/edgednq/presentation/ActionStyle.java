package dev.edgednq.presentation;

import dev.edgednq.core.ActionSpec;
import dev.edgednq.core.Manifest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How an action looks; the same as in {@code edge_dnq/report/colors.py}: Okabe and Ito's colours,
 * and marks that are the taller the more precise, so that nothing hangs on colour alone.
 */
public final class ActionStyle {
  private static final int BLUE = 0xFF0072B2;
  private static final int ORANGE = 0xFFE69F00;
  private static final int GREEN = 0xFF009E73;
  private static final int VERMILION = 0xFFD55E00;
  private static final int[] SPARE = {0xFF56B4E9, 0xFFCC79A7, 0xFFF0E442};
  private static final int[] GREYS = {0xFF8A8A8A, 0xFFBDBDBD, 0xFF5A5A5A};
  private static final float SKIP_HEIGHT = 0.08f;

  public final String name;

  /** 0xFFRRGGBB. */
  public final int color;

  /** Height of its mark, 0..1. */
  public final float height;

  public ActionStyle(String name, int color, float height) {
    this.name = name;
    this.color = color;
    this.height = height;
  }

  /**
   * Returns the style of every action, in the bundle's order. A second program of the same width
   * (say, at another resolution) takes a spare colour.
   */
  public static List<ActionStyle> of(Manifest manifest) {
    List<ActionStyle> styles = new ArrayList<>();
    Set<Integer> taken = new HashSet<>();
    int spares = 0;
    int skips = 0;
    for (ActionSpec action : manifest.actions) {
      if (action.program == null) {
        styles.add(new ActionStyle(action.name, GREYS[skips++ % GREYS.length], SKIP_HEIGHT));
        continue;
      }
      int bits = manifest.program(action.program).activationBits;
      int color = taken.contains(colorOf(bits)) ? SPARE[spares++ % SPARE.length] : colorOf(bits);
      taken.add(color);
      styles.add(new ActionStyle(action.name, color, heightOf(bits)));
    }
    return styles;
  }

  private static int colorOf(int bits) {
    switch (bits) {
      case 32:
        return VERMILION;
      case 8:
        return BLUE;
      case 4:
        return ORANGE;
      default:
        return GREEN;
    }
  }

  private static float heightOf(int bits) {
    return bits >= 8 ? 1f : bits == 4 ? 0.6f : 0.3f;
  }
}
