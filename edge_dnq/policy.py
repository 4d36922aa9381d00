"""From the policy's logits to an action, and the policies that look at nothing."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import EdgeDnqError
from edge_dnq.manifest import ActionSpec

Logits = NDArray[np.float32]
Allowed = NDArray[np.bool_]

FORMS = "learned, uniform:NAME, random, random:P1,P2,... or NAME,NAME,..."


class Picker(Protocol):
    """Chooses the action of every frame that is not held by a longer skip."""

    @property
    def needs_policy(self) -> bool:
        """Whether the policy program must run; without it ``pick`` gets None for the logits."""
        ...

    def pick(self, logits: Logits | None, allowed: Allowed) -> int:
        """Return the index of an allowed action.

        Args:
            logits: The policy's action logits, float32 [A].
            allowed: Which actions may be chosen, bool [A]. All of them, except that skips may not
                before a frame has been executed.
        """
        ...

    def reset(self) -> None:
        """Begin another video."""
        ...


@runtime_checkable
class Observer(Protocol):
    """A picker that wants to know what its choices took."""

    def observe(self, action: int | None, latency_ms: float) -> None:
        """Take what a frame took.

        Args:
            action: The index that was picked for it; None on a frame that a longer skip holds.
            latency_ms: Duration of the whole step.
        """
        ...

    def spent_outside(self, milliseconds: float) -> None:
        """Take what passed between two steps: decoding, drawing, writing; not waiting."""
        ...


class LearnedPicker:
    """The learned policy, argmax over a of ``logit_a - cost_bias * cost_a``.

    Args:
        cost_bias: Logits given up per unit of cost; 0 is the policy as it was trained.
        costs: Cost of each action, [A], in any one unit; needed where ``cost_bias`` is not 0.
    """

    needs_policy = True

    def __init__(self, cost_bias: float = 0.0, costs: Sequence[float] | None = None) -> None:
        if cost_bias and costs is None:
            raise EdgeDnqError("a cost bias needs the cost of every action")
        self._penalty = None if costs is None else cost_bias * np.asarray(costs, np.float64)

    def pick(self, logits: Logits | None, allowed: Allowed) -> int:
        """Return the allowed action of the highest biased logit; the first one of equals."""
        assert logits is not None
        scores = logits if self._penalty is None else logits - self._penalty
        return int(np.argmax(np.where(allowed, scores, -np.inf)))

    def reset(self) -> None:
        """Nothing is remembered here: the memory is the policy program's state."""


class UniformPicker:
    """The same action for every frame."""

    needs_policy = False

    def __init__(self, action: int) -> None:
        self._action = action

    def pick(self, logits: Logits | None, allowed: Allowed) -> int:
        """Return the one action."""
        return self._action

    def reset(self) -> None:
        """Nothing is remembered."""


class RandomPicker:
    """Independent draws with fixed probabilities.

    A reset does not restart the draws: the videos of an evaluation differ, the evaluation repeats.

    Args:
        probabilities: One per action, [A]; they are divided by their sum.
        seed: Seed of the draws.
    """

    needs_policy = False

    def __init__(self, probabilities: Sequence[float], seed: int = 0) -> None:
        self._weights = np.asarray(probabilities, np.float64)
        self._random = np.random.default_rng(seed)

    def pick(self, logits: Logits | None, allowed: Allowed) -> int:
        """Draw one of the allowed actions, in proportion to their probabilities."""
        weights = np.where(allowed, self._weights, 0.0)
        return int(self._random.choice(len(weights), p=weights / weights.sum()))

    def reset(self) -> None:
        """Leave the generator where it is."""


class CyclePicker:
    """A fixed sequence of actions, over and over; each video begins at its start.

    An action that is not allowed yet is passed over.
    """

    needs_policy = False

    def __init__(self, actions: Sequence[int]) -> None:
        self._actions = tuple(actions)
        self._next = 0

    def pick(self, logits: Logits | None, allowed: Allowed) -> int:
        """Return the next allowed action of the sequence."""
        for _ in self._actions:
            action = self._actions[self._next]
            self._next = (self._next + 1) % len(self._actions)
            if allowed[action]:
                return action
        raise EdgeDnqError("none of the sequence's actions is allowed: include a program")

    def reset(self) -> None:
        """Go back to the start of the sequence."""
        self._next = 0


def parse_policy(spec: str, actions: Sequence[ActionSpec], seed: int = 0) -> Picker:
    """Make a picker from its description.

    Args:
        spec: ``learned``; ``uniform:NAME``, one action for every frame; ``random`` or
            ``random:P1,P2,...``, a probability per action; or ``NAME,NAME,...``, a cycle.
        actions: The bundle's actions.
        seed: Seed of ``random``.

    Raises:
        EdgeDnqError: another form, an unknown action, or a policy that executes no frame.
    """
    kind, _, rest = spec.strip().partition(":")
    if kind == "learned" and not rest:
        return LearnedPicker()
    if kind == "uniform":
        return UniformPicker(_indices([rest], spec, actions)[0])
    if kind == "random":
        return RandomPicker(_probabilities(rest, spec, actions), seed)
    if ":" in spec or not spec.strip():
        raise EdgeDnqError(f"unknown policy {spec!r}: expected {FORMS}")
    return CyclePicker(_indices(spec.split(","), spec, actions))


def _indices(names: Sequence[str], spec: str, actions: Sequence[ActionSpec]) -> list[int]:
    known = [action.name for action in actions]
    indices = []
    for name in (name.strip() for name in names):
        if name not in known:
            close = difflib.get_close_matches(name, [*known, "learned", "random"], n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise EdgeDnqError(
                f"policy {spec!r} names the unknown action {name!r}: {hint}"
                f"the bundle has {', '.join(known)}; a policy is {FORMS}"
            )
        indices.append(known.index(name))
    _require_program(spec, (actions[index] for index in indices))
    return indices


def _probabilities(text: str, spec: str, actions: Sequence[ActionSpec]) -> list[float]:
    if not text:
        return [1.0] * len(actions)
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    usable = all(math.isfinite(value) and value >= 0 for value in values)
    if len(values) != len(actions) or not usable:
        names = ",".join(action.name for action in actions)
        raise EdgeDnqError(
            f"policy {spec!r} needs {len(actions)} probabilities of at least 0, for {names}"
        )
    _require_program(spec, (a for a, p in zip(actions, values, strict=True) if p > 0))
    return values


def _require_program(spec: str, actions: Iterable[ActionSpec]) -> None:
    if all(action.program is None for action in actions):
        raise EdgeDnqError(f"policy {spec!r} skips every frame: include a program")
