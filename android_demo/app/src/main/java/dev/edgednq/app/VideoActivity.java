package dev.edgednq.app;

import dev.edgednq.presentation.Notice;

/** Recognises a video file, which the intent names, every frame of it. */
public final class VideoActivity extends RecognitionActivity {
  @Override
  Recognition begin() {
    VideoSource source = new VideoSource(getApplicationContext(), getIntent().getData());
    return new Recognition(Recognisers.opener(this), source).start();
  }

  @Override
  int waitingText() {
    return R.string.loading;
  }

  @Override
  void remedy(Notice notice) {
    beginAgain();
  }
}
