from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from edge_dnq.nn.resize import resize_frames
from edge_dnq.video.preprocess import network_frame


@given(source=st.integers(1, 130), target=st.integers(1, 130))
def test_follows_the_device(source: int, target: int) -> None:
    image = np.random.default_rng(source).integers(0, 256, (source, source, 3), dtype=np.uint8)
    wanted = network_frame(image, target)
    frames = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    result = resize_frames(frames, target)[0].permute(1, 2, 0).numpy()
    assert result.shape == wanted.shape
    halvings = max(0, int(np.log2(source / target)))
    # The device rounds to whole levels after each halving and at the end, half a level each; its
    # bilinear weights are rounded to 8 bits in either direction and add up to 1.
    assert np.abs(result - wanted).max() <= 0.5 * (halvings + 1) + 2 * 255 / 2**9
