"""The bundle on disk: reading it without trusting it.

A bundle is a folder with ``manifest.json``, the programs it names, and ``golden.npz``. Nothing in
it is handed to native code before its size and sha256 were checked against the manifest, and no
path leads out of the folder.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_dnq.errors import BundleError
from edge_dnq.manifest import (
    CONTEXT_FEATURES,
    GOLDEN,
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    SCHEMA_VERSION,
    ActionSpec,
    FileSpec,
    InputSpec,
    Manifest,
    PolicySpec,
    ProgramSpec,
    TensorSpec,
    has_context,
    inconsistencies,
    is_unsafe,
    listed_files,
)
from edge_dnq.staging import staged_file

__all__ = [
    "GOLDEN",
    "MANIFEST",
    "SCHEMA_VERSION",
    "ActionSpec",
    "Bundle",
    "FileSpec",
    "InputSpec",
    "Manifest",
    "PolicySpec",
    "ProgramSpec",
    "TensorSpec",
    "file_problems",
    "file_spec",
    "read_manifest",
    "write_manifest",
]


class Bundle:
    """A bundle whose files are checked when they are read, which is before they are used.

    Attributes:
        path: The folder it came from.
        manifest: What it holds.
    """

    def __init__(
        self, path: Path, manifest: Manifest, contents: dict[str, bytes], check: bool = True
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._contents = contents
        self._check = check

    @classmethod
    def load(
        cls, path: str | Path, check: bool = True, keys: Sequence[str] | None = None
    ) -> Bundle:
        """Read a bundle into memory and check it.

        Args:
            path: The bundle's folder.
            keys: Names that ``files`` use: of every program, only the file under the first name it
                has is read now. None reads all, after which nothing is read from disk.
            check: Compare every file's size and sha256 with the manifest. Without it files are
                only kept inside the folder and under the size limit: for looking into a damaged
                bundle, never for running one.

        Raises:
            BundleError: missing, damaged, of an unknown version, inconsistent or unsafe.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        contents: dict[str, bytes] = {}
        names = [spec.file for spec in listed_files(manifest)]
        for name in names:
            if names.count(name) > 1:
                raise BundleError(f"{folder}: two entries of the manifest name {name}")
        bundle = cls(folder, manifest, contents, check)
        for spec in listed_files(manifest) if keys is None else _selected(manifest, keys):
            bundle.read(spec)
        return bundle

    def read(self, spec: FileSpec) -> bytes:
        """Return the content of one of the manifest's files: the very bytes that were checked.

        Raises:
            BundleError: the manifest does not list it, or it is not as the manifest says.
        """
        if spec.file not in self._contents:
            if spec not in listed_files(self.manifest):
                raise BundleError(f"{self.path}: the manifest lists no file {spec.file!r}")
            content = _read_inside(self.path, spec.file, MAX_FILE_BYTES)
            if self._check:
                _compare(self.path, spec, content)
            self._contents[spec.file] = content
        return self._contents[spec.file]

    def program(self, name: str) -> ProgramSpec:
        """Return the program called ``name``.

        Raises:
            BundleError: there is none; the message lists those there are.
        """
        for program in self.manifest.programs:
            if program.name == name:
                return program
        known = ", ".join(program.name for program in self.manifest.programs)
        raise BundleError(f"{self.path} has no program {name!r}: choose one of {known}")

    def golden(self) -> dict[str, NDArray[np.generic]]:
        """Return the frames recorded at export and what every program gave for them.

        Keys: ``frames`` uint8 [N, S, S, 3]; ``program/<name>`` [N, K], int8 or float32 like the
        program's output; where the program was made from float arithmetic that is not its own,
        ``float/<name>``, that arithmetic's logits, float32 [N, K]; where one of the program's files
        rounds otherwise than the rest, ``<its name in files>/<name>``; with a policy also
        ``policy/logits`` float32 [N, A] and ``policy/h``, ``policy/c`` float32 [1, H], the state
        after the N frames in order from the zero state, and where it takes a context
        ``policy/context`` float32 [N, FEATURES], one for every frame.

        Raises:
            BundleError: damaged, or an array is missing or of another shape or type.
        """
        name = self.manifest.golden.file
        arrays = _load_arrays(self.path / name, self.read(self.manifest.golden))
        _check_golden(self.path / name, self.manifest, arrays)
        return arrays


def _selected(manifest: Manifest, keys: Sequence[str]) -> Iterable[FileSpec]:
    """Yield of every program, and of the policy, the file under the first of ``keys`` it has."""
    owners = [program.files for program in manifest.programs]
    owners += [manifest.policy.files] if manifest.policy is not None else []
    for files in owners:
        yield from [files[key] for key in keys if key in files][:1]


def read_manifest(folder: Path) -> Manifest:
    """Read and check ``manifest.json`` alone.

    Raises:
        BundleError: missing, malformed, of an unknown version, inconsistent, or a path leads out.
    """
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise BundleError(f"{folder} {problem}: expected a bundle written by `edge-dnq export`")
    if not (folder / MANIFEST).exists():
        raise BundleError(
            f"{folder} has no {MANIFEST}: expected a bundle written by `edge-dnq export`"
        )
    content = _read_inside(folder, MANIFEST, MAX_MANIFEST_BYTES)
    where = folder / MANIFEST
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{where} is not JSON: {error}") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version is not None and version != SCHEMA_VERSION:
        raise BundleError(
            f"{where} has schema version {version!r}, this edge-dnq reads {SCHEMA_VERSION}: "
            "export the bundle again, or install the edge-dnq that wrote it"
        )
    try:
        manifest = msgspec.convert(document, Manifest)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BundleError(f"{where} is not a manifest of version 1: {error}") from error
    for problem in inconsistencies(manifest):
        raise BundleError(f"{where}: {problem}")
    return manifest


def file_problems(folder: Path, manifest: Manifest) -> dict[str, str | None]:
    """Check every file that ``manifest`` lists, going on after a bad one.

    Returns:
        File name -> what is wrong with it, or None where size and sha256 are right.
    """
    problems: dict[str, str | None] = {}
    for spec in listed_files(manifest):
        try:
            _compare(folder, spec, _read_inside(folder, spec.file, MAX_FILE_BYTES))
            problems.setdefault(spec.file, None)
        except BundleError as error:
            problems[spec.file] = str(error)
    return problems


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` into ``folder``.

    Raises:
        BundleError: the manifest contradicts itself.
        EdgeDnqError: the file system refuses.
    """
    for problem in inconsistencies(manifest):
        raise BundleError(f"cannot write {folder / MANIFEST}: {problem}")
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    with staged_file(folder / MANIFEST) as temporary:
        temporary.write_bytes(text + b"\n")


def file_spec(folder: Path, name: str) -> FileSpec:
    """Describe the file ``name`` inside ``folder`` as it is now.

    Raises:
        BundleError: missing, empty, too large, or not inside the folder.
    """
    content = _read_inside(folder, name, MAX_FILE_BYTES)
    if not content:
        raise BundleError(f"{folder / name} is empty")
    return FileSpec(file=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _read_inside(folder: Path, name: str, limit: int) -> bytes:
    """Read a regular file of ``folder``, following no link.

    Raises:
        BundleError: the path is unsafe, the file missing, a link, not regular, or too large.
    """
    path = folder / name
    if is_unsafe(name):
        raise BundleError(f"{folder}: {name!r} is not a plain path inside the bundle")
    try:
        if path.parent.resolve() != folder.resolve() / PurePosixPath(name).parent:
            raise BundleError(f"{path} leads out of the bundle through a link")
        # Non-blocking, so that a pipe cannot hold the reader before it is seen to be none.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BundleError(f"{path} is not a regular file")
            if status.st_size > limit:
                raise BundleError(f"{path} has {status.st_size} bytes, more than {limit}")
            content = file.read(limit + 1)
    except OSError as error:
        if path.is_symlink():
            raise BundleError(f"{path} is a link: a bundle holds plain files only") from error
        raise BundleError(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > limit:
        raise BundleError(f"{path} has more than {limit} bytes")
    return content


def _compare(folder: Path, spec: FileSpec, content: bytes) -> None:
    if len(content) != spec.bytes:
        raise BundleError(
            f"{folder / spec.file} has {len(content)} bytes, the manifest says {spec.bytes}: "
            "copy the bundle again"
        )
    if hashlib.sha256(content).hexdigest() != spec.sha256:
        raise BundleError(
            f"{folder / spec.file} does not have the sha256 of the manifest: it is damaged or was "
            "changed; copy the bundle again"
        )


def _load_arrays(path: Path, content: bytes) -> dict[str, NDArray[np.generic]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > MAX_FILE_BYTES:
                raise BundleError(f"{path} unpacks to {size} bytes, more than {MAX_FILE_BYTES}")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except BundleError:
        raise
    # On damaged headers numpy and zipfile raise nearly anything, down to tokenizer errors.
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise BundleError(f"{path} is damaged ({reason}): export the bundle again") from error


def _check_golden(path: Path, manifest: Manifest, arrays: dict[str, NDArray[np.generic]]) -> None:
    frames = arrays.get("frames")
    count = len(frames) if frames is not None and frames.ndim else 0
    if count == 0:
        raise BundleError(f"{path} holds no frames: export the bundle again")
    size, classes = manifest.input.height, len(manifest.labels)
    expected: dict[str, tuple[tuple[int, ...], type]] = {
        "frames": ((count, size, size, 3), np.uint8)
    }
    for program in manifest.programs:
        dtype = np.int8 if program.output.dtype == "int8" else np.float32
        expected[f"program/{program.name}"] = ((count, classes), dtype)
        if f"float/{program.name}" in arrays:
            expected[f"float/{program.name}"] = ((count, classes), np.float32)
        for key in program.files:
            if f"{key}/{program.name}" in arrays:
                expected[f"{key}/{program.name}"] = ((count, classes), dtype)
    if manifest.policy is not None:
        state = manifest.policy.inputs[1].shape
        expected["policy/logits"] = ((count, len(manifest.actions)), np.float32)
        expected["policy/h"] = expected["policy/c"] = (state, np.float32)
        if has_context(manifest.policy):
            expected["policy/context"] = ((count, CONTEXT_FEATURES), np.float32)
    for key, (shape, kind) in expected.items():
        array = arrays.get(key)
        if array is None or array.shape != shape or array.dtype != kind:
            given = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
            raise BundleError(
                f"{path}: {key} must be {np.dtype(kind)} {list(shape)}, got {given}: "
                "export the bundle again"
            )
