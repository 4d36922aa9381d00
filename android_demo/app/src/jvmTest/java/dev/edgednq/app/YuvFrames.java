package dev.edgednq.app;

import dev.edgednq.core.RgbFrame;
import dev.edgednq.core.Yuv420;
import dev.edgednq.core.YuvColor;
import dev.edgednq.presentation.FrameSource;
import dev.edgednq.presentation.SourceFrame;
import java.io.DataInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A video as a decoder gives it; {@code -Dedgednq.frames} is a file of sizes and YUV planes. */
final class YuvFrames implements FrameSource {
  /** A frame whose chroma lies interleaved, with a row longer than the picture. */
  static final class Frame implements SourceFrame {
    private final Yuv420 planes;

    Frame(Yuv420 planes) {
      this.planes = planes;
    }

    @Override
    public RgbFrame toRgb(RgbFrame reuse) {
      return planes.toRgb(YuvColor.BT601_FULL, 0, false, reuse);
    }

    @Override
    public void close() {}
  }

  volatile boolean repeats;
  private final List<Frame> frames;
  private int next;

  YuvFrames(List<Frame> frames) {
    this.frames = frames;
  }

  /** Reads count, height and width, then NV12 pictures (chroma interleaved, U first). */
  static List<Frame> read() {
    List<Frame> read = new ArrayList<>();
    File file = new File(System.getProperty("edgednq.frames"));
    try (DataInputStream stream = new DataInputStream(new FileInputStream(file))) {
      int count = stream.readInt();
      int height = stream.readInt();
      int width = stream.readInt();
      for (int i = 0; i < count; i++) {
        byte[] luma = new byte[height * width];
        byte[] chroma = new byte[height * width / 2];
        stream.readFully(luma);
        stream.readFully(chroma);
        ByteBuffer interleaved = ByteBuffer.wrap(chroma);
        ByteBuffer second = interleaved.duplicate();
        second.position(1);
        Yuv420 planes = new Yuv420(
            width, height, ByteBuffer.wrap(luma), width, interleaved, second.slice(), width, 2);
        read.add(new Frame(planes));
      }
    } catch (IOException problem) {
      throw new AssertionError(problem);
    }
    return read;
  }

  @Override
  public SourceFrame next() {
    if (next == frames.size() && repeats) {
      next = 0;
    }
    return next < frames.size() ? frames.get(next++) : null;
  }

  @Override
  public void suspend() {}

  @Override
  public void rewind() {
    next = 0;
  }

  @Override
  public long dropped() {
    return 0;
  }

  @Override
  public void close() {}
}
