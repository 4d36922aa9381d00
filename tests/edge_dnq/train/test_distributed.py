from __future__ import annotations

import pytest

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
