"""The kernels' own tests and their dispatch on every emulated processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulation.machine import PROCESSORS, Machine, Processor

ASK_ISA = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.edge_dnq_isa_best.restype = ctypes.c_char_p
print(library.edge_dnq_isa_best().decode())
"""


@pytest.mark.slow
def test_kernels_equal_plain_arithmetic(
    machine: Machine, cross_build: Path, processor: Processor
) -> None:
    done = machine.run(processor, [cross_build / "tests/edge_dnq_kernel_tests", "--gtest_brief=1"])
    assert done.returncode == 0, f"{processor.name}: {done.stdout[-4000:]}{done.stderr[-1000:]}"
    assert f"{processor.isa}_" in _names_of_tests(machine, cross_build, processor)


def _names_of_tests(machine: Machine, cross_build: Path, processor: Processor) -> str:
    tests = cross_build / "tests/edge_dnq_kernel_tests"
    return machine.run(processor, [tests, "--gtest_list_tests"]).stdout


def test_the_best_kernels_of_the_processor_are_chosen(
    machine: Machine, cross_build: Path, processor: Processor
) -> None:
    library = cross_build / "libedge_dnq_litert.so"
    done = machine.python(processor, ["-c", ASK_ISA, library])
    assert done.stdout.strip() == processor.isa, f"{processor.name}: {done.stderr}"


def test_a_missing_instruction_is_noticed_by_the_emulator(
    machine: Machine, cross_build: Path
) -> None:
    """Else these tests would let wrong dispatch pass: SDOT on a processor without it must trap."""
    sdot = bytes.fromhex("0094824e")  # sdot v0.4s, v0.16b, v2.16b
    code = (
        "import ctypes, mmap\n"
        "page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\n"
        f"page.write({sdot!r} + bytes.fromhex('c0035fd6'))\n"
        "address = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "ctypes.CFUNCTYPE(None)(address)()\n"
    )
    with_sdot = {done.name: machine.python(done, ["-c", code]).returncode for done in PROCESSORS}
    trapped = {name for name, status in with_sdot.items() if status != 0}
    assert trapped == {done.name for done in PROCESSORS if done.isa == "neon"}
