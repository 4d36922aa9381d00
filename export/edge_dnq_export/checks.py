"""Run what was written, and compare it with the reference before anyone else uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from edge_dnq.errors import ExportError
from edge_dnq.nn.resnet import AnyPrecisionResNet
from edge_dnq.programs import Program
from edge_dnq_export.graph import Int8, IntegerGraph

ROUNDING_KINDS = frozenset({"add", "mean"})
"""Operations whose float rounding may differ from the stock runtime's, by one level."""

POLICY_TOLERANCE = 1e-4
"""Float32 sums in another order differ in the last bits; logits are of order one."""


def program_outputs(program: Program, codes: Int8) -> Int8:
    """Run a recognition program on int8 frames [N, H, W, 3]; return its int8 logits [N, K]."""
    return np.concatenate(
        [program.run(codes[index : index + 1])[0].copy() for index in range(len(codes))]
    )


def require_equal(name: str, expected: Int8, actual: Int8) -> None:
    """Refuse a program whose integers differ from the reference's.

    Raises:
        ExportError: any element differs.
    """
    different = int((expected != actual).sum())
    if different:
        raise ExportError(
            f"program {name} differs from the integer reference in {different} of {expected.size} "
            "outputs: this runtime version rounds differently; please report it with the output "
            "of `edge-dnq env`"
        )


def torch_differences(
    network: AnyPrecisionResNet,
    graph: IntegerGraph,
    frames: torch.Tensor,
    values: dict[str, Int8],
) -> Counter[str]:
    """Compare the torch network with the reference, tensor by tensor.

    Every operation is given the reference's inputs, so one rounding difference is counted once.

    Args:
        network: The network in evaluation mode.
        graph: The lowered program.
        frames: Normalised frames, float32 [N, 3, S, S].
        values: What the reference gave for these frames.

    Returns:
        How many elements differ by one level, per kind of operation.

    Raises:
        ExportError: an operation other than ADD and MEAN differs, or one differs by more.
    """
    counts: Counter[str] = Counter()

    def compare(name: str, kind: str, codes: torch.Tensor) -> torch.Tensor:
        expected = _torch_layout(values[name], graph.tensors[name].zero_point).to(codes)
        distance = (codes - expected).abs()
        count, largest = int((distance > 0).sum()), float(distance.max())
        if count and (kind not in ROUNDING_KINDS or largest > 1):
            raise ExportError(
                f"program {graph.program}: torch differs from the integer reference at {name} in "
                f"{count} elements by up to {largest:.0f} levels"
            )
        counts[kind] += count
        return expected

    network.deployed(frames, graph.program, compare)
    return counts


def _torch_layout(codes: Int8, zero_point: int) -> torch.Tensor:
    """Return codes without zero point, NCHW for images."""
    centred = torch.from_numpy(codes.astype(np.float32) - zero_point)
    return centred.permute(0, 3, 1, 2) if centred.dim() == 4 else centred


def policy_outputs(
    program: Program, frames: npt.NDArray[np.float32], hidden: int
) -> dict[str, npt.NDArray[np.float32]]:
    """Run the policy program over frames [N, P, P, 3] in order, from the zero state."""
    return _unroll(lambda frame, h, c: program.run(frame, h, c), frames, hidden)


def torch_policy_outputs(
    policy: torch.nn.Module, frames: npt.NDArray[np.float32], hidden: int
) -> dict[str, npt.NDArray[np.float32]]:
    """Do the same with the torch policy, which takes channels first."""

    def step(frame: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
        with torch.no_grad():
            inputs = (torch.from_numpy(frame).permute(0, 3, 1, 2), torch.from_numpy(h))
            outputs = policy(*inputs, torch.from_numpy(c))
        return tuple(output.numpy() for output in outputs)

    return _unroll(step, frames, hidden)


def _unroll(
    step: Callable[..., tuple[np.ndarray, ...]], frames: npt.NDArray[np.float32], hidden: int
) -> dict[str, npt.NDArray[np.float32]]:
    h = np.zeros((1, hidden), np.float32)
    c = np.zeros_like(h)
    logits = []
    for index in range(len(frames)):
        output, h, c = (array.copy() for array in step(frames[index : index + 1], h, c))
        logits.append(output[0])
    return {"policy/logits": np.stack(logits), "policy/h": h, "policy/c": c}


def require_close(
    expected: dict[str, npt.NDArray[np.float32]], actual: dict[str, npt.NDArray[np.float32]]
) -> float:
    """Return the largest difference between two runs of the policy.

    Raises:
        ExportError: it exceeds :data:`POLICY_TOLERANCE`.
    """
    largest = max(float(np.abs(expected[key] - actual[key]).max()) for key in expected)
    if not largest <= POLICY_TOLERANCE:
        raise ExportError(
            f"the policy program differs from torch by {largest:.2g}, more than "
            f"{POLICY_TOLERANCE:g}: please report it with the output of `edge-dnq env`"
        )
    return largest
