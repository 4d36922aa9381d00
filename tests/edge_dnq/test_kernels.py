from __future__ import annotations

import ctypes.util
from pathlib import Path

import pytest

from edge_dnq import kernels
from edge_dnq.errors import RuntimeMissingError
from edge_dnq.kernels import (
    CHOICE_VARIABLE,
    CHOICES,
    ISAS,
    LIBRARY_VARIABLE,
    AdapterReport,
    DeclinedOperation,
    GraphUse,
    KernelUse,
    kernels_status,
    litert_delegate_path,
    resolve_choice,
    rgb_halver,
    rgb_resizer,
    use_of,
)


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on a machine where the library could not be built."""
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    monkeypatch.setattr(kernels, "LIBRARY", tmp_path / "absent.so")


def test_the_path_is_the_installed_file_or_the_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed = tmp_path / "installed.so"
    monkeypatch.setattr(kernels, "LIBRARY", installed)
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    assert litert_delegate_path() is None
    installed.touch()
    assert litert_delegate_path() == installed
    monkeypatch.setenv(LIBRARY_VARIABLE, "/other/build.so")
    assert litert_delegate_path() == Path("/other/build.so")


@pytest.mark.usefixtures("no_library")
def test_without_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHOICE_VARIABLE, raising=False)
    status = kernels_status()
    assert not status.available
    assert status.problem is not None
    assert "install edge-dnq again with a C++17 compiler" in status.problem
    assert kernels_status("off").problem == "switched off"


@pytest.mark.parametrize("kind", ["missing", "text", "another library"])
def test_a_library_that_is_none(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "kernels.so"
    if kind == "text":
        path.write_text("not a library")
    named = ctypes.util.find_library("c") if kind == "another library" else str(path)
    monkeypatch.setenv(LIBRARY_VARIABLE, str(named))
    status = kernels_status()
    assert not status.available
    assert status.problem is not None
    assert status.problem.startswith(f"cannot load {named}: ")


def test_what_this_processor_has(kernel_library: Path) -> None:
    status = kernels_status()
    assert status.available, status.problem
    assert status.path == str(kernel_library)
    assert status.version is not None
    assert set(status.isas) <= set(ISAS)
    assert "scalar" in status.isas
    assert status.isa == status.isas[0]
    for isa in ISAS:
        forced = kernels_status(isa)
        assert forced.available == (isa in status.isas), f"{isa}: {forced}"
        assert forced.isa == (isa if forced.available else None), f"{isa}: {forced}"
        assert forced.available or f"this processor has no {isa}" in str(forced.problem)
    off = kernels_status("off")
    assert (off.available, off.isa, off.problem) == (False, None, "switched off")


def test_the_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "off")
    assert resolve_choice() == "off"
    assert resolve_choice("scalar") == "scalar"
    monkeypatch.setenv(CHOICE_VARIABLE, "")
    assert resolve_choice() == "auto"
    monkeypatch.setenv(CHOICE_VARIABLE, "sse9")
    with pytest.raises(RuntimeMissingError, match="EDGE_DNQ_KERNELS must be one of auto, off, "):
        resolve_choice()
    with pytest.raises(RuntimeMissingError, match=r"kernels must be one of .*, got 'mmx'"):
        resolve_choice("mmx")
    assert CHOICES[:2] == ("auto", "off")


def test_use_is_told_in_a_line() -> None:
    declined = tuple(DeclinedOperation(i, "TANH", "not an operator of the engine") for i in (4, 7))
    report = AdapterReport("avx2", False, (GraphUse(6, 4, declined, ()),))
    use = use_of(report)
    assert use.describe() == (
        "edge-dnq avx2, 4 of 6 operations; stock: 2 TANH (not an operator of the engine)"
    )
    nothing = use_of(AdapterReport("avx2", False, (GraphUse(2, 0, declined, ()),)))
    assert nothing.isa is None
    assert nothing.describe().startswith("stock (the kernels know none of its operations: 2 TANH")
    assert KernelUse(None).describe() == "stock"


@pytest.mark.parametrize("kind", ["missing", "text", "another library"])
def test_a_library_that_is_none_shrinks_nothing(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "kernels.so"
    if kind == "text":
        path.write_text("not a library")
    elif kind == "another library":
        path = Path(str(ctypes.util.find_library("c")))
    monkeypatch.setenv(LIBRARY_VARIABLE, str(path))
    for of_library in (rgb_halver, rgb_resizer):
        of_library.cache_clear()
        try:
            assert of_library() is None
        finally:
            of_library.cache_clear()
