"""Two-layer linear networks of the three catapult chapters, on the degenerate pair: drawn, made to measure, trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from catapult.oracles.predictor import SLOPES

if TYPE_CHECKING:
    import torch

SIZES = {  # loss: its minimum, and the |f| whose loss exceeds it by this much
    "exponential": (1.0, lambda excess: np.arccosh(1 + excess)),
    "logistic": (math.log(2), lambda excess: 2 * xr.where(
        excess > 300, excess + math.log(2), np.arccosh(np.exp(np.minimum(excess, 300))))),
    "squared": (0.5, lambda excess: np.sqrt(2 * excess)),
}


def drawn(width: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return f0 and λ0 of networks of this width with random weights, each of shape (count,)."""
    w1, w2 = np.random.default_rng([seed, width]).standard_normal((2, count, width))
    return (w1 * w2).sum(1) / math.sqrt(width), (w1**2 + w2**2).sum(1) / width


def weights(f0: float, ntk0: float, width: int, seed: int) -> list[torch.Tensor]:
    """Return random weights of a network with this output and this kernel: matrices (m, 1) and (1, m), torch.

    w1 ± w2 have random perpendicular directions and the squared lengths m (λ0 ± 2 f0/√m).
    """
    import torch

    plus, minus = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, 2)))[0].T
    plus = plus * math.sqrt(width * ntk0 + 2 * f0 * math.sqrt(width))
    minus = minus * math.sqrt(width * ntk0 - 2 * f0 * math.sqrt(width))
    return [torch.tensor((plus + minus) / 2)[:, None], torch.tensor((plus - minus) / 2)[None]]


def trained(loss: str, width: int, rates, steps: int, **options) -> xr.Dataset:
    """Train one network at several learning rates; return loss, |f| and the kernel λ over (learning_rate, step).

    The loss is less its minimum, |f| is read off it (sizes below 10⁻⁷ are rounding), λ is the squared norm of all
    weights over m. ``options`` are those of :func:`catapult.train`; of its seeds only the first is returned.
    """
    from catapult.datasets import degenerate_pair
    from catapult.networks import Network
    from catapult.training import train

    result = train(degenerate_pair(), Network((1, width, 1)), rates, loss=loss, steps=steps,
                   record=("loss", "weight_norm"), divergence=1e9, **options).isel(seed=0, drop=True)
    minimum, size = SIZES[loss]
    excess = result.loss - minimum
    return xr.Dataset({"loss": excess, "size": size(np.maximum(excess, 0)), "ntk": result.weight_norm**2 / width})


def orbit(loss: str, start: list[torch.Tensor], rate: float, steps: int, largest: float = 30) -> np.ndarray:
    """Return f_t and ηλ_t of gradient descent by autograd from these weights, (2, steps + 1); NaN after |f| > largest.

    f has its sign, which the loss of the pair does not tell. ``loss``: any of ``oracles.predictor.SLOPES``.
    """
    import torch

    w1, w2 = (matrix.ravel().clone().requires_grad_() for matrix in start)
    path = np.full((2, steps + 1), np.nan)
    for t in range(steps + 1):
        f = w2 @ w1 / math.sqrt(len(w1))
        path[:, t] = f.item(), rate * (w1 @ w1 + w2 @ w2).item() / len(w1)
        if abs(path[0, t]) > largest:
            break
        gradients = torch.autograd.grad(f, (w1, w2), SLOPES[loss](f.detach(), torch))
        with torch.no_grad():
            w1 -= rate * gradients[0]
            w2 -= rate * gradients[1]
    return path
