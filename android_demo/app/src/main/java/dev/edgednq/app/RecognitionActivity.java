package dev.edgednq.app;

import android.os.Bundle;
import android.view.View;
import android.view.WindowManager;
import android.widget.TextView;
import dev.edgednq.presentation.Moment;
import dev.edgednq.presentation.Notice;
import dev.edgednq.presentation.Overlay;
import dev.edgednq.presentation.RecognitionWorker;

/** A screen that shows a running recognition; what frames come from is the subclass's matter. */
abstract class RecognitionActivity
    extends RetainingActivity<Recognition> implements Recognition.Screen {
  private FrameView picture;
  private NoticeBar noticeBar;
  private BudgetRow budgetRow;
  private TextView status;

  /** Begins a recognition. */
  abstract Recognition begin();

  /** Returns the resource of what to show before the first frame. */
  abstract int waitingText();

  /** Does what a problem's button says. */
  abstract void remedy(Notice notice);

  @Override
  protected void onCreate(Bundle state) {
    super.onCreate(state);
    setContentView(R.layout.recognition);
    getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
    picture = (FrameView) findViewById(R.id.picture);
    status = (TextView) findViewById(R.id.status);
    noticeBar = new NoticeBar(this);
    budgetRow = new BudgetRow(this);
    show(work() != null ? work() : begin());
  }

  @Override
  protected void onResume() {
    super.onResume();
    work().resume();
  }

  @Override
  protected void onPause() {
    work().pause();
    super.onPause();
  }

  @Override
  void detach(Recognition from) {
    from.attach(null);
  }

  @Override
  void end(Recognition over) {
    over.close();
  }

  /** Closes the recognition and begins another. */
  final void beginAgain() {
    work().close();
    show(begin());
    work().resume();
  }

  private void show(Recognition shown) {
    setWork(shown);
    picture.bind(shown.pictures);
    budgetRow.bind(shown.worker);
    shown.attach(this);
  }

  @Override
  public void update() {
    RecognitionWorker worker = work().worker;
    Moment moment = worker.latest();
    picture.refresh(worker.styles());
    if (moment != null) {
      budgetRow.show(moment.budget);
      status.setText(statusOf(moment));
    }
    showNotice(worker.phase(), moment);
  }

  private String statusOf(Moment moment) {
    int frames = moment.prediction.frames;
    int executed = moment.prediction.executed;
    if (moment.budget == null) {
      return getString(R.string.status_no_policy, frames, executed, moment.dropped);
    }
    double held = moment.budget.heldMs;
    String now = Double.isNaN(held) ? "–" : Overlay.milliseconds(held);
    return getString(
        R.string.status, now, moment.budget.costBias, frames, executed, moment.dropped);
  }

  private void showNotice(RecognitionWorker.Phase phase, Moment moment) {
    final Notice notice = work().notice();
    if (notice != null) {
      noticeBar.show(notice, new View.OnClickListener() {
        @Override
        public void onClick(View view) {
          remedy(notice);
        }
      });
    } else if (phase == RecognitionWorker.Phase.FINISHED) {
      noticeBar.show(R.string.video_finished, "", R.string.again, new View.OnClickListener() {
        @Override
        public void onClick(View view) {
          work().worker.restart();
        }
      });
    } else if (phase == RecognitionWorker.Phase.OPENING) {
      noticeBar.show(R.string.loading, "", 0, null);
    } else if (moment == null) {
      noticeBar.show(waitingText(), "", 0, null);
    } else {
      noticeBar.hide();
    }
  }
}
