package dev.edgednq.presentation;

/** What can go wrong while a person watches; the app has a sentence for each. */
public enum Problem {
  /** The camera permission was refused; asking again is possible. */
  CAMERA_REFUSED,
  /** The permission was refused for good: only the system's settings can grant it. */
  CAMERA_BLOCKED,
  /** The device has no camera. */
  NO_CAMERA,
  /** Another app holds the camera, or too many are open. */
  CAMERA_IN_USE,
  /** The device's owner forbids cameras. */
  CAMERA_DISABLED,
  /** The camera was taken away, for example by a call. */
  CAMERA_LOST,
  /** The camera, or its driver, failed. */
  CAMERA_FAILED,
  /** There is no bundle yet. */
  BUNDLE_MISSING,
  /** The bundle is damaged, or no bundle at all. */
  BUNDLE_DAMAGED,
  /** Native libraries or the inference runtime do not load. */
  RUNTIME_UNAVAILABLE,
  /** Recognising a frame failed. */
  RECOGNITION_FAILED,
  /** The chosen file cannot be read. */
  FILE_UNREADABLE,
  /** The chosen file holds no video. */
  NO_VIDEO,
  /** The device has no decoder for the video. */
  VIDEO_UNSUPPORTED,
  /** The storage is full, or refuses to be written. */
  STORAGE_FAILED,
  /** The memory does not suffice. */
  OUT_OF_MEMORY,
  /** A mistake in the app. */
  UNEXPECTED
}
