package dev.edgednq.app;

import android.app.Activity;
import android.view.View;
import android.widget.Button;
import android.widget.TextView;
import dev.edgednq.presentation.Notice;

/** The part of a screen that tells a person what is wrong and what to do. */
final class NoticeBar {
  private final View bar;
  private final TextView text;
  private final TextView detail;
  private final Button button;

  NoticeBar(Activity activity) {
    bar = activity.findViewById(R.id.notice);
    text = (TextView) activity.findViewById(R.id.notice_text);
    detail = (TextView) activity.findViewById(R.id.notice_detail);
    button = (Button) activity.findViewById(R.id.notice_button);
  }

  /** Shows a problem; the click is for its remedy, where there is one. */
  void show(Notice notice, View.OnClickListener remedy) {
    int label = ProblemText.button(ProblemText.remedy(notice.problem));
    show(ProblemText.sentence(notice.problem), notice.detail, label, remedy);
  }

  /** Shows a sentence; without a button where {@code label} is 0. */
  void show(int sentence, String more, int label, View.OnClickListener click) {
    text.setText(sentence);
    detail.setText(more);
    detail.setVisibility(more.isEmpty() ? View.GONE : View.VISIBLE);
    button.setVisibility(label == 0 ? View.GONE : View.VISIBLE);
    if (label != 0) {
      button.setText(label);
      button.setOnClickListener(click);
    }
    bar.setVisibility(View.VISIBLE);
  }

  void hide() {
    bar.setVisibility(View.GONE);
  }
}
