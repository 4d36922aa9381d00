"""The losses, one function each. Weights come from the configuration."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-8


def cross_entropy(logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return mean_n of -sum_k q_nk log p_nk.

    Args:
        logits: Float [N, K].
        targets: Class indices [N], or probabilities [N, K] (after mixup).
        label_smoothing: e in q = (1 - e) target + e / K (Szegedy et al. 2016, section 7).
    """
    return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)


def distillation(logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Return mean_n of -sum_k t_nk log p_nk with t = softmax(teacher), temperature 1.

    The soft cross-entropy of Hinton et al. 2015 (section 2); no gradient reaches the teacher.

    Args:
        logits: Float [N, K].
        teacher_logits: Float [N, K].
    """
    return F.cross_entropy(logits, teacher_logits.detach().softmax(-1))


def policy_class(class_logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of the policy's own class head (VideoIQ, Sun et al. 2021).

    Args:
        class_logits: Mean over a clip's decided frames, float [N, K].
        labels: Class indices [N].
        label_smoothing: As in :func:`cross_entropy`.
    """
    return cross_entropy(class_logits, labels, label_smoothing)


def balance(actions: Tensor) -> Tensor:
    """Return sum_a (u_a - 1/A)^2, where u_a is the mean use of action a (VideoIQ).

    Args:
        actions: One-hot actions [..., A], with straight-through gradients.
    """
    use = actions.flatten(0, -2).mean(0)
    return (use - 1 / len(use)).square().sum()


def cost(actions: Tensor, costs: Tensor) -> Tensor:
    """Return the mean over frames of the cost of the chosen action (VideoIQ).

    Args:
        actions: One-hot actions [..., A], with straight-through gradients.
        costs: Relative cost per action [A], the costliest being 1.
    """
    return (actions * costs).sum(-1).mean()


def entropy(probabilities: Tensor, decided: Tensor) -> Tensor:
    """Return the mean over decided frames of -sum_a p_a log p_a, in nats (VideoIQ).

    Args:
        probabilities: [N, T, A].
        decided: Where the policy ran, bool [N, T].
    """
    chosen = probabilities[decided]
    return -(chosen * chosen.clamp_min(EPSILON).log()).sum(-1).mean()


def mixup(
    x: Tensor, labels: Tensor, classes: int, alpha: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Blend every example with another one of the batch (Zhang et al. 2018, equation 1).

    Args:
        x: Float [N, ...].
        labels: Class indices [N].
        classes: Number of classes.
        alpha: lambda ~ Beta(alpha, alpha), one per example.
        generator: A CPU generator.

    Returns:
        Blended examples, and class probabilities [N, K].
    """
    count = len(x)
    # torch's Beta draws take no generator; numpy's are seeded from it.
    seed = int(torch.randint(2**62, (), generator=generator))
    drawn = np.random.default_rng(seed).beta(alpha, alpha, count)
    share = torch.from_numpy(drawn).to(x.device, torch.float32)
    share = torch.maximum(share, 1 - share)
    order = torch.randperm(count, generator=generator).to(x.device)
    shape = (count, *[1] * (x.dim() - 1))
    blended = x * share.view(shape) + x[order] * (1 - share).view(shape)
    onehot = F.one_hot(labels, classes).float()
    row = share.unsqueeze(1)
    return blended, onehot * row + onehot[order] * (1 - row)
