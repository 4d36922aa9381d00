package dev.edgednq.core;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Recognises one video at a time, choosing per frame how precisely to look.
 *
 * <p>All programs are loaded at the start, so that switching between them costs nothing. Frames are
 * given one by one to {@link #step} and may change size; {@link #result} can be asked at any time.
 * Any thread may make a session; all other calls, {@link #close} included, belong to one thread.
 */
public final class Session implements AutoCloseable {
  /** The policy's name beside those of the programs. */
  public static final String POLICY = "policy";

  private final Bundle bundle;
  private final ProgramLoader loader;
  private final Clock clock;
  private final Map<String, Recogniser> recognisers = new LinkedHashMap<>();
  private final Map<String, KernelUse> kernels = new LinkedHashMap<>();
  private final FrameShrinker shrinker = new FrameShrinker();
  private final PolicyProgram policy;
  private Walk walk;
  private Observer observer;
  private boolean closed;

  /**
   * Loads all programs.
   *
   * @param bundle a checked bundle.
   * @param loader the runtime to run it on.
   * @param description of the policy, see {@link Policies#parse}. The policy program is loaded for
   *     learned only.
   * @throws BundleException a program does not load or is not what the manifest says, or the bundle
   *     has no learned policy.
   * @throws EdgeDnqException the description is not valid, or the runtime cannot be used.
   */
  public Session(Bundle bundle, ProgramLoader loader, String description)
      throws EdgeDnqException {
    this(bundle, loader, Policies.parse(description, bundle.manifest.actions), Clock.SYSTEM);
  }

  /** Loads all programs for any picker, with durations by any clock. */
  public Session(Bundle bundle, ProgramLoader loader, Picker picker, Clock clock)
      throws EdgeDnqException {
    this.bundle = bundle;
    this.loader = loader;
    this.clock = clock;
    Manifest manifest = bundle.manifest;
    boolean loaded = false;
    PolicyProgram made = null;
    try {
      for (ProgramSpec spec : manifest.programs) {
        Recogniser recogniser = new Recogniser(bundle, loader, spec);
        recognisers.put(spec.name, recogniser);
        kernels.put(spec.name, recogniser.kernels());
      }
      if (picker.needsPolicy()) {
        if (manifest.policy == null) {
          throw new BundleException(
              bundle.folder + " has no learned policy: choose another, for example uniform:"
                  + manifest.programs.get(0).name);
        }
        made = new PolicyProgram(bundle, loader, manifest.policy);
        kernels.put(POLICY, made.kernels());
      }
      loaded = true;
    } finally {
      policy = made;
      if (!loaded) {
        close();
      }
    }
    use(picker);
  }

  /** Returns the bundle. */
  public Bundle bundle() {
    return bundle;
  }

  /** Returns the runtime. */
  public ProgramLoader loader() {
    return loader;
  }

  /** Returns which kernels each program, and the policy where it is used, runs on. */
  public Map<String, KernelUse> kernels() {
    return Collections.unmodifiableMap(kernels);
  }

  /** Returns what chooses the actions. */
  public Picker picker() {
    return walk.picker;
  }

  /**
   * Sets what chooses the actions, and begins another video.
   *
   * @throws EdgeDnqException it needs the policy program, and the session was made without.
   */
  public void setPicker(Picker picker) throws EdgeDnqException {
    checkOpen();
    if (picker.needsPolicy() && policy == null) {
      throw new EdgeDnqException("this session was made without its policy program");
    }
    use(picker);
  }

  private void use(Picker picker) {
    walk = new Walk(bundle.manifest.actions, bundle.manifest.labels.size(), picker);
    observer = picker instanceof Observer ? (Observer) picker : null;
    reset();
  }

  /** Forgets the video: state, prediction, counts; the next frame is the first of another. */
  public void reset() {
    checkOpen();
    walk.reset();
    if (policy != null) {
      policy.reset();
    }
  }

  /**
   * Takes the video's next frame.
   *
   * @throws EdgeDnqException a program does not run.
   * @throws IllegalStateException the session was closed.
   */
  public Step step(RgbFrame frame) throws EdgeDnqException {
    checkOpen();
    double started = clock.seconds();
    if (walk.isHeld()) {
      String action = walk.hold().name;
      return finish(started, Observer.HELD, action, null, null, 0.0, 0.0);
    }
    RgbFrame network = null;
    float[] policyLogits = null;
    double policyMs = 0.0;
    if (policy != null && walk.picker.needsPolicy()) {
      network = shrinker.shrink(frame, bundle.manifest.input.height);
      double policyStarted = clock.seconds();
      policyLogits = policy.decide(network);
      policyMs = (clock.seconds() - policyStarted) * 1e3;
    }
    ActionSpec action = walk.choose(policyLogits);
    if (action.program == null) {
      return finish(started, walk.chosen(), action.name, null, policyLogits, policyMs, 0.0);
    }
    if (network == null) { // a frame that a blind picker skips costs no look at its pixels
      network = shrinker.shrink(frame, bundle.manifest.input.height);
    }
    double programStarted = clock.seconds();
    float[] logits = recognisers.get(action.program).recognise(network);
    walk.execute(logits);
    double programMs = (clock.seconds() - programStarted) * 1e3;
    if (policyLogits != null) {
      // The policy's time: policies that look at nothing do without it.
      double told = clock.seconds();
      policy.executed(logits);
      policyMs += (clock.seconds() - told) * 1e3;
    }
    return finish(
        started, walk.chosen(), action.name, logits, policyLogits, policyMs, programMs);
  }

  private Step finish(
      double started,
      int decided,
      String action,
      float[] logits,
      float[] policyLogits,
      double policyMs,
      double programMs) {
    double latencyMs = (clock.seconds() - started) * 1e3;
    if (observer != null) {
      observer.observe(decided, latencyMs);
    }
    int index = walk.frames() - 1;
    return new Step(index, action, logits, policyLogits, latencyMs, policyMs, programMs);
  }

  /**
   * Returns the prediction over the frames so far.
   *
   * @param top how many classes to list.
   * @throws IllegalStateException there was no frame yet, or the session was closed.
   */
  public Prediction result(int top) {
    double[] mean = meanLogits();
    return Prediction.of(bundle.manifest.labels, mean, top, walk.executed(), walk.frames());
  }

  /**
   * Returns the mean logits of the executed frames, [K].
   *
   * @throws IllegalStateException there was no frame yet, or the session was closed.
   */
  public double[] meanLogits() {
    checkOpen();
    return walk.meanLogits();
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the session was closed");
    }
  }

  /** Frees every program; again does nothing. */
  @Override
  public void close() {
    closed = true;
    for (Recogniser recogniser : recognisers.values()) {
      recogniser.close();
    }
    if (policy != null) {
      policy.close();
    }
  }
}
