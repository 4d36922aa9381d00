package dev.edgednq.app;

import android.app.Activity;
import android.os.Bundle;
import android.widget.TextView;
import dev.edgednq.core.EdgeDnqException;
import dev.edgednq.presentation.BackgroundRun;
import dev.edgednq.presentation.Notice;
import dev.edgednq.presentation.Problem;
import dev.edgednq.presentation.ProblemException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** The licences of this app and of what it contains. */
public final class LicencesActivity extends Activity implements BackgroundRun.Listener<String> {
  private static final String ASSET = "licence/LICENSE";

  private BackgroundRun<String> reading;

  @Override
  protected void onCreate(Bundle state) {
    super.onCreate(state);
    setContentView(R.layout.licences);
    reading = new BackgroundRun<>("licence", Problem.FILE_UNREADABLE, new Reading());
    reading.attach(this);
    reading.start();
  }

  @Override
  protected void onDestroy() {
    reading.cancel();
    super.onDestroy();
  }

  @Override
  public void progressed(double fraction) {}

  @Override
  public void succeeded(String text) {
    show(text);
  }

  @Override
  public void failed(Notice notice) {
    show(getString(R.string.licence_missing));
  }

  private void show(final String text) {
    runOnUiThread(new Runnable() {
      @Override
      public void run() {
        ((TextView) findViewById(R.id.licence)).setText(text);
      }
    });
  }

  private final class Reading implements BackgroundRun.Job<String> {
    @Override
    public String run(BackgroundRun.Progress progress) throws EdgeDnqException {
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      byte[] block = new byte[1 << 14];
      try (InputStream asset = getAssets().open(ASSET)) {
        for (int count = asset.read(block); count >= 0; count = asset.read(block)) {
          text.write(block, 0, count);
        }
        return text.toString("UTF-8");
      } catch (IOException absent) {
        throw new ProblemException(Problem.FILE_UNREADABLE, absent);
      }
    }
  }
}
