r"""The Chebyshev task: a small tanh network fits a polynomial at a few points; many runs side by side.

.. math:: L(w) = \frac{1}{2n} \sum_i (f_w(x_i) - T_k(x_i))^2, \qquad
   f_w(x) = W_3 \tanh(W_2 \tanh(W_1 (x, 1)^\top)),

:math:`x_i` evenly spaced in [−1, 1]. The library's networks have no biases: a constant second input gives the first
layer one, which stands for the biases of Cohen et al. (2021). Entries of each matrix are drawn from N(0, g²/fan-in),
g = ``GAIN``: at 1 the sharpness takes half as long again to rise.

Written out in numpy, since ``catapult.train`` takes labels and not values; a run is a row of all its weights.
Derivatives of the gradient along a unit vector v are central differences: of first order :math:`Hv`; of second order
:math:`\nabla_w (v^\top H v)`, which at the top eigenvector is the gradient of the sharpness.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.polynomial import chebyshev

from catapult.curvature import hessians, lanczos
from catapult.networks import Network

GAIN = 1.5
FIRST, SECOND = 1e-5, 1e-3  # lengths of the differences: rounding against curvature of the curve


class Squares:
    """½(f − y)² for values y, with what curvature asks of a loss."""

    name = "squares"

    def of(self, f, y):
        """Return the loss of each point."""
        return (f - y) ** 2 / 2

    def gradient(self, f, y):
        """Return ∂ℓ/∂f."""
        return f - y

    def second(self, f, y, change):
        """Return ∂²ℓ/∂f² times a change of f."""
        return change


@dataclass(frozen=True)
class Fit:
    """The task: so many points, a degree, a width of the two hidden layers."""

    width: int
    degree: int = 4
    points: int = 20

    @cached_property
    def x(self) -> np.ndarray:
        """The inputs (n, 2): a point, and the constant."""
        return np.stack([np.linspace(-1, 1, self.points), np.ones(self.points)], 1)

    @cached_property
    def y(self) -> np.ndarray:
        """The values of the polynomial, (n,)."""
        return chebyshev.chebval(self.x[:, 0], [0] * self.degree + [1])

    @cached_property
    def network(self) -> Network:
        """The network, as the library has it."""
        return Network((2, self.width, self.width, 1), "tanh", "standard")

    def start(self, seeds) -> np.ndarray:
        """Return initial weights, a row a seed."""
        drawn = [self.network.initialise(seed) for seed in seeds]
        return GAIN * np.stack([np.concatenate([matrix.numpy().ravel() for matrix in each]) for each in drawn])

    def matrices(self, w: np.ndarray) -> list[np.ndarray]:
        """Return the matrices (R, m_out, m_in) of runs (R, P)."""
        parts, first = [], 0
        for rows, columns in self.network.shapes:
            parts.append(w[:, first:first + rows * columns].reshape(len(w), rows, columns))
            first += rows * columns
        return parts

    def slope(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the losses (R,) and gradients (R, P) of runs (R, P)."""
        first, second, third = self.matrices(w)
        low = np.tanh(first @ self.x.T)
        high = np.tanh(second @ low)
        residual = third @ high - self.y  # (R, 1, n)
        delta = residual / len(self.y)
        upper = (third.swapaxes(1, 2) @ delta) * (1 - high**2)
        lower = (second.swapaxes(1, 2) @ upper) * (1 - low**2)
        gradients = lower @ self.x, upper @ low.swapaxes(1, 2), delta @ high.swapaxes(1, 2)
        return (residual**2).mean((1, 2)) / 2, np.concatenate([part.reshape(len(w), -1) for part in gradients], 1)

    def product(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return Hv for runs w and directions v, both (R, P)."""
        both = self.slope(np.concatenate([w + FIRST * v, w - FIRST * v]))[1]
        return (both[:len(w)] - both[len(w):]) / (2 * FIRST)

    def bend(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the gradient in w of vᵀHv, v held, for runs w and unit directions v, both (R, P)."""
        three = self.slope(np.concatenate([w + SECOND * v, w, w - SECOND * v]))[1]
        ahead, here, behind = three.reshape(3, *w.shape)
        return (ahead - 2 * here + behind) / SECOND**2

    def hessian(self, w: np.ndarray) -> np.ndarray:
        """Return the Hessian (P, P) of one run (P,)."""
        H = self.product(np.broadcast_to(w, (len(w), len(w))), np.eye(len(w)))
        return (H + H.T) / 2

    def sharpness(self, w: np.ndarray, guess: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest Hessian eigenvalues (R,) and unit eigenvectors (R, P) of runs, by Lanczos."""
        product, size = hessians.products(self.network, Squares(), [torch.as_tensor(W) for W in self.matrices(w)],
                                          torch.as_tensor(self.x), torch.as_tensor(self.y))
        start = lanczos.start_vectors(size, range(len(w)), None if guess is None else torch.as_tensor(guess),
                                      torch.empty(0, dtype=torch.float64))
        values, vectors = lanczos.largest(product, *start, tolerance=1e-3)
        return values, vectors.numpy()
