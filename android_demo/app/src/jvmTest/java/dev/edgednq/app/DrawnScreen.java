package dev.edgednq.app;

import dev.edgednq.core.RgbFrame;
import dev.edgednq.presentation.ActionStyle;
import dev.edgednq.presentation.Moment;
import dev.edgednq.presentation.Overlay;
import dev.edgednq.presentation.PicturePen;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.util.List;
import javax.imageio.ImageIO;

/** What {@code FrameView} draws, drawn into {@code -Dedgednq.screen}. */
final class DrawnScreen {
  private static final int WIDTH = 720;
  private static final int HEIGHT = 960;
  private static final float DENSITY = 2;
  private static final int PAPER = 0x14171A;

  private DrawnScreen() {}

  static void write(Moment moment, RgbFrame frame, List<ActionStyle> styles) {
    BufferedImage picture =
        new BufferedImage(frame.width, frame.height, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < frame.width * frame.height; i++) {
      int rgb = 0;
      for (int channel = 0; channel < 3; channel++) {
        rgb = rgb << 8 | frame.pixels[3 * i + channel] & 255;
      }
      picture.setRGB(i % frame.width, i / frame.width, rgb);
    }
    BufferedImage screen = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
    PicturePen pen = new PicturePen(screen, PAPER);
    double scale = Math.min((double) WIDTH / frame.width, (double) HEIGHT / frame.height);
    int width = (int) Math.round(frame.width * scale);
    int height = (int) Math.round(frame.height * scale);
    pen.draw(picture, (WIDTH - width) / 2, (HEIGHT - height) / 2, width, height);
    new Overlay(styles, DENSITY).draw(pen, WIDTH, HEIGHT, moment);
    try {
      ImageIO.write(screen, "png", new File(System.getProperty("edgednq.screen")));
    } catch (IOException problem) {
      throw new AssertionError(problem);
    }
  }
}
