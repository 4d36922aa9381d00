from __future__ import annotations

from edge_dnq.host import parse_cpuinfo, read_cpu, read_memory

PI4 = "".join(
    f"processor\t: {core}\nBogoMIPS\t: 108.00\n"
    "Features\t: fp asimd evtstrm crc32 cpuid\n"
    "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd08\n\n"
    for core in range(4)
)
PI5 = PI4.replace("0xd08", "0xd0b").replace("crc32", "crc32 asimddp")
ARM32 = "model name\t: ARMv7 Processor rev 4 (v7l)\nFeatures\t: half thumb neon vfpv4\n"
BIG_LITTLE = (
    "processor : 0\nFeatures : asimd asimddp i8mm\nCPU implementer : 0x41\nCPU part : 0xd46\n\n"
    "processor : 1\nFeatures : asimd asimddp\nCPU implementer : 0x41\nCPU part : 0xd05\n\n"
)
X86 = "processor : 0\nmodel name : Some x86\nflags : fpu avx2 fma avx512f avx512_vnni\n\n"


def test_cores_and_features_of_boards() -> None:
    assert parse_cpuinfo(PI4) == ("Cortex-A72", ("neon",))
    assert parse_cpuinfo(PI5) == ("Cortex-A76", ("neon", "dotprod"))
    assert parse_cpuinfo(ARM32) == ("ARMv7 Processor rev 4 (v7l)", ("neon",))
    assert parse_cpuinfo(X86) == ("Some x86", ("avx2", "fma", "avx512f", "avx512_vnni"))


def test_a_feature_counts_only_when_every_core_has_it() -> None:
    assert parse_cpuinfo(BIG_LITTLE) == ("Cortex-A510 + Cortex-A55", ("neon", "dotprod"))


def test_unknown_parts_and_nonsense_are_named_not_fatal() -> None:
    unknown = "Features : asimd\nCPU implementer : 0x61\nCPU part : 0x022\n"
    assert parse_cpuinfo(unknown) == ("ARM implementer 0x61 part 0x22", ("neon",))
    assert parse_cpuinfo("CPU part : zz\n\0\n:::\n") == ("", ())
    assert parse_cpuinfo("") == ("", ())


def test_this_machine() -> None:
    cpu, memory = read_cpu(), read_memory()
    assert cpu.cores >= 1
    assert cpu.model
    assert memory["total"] is None or memory["total"] > memory["available"] > 0
