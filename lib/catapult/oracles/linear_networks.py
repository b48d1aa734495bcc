"""Linear networks with one output on any data: gradient descent on all weights, by the chain rule alone."""

from __future__ import annotations

import itertools
import math

import numpy as np
import scipy.sparse.linalg

from catapult.oracles import predictor


class LinearNetworks:
    """R networks f(x) = s W_L … W_1 x side by side: s and matrices (R, m_l, m_{l−1}), the last with one row."""

    def __init__(self, matrices, scale: float):
        self.matrices, self.scale = list(matrices), scale

    @classmethod
    def drawn(cls, sizes, rng: np.random.Generator, runs: int = 1) -> LinearNetworks:
        """Return networks with weights N(0, 1) in the NTK parametrisation; ``sizes``: inputs, widths, 1."""
        shapes = [(runs, after, before) for before, after in itertools.pairwise(sizes)]
        return cls([rng.standard_normal(shape) for shape in shapes], math.prod(sizes[:-1]) ** -0.5)

    def repeated(self, runs: int) -> LinearNetworks:
        """Return this one network ``runs`` times."""
        return LinearNetworks([np.repeat(W, runs, axis=0) for W in self.matrices], self.scale)

    def above(self) -> list[np.ndarray]:
        """Return the rows W_L … W_{l+1}, (R, m_l), for l = 0 … L."""
        rows = [np.ones((len(self.matrices[0]), 1))]
        for W in reversed(self.matrices):
            rows.insert(0, (rows[0][:, None] @ W)[:, 0])
        return rows

    @property
    def product(self) -> np.ndarray:
        """v (R, d), with which the networks are x ↦ v·x."""
        return self.scale * self.above()[0]

    def ntk(self, x: np.ndarray) -> np.ndarray:
        """Return |∂f(x)/∂W|² (R,) at one input x (d,)."""
        below, kernel = np.tile(x, (len(self.matrices[0]), 1)), 0.0
        for W, above in zip(self.matrices, self.above()[1:], strict=True):
            kernel = kernel + (above**2).sum(1) * (below**2).sum(1)
            below = (W @ below[:, :, None])[:, :, 0]
        return self.scale**2 * kernel

    def descend(self, Z: np.ndarray, rates, steps: int, loss: str = "logistic") -> LinearNetworks:
        """Make steps of gradient descent on the risk on signed inputs, one rate a network or one for all."""
        push = self.scale * np.broadcast_to(rates, len(self.matrices[0])).astype(float)[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(steps):
                above = self.above()
                below = predictor.gradient(Z, self.scale * above[0], loss)  # W_{l−1} … W_1 ∇L(v)
                for k, W in enumerate(self.matrices):
                    self.matrices[k] = W - (push * above[k + 1])[:, :, None] * below[:, None]
                    below = (W @ below[:, :, None])[:, :, 0]
        return self

    def sharpness(self, Z: np.ndarray) -> np.ndarray:
        """Return the largest eigenvalue (R,) of the Hessian in the weights of two layers, by products with vectors."""
        return np.array([_sharpness(Z, W, w[0], self.scale) for W, w in zip(*self.matrices, strict=True)])


def _sharpness(Z: np.ndarray, first: np.ndarray, second: np.ndarray, s: float) -> float:
    m, d = first.shape
    v = s * first.T @ second
    H, G = predictor.hessian(Z, v), predictor.gradient(Z, v)

    def product(vector):
        A, b = vector[:m * d].reshape(m, d), vector[m * d:]
        change = H @ (s * (A.T @ second + first.T @ b))  # of G, along the change of v
        return np.concatenate([(s * (np.outer(second, change) + np.outer(b, G))).ravel(),
                               s * (first @ change + A @ G)])

    size, start = m * d + m, np.random.default_rng(0)
    operator = scipy.sparse.linalg.LinearOperator((size, size), matvec=product, dtype=float)
    return float(scipy.sparse.linalg.eigsh(operator, k=1, which="LA", tol=1e-8, v0=start.standard_normal(size))[0][0])
