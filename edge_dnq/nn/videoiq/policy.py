"""The imported policy: MobileNetV2 on a small frame, an LSTM cell, an action head, in float32."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_dnq.nn.videoiq.layout import Layout, PolicyConv, policy_convs
from edge_dnq.nn.videoiq.network import batch_norm_affine as batch_normbatch_norm_affine

POLICY_SIDE = 84


class ImportedPolicy(nn.Module):
    """(frame, h, c) to (action logits, h, c), for one clip or several.

    The network frame itself goes in, and is shrunk here: bilinear with half-pixel centres, without
    antialiasing, as in training. Batch norms are folded into the convolutions.

    Args:
        state: Tensors of the checkpoint.
        layout: What it holds; with a policy.
        side: Side of the shrunken frame in pixels.
    """

    def __init__(
        self, state: Mapping[str, Tensor], layout: Layout, side: int = POLICY_SIDE
    ) -> None:
        super().__init__()
        assert layout.features is not None
        assert layout.hidden is not None
        assert layout.actions is not None
        self.side = side
        self.hidden = layout.hidden
        self.groups = nn.ModuleList(
            nn.ModuleList(_folded(state, conv) for conv in convs)
            for convs in policy_convs(layout.features)
        )
        self.rectified = [[c.rectified for c in convs] for convs in policy_convs(layout.features)]
        self.cell = nn.LSTMCell(layout.features, layout.hidden)
        self.action_head = nn.Linear(layout.hidden, layout.actions)
        for module, prefix in (
            (self.cell, "policy_net.rnn"),
            (self.action_head, "policy_net.linear"),
        ):
            module.load_state_dict({key: state[f"{prefix}.{key}"] for key in module.state_dict()})
        self.eval()

    def features(self, x: Tensor) -> Tensor:
        """Return the pooled features [N, C] of normalised frames [N, 3, S, S]."""
        if x.shape[-1] != self.side:
            x = F.interpolate(x, size=(self.side, self.side), mode="bilinear", align_corners=False)
        for group, rectified in zip(self.groups, self.rectified, strict=True):
            assert isinstance(group, nn.ModuleList)
            y = x
            for conv, rectify in zip(group, rectified, strict=True):
                y = conv(y)
                y = F.relu6(y) if rectify else y
            x = x + y if len(group) > 1 and x.shape == y.shape else y
        return x.mean((2, 3), keepdim=True).flatten(1)

    def forward(self, frame: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map [N, 3, S, S], [N, H], [N, H] to [N, A], [N, H], [N, H]."""
        hidden, cell = self.cell(self.features(frame), (h, c))
        return self.action_head(hidden), hidden, cell

    def macs(self) -> int:
        """Return the multiply-accumulates of one frame."""
        total, side = 0, self.side
        for group in self.groups:
            assert isinstance(group, nn.ModuleList)
            for conv in group:
                assert isinstance(conv, nn.Conv2d)
                side = (side + 2 * int(conv.padding[0]) - conv.kernel_size[0]) // conv.stride[0] + 1
                total += conv.weight.numel() * side * side
        gates = self.cell.weight_ih.numel() + self.cell.weight_hh.numel()
        return total + gates + self.action_head.weight.numel()


def _folded(state: Mapping[str, Tensor], conv: PolicyConv) -> nn.Conv2d:
    outputs, inputs, kernel, _ = conv.shape
    layer = nn.Conv2d(
        inputs * conv.groups, outputs, kernel, conv.stride, kernel // 2, groups=conv.groups
    )
    gain, offset = batch_normbatch_norm_affine(state, conv.norm)
    assert layer.bias is not None
    with torch.no_grad():
        layer.weight.copy_(state[conv.weight].double() * gain.view(-1, 1, 1, 1))
        layer.bias.copy_(offset)
    return layer
