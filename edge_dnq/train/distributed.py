"""Where a run computes: one or many processes, CPU or GPU, full or mixed precision.

Started by ``torchrun``, every process runs the same program on its share of each batch, and the
gradients are averaged before every step. Gradients are averaged once per step and not by a wrapper
around the network, because a step accumulates the gradients of several programs that use different
parameters.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from edge_dnq.errors import EdgeDnqError

M = TypeVar("M", bound=nn.Module)


class Compute:
    """The device of this process, its rank, and the collective operations of training.

    Attributes:
        device: Where tensors live.
        rank: Of this process, from 0.
        world: Number of processes.
    """

    def __init__(self, device: torch.device, rank: int = 0, world: int = 1) -> None:
        self.device = device
        self.rank = rank
        self.world = world
        self._half = torch.float16
        if device.type == "cuda" and torch.cuda.is_bf16_supported():
            self._half = torch.bfloat16
        # bfloat16 has float32's range; float16 gradients underflow without a scale.
        scaled = device.type == "cuda" and self._half is torch.float16
        self.scaler = torch.amp.GradScaler("cuda", enabled=scaled)

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files and talks to the user."""
        return self.rank == 0

    def place(self, network: M) -> M:
        """Move ``network`` to the device, in the memory order that convolutions prefer."""
        network.to(self.device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        """Return a context that computes in half precision on a GPU and plainly on a CPU."""
        if self.device.type != "cuda":
            return contextlib.nullcontext()
        return torch.autocast("cuda", dtype=self._half)

    def backward(self, loss: Tensor) -> None:
        """Accumulate the gradients of ``loss``."""
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average the gradients over the processes; a process without one counts as zero."""
        if self.world == 1:
            return
        parameters = list(parameters)
        flat = torch.cat(
            [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters]
        )
        dist.all_reduce(flat)
        flat /= self.world
        for p, part in zip(
            parameters, torch.split(flat, [p.numel() for p in parameters]), strict=True
        ):
            p.grad = part.view_as(p).clone()

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of ``values`` over the processes."""
        if self.world > 1:
            values = values.clone()
            dist.all_reduce(values)
        return values

    def average_buffers(self, network: nn.Module) -> None:
        """Give every process the mean of the running statistics."""
        if self.world == 1:
            return
        for buffer in network.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer /= self.world

    def broadcast(self, network: nn.Module) -> None:
        """Give every process the weights and buffers of the first one."""
        if self.world > 1:
            for tensor in [*network.parameters(), *network.buffers()]:
                dist.broadcast(tensor.data, 0)

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.world > 1:
            dist.barrier()


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """Return the device called ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        EdgeDnqError: it is unknown or not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EdgeDnqError(
            f"unknown device {name!r}: expected auto, cpu, cuda or cuda:N"
        ) from error
    if device.type not in ("cpu", "cuda"):
        raise EdgeDnqError(f"device {name!r} is not supported: expected auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise EdgeDnqError("no CUDA device is available: pass --device cpu")
        index = local_rank if device.index is None else device.index
        if index >= torch.cuda.device_count():
            raise EdgeDnqError(
                f"there is no cuda:{index}; this machine has {torch.cuda.device_count()}"
            )
        device = torch.device("cuda", index)
    return device


@contextlib.contextmanager
def computing(device_name: str) -> Iterator[Compute]:
    """Yield the :class:`Compute` of this process; join the group that ``torchrun`` started.

    Raises:
        EdgeDnqError: the device is unknown or missing.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    device = choose_device(device_name, int(os.environ.get("LOCAL_RANK", "0")))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if world > 1:
        backend = "nccl" if device.type == "cuda" else "gloo"
        # The first process may decode a whole data set while the others wait for it.
        dist.init_process_group(backend, timeout=timedelta(hours=6))
    try:
        yield Compute(device, rank, world)
    finally:
        if world > 1:
            dist.destroy_process_group()
