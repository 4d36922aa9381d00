"""Run what was written, and compare it with the reference before anyone else uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import torch

from edge_dnq.errors import ExportError
from edge_dnq.nn.deployed import Tap
from edge_dnq.nn.policy_net import PolicyNet
from edge_dnq.programs import Program
from edge_dnq.programs.tflite_file import read_program_facts
from edge_dnq.verification import POLICY_TOLERANCE
from edge_dnq_export.graph import Add, Conv, Float32, Int8, IntegerGraph, Linear

ROUNDING_KINDS = frozenset({"add", "mean"})
"""Operations whose float rounding may differ from the stock runtime's, by one level."""


def program_outputs(program: Program, codes: Int8) -> Int8:
    """Run a recognition program on int8 frames [N, H, W, 3]; return its int8 logits [N, K]."""
    return np.concatenate(
        [program.run(codes[index : index + 1])[0].copy() for index in range(len(codes))]
    )


def require_widths(graph: IntegerGraph, content: bytes) -> None:
    """Read the written file back and prove its widths from standard facts alone.

    Raises:
        ExportError: the rectified activations take other numbers of levels than the graph's, or
            the weights have another type or range.
    """
    facts = read_program_facts(content)
    nodes = [node for node in graph.nodes if isinstance(node, Conv | Linear)]
    expected = Counter(("INT8", int(n.weight.min()), int(n.weight.max())) for n in nodes)
    weights = Counter((w.dtype, int(w.low), int(w.high)) for w in facts.weights)
    if weights != expected:
        (dtype, low, high), _ = (weights - expected).most_common(1)[0]
        raise ExportError(
            f"program {graph.program} lost its precision in conversion: "
            f"{dtype} weights {low}..{high} are not the graph's"
        )
    wanted = Counter(_rectified_levels(graph))
    levels = Counter(a.levels for a in facts.hidden)
    if levels != wanted:
        raise ExportError(
            f"program {graph.program} lost its precision in conversion: rectified activations by "
            f"levels are {dict(sorted(levels.items()))}, expected {dict(sorted(wanted.items()))}"
        )


def hidden_levels(graph: IntegerGraph) -> int:
    """Return how many values the coarsest hidden activations take."""
    return min(_rectified_levels(graph))


def _rectified_levels(graph: IntegerGraph) -> list[int]:
    return [
        graph.tensors[node.output].levels
        for node in graph.nodes
        if isinstance(node, Conv | Add) and (node.relu6 or node.relu)
    ]


def difference(expected: Int8, actual: Int8) -> tuple[int, int]:
    """Return how many outputs differ, and by how many codes at most."""
    distance = np.abs(expected.astype(np.int16) - actual.astype(np.int16))
    return int((distance > 0).sum()), int(distance.max())


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
    graph: IntegerGraph, values: dict[str, Int8], run: Callable[[Tap], object]
) -> Counter[str]:
    """Compare a torch network with the reference, tensor by tensor.

    Every operation is given the reference's inputs, so one rounding difference is counted once.

    Args:
        graph: The lowered program.
        values: What the reference gave.
        run: Runs the network's deployed arithmetic on the same frames with a given tap.

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

    run(compare)
    return counts


def _torch_layout(codes: Int8, zero_point: int) -> torch.Tensor:
    """Return codes without zero point, NCHW for images."""
    centred = torch.from_numpy(codes.astype(np.float32) - zero_point)
    return centred.permute(0, 3, 1, 2) if centred.dim() == 4 else centred


def policy_outputs(
    program: Program, codes: Int8, hidden: int, contexts: Float32 | None = None
) -> dict[str, Float32]:
    """Run the policy program over int8 frames [N, P, P, 3] in order, from the zero state.

    Args:
        program: The policy program.
        codes: The frames.
        hidden: Size of its state.
        contexts: What it is told beside each frame, [N, FEATURES], where it takes that.

    Returns:
        ``policy/logits`` [N, A]; the final ``policy/h`` and ``policy/c`` [1, H].
    """
    h = np.zeros((1, hidden), np.float32)
    c = np.zeros_like(h)
    logits = []
    for index in range(len(codes)):
        more = () if contexts is None else (contexts[index : index + 1],)
        output, h, c = program.run(codes[index : index + 1], h, c, *more)
        logits.append(output[0])
    return {"policy/logits": np.stack(logits), "policy/h": h, "policy/c": c}


@torch.no_grad()
def torch_policy_outputs(
    policy: PolicyNet, frames: torch.Tensor, contexts: Float32 | None
) -> dict[str, Float32]:
    """Do the same with the torch policy on normalised frames [N, 3, P, P]."""
    state = policy.initial_state(1)
    logits = []
    for index in range(len(frames)):
        context = None if contexts is None else torch.from_numpy(contexts[index : index + 1])
        output = policy(frames[index : index + 1], state, context)
        state = output.state
        logits.append(output.action_logits[0].numpy())
    return {
        "policy/logits": np.stack(logits),
        "policy/h": state[0].numpy(),
        "policy/c": state[1].numpy(),
    }


def require_close(name: str, expected: dict[str, Float32], actual: dict[str, Float32]) -> float:
    """Return the largest difference between two runs of the policy.

    Raises:
        ExportError: it exceeds :data:`POLICY_TOLERANCE`.
    """
    largest = max(float(np.abs(expected[key] - actual[key]).max()) for key in expected)
    if not largest <= POLICY_TOLERANCE:
        raise ExportError(
            f"{name} differs from torch by {largest:.2g}, more than "
            f"{POLICY_TOLERANCE:g}: please report it with the output of `edge-dnq env`"
        )
    return largest
