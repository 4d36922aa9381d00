from __future__ import annotations

import cv2
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dnq.nn.resize import area_matrix, resize_frames


@given(source=st.integers(1, 120), data=st.data())
@settings(max_examples=40, deadline=None)
def test_equals_opencv(source: int, data: st.DataObject) -> None:
    target = data.draw(st.integers(1, source))
    image = np.random.default_rng(source).random((source, source, 3), dtype=np.float32)
    wanted = cv2.resize(image, (target, target), interpolation=cv2.INTER_AREA)
    frames = torch.from_numpy(image).permute(2, 0, 1)[None]
    result = resize_frames(frames, target)[0].permute(1, 2, 0).numpy()
    assert np.allclose(result, wanted.reshape(result.shape), atol=1e-5)


@given(source=st.integers(1, 200), data=st.data())
@settings(max_examples=40, deadline=None)
def test_weights_of_every_output_pixel_sum_to_one(source: int, data: st.DataObject) -> None:
    target = data.draw(st.integers(1, source))
    weights = area_matrix(source, target)
    assert torch.allclose(weights.sum(1), torch.ones(target), atol=1e-6)
    assert bool((weights >= 0).all())


def test_growing_is_bilinear() -> None:
    frames = torch.rand(1, 3, 8, 8)
    wanted = cv2.resize(
        frames[0].permute(1, 2, 0).numpy(), (12, 12), interpolation=cv2.INTER_LINEAR
    )
    result = resize_frames(frames, 12)[0].permute(1, 2, 0).numpy()
    assert np.allclose(result, wanted, atol=1e-5)
