package dev.edgednq.presentation;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import dev.edgednq.core.CoreFixtures;
import dev.edgednq.core.Prediction;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.Test;

/** The overlay, drawn by the code of the app into a picture. */
public class OverlayTest {
  private static final int BLUE = 0xFF0072B2;
  private static final int ORANGE = 0xFFE69F00;
  private static final int GREEN = 0xFF009E73;
  private static final int GREY = 0xFF8A8A8A;
  private static final float DENSITY = 2;

  private static final List<ActionStyle> STYLES =
      Arrays.asList(new ActionStyle("w8a8", BLUE, 1f), new ActionStyle("w4a4", ORANGE, 0.6f),
          new ActionStyle("w2a2", GREEN, 0.3f), new ActionStyle("skip", GREY, 0.08f));

  private static Moment moment(String label, int... actions) {
    PrecisionHistory history = new PrecisionHistory(STYLES.size(), 512);
    for (int action : actions) {
      history.add(action);
    }
    int action = actions[actions.length - 1];
    Prediction prediction =
        CoreFixtures.prediction(Arrays.asList(label, "walk"), new double[] {2.5, 0.7}, 5, 9);
    return new Moment(CoreFixtures.step(8, STYLES.get(action).name, action != 3), prediction,
        action, history, null, 0);
  }

  private static int count(BufferedImage picture, int color, int top, int bottom) {
    int found = 0;
    for (int y = top; y < bottom; y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        found += picture.getRGB(x, y) == color ? 1 : 0;
      }
    }
    return found;
  }

  private static int[] random(int count) {
    int[] actions = new int[count];
    java.util.Random random = new java.util.Random(3);
    int action = 1;
    for (int i = 0; i < count; i++) {
      action = random.nextInt(4) == 0 ? random.nextInt(4) : action;
      actions[i] = action;
    }
    return actions;
  }

  @Test
  public void theStripShowsTheNewestAtTheRight() {
    BufferedImage picture = new BufferedImage(720, 960, BufferedImage.TYPE_INT_RGB);
    new Overlay(STYLES, DENSITY)
        .draw(new PicturePen(picture, 0x6B7A86), 720, 960, moment("squat", 0, 3, 1));
    // Bars are 6 units wide, the margin 12 units; the floor of the strip is 52 units above the end.
    int floor = 960 - 2 * 52 - 1;
    int newest = 720 - 24 - 6;
    assertEquals(ORANGE, picture.getRGB(newest, floor));
    assertEquals(GREY, picture.getRGB(newest - 12, floor));
    assertEquals(BLUE, picture.getRGB(newest - 24, floor));
    // The taller, the more precise.
    assertEquals(BLUE, picture.getRGB(newest - 24, floor - 60));
    assertNotEquals(ORANGE, picture.getRGB(newest, floor - 60));
    assertNotEquals(GREY, picture.getRGB(newest - 12, floor - 10));
  }

  @Test
  public void nothingIsWrittenBesideANarrowPicture() {
    for (int width : new int[] {1, 40, 120, 240, 480}) {
      BufferedImage picture = new BufferedImage(width, 480, BufferedImage.TYPE_INT_RGB);
      PicturePen pen = new PicturePen(picture, 0x6B7A86);
      String label =
          "a class whose name is far longer than the screen is wide, \uD83C\uDFC3\uD83C\uDFC3";
      new Overlay(STYLES, DENSITY).draw(pen, width, 480, moment(label, random(600)));
      assertTrue(width < 240 || pen.rightmost <= width);
    }
  }

  @Test
  public void aLongVideoFillsTheStripAndNoMore() throws IOException {
    BufferedImage picture = new BufferedImage(1080, 1440, BufferedImage.TYPE_INT_RGB);
    new Overlay(STYLES, 3).draw(
        new PicturePen(picture, 0x6B7A86), 1080, 1440, moment("squat", random(600)));
    int strip = 1440 - 3 * 52;
    for (int color : new int[] {BLUE, ORANGE, GREEN, GREY}) {
      assertTrue(count(picture, color, strip - 3 * 44, strip) > 0);
      assertEquals(0, count(picture, color, 0, strip - 3 * 44));
    }
    for (int x : new int[] {10, 1075}) {
      assertEquals(Collections.emptyList(), barsAt(picture, x, strip - 1));
    }
    String target = System.getProperty("edgednq.overlay");
    if (target != null) {
      assertTrue(ImageIO.write(picture, "png", new File(target)));
    }
  }

  private static List<Integer> barsAt(BufferedImage picture, int x, int y) {
    int color = picture.getRGB(x, y);
    boolean isBar = color == BLUE || color == ORANGE || color == GREEN || color == GREY;
    return isBar ? Collections.singletonList(color) : Collections.<Integer>emptyList();
  }
}
