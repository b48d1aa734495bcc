"""Two-layer linear networks on the degenerate pair: weights in the plane that they span at the start and never leave.

The output at x = 1 is f = w1·w2/√m, the kernel λ = (|w1|² + |w2|²)/m, and gradient descent on L(f) takes from each of
w1 and w2 (η/√m) L'(f) times the other. Two coordinates of each suffice, whatever the width m.
"""

from __future__ import annotations

import numpy as np

from catapult.oracles import predictor


class Networks:
    """Networks with outputs f0, kernels λ0 ≥ 2|f0|/√m, widths and learning rates of any shapes that broadcast, to S.

    ``w``: the weights, (2, *S, 2); ``width`` and ``rate`` have the shape S. What blows up is kept, at inf or NaN.
    """

    def __init__(self, f0, ntk0, width, rate):
        f0, ntk0, self.width, self.rate = np.broadcast_arrays(*(np.asarray(x, float) for x in (f0, ntk0, width, rate)))
        plus, minus = (np.sqrt(np.maximum(self.width * ntk0 + sign * 2 * f0 * np.sqrt(self.width), 0))
                       for sign in (1, -1))
        self.w = np.stack([np.stack([plus, minus], -1), np.stack([plus, -minus], -1)]) / 2

    @property
    def f(self) -> np.ndarray:
        return (self.w[0] * self.w[1]).sum(-1) / np.sqrt(self.width)

    @property
    def ntk(self) -> np.ndarray:
        return (self.w**2).sum((0, -1)) / self.width

    def descend(self, loss: str, steps: int = 1) -> Networks:
        """Make steps of gradient descent on a loss of ``predictor.SLOPES``; return the networks themselves."""
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(steps):
                change = self.rate / np.sqrt(self.width) * predictor.SLOPES[loss](self.f)
                self.w = self.w - change[..., None] * self.w[::-1]
        return self

    def outputs(self, loss: str, steps: int) -> np.ndarray:
        """Make steps of gradient descent and return f_t, t = 0 … steps, shape (steps + 1, *S)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array([self.f, *(self.descend(loss).f for _ in range(steps))])

    def diverged(self) -> np.ndarray:
        """Return which have |f| ≥ 10⁵ or no f at all."""
        with np.errstate(over="ignore", invalid="ignore"):
            return ~(np.abs(self.f) < 1e5)
