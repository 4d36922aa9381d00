package dev.edgednq.app;

import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.net.Uri;
import android.view.View;
import android.widget.TextView;
import dev.edgednq.core.Bundle;
import dev.edgednq.core.ProgramSpec;
import dev.edgednq.presentation.BackgroundRun;
import dev.edgednq.presentation.BundleStore;
import dev.edgednq.presentation.Notice;
import dev.edgednq.presentation.Problem;

/** The start: which bundle is there, and what to do with it. */
public final class MainActivity extends RetainingActivity<MainActivity.Work> {
  private static final int PICK_VIDEO = 1;
  private static final int PICK_ZIP = 2;
  private static final int PICK_FOLDER = 3;
  private static final int[] NEED_A_BUNDLE = {R.id.live, R.id.video, R.id.profile};

  /** What is being done with bundles. */
  static final class Work {
    final BackgroundRun<Bundle> run;

    /** Whether another bundle is to replace the one that is there. */
    final boolean replaces;

    Work(BackgroundRun.Job<Bundle> job, boolean replaces) {
      run = new BackgroundRun<>("bundle", Problem.STORAGE_FAILED, job);
      this.replaces = replaces;
    }
  }

  private BundleStore store;
  private TextView summary;
  private NoticeBar noticeBar;

  @Override
  protected void onCreate(android.os.Bundle state) {
    super.onCreate(state);
    setContentView(R.layout.main);
    store = Recognisers.store(this);
    summary = (TextView) findViewById(R.id.bundle);
    noticeBar = new NoticeBar(this);
    View.OnClickListener clicked = new View.OnClickListener() {
      @Override
      public void onClick(View view) {
        clicked(view.getId());
      }
    };
    int[] buttons = {R.id.live, R.id.video, R.id.profile, R.id.import_zip, R.id.import_folder,
        R.id.remove_import, R.id.licences};
    for (int button : buttons) {
      findViewById(button).setOnClickListener(clicked);
    }
    if (work() == null) {
      check();
    } else {
      follow(R.string.bundle_checking);
    }
  }

  @Override
  void detach(Work from) {
    from.run.attach(null);
  }

  @Override
  void end(Work over) {
    over.run.cancel();
  }

  private void clicked(int button) {
    if (button == R.id.live) {
      startActivity(new Intent(this, LiveActivity.class));
    } else if (button == R.id.video) {
      pick(Intent.ACTION_OPEN_DOCUMENT, "video/*", PICK_VIDEO);
    } else if (button == R.id.profile) {
      startActivity(new Intent(this, ProfileActivity.class));
    } else if (button == R.id.import_zip) {
      pick(Intent.ACTION_OPEN_DOCUMENT, "application/zip", PICK_ZIP);
    } else if (button == R.id.import_folder) {
      pick(Intent.ACTION_OPEN_DOCUMENT_TREE, null, PICK_FOLDER);
    } else if (button == R.id.remove_import) {
      noticeBar.hide();
      begin(new Work(BundleJobs.forget(store), false), R.string.bundle_checking);
    } else {
      startActivity(new Intent(this, LicencesActivity.class));
    }
  }

  private void pick(String action, String type, int request) {
    Intent intent = new Intent(action);
    if (type != null) {
      intent.addCategory(Intent.CATEGORY_OPENABLE);
      intent.setType(type);
    }
    try {
      startActivityForResult(intent, request);
    } catch (ActivityNotFoundException none) {
      noticeBar.show(new Notice(Problem.FILE_UNREADABLE, "this device has no file picker"), null);
    }
  }

  @Override
  protected void onActivityResult(int request, int result, Intent data) {
    Uri picked = result == RESULT_OK && data != null ? data.getData() : null;
    if (picked == null) {
      return;
    }
    if (request == PICK_VIDEO) {
      startActivity(new Intent(Intent.ACTION_VIEW, picked, this, VideoActivity.class));
    } else if (request == PICK_ZIP) {
      replace(BundleJobs.zip(store, getContentResolver(), picked));
    } else {
      replace(BundleJobs.folder(store, getContentResolver(), picked));
    }
  }

  private void check() {
    noticeBar.hide();
    begin(new Work(BundleJobs.check(store), false), R.string.bundle_checking);
  }

  private void replace(BackgroundRun.Job<Bundle> job) {
    noticeBar.hide();
    begin(new Work(job, true), R.string.bundle_importing);
  }

  /** Does something with bundles; what was being done is dropped. */
  private void begin(Work next, int text) {
    if (work() != null) {
      work().run.cancel();
    }
    setWork(next);
    follow(text);
    next.run.start();
  }

  private void follow(int text) {
    summary.setText(text);
    setUsable(false);
    work().run.attach(new Screen());
  }

  private void setUsable(boolean usable) {
    for (int button : NEED_A_BUNDLE) {
      findViewById(button).setEnabled(usable);
    }
    int visibility = store.isChosen() ? View.VISIBLE : View.GONE;
    findViewById(R.id.remove_import).setVisibility(visibility);
  }

  private void show(Bundle bundle) {
    StringBuilder programs = new StringBuilder();
    for (ProgramSpec program : bundle.manifest.programs) {
      programs.append(programs.length() == 0 ? "" : ", ").append(program.name);
    }
    int count = bundle.manifest.labels.size();
    String classes = getResources().getQuantityString(R.plurals.bundle_classes, count, count);
    summary.setText(getString(R.string.bundle_summary, bundle.manifest.name, classes, programs));
    setUsable(true);
  }

  private void show(Notice notice) {
    summary.setText("");
    setUsable(false);
    noticeBar.show(notice, new View.OnClickListener() {
      @Override
      public void onClick(View view) {
        check();
      }
    });
    if (work().replaces) {
      // What was there before is there still, and usable.
      begin(new Work(BundleJobs.check(store), false), R.string.bundle_checking);
    }
  }

  /** Brings what the job's thread tells to the UI thread. */
  private final class Screen implements BackgroundRun.Listener<Bundle> {
    @Override
    public void progressed(double fraction) {}

    @Override
    public void succeeded(final Bundle bundle) {
      runOnUiThread(new Runnable() {
        @Override
        public void run() {
          show(bundle);
        }
      });
    }

    @Override
    public void failed(final Notice notice) {
      runOnUiThread(new Runnable() {
        @Override
        public void run() {
          show(notice);
        }
      });
    }
  }
}
