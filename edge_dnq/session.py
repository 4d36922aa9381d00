"""The loop: frame, policy, action, program, running prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_dnq.bundle import Bundle
from edge_dnq.context import Context
from edge_dnq.errors import BundleError, EdgeDnqError, RuntimeMissingError
from edge_dnq.kernels import KernelUse
from edge_dnq.manifest import FileSpec, PolicySpec, ProgramSpec, TensorSpec, has_context
from edge_dnq.policy import Observer, Picker, parse_policy
from edge_dnq.programs import RUNTIMES, Program, available_runtimes, load_program
from edge_dnq.video.preprocess import check_frame, input_encoder, network_frame
from edge_dnq.walk import Walk

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

POLICY = "policy"
"""The policy's name beside those of the programs."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one frame led to.

    Attributes:
        index: Frames seen before this one since the start or the last reset.
        action: The action's name; on a held frame that of the skip that holds it.
        executed: Whether a program ran.
        logits: The program's logits, float32 [K]; None on a skipped frame.
        policy_logits: The policy's logits, float32 [A]; None where the policy did not run.
        latency_ms: The whole step, preprocessing included.
        policy_ms: The policy's part: shrinking the frame, its program, the choice, and telling it
            what was executed.
        program_ms: The program's part: encoding the frame, the program, decoding the logits.
    """

    index: int
    action: str
    executed: bool
    logits: Float32 | None
    policy_logits: Float32 | None
    latency_ms: float
    policy_ms: float
    program_ms: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The video's class so far, from the mean logits of the executed frames.

    Attributes:
        label: The likeliest class.
        score: Its softmax probability.
        top: The likeliest classes and their probabilities, best first.
        executed: Frames that a program ran on.
        frames: Frames seen.
    """

    label: str
    score: float
    top: list[tuple[str, float]]
    executed: int
    frames: int


class Recogniser:
    """One program of the bundle, from network frame to real logits."""

    def __init__(
        self, bundle: Bundle, spec: ProgramSpec, runtime: str, threads: int, kernels: str
    ) -> None:
        self._program = load_from_bundle(
            bundle, spec.files, (spec.input,), (spec.output,), runtime, threads, kernels
        )
        self.kernels = self._program.kernels
        self._side = spec.input.shape[1]
        self._encode = input_encoder(bundle.manifest.input, spec.input)
        scale, self._zero_point = spec.output.grid if spec.output.dtype == "int8" else (1.0, 0)
        self._scale = np.float32(scale)

    def __call__(self, frame: UInt8) -> Float32:
        """Return the logits, float32 [K], of a network frame."""
        (codes,) = self._program.run(self._encode(network_frame(frame, self._side)))
        logits: Float32 = (codes[0].astype(np.float32) - self._zero_point) * self._scale
        return logits


class PolicyProgram:
    """The policy program, its state, and the context where it takes one.

    Attributes:
        context: What it is told beside the frame; None where it is told nothing, so that its
            logits depend on the frames alone.
    """

    def __init__(
        self, bundle: Bundle, spec: PolicySpec, runtime: str, threads: int, kernels: str
    ) -> None:
        self._program = load_from_bundle(
            bundle, spec.files, spec.inputs, spec.outputs, runtime, threads, kernels
        )
        self.kernels = self._program.kernels
        self._side = spec.inputs[0].shape[1]
        self._encode = input_encoder(bundle.manifest.input, spec.inputs[0])
        self._zero = np.zeros(spec.inputs[1].shape, np.float32)
        self.context = Context() if has_context(spec) else None
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self._h, self._c = self._zero, self._zero
        if self.context is not None:
            self.context.reset()

    def __call__(self, frame: UInt8) -> Float32:
        """Return the action logits, float32 [A], of a network frame; advance the state."""
        pixels = network_frame(frame, self._side)
        more = () if self.context is None else (self.context.look(pixels),)
        logits, self._h, self._c = self._program.run(self._encode(pixels), self._h, self._c, *more)
        first: Float32 = logits[0]
        return first

    def executed(self, logits: Float32) -> None:
        """Take the logits, float32 [K], of the program that ran on the last frame."""
        if self.context is not None:
            self.context.execute(logits)


class Session:
    """Recognises one video at a time, choosing per frame how precisely to look.

    All programs are loaded at the start, so that switching between them costs nothing. Frames are
    given one by one to :meth:`step` and may change size; :meth:`result` can be asked at any time.
    A session belongs to one thread.

    Args:
        bundle: A checked bundle.
        runtime: A name in :data:`edge_dnq.programs.RUNTIMES`, or ``auto`` for the first installed
            one that the bundle has programs for.
        threads: Threads per program.
        policy: A description as :func:`edge_dnq.policy.parse_policy` takes, or a picker.
        kernels: Which kernels to run on, one of :data:`edge_dnq.kernels.CHOICES`.

    Attributes:
        bundle: The bundle.
        runtime_name: The inference runtime in use.
        threads: Threads per program.
        kernels: Which kernels each program, and the policy where it is used, runs on.
        recognisers: Every program, from network frame to logits.
        policy: The policy program; None where the picker looks at nothing.
        observer: The picker, where it wants to know what its choices took.

    Raises:
        BundleError: a program does not load or is not what the manifest says, or the policy is
            ``learned`` and the bundle has none.
        RuntimeMissingError: no suitable runtime is installed, or not the kernels asked for.
        EdgeDnqError: the policy's description is not valid.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        runtime: str = "auto",
        threads: int = 1,
        policy: str | Picker = "learned",
        kernels: str = "auto",
    ) -> None:
        if threads < 1:
            raise EdgeDnqError(f"threads must be at least 1, got {threads}")
        manifest = bundle.manifest
        self.bundle = bundle
        self.threads = threads
        self.runtime_name = choose_runtime(bundle, runtime)
        self._labels = manifest.labels
        self._size = manifest.input.height
        picker = parse_policy(policy, manifest.actions) if isinstance(policy, str) else policy
        self.recognisers = {
            spec.name: Recogniser(bundle, spec, self.runtime_name, threads, kernels)
            for spec in manifest.programs
        }
        self.policy: PolicyProgram | None = None
        if picker.needs_policy:
            if manifest.policy is None:
                raise BundleError(
                    f"{bundle.path} has no learned policy: choose another, for example "
                    f"uniform:{manifest.programs[0].name}"
                )
            self.policy = PolicyProgram(
                bundle, manifest.policy, self.runtime_name, threads, kernels
            )
        self.kernels: dict[str, KernelUse] = {
            name: recogniser.kernels for name, recogniser in self.recognisers.items()
        }
        if self.policy is not None:
            self.kernels[POLICY] = self.policy.kernels
        self._use(picker)

    @property
    def picker(self) -> Picker:
        """What chooses the actions. Setting it begins another video.

        A session made for a picker that looks at nothing has no policy program and takes no other.
        """
        return self._walk.picker

    @picker.setter
    def picker(self, picker: Picker) -> None:
        if picker.needs_policy and self.policy is None:
            raise EdgeDnqError("this session was made without its policy program")
        self._use(picker)

    def _use(self, picker: Picker) -> None:
        manifest = self.bundle.manifest
        self._walk = Walk(manifest.actions, len(manifest.labels), picker)
        self.observer = picker if isinstance(picker, Observer) else None
        self.reset()

    def reset(self) -> None:
        """Forget the video: state, prediction, counts; the next frame is the first of another."""
        self._walk.reset()
        if self.policy is not None:
            self.policy.reset()

    def step(self, frame: UInt8) -> StepResult:
        """Take the video's next frame.

        Args:
            frame: RGB, uint8 [H, W, 3].

        Raises:
            SourceError: not such a frame; the session is as before.
        """
        started = perf_counter()
        check_frame(frame)
        walk = self._walk
        if walk.held:
            return self._finish(started, walk.hold().name, None)
        policy_logits: Float32 | None = None
        policy_ms = 0.0
        network: UInt8 | None = None
        if self.policy is not None and walk.picker.needs_policy:
            network = network_frame(frame, self._size)
            policy_started = perf_counter()
            policy_logits = self.policy(network)
            policy_ms = (perf_counter() - policy_started) * 1e3
        action = walk.choose(policy_logits)
        if action.program is None:
            return self._finish(started, action.name, walk.chosen, policy_logits, policy_ms)
        if network is None:  # a frame that a blind picker skips costs no look at its pixels
            network = network_frame(frame, self._size)
        program_started = perf_counter()
        logits = self.recognisers[action.program](network)
        walk.execute(logits)
        program_ms = (perf_counter() - program_started) * 1e3
        if policy_logits is not None and self.policy is not None:
            # The policy's time: policies that look at nothing do without it.
            told = perf_counter()
            self.policy.executed(logits)
            policy_ms += (perf_counter() - told) * 1e3
        return self._finish(
            started, action.name, walk.chosen, policy_logits, policy_ms, logits, program_ms
        )

    def result(self, top: int = 5) -> Prediction:
        """Return the prediction over the frames so far.

        Args:
            top: How many classes to list.

        Raises:
            EdgeDnqError: there was no frame yet.
        """
        mean = self._walk.mean_logits()
        weights = np.exp(mean - mean.max())
        scores = weights / weights.sum()
        best = np.argsort(-mean, kind="stable")[: max(1, top)]
        ranked = [(self._labels[index], float(scores[index])) for index in best]
        return Prediction(*ranked[0], ranked[: max(0, top)], self._walk.executed, self._walk.frames)

    def _finish(
        self,
        started: float,
        action: str,
        decided: int | None,
        policy_logits: Float32 | None = None,
        policy_ms: float = 0.0,
        logits: Float32 | None = None,
        program_ms: float = 0.0,
    ) -> StepResult:
        latency_ms = (perf_counter() - started) * 1e3
        if self.observer is not None:
            self.observer.observe(decided, latency_ms)
        return StepResult(
            self._walk.frames - 1,
            action,
            logits is not None,
            logits,
            policy_logits,
            latency_ms,
            policy_ms,
            program_ms,
        )


def choose_runtime(bundle: Bundle, runtime: str = "auto") -> str:
    """Return the runtime to use for ``bundle``.

    Raises:
        BundleError: the bundle has no programs for it.
        RuntimeMissingError: it is unknown or not installed; for ``auto``, none is.
    """
    manifest = bundle.manifest
    offers = [set(program.files) for program in manifest.programs]
    offers += [set(manifest.policy.files)] if manifest.policy is not None else []
    offered = set.intersection(*offers)
    if runtime != "auto":
        if runtime not in RUNTIMES:
            known = ", ".join(("auto", *RUNTIMES))
            raise RuntimeMissingError(f"unknown runtime {runtime!r}: choose one of {known}")
        if runtime not in offered:
            raise BundleError(
                f"{bundle.path} has no programs for {runtime}: it has them for "
                f"{', '.join(sorted(offered)) or 'no runtime'}"
            )
        return runtime
    for name in available_runtimes():
        if name in offered:
            return name
    installs = [RUNTIMES[name].install for name in RUNTIMES if name in offered]
    if not installs:
        raise BundleError(f"{bundle.path} has no programs for any runtime that edge-dnq knows")
    raise RuntimeMissingError(f"no runtime for {bundle.path} is installed: {installs[0]}")


def program_key(files: Mapping[str, FileSpec], runtime: str, kernels: str = "auto") -> str:
    """Return which of a program's ``files`` runs on ``runtime`` with ``kernels``.

    Raises:
        BundleError: none does.
    """
    for key in RUNTIMES[runtime].keys(kernels):
        if key in files:
            return key
    raise BundleError(f"there is no program for {runtime}, only for {', '.join(files)}")


def open_bundle(path: str | Path, runtime: str = "auto", kernels: str = "auto") -> Bundle:
    """Load a bundle, reading no programs but those that ``runtime`` would run with ``kernels``.

    Raises:
        BundleError: see :meth:`Bundle.load` and :func:`choose_runtime`.
        RuntimeMissingError: see :func:`choose_runtime`.
    """
    chosen = choose_runtime(Bundle.load(path, keys=()), runtime)
    return Bundle.load(path, keys=RUNTIMES[chosen].keys(kernels))


def load_from_bundle(
    bundle: Bundle,
    files: dict[str, FileSpec],
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
    runtime: str,
    threads: int,
    kernels: str = "auto",
) -> Program:
    """Load the program that ``files`` names for ``runtime``.

    Raises:
        BundleError: it does not load or is not what the manifest says; the message names the file.
    """
    spec = files[program_key(files, runtime, kernels)]
    try:
        return load_program(bundle.read(spec), inputs, outputs, runtime, threads, kernels)
    except BundleError as error:
        raise BundleError(f"{bundle.path / spec.file}: {error}") from error
