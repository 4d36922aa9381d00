package dev.edgednq.app;

import android.content.Context;
import android.net.Uri;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.presentation.FrameSource;
import dev.edgednq.presentation.PlaybackClock;
import dev.edgednq.presentation.SourceFrame;
import java.util.concurrent.TimeUnit;

/** Every frame of a video file, no faster than the video runs. */
final class VideoSource implements FrameSource {
  private static final long BEFORE_THE_FIRST = Long.MIN_VALUE;

  private final Context context;
  private final Uri video;
  private final PlaybackClock clock = new PlaybackClock();
  private VideoDecoder decoder;
  private long shownUs = BEFORE_THE_FIRST;

  VideoSource(Context context, Uri video) {
    this.context = context;
    this.video = video;
  }

  @Override
  public SourceFrame next() throws EdgeDnqException, InterruptedException {
    if (decoder == null) {
      decoder = VideoDecoder.open(context, video, Math.max(0, shownUs));
    }
    // A decoder begins at a key frame: what was shown before a pause comes again.
    DecodedFrame frame = decoder.next(shownUs);
    if (frame == null) {
      return null;
    }
    shownUs = decoder.timestampUs();
    try {
      TimeUnit.NANOSECONDS.sleep(clock.waitNs(shownUs, System.nanoTime()));
    } catch (InterruptedException closed) {
      frame.close();
      throw closed;
    }
    return frame;
  }

  @Override
  public void suspend() {
    clock.stop();
    close();
  }

  @Override
  public void rewind() {
    suspend();
    shownUs = BEFORE_THE_FIRST;
  }

  @Override
  public long dropped() {
    return 0;
  }

  @Override
  public void close() {
    if (decoder != null) {
      decoder.close();
      decoder = null;
    }
  }
}
