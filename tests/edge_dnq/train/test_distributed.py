from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import torch
from torch import nn

from edge_dnq.errors import EdgeDnqError
from edge_dnq.train.distributed import choose_device, computing


@pytest.mark.parametrize("name", ["gpu", "meta", "", "cuda:x"])
def test_unknown_device(name: str) -> None:
    with pytest.raises(EdgeDnqError, match="expected auto, cpu, cuda or cuda:N"):
        choose_device(name)


def test_missing_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(EdgeDnqError, match="--device cpu"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


def test_one_process_is_the_main_one() -> None:
    with computing("cpu") as compute:
        assert compute.is_main
        assert compute.world == 1


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    # The second layer is used by one process only, as one program's batch norms might be.
    return nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2), nn.BatchNorm1d(3)])


def loss(layers: nn.Module, x: torch.Tensor, second: bool) -> torch.Tensor:
    assert isinstance(layers, nn.ModuleList)
    return layers[1 if second else 0](x).square().mean()


def inputs() -> torch.Tensor:
    return torch.arange(24.0).view(8, 3) / 10


def work(rank: int, port: int, folder: str) -> None:
    os.environ.update(
        RANK=str(rank), WORLD_SIZE="2", LOCAL_RANK=str(rank),
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
    )  # fmt: skip
    with computing("cpu") as compute:
        layers = network(seed=rank)  # different until broadcast
        compute.broadcast(layers)
        compute.backward(loss(layers, inputs()[compute.rank :: 2], second=False))
        if rank == 1:
            compute.backward(loss(layers, inputs(), second=True))
        compute.average_gradients(layers.parameters())
        layers[2].running_mean.fill_(rank)  # type: ignore[index]
        compute.average_buffers(layers)
        gradients = {name: p.grad for name, p in layers.named_parameters()}
        total = compute.sum(torch.tensor([rank + 1.0]))
        torch.save((gradients, layers.state_dict(), total), Path(folder) / f"{rank}.pt")


@pytest.mark.slow
def test_two_processes_hold_the_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(work, (port, str(tmp_path)), nprocs=2)
    whole = network(seed=0)
    loss(whole, inputs(), second=False).backward()
    (loss(whole, inputs(), second=True) / 2).backward()
    for rank in range(2):
        gradients, state, total = torch.load(tmp_path / f"{rank}.pt")
        for name, parameter in whole.named_parameters():
            wanted = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            assert torch.allclose(gradients[name], wanted, atol=1e-6), name
        assert torch.equal(state["0.weight"], whole.state_dict()["0.weight"])
        assert state["2.running_mean"].tolist() == [0.5] * 3
        assert total.tolist() == [3.0]
