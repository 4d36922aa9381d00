"""The published arithmetic, once more and independently: numpy, float64, straight from the keys.

Slow and plain on purpose. It shares no code with the package, and reads the tensors of a checkpoint
by the names that the original code gives them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]


class Oracle:
    """Evaluates a checkpoint's state dict.

    Args:
        state: The tensors, without ``module.``.
        parent_bits: Width that weights are truncated from.
    """

    def __init__(self, state: Mapping[str, Tensor], parent_bits: int) -> None:
        self.state = {key: value.double().numpy() for key, value in state.items()}
        self.parent_bits = parent_bits

    def quantised_weight(self, key: str, bits: int) -> Array:
        """tanh, normalise to [0, 1], round to 2^B - 1 steps, floor away low bits, match means."""
        w = np.tanh(self.state[key])
        unit = w / (2 * np.abs(w).max()) + 0.5
        steps = 2.0**self.parent_bits - 1
        full = np.rint(steps * unit) / steps
        if bits == self.parent_bits:
            return 2 * full - 1
        drop = 2.0 ** (self.parent_bits - bits)
        short = np.floor(np.rint(steps * unit) / drop) * drop / steps
        return 2 * (full.mean() / short.mean()) * short - 1

    def quantised_activation(self, x: Array, key: str, bits: int) -> Array:
        alpha = float(self.state[f"{key}_{bits}"].reshape(()))
        levels = 2.0**bits - 1
        return np.rint(np.clip(x, 0, alpha) / alpha * levels) / levels * alpha

    def norm(self, x: Array, key: str) -> Array:
        gamma, beta, mean, var = (
            self.state[f"{key}.{part}"][:, None, None]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(var + 1e-5) * gamma + beta

    def parent_features(self, x: Array, bits: int) -> Array:
        """Features [N, C] of frames [N, 3, S, S] through the path of ``bits``."""
        x = np.maximum(
            self.norm(conv(x, self.state["backbone.conv1.weight"], 2), "backbone.bn1"), 0
        )
        x = max_pool(x)
        for block, stride in self.blocks(""):
            x = self.parent_block(x, block, stride, bits)
        return x.mean((2, 3))

    def parent_block(self, x: Array, block: str, stride: int, bits: int) -> Array:
        x = self.quantised_activation(x, f"{block}.q_alpha1", bits)
        y = x
        names = [n for n in "123" if f"{block}.conv{n}.weight" in self.state]
        strides = [1, stride, 1] if len(names) == 3 else [stride, 1]
        for name, step in zip(names, strides, strict=True):
            if name != "1":
                y = self.quantised_activation(np.maximum(y, 0), f"{block}.q_alpha{name}", bits)
            y = conv(y, self.quantised_weight(f"{block}.conv{name}.weight", bits), step)
            y = self.norm(y, f"{block}.bn{name}_{bits}")
        down = f"{block}.downsample_{bits}"
        if f"{down}.0.weight" in self.state:
            x = conv(x, self.quantised_weight(f"{down}.0.weight", bits), stride)
            x = self.norm(x, f"{down}.1")
        return np.maximum(x + y, 0)

    def separate_features(self, x: Array) -> Array:
        """Features [N, C] through the plain backbone of the ``_32fp`` keys."""
        state = self.state
        x = self.norm(conv(x, state["backbone.conv1_32fp.weight"], 2), "backbone.bn1_32fp")
        x = max_pool(np.maximum(x, 0))
        for block, stride in self.blocks("_32fp"):
            y = x
            names = [n for n in "123" if f"{block}.conv{n}.weight" in state]
            strides = [1, stride, 1] if len(names) == 3 else [stride, 1]
            for name, step in zip(names, strides, strict=True):
                y = np.maximum(y, 0) if name != "1" else y
                y = self.norm(
                    conv(y, state[f"{block}.conv{name}.weight"], step), f"{block}.bn{name}"
                )
            if f"{block}.downsample_32.0.weight" in state:
                x = conv(x, state[f"{block}.downsample_32.0.weight"], stride)
                x = self.norm(x, f"{block}.downsample_32.1")
            x = np.maximum(x + y, 0)
        return x.mean((2, 3))

    def blocks(self, suffix: str) -> list[tuple[str, int]]:
        found = []
        for stage in range(1, 5):
            index = 0
            while f"backbone.layer{stage}{suffix}.{index}.conv1.weight" in self.state:
                stride = 2 if stage > 1 and index == 0 else 1
                found.append((f"backbone.layer{stage}{suffix}.{index}", stride))
                index += 1
        return found

    def classify(self, features: Array) -> Array:
        """Logits of features [..., C]."""
        return features @ self.state["fc.weight"].T + self.state["fc.bias"]

    def policy(self, frames: Array, h: Array, c: Array) -> tuple[Array, Array, Array]:
        """One step: frames [N, 3, S, S] and state [N, H] to (action logits, h, c)."""
        state, root = self.state, "policy_net"
        x = bilinear(frames, 84)
        x = relu6(
            self.norm(conv(x, state[f"{root}.features.0.0.weight"], 2), f"{root}.features.0.1")
        )
        strides = [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]
        for index, stride in enumerate(strides, 1):
            key = f"{root}.features.{index}.conv"
            y = x
            if f"{key}.6.weight" in state:
                y = relu6(self.norm(conv(y, state[f"{key}.0.weight"], 1), f"{key}.1"))
                y = relu6(self.norm(depthwise(y, state[f"{key}.3.weight"], stride), f"{key}.4"))
                y = self.norm(conv(y, state[f"{key}.6.weight"], 1), f"{key}.7")
            else:
                y = relu6(self.norm(depthwise(y, state[f"{key}.0.weight"], stride), f"{key}.1"))
                y = self.norm(conv(y, state[f"{key}.3.weight"], 1), f"{key}.4")
            x = x + y if stride == 1 and x.shape[1] == y.shape[1] else y
        x = relu6(self.norm(conv(x, state[f"{root}.conv.0.weight"], 1), f"{root}.conv.1"))
        h, c = self.lstm(x.mean((2, 3)), h, c)
        return h @ state[f"{root}.linear.weight"].T + state[f"{root}.linear.bias"], h, c

    def lstm(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        """torch's order of the gates: input, forget, cell, output."""
        rnn = {k: self.state[f"policy_net.rnn.{k}"] for k in
               ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}  # fmt: skip
        gates = x @ rnn["weight_ih"].T + rnn["bias_ih"] + h @ rnn["weight_hh"].T + rnn["bias_hh"]
        i, f, g, o = np.split(gates, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c


def relu6(x: Array) -> Array:
    return np.clip(x, 0, 6)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def windows(x: Array, size: int, stride: int, padding: int, fill: float) -> Array:
    """[N, C, H, W] to [N, C, H', W', size, size]."""
    border = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), border, border), constant_values=fill)
    every = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))
    strided: Array = every[:, :, ::stride, ::stride]
    return strided


def conv(x: Array, weight: Array, stride: int) -> Array:
    size = weight.shape[2]
    patches = windows(x, size, stride, size // 2, 0.0)
    result: Array = np.einsum("nchwij,ocij->nohw", patches, weight, optimize=True)
    return result


def depthwise(x: Array, weight: Array, stride: int) -> Array:
    size = weight.shape[2]
    patches = windows(x, size, stride, size // 2, 0.0)
    result: Array = np.einsum("nchwij,cij->nchw", patches, weight[:, 0], optimize=True)
    return result


def max_pool(x: Array) -> Array:
    pooled: Array = windows(x, 3, 2, 1, -np.inf).max((4, 5))
    return pooled


def bilinear(x: Array, side: int) -> Array:
    """Half-pixel centres, the two nearest pixels of each axis, no antialiasing."""
    source = x.shape[-1]
    place = np.maximum((np.arange(side) + 0.5) * source / side - 0.5, 0)
    low = np.minimum(np.floor(place).astype(int), source - 1)
    high, part = np.minimum(low + 1, source - 1), place - low
    rows = x[:, :, low] * (1 - part)[:, None] + x[:, :, high] * part[:, None]
    result: Array = rows[..., low] * (1 - part) + rows[..., high] * part
    return result
