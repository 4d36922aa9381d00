"""The ahead-of-time side of the package's ExecuTorch backend; importing it needs executorch."""

from __future__ import annotations

from typing import Any

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower
from executorch.exir.backend.backend_details import BackendDetails, PreprocessResult
from executorch.exir.backend.partitioner import DelegationSpec, Partitioner, PartitionResult
from executorch.exir.backend.utils import tag_constant_data
from torch import nn
from torch._export.utils import get_buffer

OPERATION = "edge_dnq::integer_graph"
PLAIN = frozenset(
    {
        "aten.permute_copy.default",
        "aten.round.default",
        "aten.sum.dim_IntList",
        "dim_order_ops._to_dim_order_copy.default",
    }
)
"""Operations that may stay outside of all backends: the frame's layout and the mean."""


@torch.library.custom_op(OPERATION, mutates_args=())
def integer_graph(frame: torch.Tensor, blob: torch.Tensor, outputs: int) -> torch.Tensor:
    """Stand for an integer graph until the backend takes it."""
    raise NotImplementedError("it runs on the backend only")


@integer_graph.register_fake
def _(frame: torch.Tensor, blob: torch.Tensor, outputs: int) -> torch.Tensor:
    return frame.new_empty((1, outputs), dtype=torch.int8)


def _is_integer_graph(node: torch.fx.Node) -> bool:
    return node.op == "call_function" and "edge_dnq.integer_graph" in str(node.target)


class EdgeDnqBackend(BackendDetails):  # type: ignore[misc]
    """Takes the blob as it is; programs name the backend by this class's name."""

    @staticmethod
    def preprocess(edge_program: Any, compile_specs: list[Any]) -> Any:
        """Return the blob of the region's only operation."""
        (node,) = (node for node in edge_program.graph.nodes if _is_integer_graph(node))
        blob = get_buffer(edge_program, node.args[1])
        assert blob is not None
        return PreprocessResult(processed_bytes=blob.numpy().tobytes())


class EdgeDnqPartitioner(Partitioner):  # type: ignore[misc]
    """Gives every integer graph a region of its own."""

    def partition(self, exported_program: Any) -> Any:
        """Tag the integer graphs and their blobs."""
        tags: dict[str, Any] = {}
        for node in filter(_is_integer_graph, exported_program.graph.nodes):
            tag = f"integer_graph_{len(tags)}"
            node.meta["delegation_tag"] = tag
            tags[tag] = DelegationSpec(EdgeDnqBackend.__name__, [])
        tag_constant_data(exported_program)
        return PartitionResult(tagged_exported_program=exported_program, partition_tags=tags)


def lower(module: nn.Module, arguments: tuple[torch.Tensor, ...]) -> tuple[bytes, list[str]]:
    """Return the program's file, and the operations that no backend took."""
    exported = torch.export.export(module, arguments)
    partitioners = [XnnpackPartitioner()]
    # Only where it has something to take: operations are decomposed after the first partitioner
    # unless it objects, and XNNPACK would not know the pieces of a pooling or a linear layer.
    if any(map(_is_integer_graph, exported.graph.nodes)):
        partitioners.insert(0, EdgeDnqPartitioner())
    edge = to_edge_transform_and_lower(
        exported,
        partitioner=partitioners,
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    names = {
        node.target.__name__
        for node in edge.exported_program().graph.nodes
        if node.op == "call_function" and hasattr(node.target, "_schema")
    }
    leftovers = sorted(names - PLAIN)
    return (b"" if leftovers else bytes(edge.to_executorch().buffer)), leftovers
