package dev.edgednq.presentation;

/** What the overlay is drawn with; lengths are pixels, colours 0xAARRGGBB. */
public interface Pen {
  /** Fills a rectangle. */
  void fill(float left, float top, float right, float bottom, int color);

  /** Writes one line. */
  void text(String text, float left, float baseline, float size, int color);

  /** Returns how wide a line would be. */
  float width(String text, float size);
}
