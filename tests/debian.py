"""Debian packages of any architecture or release, unpacked: nothing on this system changes."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class UnavailableError(Exception):
    """What a test needs cannot be had here; one line says why."""


def unpack_packages(
    root: Path,
    packages: Sequence[str],
    architecture: str,
    *,
    suite: str | None = None,
    dependencies: bool = True,
) -> Path:
    """Download packages and unpack them into a folder, once: an existing folder is kept.

    Args:
        root: Folder that will hold ``usr`` and so on; what was downloaded is kept beside it.
        packages: Names.
        architecture: Debian's name of it.
        suite: Release, by default this system's own.
        dependencies: Whether everything that they depend on comes along.

    Returns:
        ``root``.

    Raises:
        UnavailableError: the packages cannot be had.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    # Tests run in several processes: two in one folder spoil each other's lists.
    with root.with_name(f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            downloaded = _download(root, packages, architecture, suite, dependencies)
            partial = root.with_name(f"{root.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            for package in downloaded:
                call(["dpkg", "-x", package, partial], "unpack a package")
            partial.rename(root)
    return root


def call(command: Sequence[str | Path], purpose: str, folder: Path | None = None) -> str:
    """Run a command that fetches or unpacks, and return what it prints.

    Raises:
        UnavailableError: it failed; the last line that it wrote is the reason.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=folder)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"cannot {purpose}: {error}") from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise UnavailableError(f"cannot {purpose}: {reason}")
    return done.stdout


def _download(
    root: Path, packages: Sequence[str], architecture: str, suite: str | None, dependencies: bool
) -> list[Path]:
    if not KEYRING.is_file():
        raise UnavailableError("packages are taken from Debian mirrors only")
    apt = root.with_name(f"{root.name}.apt")
    archives = apt / "cache/archives"
    for folder in (apt / "state/lists/partial", archives / "partial", apt / "etc"):
        folder.mkdir(parents=True, exist_ok=True)
    (apt / "state/status").touch()
    mirror, own_suite = _mirror()
    sources = apt / "etc/sources.list"
    sources.write_text(
        f"deb [arch={architecture} signed-by={KEYRING}] {mirror} {suite or own_suite} main\n"
    )
    settings = {
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "state/status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "1",
    }
    options = [f"-o{key}={value}" for key, value in settings.items()]
    call(["apt-get", *options, "update", "-q"], f"list {architecture} packages")
    verb = ["install", "-y", "--download-only"] if dependencies else ["download"]
    purpose = f"download {architecture} packages"
    call(["apt-get", *options, "-q", *verb, *packages], purpose, archives)
    return sorted(archives.glob("*.deb"))


def _mirror() -> tuple[str, str]:
    """Address and suite of the mirror that this system itself uses."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)"]
    listing = call([*command, "Created-By: Packages"], "ask for the package mirror")
    for line in listing.splitlines():
        address, _, suite = line.partition(" ")
        if suite and "-" not in suite:
            return address, suite
    raise UnavailableError("this system's apt has no Debian mirror")
