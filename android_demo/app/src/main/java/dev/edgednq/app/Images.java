package dev.edgednq.app;

import android.graphics.Rect;
import android.media.Image;
import dev.edgednq.core.Yuv420;

/** Android's images as the core takes them. */
final class Images {
  private Images() {}

  /** Returns the part of a YUV_420_888 image that is to be seen; it reads the image's memory. */
  static Yuv420 yuv(Image image) {
    Image.Plane[] planes = image.getPlanes();
    Rect crop = image.getCropRect();
    return new Yuv420(image.getWidth(), image.getHeight(), planes[0].getBuffer(),
        planes[0].getRowStride(), planes[1].getBuffer(), planes[2].getBuffer(),
        planes[1].getRowStride(), planes[1].getPixelStride())
        .cropped(crop.left, crop.top, crop.width(), crop.height());
  }
}
