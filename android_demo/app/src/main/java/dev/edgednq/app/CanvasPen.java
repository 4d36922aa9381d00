package dev.edgednq.app;

import android.graphics.Canvas;
import android.graphics.Paint;
import dev.edgednq.presentation.Pen;

/** Draws the overlay on a canvas. */
final class CanvasPen implements Pen {
  private final Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
  private Canvas canvas;

  CanvasPen on(Canvas target) {
    canvas = target;
    return this;
  }

  @Override
  public void fill(float left, float top, float right, float bottom, int color) {
    paint.setColor(color);
    canvas.drawRect(left, top, right, bottom, paint);
  }

  @Override
  public void text(String text, float left, float baseline, float size, int color) {
    paint.setColor(color);
    paint.setTextSize(size);
    canvas.drawText(text, left, baseline, paint);
  }

  @Override
  public float width(String text, float size) {
    paint.setTextSize(size);
    return paint.measureText(text);
  }
}
