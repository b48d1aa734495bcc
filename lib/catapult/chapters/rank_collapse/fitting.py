"""Repeated fits of many small networks at once: one batch over arms and seeds, one matrix product a layer."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import torch

from catapult.chapters.rank_collapse.grid import Grid

WIDTH, HIDDEN = 64, 3
PENALTY = 1e-3
ARMS = ("bootstrapped", "with penalty", "of another network", "value iteration", "best values")
"""Targets r + γ max Q of the own copy, twice; of the copy of the next seed; exact iterates; Q* from the start."""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long and by what: ``fits`` of ``steps`` each; ``optimiser`` adam or descent; ``rate``; ``wide`` start.

    ``width`` is that of the hidden layers; ``single`` precision of the networks in place of double.
    """

    fits: int
    steps: int
    optimiser: str = "adam"
    rate: float = 1e-3
    wide: bool = False
    width: int = WIDTH
    single: bool = False


def start(states: int, actions: int, seeds: range, wide: bool = False, width: int = WIDTH) -> list[torch.Tensor]:
    """Return weights (seed, in, out) and biases (seed, 1, out) by layer; a seed has its own.

    As PyTorch draws a linear layer by default, all uniform within ±1/√in; or ``wide``, He's: weights normal of variance
    2/in, 2 and 1/in for the first and the last (one input is on at a time), biases 0.
    """
    sizes = [states, *[width] * HIDDEN, actions]
    found = []
    for layer, (into, out) in enumerate(itertools.pairwise(sizes)):
        streams = [np.random.default_rng([seed, layer]) for seed in seeds]
        if wide:
            scale = np.sqrt(2 if layer == 0 else (2 if layer < HIDDEN else 1) / into)
            draws = [(each.standard_normal((into, out)) * scale, np.zeros((1, out))) for each in streams]
        else:
            draws = [(each.uniform(-1, 1, (into, out)) / np.sqrt(into), each.uniform(-1, 1, (1, out)) / np.sqrt(into))
                     for each in streams]
        found += [torch.tensor(np.array(each)) for each in zip(*draws, strict=True)]
    return found


def features(weights: list[torch.Tensor]) -> torch.Tensor:
    """Return the last hidden layer at every state, (network, state, width): inputs are one-hot."""
    x = torch.relu(weights[0] + weights[1])
    for w, b in zip(weights[2:-2:2], weights[3:-2:2], strict=True):
        x = torch.relu(torch.baddbmm(b, x, w))
    return x


def spread(phi: torch.Tensor) -> torch.Tensor:
    """Return σ_max² − σ_min² of each network's features, whose gradient is that of two eigenvectors of the Gram.

    Of min(states, width) singular values: the Gram is the smaller of the two.
    """
    if phi.shape[1] < phi.shape[2]:
        phi = phi.transpose(1, 2)
    with torch.no_grad():
        _, vectors = torch.linalg.eigh(phi.transpose(1, 2) @ phi)
    squares = ((phi @ vectors[:, :, [-1, 0]]) ** 2).sum(1)
    return squares[:, 0] - squares[:, 1]


def targets(grid: Grid, arm: str, values: np.ndarray, fit: int) -> np.ndarray:
    """Return the targets (seed, state, action) of a fit, counted from 0, from the values of this arm's copies."""
    if arm == "best values":
        return np.broadcast_to(grid.best, values.shape)
    if arm == "value iteration":
        return np.broadcast_to(grid.iterates(fit + 1)[-1], values.shape)
    return grid.targets(values if fit else np.zeros_like(values))


class Adam:
    """Adam with its usual constants, of a list of tensors."""

    def __init__(self, weights: list[torch.Tensor], rate: float):
        self.rate, self.count = rate, 0
        self.first, self.second = ([torch.zeros_like(w) for w in weights] for _ in range(2))

    def step(self, weights: list[torch.Tensor], gradients: tuple[torch.Tensor, ...]) -> None:
        """Move the weights in place."""
        self.count += 1
        for w, g, m, v in zip(weights, gradients, self.first, self.second, strict=True):
            m.mul_(0.9).add_(g, alpha=0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            bias = np.sqrt(1 - 0.999**self.count)
            w.addcdiv_(m, v.sqrt().add_(1e-8 * bias), value=-self.rate * bias / (1 - 0.9**self.count))


class Descent:
    """Plain gradient descent."""

    def __init__(self, weights: list[torch.Tensor], rate: float):
        self.rate = rate

    def step(self, weights: list[torch.Tensor], gradients: tuple[torch.Tensor, ...]) -> None:
        """Move the weights in place."""
        for w, g in zip(weights, gradients, strict=True):
            w.add_(g, alpha=-self.rate)


OPTIMISERS = {"adam": Adam, "descent": Descent}


def keep(grid: Grid, weights: list[torch.Tensor], kept: dict[str, list], arms: int) -> np.ndarray:
    """Append what holds now to ``kept``; return the values (arm, seed, state, action)."""
    with torch.no_grad():
        phi = features(weights)
        q = torch.baddbmm(weights[-1], phi, weights[-2]).double().numpy()
    lost = ~(np.isfinite(q).all((1, 2)) & torch.isfinite(phi).all(2).all(1).numpy())
    singular = torch.linalg.svdvals(torch.where(torch.tensor(lost)[:, None, None], 0.0, phi).double()).numpy()
    kept["singular"].append(np.where(lost[:, None], np.nan, singular))
    kept["returned"].append([np.nan if gone else grid.returned(each.argmax(-1))
                             for gone, each in zip(lost, q, strict=True)])
    return q.reshape(arms, -1, *q.shape[1:])


def fitted(grid: Grid, seen: np.ndarray, seeds: range, arms: tuple[str, ...], plan: Schedule) -> dict[str, np.ndarray]:
    """Follow the fits; return by arm, seed and fit what holds after it (the first entry: at the start).

    ``singular`` (arm, seed, fit, width), the singular values of the features at every state, and ``returned``, of the
    greedy policy, are NaN once a network has diverged. ``scale``, root mean square of the targets, and ``error``, that
    of the fit on what is seen, are of the fits alone.

    Parameters
    ----------
    seen
        (seed, state, action), the pairs that training sees; the loss is ½ the mean square over these.
    arms
        Of ``ARMS``; the seeds of an arm start alike in all.
    """
    states, actions = grid.rewards.shape
    count = len(seeds)
    dtype = torch.float32 if plan.single else torch.float64
    weights = [w.to(dtype).repeat(len(arms), 1, 1).requires_grad_()
               for w in start(states, actions, seeds, plan.wide, plan.width)]
    optimiser = OPTIMISERS[plan.optimiser](weights, plan.rate)
    mask = torch.tensor(np.tile(seen, (len(arms), 1, 1)), dtype=dtype)
    mask = mask / mask.sum((1, 2), keepdim=True)
    punished = torch.tensor([PENALTY if arm == "with penalty" else 0.0 for arm in arms
                             for _ in seeds], dtype=dtype)
    which = torch.nonzero(punished).ravel()
    kept = {name: [] for name in ("singular", "returned", "scale", "error")}
    q = keep(grid, weights, kept, len(arms))
    for fit in range(plan.fits):
        aims = np.stack([targets(grid, arm, q[place], fit) for place, arm in enumerate(arms)])
        if "of another network" in arms:
            aims[arms.index("of another network")] = np.roll(aims[arms.index("bootstrapped")], -1, 0)
        aims = torch.tensor(aims.reshape(-1, states, actions), dtype=dtype)
        for _ in range(plan.steps):
            loss = (mask * (torch.baddbmm(weights[-1], phi := features(weights), weights[-2]) - aims) ** 2).sum() / 2
            if len(which):
                loss = loss + PENALTY * spread(phi[which]).sum()
            gradients = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                optimiser.step(weights, gradients)
        q = keep(grid, weights, kept, len(arms))
        left = torch.tensor(q.reshape(-1, states, actions)) - aims
        kept["error"].append((mask * left**2).sum((1, 2)).sqrt().numpy())
        kept["scale"].append((mask * aims**2).sum((1, 2)).sqrt().numpy())
    return {name: np.moveaxis(np.array(each).reshape(len(each), len(arms), count, *np.shape(each)[2:]), 0, 2)
            for name, each in kept.items()}
