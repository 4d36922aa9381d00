package dev.edgednq.app;

import android.content.Intent;
import android.os.Bundle;
import android.view.View;
import android.widget.Button;
import android.widget.ProgressBar;
import android.widget.TextView;
import dev.edgednq.core.Cost;
import dev.edgednq.core.KernelUse;
import dev.edgednq.presentation.BackgroundRun;
import dev.edgednq.presentation.DeviceProfile;
import dev.edgednq.presentation.Notice;
import dev.edgednq.presentation.Overlay;
import dev.edgednq.presentation.Problem;
import java.util.Map;

/** Measures what the bundle costs on this device and writes the cost table. */
public final class ProfileActivity extends RetainingActivity<BackgroundRun<DeviceProfile>> {
  private static final double SECONDS = 6;

  private Button start;
  private Button share;
  private ProgressBar progress;
  private TextView table;
  private NoticeBar noticeBar;

  @Override
  protected void onCreate(Bundle state) {
    super.onCreate(state);
    setContentView(R.layout.profile);
    start = (Button) findViewById(R.id.start);
    share = (Button) findViewById(R.id.share);
    progress = (ProgressBar) findViewById(R.id.progress);
    table = (TextView) findViewById(R.id.table);
    noticeBar = new NoticeBar(this);
    start.setOnClickListener(new View.OnClickListener() {
      @Override
      public void onClick(View view) {
        measure();
      }
    });
    if (work() != null) {
      work().attach(new Screen());
    }
  }

  @Override
  void detach(BackgroundRun<DeviceProfile> from) {
    from.attach(null);
  }

  @Override
  void end(BackgroundRun<DeviceProfile> over) {
    over.cancel();
  }

  private void measure() {
    BackgroundRun.Job<DeviceProfile> job = DeviceProfile.job(
        Recognisers.store(this), Recognisers.loader(), Recognisers.device(), SECONDS);
    setWork(new BackgroundRun<>("profile", Problem.STORAGE_FAILED, job));
    work().attach(new Screen());
    work().start();
  }

  private void showProgress(double fraction) {
    noticeBar.hide();
    share.setVisibility(View.GONE);
    start.setEnabled(false);
    progress.setVisibility(View.VISIBLE);
    progress.setProgress((int) (fraction * progress.getMax()));
    table.setText(getString(R.string.profile_running, (int) (100 * fraction)));
  }

  private void showEnd() {
    start.setEnabled(true);
    progress.setVisibility(View.INVISIBLE);
  }

  private void showProfile(final DeviceProfile profile) {
    showEnd();
    table.setText(textOf(profile));
    share.setVisibility(View.VISIBLE);
    share.setOnClickListener(new View.OnClickListener() {
      @Override
      public void onClick(View view) {
        Intent send = new Intent(Intent.ACTION_SEND);
        send.setType("text/plain");
        send.putExtra(Intent.EXTRA_SUBJECT, profile.file.getName());
        send.putExtra(Intent.EXTRA_TEXT, profile.json);
        startActivity(Intent.createChooser(send, getString(R.string.profile_share)));
      }
    });
  }

  private String textOf(DeviceProfile profile) {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<String, Cost> entry : profile.actions.entrySet()) {
      Cost cost = entry.getValue();
      text.append(getString(R.string.profile_row, entry.getKey(),
          Overlay.milliseconds(cost.medianMs), Overlay.milliseconds(cost.p95Ms), cost.runs));
      text.append('\n');
    }
    for (Map.Entry<String, KernelUse> entry : profile.kernels.entrySet()) {
      String use = entry.getValue().describe();
      text.append('\n').append(getString(R.string.profile_kernels, entry.getKey(), use));
    }
    return text.append("\n\n")
        .append(getString(R.string.profile_written, profile.file.getPath()))
        .toString();
  }

  /** Brings what the measuring thread tells to the UI thread. */
  private final class Screen implements BackgroundRun.Listener<DeviceProfile> {
    @Override
    public void progressed(final double fraction) {
      runOnUiThread(new Runnable() {
        @Override
        public void run() {
          showProgress(fraction);
        }
      });
    }

    @Override
    public void succeeded(final DeviceProfile profile) {
      runOnUiThread(new Runnable() {
        @Override
        public void run() {
          showProfile(profile);
        }
      });
    }

    @Override
    public void failed(final Notice notice) {
      runOnUiThread(new Runnable() {
        @Override
        public void run() {
          showEnd();
          table.setText("");
          noticeBar.show(notice, new View.OnClickListener() {
            @Override
            public void onClick(View view) {
              measure();
            }
          });
        }
      });
    }
  }
}
