"""What lies in rpi/ for the device: the unit, and the way in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_dnq.rpi import entry
from edge_dnq.rpi.footprint import installed_bytes
from edge_dnq.rpi.main import command

REPOSITORY = Path(__file__).resolve().parents[3]
UNIT = REPOSITORY / "rpi" / "edge-dnq.service"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("missing: systemd-analyze")
    text = UNIT.read_text()
    assert "\nExecStart=/opt/edge-dnq/bin/edge-dnq-rpi " in text
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("/opt/edge-dnq/bin/edge-dnq-rpi", "/bin/true"))
    done = subprocess.run([analyse, "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_systemd_rates_the_sandbox_well() -> None:
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("missing: systemd-analyze")
    words = [analyse, "security", "--offline=true", "--threshold=20", UNIT]
    done = subprocess.run(words, capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze rates no files")
    assert done.returncode == 0, done.stdout[-300:]


def test_every_option_of_the_readme_exists() -> None:
    known = {option for parameter in command.params for option in parameter.opts}
    readme = (REPOSITORY / "rpi" / "README.md").read_text()
    for option in ("--config", "--check", "--size"):
        assert option in readme
        assert option in known


def test_a_32_bit_python_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    with pytest.raises(SystemExit) as caught:
        entry.process()
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_way_in_imports_nothing_that_a_32_bit_system_lacks() -> None:
    script = "import sys, edge_dnq.rpi.entry; print([n for n in ('click','msgspec','numpy','cv2') if n in sys.modules])"  # noqa: E501
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_size_counts_what_is_needed_and_nothing_else() -> None:
    sizes = installed_bytes()
    assert {"edge-dnq", "numpy", "opencv-python-headless", "ai-edge-litert"} <= sizes.keys()
    assert "torch" not in sizes
    assert sizes["numpy"] > 10e6
