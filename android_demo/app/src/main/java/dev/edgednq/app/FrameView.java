package dev.edgednq.app;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.RectF;
import android.util.AttributeSet;
import android.view.View;
import dev.edgednq.presentation.ActionStyle;
import dev.edgednq.presentation.Overlay;
import dev.edgednq.presentation.TripleBuffer;
import java.util.List;

/** Shows the very frame that was recognised, with the overlay. */
public final class FrameView extends View {
  private final Paint smooth = new Paint(Paint.FILTER_BITMAP_FLAG);
  private final CanvasPen pen = new CanvasPen();
  private final RectF place = new RectF();
  private TripleBuffer<Picture> pictures;
  private Overlay overlay;

  /** Called when a layout is inflated. */
  public FrameView(Context context, AttributeSet attributes) {
    super(context, attributes);
  }

  void bind(TripleBuffer<Picture> source) {
    pictures = source;
    overlay = null;
    invalidate();
  }

  /** Draws the newest picture soon. */
  void refresh(List<ActionStyle> styles) {
    if (overlay == null && styles != null) {
      overlay = new Overlay(styles, getResources().getDisplayMetrics().density);
    }
    invalidate();
  }

  @Override
  protected void onDraw(Canvas canvas) {
    Picture picture = pictures == null ? null : pictures.front();
    if (picture == null || picture.bitmap == null || overlay == null) {
      return;
    }
    float width = getWidth();
    float height = getHeight();
    float scale = Math.min(width / picture.bitmap.getWidth(), height / picture.bitmap.getHeight());
    float across = picture.bitmap.getWidth() * scale / 2;
    float down = picture.bitmap.getHeight() * scale / 2;
    place.set(width / 2 - across, height / 2 - down, width / 2 + across, height / 2 + down);
    canvas.drawBitmap(picture.bitmap, null, place, smooth);
    overlay.draw(pen.on(canvas), width, height, picture.moment);
  }
}
