package dev.edgednq.app;

import dev.edgednq.presentation.Problem;

/** The sentence, and the way out, for every problem. */
final class ProblemText {
  /** What a person can do about it here. */
  enum Remedy { NONE, ALLOW, SETTINGS, RETRY }

  private ProblemText() {}

  /** Returns the resource of the sentence. */
  static int sentence(Problem problem) {
    switch (problem) {
      case CAMERA_REFUSED:
        return R.string.problem_camera_refused;
      case CAMERA_BLOCKED:
        return R.string.problem_camera_blocked;
      case NO_CAMERA:
        return R.string.problem_no_camera;
      case CAMERA_IN_USE:
        return R.string.problem_camera_in_use;
      case CAMERA_DISABLED:
        return R.string.problem_camera_disabled;
      case CAMERA_LOST:
        return R.string.problem_camera_lost;
      case CAMERA_FAILED:
        return R.string.problem_camera_failed;
      case BUNDLE_MISSING:
        return R.string.problem_bundle_missing;
      case BUNDLE_DAMAGED:
        return R.string.problem_bundle_damaged;
      case RUNTIME_UNAVAILABLE:
        return R.string.problem_runtime_unavailable;
      case RECOGNITION_FAILED:
        return R.string.problem_recognition_failed;
      case FILE_UNREADABLE:
        return R.string.problem_file_unreadable;
      case NO_VIDEO:
        return R.string.problem_no_video;
      case VIDEO_UNSUPPORTED:
        return R.string.problem_video_unsupported;
      case STORAGE_FAILED:
        return R.string.problem_storage_failed;
      case OUT_OF_MEMORY:
        return R.string.problem_out_of_memory;
      default:
        return R.string.problem_unexpected;
    }
  }

  /** Returns the way out. */
  static Remedy remedy(Problem problem) {
    switch (problem) {
      case CAMERA_REFUSED:
        return Remedy.ALLOW;
      case CAMERA_BLOCKED:
        return Remedy.SETTINGS;
      case CAMERA_IN_USE:
      case CAMERA_DISABLED:
      case CAMERA_LOST:
      case CAMERA_FAILED:
      case RECOGNITION_FAILED:
      case STORAGE_FAILED:
      case OUT_OF_MEMORY:
      case UNEXPECTED:
        return Remedy.RETRY;
      default:
        return Remedy.NONE;
    }
  }

  /** Returns the resource of the button's text; 0 where there is no button. */
  static int button(Remedy remedy) {
    switch (remedy) {
      case ALLOW:
        return R.string.allow;
      case SETTINGS:
        return R.string.settings;
      case RETRY:
        return R.string.retry;
      default:
        return 0;
    }
  }
}
