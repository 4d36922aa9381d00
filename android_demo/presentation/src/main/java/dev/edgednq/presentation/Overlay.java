package dev.edgednq.presentation;

import java.util.List;
import java.util.Locale;

/**
 * Draws what was recognised over the picture: the label, a bar for the precision of every recent
 * frame (the newest at the right), the shares of all actions, this frame's action and its time.
 */
public final class Overlay {
  private static final int WHITE = 0xFFF5F5F5;
  private static final int DIM = 0xFFBEBEBE;
  private static final int SHADE = 0xB3181818;
  private static final float MARGIN = 12;
  private static final float HEADLINE = 44;
  private static final float STRIP = 44;
  private static final float ROW = 26;
  private static final float BAR = 6;
  private static final float TITLE_SIZE = 20;
  private static final float TEXT_SIZE = 14;
  private static final float LEGEND_SIZE = 11;
  private static final float SWATCH = 10;
  private static final float BESIDE = 4;
  private static final String ELLIPSIS = "…";

  private final List<ActionStyle> styles;
  private final float unit;

  /**
   * @param styles of every action, in the bundle's order
   * @param density pixels per unit of length, as Android's display metrics have it
   */
  public Overlay(List<ActionStyle> styles, float density) {
    this.styles = styles;
    this.unit = density;
  }

  /** Draws over a picture of that size. */
  public void draw(Pen pen, float width, float height, Moment moment) {
    headline(pen, width, moment);
    float top = height - (STRIP + 2 * ROW) * unit;
    pen.fill(0, top, width, height, SHADE);
    bars(pen, width, top + STRIP * unit, moment.recent);
    legend(pen, width, top + (STRIP + ROW) * unit, moment.shares);
    frameRow(pen, width, height, moment);
  }

  private void headline(Pen pen, float width, Moment moment) {
    pen.fill(0, 0, width, HEADLINE * unit, SHADE);
    float size = TITLE_SIZE * unit;
    float baseline = HEADLINE * unit * 0.66f;
    float margin = MARGIN * unit;
    String score = percent(moment.prediction.score);
    float right = width - margin - pen.width(score, size);
    pen.text(score, right, baseline, size, WHITE);
    String label = fitting(pen, moment.prediction.label, right - 2 * margin, size);
    pen.text(label, margin, baseline, size, WHITE);
  }

  private void bars(Pen pen, float width, float floor, byte[] recent) {
    float margin = MARGIN * unit;
    float step = Math.max(2, Math.round(BAR * unit));
    float gap = Math.max(1, Math.round(unit));
    int shown = Math.min(recent.length, Math.max(0, (int) ((width - 2 * margin) / step)));
    float tallest = (STRIP - 8) * unit;
    for (int i = 0; i < shown; i++) {
      ActionStyle style = styles.get(recent[recent.length - shown + i]);
      float left = width - margin - (shown - i) * step;
      float top = floor - Math.max(2, style.height * tallest);
      pen.fill(left, top, left + step - gap, floor, style.color);
    }
  }

  private void legend(Pen pen, float width, float bottom, float[] shares) {
    float left = MARGIN * unit;
    for (int action = 0; action < styles.size(); action++) {
      String text = styles.get(action).name + " " + percent(shares[action]);
      float next = left + (SWATCH + BESIDE) * unit + pen.width(text, LEGEND_SIZE * unit);
      if (next > width - MARGIN * unit) {
        return;
      }
      named(pen, left, bottom, styles.get(action), text, LEGEND_SIZE, DIM);
      left = next + 2 * BESIDE * unit;
    }
  }

  private void frameRow(Pen pen, float width, float bottom, Moment moment) {
    ActionStyle style = styles.get(moment.action);
    named(pen, MARGIN * unit, bottom, style, style.name, TEXT_SIZE, WHITE);
    String time = milliseconds(moment.step.latencyMs);
    float size = TEXT_SIZE * unit;
    float left = width - MARGIN * unit - pen.width(time, size);
    pen.text(time, left, bottom - ROW * unit * 0.35f, size, WHITE);
  }

  /** Draws an action's swatch, which is as tall as its bars, and a text behind it. */
  private void named(
      Pen pen, float left, float bottom, ActionStyle style, String text, float size, int color) {
    float baseline = bottom - ROW * unit * 0.35f;
    float height = Math.max(2, style.height * SWATCH * unit);
    pen.fill(left, baseline - height, left + SWATCH * unit, baseline, style.color);
    pen.text(text, left + (SWATCH + BESIDE) * unit, baseline, size * unit, color);
  }

  private static String fitting(Pen pen, String text, float room, float size) {
    if (pen.width(text, size) <= room) {
      return text;
    }
    int end = text.length();
    while (end > 0 && pen.width(text.substring(0, end) + ELLIPSIS, size) > room) {
      end = text.offsetByCodePoints(end, -1);
    }
    return text.substring(0, end) + ELLIPSIS;
  }

  /** Returns a duration for people: three digits where it is short. */
  public static String milliseconds(double value) {
    return String.format(Locale.ROOT, value < 1 ? "%.2f ms" : "%.1f ms", value);
  }

  private static String percent(double share) {
    return Math.round(100 * share) + "%";
  }
}
