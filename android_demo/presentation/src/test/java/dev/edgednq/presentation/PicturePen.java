package dev.edgednq.presentation;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;

/** Draws the overlay into a picture, as the app draws it on Android's canvas. */
public final class PicturePen implements Pen {
  private final Graphics2D graphics;
  float rightmost;

  /** Takes a picture and paints it all in one colour, 0xRRGGBB. */
  public PicturePen(BufferedImage picture, int background) {
    graphics = picture.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.setColor(new Color(background));
    graphics.fillRect(0, 0, picture.getWidth(), picture.getHeight());
  }

  /** Draws a picture into a place. */
  public void draw(BufferedImage picture, int left, int top, int width, int height) {
    graphics.drawImage(picture, left, top, width, height, null);
  }

  private void font(float size) {
    graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 1).deriveFont(size));
  }

  @Override
  public void fill(float left, float top, float right, float bottom, int color) {
    graphics.setColor(new Color(color, true));
    int x = Math.round(left);
    int y = Math.round(top);
    graphics.fillRect(x, y, Math.round(right) - x, Math.round(bottom) - y);
  }

  @Override
  public void text(String text, float left, float baseline, float size, int color) {
    font(size);
    graphics.setColor(new Color(color, true));
    graphics.drawString(text, left, baseline);
    rightmost = Math.max(rightmost, left + width(text, size));
  }

  @Override
  public float width(String text, float size) {
    font(size);
    return (float) graphics.getFontMetrics().getStringBounds(text, graphics).getWidth();
  }
}
