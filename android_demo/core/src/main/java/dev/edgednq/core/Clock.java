package dev.edgednq.core;

/** What durations are measured by. */
public interface Clock {
  /** The clock of the machine. */
  Clock SYSTEM =
      new Clock() {
        @Override
        public double seconds() {
          return System.nanoTime() * 1e-9;
        }
      };

  /** Returns the seconds since some moment; never fewer than before. */
  double seconds();
}
