"""What a bundle can hold: for every runtime its programs, lowered from the same integer graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import torch
from torch import nn

from edge_dnq.executorch_library import require_library
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
        write_float: Writes a float32 network; None where another kind of the same runtime serves.
        add: The rounding of its additions.
    """

    key: str
    runtime: str
    kernels: str
    suffix: str
    write_program: Callable[[IntegerGraph, Path], None]
    write_policy: Callable[[PolicyNet, LoweredPolicy, Path], None]
    write_float: Callable[[nn.Module, tuple[torch.Tensor, ...], Path], None] | None
    add: reference.AddRule = reference.add

    @property
    def exact(self) -> bool:
        """Whether it answers like the integer reference, bit for bit."""
        return self.add is reference.add


LITERT = Target(
    "litert",
    "litert",
    "auto",
    ".tflite",
    litert.write_program,
    litert.write_policy,
    litert.write_float,
)
KERNELS = Target(
    "executorch-kernels",
    "executorch",
    "auto",
    ".kernels.pte",
    partial(executorch.write_program, target="kernels"),
    partial(executorch.write_policy, target="kernels"),
    None,
)
STOCK = Target(
    "executorch",
    "executorch",
    "off",
    ".pte",
    partial(executorch.write_program, target="stock"),
    partial(executorch.write_policy, target="stock"),
    executorch.write_float,
    reference.float_add,
)


def targets_for(runtime: RuntimeChoice) -> tuple[Target, ...]:
    """Return the kinds of programs for ``runtime``; the first answers like the reference."""
    if runtime == "litert":
        return (LITERT,)
    return (KERNELS, STOCK) if runtime == "executorch" else (LITERT, KERNELS, STOCK)


def checked_targets(runtime: RuntimeChoice) -> tuple[Target, ...]:
    """Return :func:`targets_for` having seen that all of them can be run and so checked here.

    Raises:
        RuntimeMissingError: the package's ExecuTorch library is needed and cannot be used.
    """
    targets = targets_for(runtime)
    if KERNELS in targets:
        require_library()
    return targets
