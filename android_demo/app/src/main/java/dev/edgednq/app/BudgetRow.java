package dev.edgednq.app;

import android.app.Activity;
import android.view.View;
import android.widget.CheckBox;
import android.widget.CompoundButton;
import android.widget.SeekBar;
import android.widget.TextView;
import dev.edgednq.core.Budget;
import dev.edgednq.presentation.BudgetScale;
import dev.edgednq.presentation.BudgetState;
import dev.edgednq.presentation.Overlay;
import dev.edgednq.presentation.RecognitionWorker;

/** The slider that moves the budget of the running recognition. */
final class BudgetRow
    implements SeekBar.OnSeekBarChangeListener, CompoundButton.OnCheckedChangeListener {
  private final View row;
  private final CheckBox held;
  private final SeekBar slider;
  private final TextView text;
  private RecognitionWorker worker;
  private BudgetScale scale;
  private boolean moving;

  BudgetRow(Activity activity) {
    row = activity.findViewById(R.id.budget_row);
    held = (CheckBox) activity.findViewById(R.id.budget_held);
    slider = (SeekBar) activity.findViewById(R.id.budget);
    text = (TextView) activity.findViewById(R.id.budget_text);
    slider.setMax(BudgetScale.LAST);
    // What is shown comes from the recognition, which also outlives a rotation.
    held.setSaveEnabled(false);
    slider.setSaveEnabled(false);
    show(null);
  }

  void bind(RecognitionWorker recognition) {
    worker = recognition;
    held.setOnCheckedChangeListener(null);
    held.setChecked(worker.budget() != null);
    held.setOnCheckedChangeListener(this);
    slider.setOnSeekBarChangeListener(this);
  }

  /** Shows a controller; null where there is none. */
  void show(BudgetState state) {
    int visibility = state == null ? View.GONE : View.VISIBLE;
    row.setVisibility(visibility);
    text.setVisibility(visibility);
    if (state == null || moving) {
      return;
    }
    scale = new BudgetScale(state.leastMs, state.mostMs);
    Budget target = worker.budget();
    slider.setEnabled(target != null);
    slider.setProgress(target == null ? BudgetScale.LAST : scale.position(target.value));
    showTarget(target);
  }

  private void showTarget(Budget target) {
    text.setText(target == null ? text.getResources().getString(R.string.budget_none)
                                : text.getResources().getString(
                                    R.string.budget_of, Overlay.milliseconds(target.value)));
  }

  private void aim(int position) {
    Budget target = held.isChecked() ? new Budget(Budget.Unit.MS, scale.valueMs(position)) : null;
    worker.setBudget(target);
    slider.setEnabled(target != null);
    showTarget(target);
  }

  @Override
  public void onCheckedChanged(CompoundButton button, boolean isChecked) {
    if (scale != null) {
      aim(slider.getProgress());
    }
  }

  @Override
  public void onProgressChanged(SeekBar bar, int position, boolean fromUser) {
    if (fromUser && scale != null) {
      aim(position);
    }
  }

  @Override
  public void onStartTrackingTouch(SeekBar bar) {
    moving = true;
  }

  @Override
  public void onStopTrackingTouch(SeekBar bar) {
    moving = false;
  }
}
