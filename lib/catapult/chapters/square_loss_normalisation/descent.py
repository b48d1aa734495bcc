"""Gradient descent of many runs of one network side by side: same data and minibatches, own rate and decay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from catapult import losses
from catapult.networks import Network


def follow(network: Network, X: Tensor, y: Tensor, weights: Sequence[Tensor], rates: np.ndarray, decays: np.ndarray,
           *, steps: int, momentum: float = 0.0, batch_size: int | None = None,
           seed: int = 0) -> Iterator[list[Tensor]]:
    """Yield the weights before each step and after the last; the tensors are changed in place.

    Parameters
    ----------
    weights
        Matrices (R, m_out, m_in) of R runs.
    rates, decays
        Learning rate and weight decay of each run, (R,); the decay is added to the gradient of the mean loss, on all
        weights, as in :func:`catapult.training.train`, which the tests compare.
    batch_size, seed
        None for full batches, else the size of minibatches, which divides n, and the seed of their order.
    """
    loss = losses.get("squared", network.outputs)
    W = [matrix.clone().requires_grad_() for matrix in weights]
    v = [torch.zeros_like(matrix) for matrix in weights]
    rate, decay = (torch.as_tensor(each, dtype=X.dtype)[:, None, None] for each in (rates, decays))
    rng, order = np.random.default_rng([seed, 5]), []
    for _ in range(steps):
        yield W
        rows = slice(None)
        if batch_size:
            if not len(order):
                order = list(rng.permutation(len(X)).reshape(-1, batch_size))
            rows = order.pop()
        f = network.forward_with_hidden(W, X[rows])[0]
        slopes = torch.autograd.grad(loss.of(f, y[rows]).mean(-1).sum(), W)
        with torch.no_grad():
            for matrix, velocity, slope in zip(W, v, slopes, strict=True):
                velocity.mul_(momentum).add_(slope + decay * matrix)
                matrix -= rate * velocity
    yield W
