package dev.edgednq.app;

import android.Manifest;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.net.Uri;
import android.provider.Settings;
import dev.edgednq.presentation.CameraLifecycle.Answer;
import dev.edgednq.presentation.Notice;

/** Recognises what the camera sees. */
public final class LiveActivity extends RecognitionActivity {
  private static final int QUESTION = 1;

  @Override
  Recognition begin() {
    return LiveRecognition.begin(this);
  }

  @Override
  int waitingText() {
    return R.string.waiting_for_camera;
  }

  @Override
  protected void onResume() {
    super.onResume();
    resumeCamera();
  }

  @Override
  public void update() {
    super.update();
    if (live().takeQuestion()) {
      requestPermissions(new String[] {Manifest.permission.CAMERA}, QUESTION);
    }
  }

  @Override
  public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {
    live().camera.answer(answerOf(results));
  }

  private Answer answerOf(int[] results) {
    if (results.length == 0) {
      return Answer.NONE;
    }
    if (results[0] == PackageManager.PERMISSION_GRANTED) {
      return Answer.GRANTED;
    }
    return shouldShowRequestPermissionRationale(Manifest.permission.CAMERA) ? Answer.REFUSED
                                                                            : Answer.BLOCKED;
  }

  @Override
  void remedy(Notice notice) {
    if (ProblemText.remedy(notice.problem) == ProblemText.Remedy.SETTINGS) {
      Uri own = Uri.fromParts("package", getPackageName(), null);
      startActivity(new Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, own));
    } else if (work().worker.notice() != null) {
      beginAgain();
      resumeCamera();
    } else {
      live().camera.retry();
    }
  }

  private void resumeCamera() {
    boolean permitted =
        checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED;
    int quarterTurns = getWindowManager().getDefaultDisplay().getRotation();
    live().camera.resume(permitted, 90 * quarterTurns);
  }

  private LiveRecognition live() {
    return (LiveRecognition) work();
  }
}
