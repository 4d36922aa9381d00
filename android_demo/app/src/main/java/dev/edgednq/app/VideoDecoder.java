package dev.edgednq.app;

import android.content.Context;
import android.graphics.ImageFormat;
import android.media.Image;
import android.media.MediaCodec;
import android.media.MediaCodecInfo.CodecCapabilities;
import android.media.MediaExtractor;
import android.media.MediaFormat;
import android.net.Uri;
import dev.edgednq.core.YuvColor;
import dev.edgednq.presentation.Problem;
import dev.edgednq.presentation.ProblemException;
import dev.edgednq.presentation.VideoColor;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Decodes the first video track of a file into buffers; no surface of the screen takes part. */
final class VideoDecoder {
  private static final long PATIENCE_US = 10_000;

  /** Names of MediaFormat's that came with API level 24; decoders may well tell before. */
  private static final String COLOR_STANDARD = "color-standard";

  private static final String COLOR_RANGE = "color-range";

  private final MediaExtractor extractor;
  private final MediaCodec codec;
  private final int clockwise;
  private final MediaCodec.BufferInfo info = new MediaCodec.BufferInfo();
  private MediaFormat format;
  private boolean allFed;
  private boolean ended;

  private VideoDecoder(MediaExtractor extractor, MediaCodec codec, MediaFormat track) {
    this.extractor = extractor;
    this.codec = codec;
    format = track;
    clockwise = integer(track, MediaFormat.KEY_ROTATION);
  }

  /**
   * Opens a file and goes to the key frame before a time.
   *
   * @throws ProblemException it cannot be read, holds no video, or cannot be decoded
   */
  static VideoDecoder open(Context context, Uri video, long fromUs) throws ProblemException {
    if (video == null) {
      throw new ProblemException(Problem.FILE_UNREADABLE, "no file was named");
    }
    MediaExtractor extractor = new MediaExtractor();
    MediaCodec codec = null;
    boolean opened = false;
    try {
      extractor.setDataSource(context, video, null);
      MediaFormat track = selectVideo(extractor);
      extractor.seekTo(fromUs, MediaExtractor.SEEK_TO_PREVIOUS_SYNC);
      codec = started(track);
      opened = true;
      return new VideoDecoder(extractor, codec, track);
    } catch (IOException | SecurityException unreadable) {
      throw new ProblemException(Problem.FILE_UNREADABLE, unreadable);
    } finally {
      if (!opened) {
        extractor.release();
      }
    }
  }

  private static MediaFormat selectVideo(MediaExtractor extractor) throws ProblemException {
    for (int track = 0; track < extractor.getTrackCount(); track++) {
      MediaFormat format = extractor.getTrackFormat(track);
      if (format.getString(MediaFormat.KEY_MIME).startsWith("video/")) {
        extractor.selectTrack(track);
        return format;
      }
    }
    throw new ProblemException(Problem.NO_VIDEO, "");
  }

  private static MediaCodec started(MediaFormat track) throws ProblemException {
    String type = track.getString(MediaFormat.KEY_MIME);
    MediaCodec codec = null;
    boolean started = false;
    try {
      codec = MediaCodec.createDecoderByType(type);
      track.setInteger(MediaFormat.KEY_COLOR_FORMAT, CodecCapabilities.COLOR_FormatYUV420Flexible);
      codec.configure(track, null, null, 0);
      codec.start();
      started = true;
      return codec;
    } catch (IOException | IllegalArgumentException | IllegalStateException refused) {
      throw new ProblemException(Problem.VIDEO_UNSUPPORTED, type);
    } finally {
      if (codec != null && !started) {
        codec.release();
      }
    }
  }

  /**
   * Decodes the next frame behind a time.
   *
   * @return null at the end
   */
  DecodedFrame next(long afterUs) throws ProblemException, InterruptedException {
    try {
      while (!ended) {
        feed();
        int buffer = codec.dequeueOutputBuffer(info, PATIENCE_US);
        if (buffer >= 0) {
          // The last frame may carry the mark of the end itself.
          ended = (info.flags & MediaCodec.BUFFER_FLAG_END_OF_STREAM) != 0;
          if (info.size > 0 && info.presentationTimeUs > afterUs) {
            return frame(buffer);
          }
          codec.releaseOutputBuffer(buffer, false);
        } else if (buffer == MediaCodec.INFO_OUTPUT_FORMAT_CHANGED) {
          format = codec.getOutputFormat();
        }
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
      }
      return null;
    } catch (IllegalStateException failure) {
      throw new ProblemException(Problem.VIDEO_UNSUPPORTED, failure);
    }
  }

  /** Returns when the last frame is shown. */
  long timestampUs() {
    return info.presentationTimeUs;
  }

  void close() {
    codec.release();
    extractor.release();
  }

  /** Hands over as much of the file as the decoder takes. */
  private void feed() {
    while (!allFed) {
      int buffer = codec.dequeueInputBuffer(0);
      if (buffer < 0) {
        return;
      }
      ByteBuffer input = codec.getInputBuffer(buffer);
      int size = extractor.readSampleData(input, 0);
      if (size < 0) {
        codec.queueInputBuffer(buffer, 0, 0, 0, MediaCodec.BUFFER_FLAG_END_OF_STREAM);
        allFed = true;
      } else {
        codec.queueInputBuffer(buffer, 0, size, extractor.getSampleTime(), 0);
        extractor.advance();
      }
    }
  }

  private DecodedFrame frame(int buffer) throws ProblemException {
    Image image = codec.getOutputImage(buffer);
    if (image == null || image.getFormat() != ImageFormat.YUV_420_888) {
      throw new ProblemException(Problem.VIDEO_UNSUPPORTED, "the decoder gives no 8-bit YUV");
    }
    int height = image.getCropRect().height();
    YuvColor color =
        VideoColor.of(integer(format, COLOR_STANDARD), integer(format, COLOR_RANGE), height);
    return new DecodedFrame(codec, buffer, image, color, clockwise);
  }

  private static int integer(MediaFormat format, String key) {
    return format.containsKey(key) ? format.getInteger(key) : 0;
  }
}
