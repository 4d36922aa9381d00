"""Draws android_demo/screen.png: ``python -m tests.android.draw_screen BUNDLE``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2

from edge_dnq.synthetic import render_clip
from tests.android.gradle_project import GradleProject
from tests.android.java import ANDROID_DEMO
from tests.android.test_whole_app import run_whole_app, write_frames

CLIP, FRAMES, SIDE = 10, 48, 480


def main() -> None:
    """Run the app without its screens on a rendered clip and keep what it draws."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = render_clip(CLIP, frames=FRAMES, size=SIDE).frames
        video = write_frames(clip, folder / "frames.nv12")
        project = GradleProject(ANDROID_DEMO)
        screen = run_whole_app(project, Path(sys.argv[1]), video, folder)
        drawn = cv2.imread(str(screen))
        assert drawn is not None
        half = cv2.resize(drawn, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(ANDROID_DEMO / "screen.png"), half)


if __name__ == "__main__":
    main()
