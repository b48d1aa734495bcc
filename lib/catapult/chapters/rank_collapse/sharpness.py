"""The start of a batch of networks: the sharpness, by power iteration, and the features' singular values."""

from __future__ import annotations

import numpy as np
import torch

from catapult.chapters.rank_collapse import experiment, fitting
from catapult.chapters.rank_collapse.grid import walled


def gradient(weights: list[torch.Tensor], seen: np.ndarray, graph: bool = False) -> tuple[torch.Tensor, ...]:
    """Return each network's gradient of ½ the mean square of Q − Q* over what is seen."""
    mask = torch.tensor(seen, dtype=torch.float64)
    mask = mask / mask.sum((1, 2), keepdim=True)
    values = torch.baddbmm(weights[-1], fitting.features(weights), weights[-2])
    loss = (mask * (values - torch.tensor(walled(experiment.SIDE).best)) ** 2).sum() / 2
    return torch.autograd.grad(loss, weights, create_graph=graph)


def at_start(seeds: range, iterations: int = 60) -> np.ndarray:
    """Return the largest eigenvalue of each start's Hessian, nine tenths of the pairs, targets Q*, (seed,)."""
    states, actions = walled(experiment.SIDE).rewards.shape
    weights = [w.requires_grad_() for w in fitting.start(states, actions, seeds)]
    slopes = gradient(weights, experiment.seen(experiment.DATA["nine tenths"], seeds), graph=True)
    along = [torch.ones_like(w) for w in weights]
    for _ in range(iterations):
        norm = sum((v**2).sum((1, 2), keepdim=True) for v in along).sqrt()
        along = [v / norm for v in along]
        inner = sum((g * v).sum() for g, v in zip(slopes, along, strict=True))
        after = torch.autograd.grad(inner, weights, retain_graph=True)
        found = sum((v * h).sum((1, 2)) for v, h in zip(along, after, strict=True))
        along = list(after)
    return found.detach().numpy()


def singular_at_start(seeds: list[int]) -> np.ndarray:
    """Return the singular values of each start's features at every state, (seed, value)."""
    states, actions = walled(experiment.SIDE).rewards.shape
    return torch.linalg.svdvals(fitting.features(fitting.start(states, actions, seeds))).numpy()
