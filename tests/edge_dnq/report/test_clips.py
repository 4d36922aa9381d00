from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_dnq.bundle import Bundle
from edge_dnq.errors import DataError
from edge_dnq.report.clips import STRIP_HEIGHT, STRIPS, ClipStudy, study_clips
from edge_dnq.session import Session
from edge_dnq.video.sampling import sample_clip
from tests.edge_dnq.report.conftest import CLASSES, CLIPS


def test_the_mix_is_what_a_session_does(bundle: Bundle, study: ClipStudy, labelled: Path) -> None:
    session, counts = Session(bundle), {}
    for seed in range(CLIPS):
        session.reset()
        own = counts.setdefault(f"class_{seed % CLASSES}", [])
        for image in sample_clip(labelled.parent / f"{seed} <b>&.mp4", bundle.manifest.clip_frames):
            own.append(session.step(image).action)
    names = [action.name for action in bundle.manifest.actions]
    assert study.mix == {
        label: {name: own.count(name) / len(own) for name in names}
        for label, own in sorted(counts.items())
    }
    assert study.clips == CLIPS
    assert [lost.clip.endswith("broken.mp4") for lost in study.unreadable] == [True]


def test_strips_show_the_frames_of_one_clip_of_each_class(
    bundle: Bundle, study: ClipStudy, labelled: Path
) -> None:
    assert [strip.label for strip in study.strips] == [f"class_{c}" for c in range(CLASSES)]
    strip = study.strips[0]
    assert strip.name == "0 <b>&.mp4"
    assert len(strip.frames) == bundle.manifest.clip_frames
    images = sample_clip(labelled.parent / strip.name, bundle.manifest.clip_frames)
    for frame, image in zip(strip.frames, images, strict=True):
        head, _, data = frame.picture.partition(",")
        assert head == "data:image/jpeg;base64"
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (STRIP_HEIGHT, STRIP_HEIGHT, 3)
        same = cv2.resize(image, (STRIP_HEIGHT, STRIP_HEIGHT), interpolation=cv2.INTER_AREA)
        difference = np.abs(picture[..., ::-1].astype(float) - same)
        assert difference.mean() < 12, "the picture is another, or its colours are swapped"


def test_rendered_clips_serve_as_well(bundle: Bundle) -> None:
    with pytest.raises(DataError, match="does not know"):
        study_clips(bundle, "synthetic:40", "val")
    assert STRIPS >= CLASSES
