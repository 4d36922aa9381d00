"""An integer graph as bytes: the header, and weights in the bits they have."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.nn.config import DEFAULT_PROGRAMS
from edge_dnq.programs.executorch_file import HEADER, read_blob_facts
from edge_dnq_export.blob import INT8, ODD2, ODD4, pack_weights, weight_coding, write_blob
from edge_dnq_export.lowering import lower
from tests.export.networks import random_network

VALUES = {INT8: (-128, 127, 1), ODD4: (-15, 15, 2), ODD2: (-3, 3, 2)}


@pytest.mark.parametrize("coding", VALUES)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 70))
def test_weights_come_back(coding: int, seed: int, count: int) -> None:
    low, high, step = VALUES[coding]
    choices = np.arange(low, high + 1, step)
    weight = np.random.default_rng(seed).choice(choices, count).astype(np.int8)
    packed = np.frombuffer(pack_weights(weight, coding), np.uint8)
    bits = {INT8: 8, ODD4: 4, ODD2: 2}[coding]
    assert packed.size == -(-count * bits // 8)
    codes = [(int(packed[i * bits // 8]) >> (i * bits % 8)) & (2**bits - 1) for i in range(count)]
    if coding == INT8:
        values = [code - 256 if code > 127 else code for code in codes]
    else:
        values = [2 * code - (2**bits - 1) for code in codes]
    assert values == weight.tolist()


@pytest.mark.parametrize(
    ("weights", "coding"),
    [
        ([1, -1, 3, -3], ODD2),
        ([1, -1, 5, -3], ODD4),
        ([15, -15], ODD4),
        ([17, 1], INT8),
        ([2, 1], INT8),
        ([-128, 1], INT8),
        ([-127, 1], INT8),
    ],
)
def test_the_smallest_coding_is_chosen(weights: list[int], coding: int) -> None:
    assert weight_coding(np.array(weights, np.int8)) == coding


def test_header_and_size_by_precision() -> None:
    sizes = []
    network = random_network("resnet18", 0.25, 32, 0, DEFAULT_PROGRAMS)
    for program in DEFAULT_PROGRAMS:
        graph = lower(network, program.name)
        blob = write_blob(graph)
        magic, version, order, payload, crc = HEADER.unpack_from(blob)
        assert (magic, version, order) == (b"EDGEDNQG", 1, 0x01020304)
        assert payload == len(blob) - 32
        assert crc == zlib.crc32(blob[32:])
        assert struct.unpack_from("<I", blob, 28)[0] == zlib.crc32(blob[:28])
        facts = read_blob_facts(b"before" + blob + b"after")
        assert facts is not None
        assert (facts.version, facts.crc32, facts.bytes) == (1, f"{crc:08x}", len(blob))
        assert (facts.tensors, facts.operations) == (len(graph.tensors), len(graph.nodes))
        assert read_blob_facts(blob[:40]) is None
        sizes.append(payload)
    eight, four, two = sizes
    assert two < 0.35 * eight, f"bytes at 8, 4 and 2 bits: {sizes}"
    assert four < 0.6 * eight, f"bytes at 8, 4 and 2 bits: {sizes}"
