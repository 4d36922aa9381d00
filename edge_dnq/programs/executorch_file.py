"""What an ExecuTorch program's file says about the integer graph in it.

``kernels/executorch/blob.h`` states the format of the graph.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"EDGEDNQG"
HEADER = struct.Struct("<8sIIQI")
"""Magic, version, byte order, bytes of the payload, their CRC-32; the header's CRC-32 follows."""

COUNTS = struct.Struct("<4I")
"""How the payload begins: numbers of tensors, inputs, outputs and operations."""

_HEADER_CRC_BYTES = 4


@dataclass(frozen=True)
class BlobFacts:
    """The integer graph that the package's kernels take.

    Attributes:
        version: Of the format.
        crc32: Of the payload, eight hexadecimal digits.
        bytes: Of header and payload.
        tensors: How many it has.
        operations: How many it has, before any fusion.
    """

    version: int
    crc32: str
    bytes: int
    tensors: int
    operations: int


def read_blob_facts(content: bytes) -> BlobFacts | None:
    """Return the facts of the integer graph in a program's file, as its header states them.

    Args:
        content: The file's bytes.

    Returns:
        None where the file holds no integer graph, or not all of one's header.
    """
    start = content.find(MAGIC)
    payload = start + HEADER.size + _HEADER_CRC_BYTES
    if start < 0 or len(content) < payload + COUNTS.size:
        return None
    _, version, _, size, crc32 = HEADER.unpack_from(content, start)
    tensors, _, _, operations = COUNTS.unpack_from(content, payload)
    return BlobFacts(version, f"{crc32:08x}", payload - start + size, tensors, operations)
