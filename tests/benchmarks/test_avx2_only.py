"""What a process under the mask sees of its processor."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.avx2_only.overlay import build_mask, patch
from edge_dnq.host import read_cpu

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="CPUID is of x86-64")

# Also holds CPUID's bytes inside a longer instruction, which must stay.
PROBE = """
#include <cpuid.h>
extern "C" void leaf(unsigned leaf, unsigned subleaf, unsigned* out) {
  __cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
}
extern "C" int bytes() {
  int value;
  asm("movl $0xa20f, %0" : "=r"(value));
  return value;
}
"""
READ = """
import ctypes, sys
probe = ctypes.CDLL(sys.argv[1])
assert probe.bytes() == 0xA20F
for leaf, subleaf in ((1, 0), (7, 0), (7, 1)):
    out = (ctypes.c_uint * 4)()
    probe.leaf(leaf, subleaf, out)
    print(*out)
"""
SAMPLE = """
import ctypes, os, sys, time
probe, mask = ctypes.CDLL(sys.argv[1]), ctypes.CDLL(os.environ["LD_PRELOAD"])
loop = getattr(probe, sys.argv[2])
counts = ctypes.c_int64(), ctypes.c_int64()
mask.cpuid_mask_start_sampling()
end = time.process_time() + 0.3
while time.process_time() < end:
    loop()
mask.cpuid_mask_stop_sampling(*map(ctypes.byref, counts))
print(counts[0].value, counts[1].value)
"""
LOOP = """
extern "C" void evex() {
  for (int i = 0; i < 10000000; ++i)
    asm volatile("vpaddd %%zmm16, %%zmm16, %%zmm16\\n\\tvpaddd %%zmm17, %%zmm17, %%zmm17" ::: "memory");
}
extern "C" void vex() {
  for (int i = 0; i < 10000000; ++i)
    asm volatile("vpaddd %%ymm1, %%ymm1, %%ymm1\\n\\tvpaddd %%ymm2, %%ymm2, %%ymm2" ::: "xmm1", "xmm2");
}
"""  # noqa: E501
AVX512F, AVX2, VNNI, AVX_VNNI = 1 << 16, 1 << 5, 1 << 11, 1 << 4


def compile_library(source: str, path: Path) -> Path:
    path.with_suffix(".cpp").write_text(source)
    words = ["c++", "-O1", "-shared", "-fPIC", path.with_suffix(".cpp"), "-o", path]
    subprocess.run([*map(str, words)], check=True)
    return path


def run(script: str, *arguments: str | Path, mask: Path | None = None) -> list[int]:
    environment = {**os.environ, **({"LD_PRELOAD": str(mask)} if mask else {})}
    words = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr}"
    return [int(word) for word in done.stdout.split()]


def test_the_mask_hides_what_came_after_avx2(
    tmp_path: Path, require_tools: Callable[..., None]
) -> None:
    require_tools("c++", "objdump")
    probe = compile_library(PROBE, tmp_path / "probe.so")
    native = run(READ, probe)
    patched = Path(shutil.copy2(probe, tmp_path / "patched.so"))
    assert patch(patched) == 1
    masked = run(READ, patched, mask=build_mask(tmp_path / "mask"))
    # The second register of leaf 1 tells which core answered.
    assert [masked[0], *masked[2:4]] == [native[0], *native[2:4]]
    assert masked[5] & AVX2 == native[5] & AVX2
    assert masked[5] & AVX512F == 0
    assert masked[6] & VNNI == 0
    assert masked[8] & AVX_VNNI == 0
    assert masked[5] | native[5] == native[5], "the mask must not invent features"


def test_a_patched_library_leaves_the_original_alone(
    tmp_path: Path, require_tools: Callable[..., None]
) -> None:
    require_tools("c++", "objdump")
    probe = compile_library(PROBE, tmp_path / "probe.so")
    before = probe.read_bytes()
    linked = tmp_path / "linked.so"
    os.link(probe, linked)
    assert patch(linked) == 1
    assert probe.read_bytes() == before
    changed = [
        i for i, (a, b) in enumerate(zip(before, linked.read_bytes(), strict=True)) if a != b
    ]
    assert len(changed) == 1
    assert patch(linked) == 0


def test_sampling_tells_avx512_from_avx2(
    tmp_path: Path, require_tools: Callable[..., None]
) -> None:
    require_tools("c++")
    if "avx512f" not in read_cpu().features:
        pytest.skip("this processor has no AVX-512 to be caught with")
    loops = compile_library(LOOP, tmp_path / "loops.so")
    mask = build_mask(tmp_path / "mask")
    samples, evex = run(SAMPLE, loops, "vex", mask=mask)
    assert samples > 10
    assert evex == 0
    samples, evex = run(SAMPLE, loops, "evex", mask=mask)
    assert evex > samples / 3, f"{evex} of {samples}"
