package dev.edgednq.presentation;

/**
 * Decides when a camera is opened and closed. It is open only while the screen is in front and the
 * permission is there; every opening is followed by exactly one closing; a refused permission is
 * asked for again only when the person says so.
 *
 * <p>One thread calls everything. Commands are given from within the calls, and {@link
 * Commands#close} has closed the camera when it returns.
 */
public final class CameraLifecycle {
  /** What the decisions are carried out by. */
  public interface Commands {
    /** Shows the system's question; {@link #answered} follows. */
    void askPermission();

    /** Begins to open; {@link #opened} or {@link #failed} follows, maybe from within. */
    void open();

    /** Closes what was opened, or was being opened. */
    void close();

    /** Shows a problem to the person; null shows none. */
    void tell(Notice notice);

    /** Nothing more will come: the camera is closed for good. */
    void end();
  }

  /** What came of the question for the permission. */
  public enum Answer {
    GRANTED,
    REFUSED,
    /** Refused, and the system will not ask again. */
    BLOCKED,
    /** The question went away without an answer. */
    NONE
  }

  private enum Device { CLOSED, OPENING, OPEN }

  private final Commands commands;
  private boolean inFront;
  private boolean permitted;
  private boolean asked;
  private boolean released;
  private Device device = Device.CLOSED;

  public CameraLifecycle(Commands commands) {
    this.commands = commands;
  }

  /**
   * The screen came to the front.
   *
   * @param isPermitted whether the permission is there now
   */
  public void resumed(boolean isPermitted) {
    if (released) {
      return;
    }
    inFront = true;
    permitted = isPermitted;
    if (permitted) {
      openIfClosed();
    } else {
      askOnce();
    }
  }

  /** The screen left the front. */
  public void paused() {
    inFront = false;
    // A camera that is being opened can only be closed once it is open.
    if (device == Device.OPEN) {
      device = Device.CLOSED;
      commands.close();
    }
  }

  /** The screen is gone for good. Where a camera is just being opened, the end waits for it. */
  public void released() {
    if (released) {
      return;
    }
    released = true;
    paused();
    endIfClosed();
  }

  /** The question for the permission was answered. */
  public void answered(Answer answer) {
    if (permitted) {
      return;
    }
    switch (answer) {
      case GRANTED:
        permitted = true;
        if (inFront) {
          openIfClosed();
        }
        break;
      case REFUSED:
        commands.tell(new Notice(Problem.CAMERA_REFUSED, ""));
        break;
      case BLOCKED:
        commands.tell(new Notice(Problem.CAMERA_BLOCKED, ""));
        break;
      default:
        asked = false;
        if (inFront) {
          commands.tell(new Notice(Problem.CAMERA_REFUSED, ""));
        }
    }
  }

  /** The person wants to try again. */
  public void retried() {
    asked = false;
    if (inFront) {
      resumed(permitted);
    }
  }

  /** The camera is open. */
  public void opened() {
    if (device != Device.OPENING) {
      return;
    }
    if (inFront) {
      device = Device.OPEN;
      commands.tell(null);
    } else {
      device = Device.CLOSED;
      commands.close();
      endIfClosed();
    }
  }

  /** The camera could not be opened, or was lost. */
  public void failed(Notice why) {
    if (device == Device.CLOSED) {
      return;
    }
    device = Device.CLOSED;
    commands.close();
    if (inFront) {
      commands.tell(why);
    }
    endIfClosed();
  }

  private void endIfClosed() {
    if (released && device == Device.CLOSED) {
      commands.end();
    }
  }

  private void openIfClosed() {
    if (device == Device.CLOSED) {
      device = Device.OPENING;
      commands.tell(null);
      commands.open();
    }
  }

  private void askOnce() {
    if (!asked) {
      asked = true;
      commands.askPermission();
    }
  }
}
