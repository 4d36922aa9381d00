"""The command itself: verbs, mistakes, exit codes."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import edge_dnq
from edge_dnq.cli.main import VERBS, main
from tests.edge_dnq.cli.conftest import Cli, command, run_process


def test_version_is_the_distribution_s(cli: Cli) -> None:
    assert edge_dnq.__version__ == importlib.metadata.version("edge-dnq")
    assert edge_dnq.__version__ in cli("--version").out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(cli: Cli, verb: str) -> None:
    outcome = cli(verb, "--help")
    assert outcome.code == 0
    assert f"Usage: edge-dnq {verb}" in outcome.out
    assert "--help" in outcome.out


def test_help_lists_the_verbs_and_imports_none_of_them() -> None:
    script = (
        "import sys; from edge_dnq.cli.main import main; main(['--help']); "
        "print(sorted({'numpy', 'cv2', 'torch', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert all(f"  {verb} " in done.stdout for verb in VERBS)
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("verb", ["inspect", "verify", "run", "eval", "env"])
def test_device_verbs_do_not_import_torch(verb: str) -> None:
    script = f"import sys, edge_dnq.cli.{verb}; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_no_verb_shows_the_help(cli: Cli) -> None:
    outcome = cli()
    assert (outcome.code, outcome.err) == (0, "")
    assert "Verbs:" in outcome.out


def test_a_mistyped_verb_is_told_the_right_one(cli: Cli) -> None:
    assert "did you mean 'export'?" in cli("exprot", "x").error
    assert "choose from train, record, export" in cli("zzz").error


def test_an_unknown_option_is_one_line(cli: Cli) -> None:
    outcome = cli("env", "--bogus")
    assert outcome.code == 2
    assert "--bogus" in outcome.error
    assert "edge-dnq env --help" in outcome.error


def test_a_full_device_is_one_line(bundle_folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("inspect", bundle_folder, "--json"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert "No space left" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(bundle_folder: Path) -> None:
    words = " ".join(command("inspect", bundle_folder, "--json"))
    done = subprocess.run(
        ["sh", "-c", f"{words} | true"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_a_failure_leaves_stdout_empty(tmp_path: Path) -> None:
    done = run_process("verify", tmp_path / "missing", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_main_may_run_outside_the_main_thread() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(main, ["env", "--json"]).result() == 0
