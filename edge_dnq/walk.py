"""The rules of one video, whoever computes the logits: first frame, skips, running prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import EdgeDnqError
from edge_dnq.manifest import ActionSpec
from edge_dnq.policy import Logits, Picker


class Walk:
    """What may be chosen for a frame, which frames a skip holds, and the mean of the logits.

    A frame that is not :attr:`held` is decided by :meth:`choose` and, where the action runs a
    program, followed by :meth:`execute`; a held one is counted by :meth:`hold`.

    Args:
        actions: The bundle's actions.
        classes: Number of classes.
        picker: Chooses.

    Attributes:
        frames: Frames seen.
        executed: Frames that a program ran on.
        chosen: Index of the action of the last frame that was decided.
    """

    def __init__(self, actions: Sequence[ActionSpec], classes: int, picker: Picker) -> None:
        self.picker = picker
        self._actions = tuple(actions)
        self._everything = np.ones(len(self._actions), np.bool_)
        self._programs_only = np.array([action.program is not None for action in self._actions])
        self._sum = np.zeros(classes, np.float64)
        self.reset()

    def reset(self) -> None:
        """Begin another video."""
        self._sum[:] = 0
        self.frames = self.executed = self.chosen = self._held = 0
        self.picker.reset()

    @property
    def held(self) -> bool:
        """Whether a longer skip has decided about the next frame already."""
        return self._held > 0

    def hold(self) -> ActionSpec:
        """Count a held frame; return the skip that holds it."""
        self._held -= 1
        self.frames += 1
        return self._actions[self.chosen]

    def choose(self, policy_logits: Logits | None) -> ActionSpec:
        """Count a frame that is not held; return the action for it.

        Raises:
            EdgeDnqError: the picker chose what it may not.
        """
        # A prediction needs a frame: nothing is skipped before one was executed.
        allowed = self._everything if self.executed else self._programs_only
        index = self.picker.pick(policy_logits, allowed)
        if not (0 <= index < len(self._actions) and allowed[index]):
            name = type(self.picker).__name__
            raise EdgeDnqError(f"{name} chose action {index}, which is not allowed now")
        action = self._actions[index]
        self.chosen = index
        self.frames += 1
        if action.program is None:
            self._held = action.skip - 1
        return action

    def execute(self, logits: Logits) -> None:
        """Take the logits, float32 [K], of the program that the chosen action runs."""
        self._sum += logits
        self.executed += 1

    def mean_logits(self) -> NDArray[np.float64]:
        """Return the mean logits of the executed frames, [K].

        Raises:
            EdgeDnqError: there was no frame yet.
        """
        if not self.executed:
            raise EdgeDnqError("there is no prediction before the first frame")
        mean: NDArray[np.float64] = self._sum / self.executed
        return mean
