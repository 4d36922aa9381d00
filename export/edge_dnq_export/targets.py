"""What a bundle can hold: for every runtime its programs, lowered from the same integer graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq_export import executorch, litert, reference
from edge_dnq_export.graph import IntegerGraph
from edge_dnq_export.lowering import LoweredPolicy

RuntimeChoice = Literal["litert", "executorch", "both"]
CHOICES: tuple[str, ...] = get_args(RuntimeChoice)


class Target(NamedTuple):
    """One kind of program.

    Attributes:
        key: Its name in a bundle's ``files``.
        runtime: The runtime that loads it.
        kernels: Kernels to check it on.
        suffix: Of its files.
        write_program: Writes a recognition program.
        write_policy: Writes the policy.
        add: The rounding of its additions.
    """

    key: str
    runtime: str
    kernels: str
    suffix: str
    write_program: Callable[[IntegerGraph, Path], None]
    write_policy: Callable[[PolicyNet, LoweredPolicy, Path], None]
    add: reference.AddRule = reference.add

    @property
    def exact(self) -> bool:
        """Whether it answers like the integer reference, bit for bit."""
        return self.add is reference.add


LITERT = Target("litert", "litert", "auto", ".tflite", litert.write_program, litert.write_policy)
KERNELS = Target(
    "executorch-kernels",
    "executorch",
    "auto",
    ".kernels.pte",
    partial(executorch.write_program, target="kernels"),
    partial(executorch.write_policy, target="kernels"),
)
STOCK = Target(
    "executorch",
    "executorch",
    "off",
    ".pte",
    partial(executorch.write_program, target="stock"),
    partial(executorch.write_policy, target="stock"),
    reference.float_add,
)


def targets_for(runtime: RuntimeChoice) -> tuple[Target, ...]:
    """Return the kinds of programs for ``runtime``; the first answers like the reference."""
    if runtime == "litert":
        return (LITERT,)
    return (KERNELS, STOCK) if runtime == "executorch" else (LITERT, KERNELS, STOCK)
