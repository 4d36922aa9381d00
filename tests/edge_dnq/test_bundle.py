from __future__ import annotations

import io
import json
import os
import random
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.bundle import (
    GOLDEN,
    MANIFEST,
    Bundle,
    FileSpec,
    file_spec,
    read_manifest,
    write_manifest,
)
from edge_dnq.errors import BundleError
from edge_dnq.manifest import MAX_MANIFEST_BYTES, is_unsafe


def edit(folder: Path, change: Any) -> None:
    """Change the manifest's JSON."""
    document = json.loads((folder / MANIFEST).read_text())
    change(document)
    (folder / MANIFEST).write_text(json.dumps(document))


def refused(folder: Path) -> str:
    """Return the one line that refuses the bundle."""
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


def test_loads_what_was_exported(bundle: Bundle, bundle_folder: Path) -> None:
    for program in bundle.manifest.programs:
        content = (bundle_folder / program.files["litert"].file).read_bytes()
        assert bundle.read(program.files["litert"]) == content
        assert bundle.program(program.name) is program
    golden = bundle.golden()
    assert golden["frames"].dtype == np.uint8
    assert set(golden) >= {"program/w8a8", "policy/logits", "policy/h", "policy/c"}


def test_the_bytes_that_were_checked_are_those_that_are_read(damaged: Path) -> None:
    bundle = Bundle.load(damaged)
    spec = bundle.program("w8a8").files["litert"]
    before = (damaged / spec.file).read_bytes()
    (damaged / spec.file).write_bytes(b"changed after the check")
    assert bundle.read(spec) == before


def test_unknown_program_and_file(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="no program 'w9a9': choose one of w8a8, w4a4"):
        bundle.program("w9a9")
    with pytest.raises(BundleError, match="lists no file"):
        bundle.read(FileSpec(file="other", bytes=1, sha256="0" * 64))


def test_manifest_round_trip(bundle: Bundle, tmp_path: Path) -> None:
    write_manifest(tmp_path, bundle.manifest)
    assert read_manifest(tmp_path) == bundle.manifest


def test_file_spec(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.bin").write_bytes(b"abc")
    spec = file_spec(tmp_path, "sub/a.bin")
    assert (spec.bytes, spec.sha256[:8]) == (3, "ba7816bf")
    (tmp_path / "empty").touch()
    for name in ("empty", "none", "../a", "sub"):
        with pytest.raises(BundleError):
            file_spec(tmp_path, name)


def test_no_folder(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "none")
    (tmp_path / "file").touch()
    assert "is not a folder" in refused(tmp_path / "file")
    assert "no manifest.json" in refused(tmp_path)


@pytest.mark.parametrize("name", ["w8a8.tflite", "policy.tflite", GOLDEN])
def test_missing_truncated_and_flipped_files(damaged: Path, name: str) -> None:
    content = (damaged / name).read_bytes()
    (damaged / name).unlink()
    assert name in refused(damaged)
    (damaged / name).write_bytes(content[: len(content) // 2])
    assert "bytes, the manifest says" in refused(damaged)
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    (damaged / name).write_bytes(flipped)
    assert "sha256" in refused(damaged)
    (damaged / name).write_bytes(content)
    Bundle.load(damaged)


def test_swapped_files(damaged: Path) -> None:
    one, two = damaged / "w8a8.tflite", damaged / "w4a4.tflite"
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    assert "w8a8.tflite" in refused(damaged)


def test_links_and_pipes_are_refused(damaged: Path, tmp_path: Path) -> None:
    path = damaged / "w8a8.tflite"
    shutil.move(path, tmp_path / "outside.tflite")
    path.symlink_to(tmp_path / "outside.tflite")
    assert "is a link" in refused(damaged)
    path.unlink()
    os.mkfifo(path)
    assert "not a regular file" in refused(damaged)


def test_linked_subfolder_is_refused(damaged: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    shutil.move(damaged / "w8a8.tflite", tmp_path / "outside" / "w8a8.tflite")
    (damaged / "sub").symlink_to(tmp_path / "outside")

    def change(document: Any) -> None:
        document["programs"][0]["files"]["litert"]["file"] = "sub/w8a8.tflite"

    edit(damaged, change)
    assert "leads out" in refused(damaged)


def test_linked_bundle_folder_is_fine(bundle_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bundle_folder)
    assert Bundle.load(tmp_path / "link").manifest.name == "tiny"


@pytest.mark.parametrize(
    "name", ["../w8a8.tflite", "/etc/passwd", "a/../b", "./a", "a//b", "", "c:\\a", "a\x00b", "a\n"]
)
def test_unsafe_paths(damaged: Path, name: str) -> None:
    def change(document: Any) -> None:
        document["golden"]["file"] = name

    edit(damaged, change)
    assert "not a plain path inside the bundle" in refused(damaged)


@given(st.text(alphabet="ab./\\:\0", max_size=8))
def test_safe_names_stay_inside(name: str) -> None:
    if not is_unsafe(name):
        root = Path("/srv/bundle")
        assert Path(os.path.normpath(root / name)).is_relative_to(root)
        assert os.path.normpath(root / name) != str(root)


def test_versions(damaged: Path) -> None:
    edit(damaged, lambda document: document.update(schema_version=2, new_field=1))
    message = refused(damaged)
    assert "schema version 2, this edge-dnq reads 1" in message
    edit(damaged, lambda document: document.pop("schema_version"))
    assert "not a manifest" in refused(damaged)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"text"', "\xff", "[" * 100_000, '{"schema_version": 1}', "1e999"],
)
def test_manifest_that_is_none(damaged: Path, text: str) -> None:
    (damaged / MANIFEST).write_bytes(text.encode("latin-1"))
    assert MANIFEST in refused(damaged)


def test_huge_manifest(damaged: Path) -> None:
    with (damaged / MANIFEST).open("ab") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)
    assert "more than" in refused(damaged)


def test_huge_file(damaged: Path) -> None:
    def change(document: Any) -> None:
        document["golden"]["bytes"] = 1 << 40

    edit(damaged, change)
    assert "more than" in refused(damaged)
    edit(damaged, lambda document: document["golden"].update(bytes=1))
    with (damaged / GOLDEN).open("ab") as file:
        file.truncate(1 << 31)  # sparse
    assert "more than" in refused(damaged)


CONTRADICTIONS = {
    "unknown program": lambda d: d["actions"][0].update(program="w6a6"),
    "neither runs": lambda d: d["actions"][-1].update(skip=0),
    "both runs": lambda d: d["actions"][0].update(skip=2),
    "no action runs": lambda d: d.update(actions=[{"name": "skip", "skip": 1}]),
    "actions must": lambda d: d["actions"].append(d["actions"][0]),
    "programs must": lambda d: d["programs"].append(d["programs"][0]),
    "labels must": lambda d: d.update(labels=[]),
    "for 6 labels": lambda d: d["labels"].pop(),
    "for 4 actions": lambda d: d["actions"].pop(),
    "has no file": lambda d: d["programs"][0].update(files={}),
    "square": lambda d: d["input"].update(height=40),
    "std must be positive": lambda d: d["input"].update(std=[1, 0, 1]),
    "pixels a side": lambda d: d["input"].update(height=10**9, width=10**9),
    "clip_frames must": lambda d: d.update(clip_frames=10**9),
    "cannot be a name": lambda d: d["actions"][0].update(name="a\nb"),
    "no usable scale": lambda d: d["programs"][0]["input"].update(scale=-1.0),
    "int8 with a scale": lambda d: d["programs"][0]["output"].update(scale=None),
    "expected [1, S, S, 3]": lambda d: d["programs"][0]["input"].update(shape=[1, 48, 40, 3]),
    "one shape [1, H]": lambda d: d["policy"]["outputs"][1].update(shape=[1, 9]),
    "must be float32": lambda d: d["policy"]["inputs"][1].update(dtype="int8"),
    "two entries": lambda d: d["golden"].update(d["programs"][0]["files"]["litert"]),
    "not a manifest": lambda d: d.update(surprise=1),
    "Expected `int`": lambda d: d.update(clip_frames="8"),
    "matching regex": lambda d: d["golden"].update(sha256="0"),
}


@pytest.mark.parametrize("expected", CONTRADICTIONS)
def test_contradictions(damaged: Path, expected: str) -> None:
    edit(damaged, CONTRADICTIONS[expected])
    assert expected in refused(damaged)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a JSON document."""
    yield path
    if isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(child, (*path, key))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_any_value_anywhere_is_refused_or_fine(bundle_folder: Path, data: st.DataObject) -> None:
    document = json.loads((bundle_folder / MANIFEST).read_text())
    where = data.draw(st.sampled_from(list(places(document))[1:]))
    node = document
    for key in where[:-1]:
        node = node[key]
    node[where[-1]] = data.draw(JSON)
    with TemporaryDirectory() as folder:
        (Path(folder) / MANIFEST).write_text(json.dumps(document))
        try:
            read_manifest(Path(folder))
        except BundleError as error:
            message = str(error)
        else:
            message = "fine"
    assert len(message.splitlines()) == 1


@given(st.integers(0, 2**32), st.integers(1, 20))
def test_bit_flips_in_golden_are_refused_or_fine(bundle: Bundle, seed: int, count: int) -> None:
    """The hash catches them; without it the reader still ends in one line or in whole arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **bundle.golden())
    content = bytearray(buffer.getvalue())
    generator = random.Random(seed)
    headers = [i for i in range(len(content)) if content[i : i + 2] in (b"PK", b"{'")]
    for _ in range(count):
        start = generator.choice(headers)
        position = min(len(content) - 1, start + generator.randrange(120))
        content[position] ^= 1 << generator.randrange(8)
    damaged = Bundle(bundle.path, bundle.manifest, {GOLDEN: bytes(content)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            damaged.golden()
        except BundleError as error:
            message = str(error)
        else:
            message = "fine"
    assert len(message.splitlines()) == 1


def _golden(folder: Path, content: bytes) -> str:
    """Give the bundle a golden file that matches its manifest, and return why it is refused."""
    (folder / GOLDEN).write_bytes(content)
    spec = file_spec(folder, GOLDEN)
    edit(folder, lambda d: d["golden"].update(bytes=spec.bytes, sha256=spec.sha256))
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder).golden()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def test_damaged_golden(damaged: Path) -> None:
    whole = (damaged / GOLDEN).read_bytes()
    assert "damaged" in _golden(damaged, b"not an archive")
    assert "damaged" in _golden(damaged, whole[: len(whole) // 2])
    middle = len(whole) // 3
    assert "damaged" in _golden(damaged, whole[:middle] + b"\xff" * 64 + whole[middle + 64 :])
    assert "damaged" in _golden(damaged, _npz(frames=np.array([{}], dtype=object)))
    assert "no frames" in _golden(damaged, _npz(other=np.zeros(3)))
    assert "no frames" in _golden(damaged, _npz(frames=np.uint8(3)))
    frames = np.zeros((2, 48, 48, 3), np.uint8)
    assert "program/w8a8 must be int8 [2, 7], got nothing" in _golden(damaged, _npz(frames=frames))


def test_golden_bomb(damaged: Path) -> None:
    bomb = _npz(frames=np.zeros(1, np.uint8))
    # The archive's directory says what it unpacks to; claim a terabyte.
    central = bomb.index(b"PK\x01\x02")
    claimed = bomb[: central + 24] + (0xFFFFFFFE).to_bytes(4, "little") + bomb[central + 28 :]
    assert "unpacks to" in _golden(damaged, claimed)


def test_without_check_a_damaged_bundle_can_be_looked_into(damaged: Path) -> None:
    (damaged / "w8a8.tflite").write_bytes(b"short")
    bundle = Bundle.load(damaged, check=False)
    assert bundle.read(bundle.program("w8a8").files["litert"]) == b"short"
