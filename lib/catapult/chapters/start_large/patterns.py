r"""Data of two patterns, after Li, Wei, Ma (2019), and the network of two branches that they train.

An input is (x1, x2), its label y = ±1, fair. *P*, in x1, is easy to fit and hard to generalise: x1 ~ N(0, I/d), but for
one direction, along which y x1 √d is a normal number above a margin. *Q*, in x2, is hard to fit and easy to generalise,
on a plane spanned by z and ζ: x2 = αz for y = 1 and α(z ± ζ), fair, for y = −1, α uniform on [0, 1]. An input has P
alone (x2 = 0), Q alone (x1 = 0) or both. Reconstructed from summaries: of the paper we read abstract and introduction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

KINDS = ("P alone", "Q alone", "both")
SLOPE = 0.1
"""Slope of the leaky ReLU at negative arguments."""


@dataclass(frozen=True)
class Sample:
    """Inputs ``x1`` (n, d) and ``x2`` (n, 2), its coordinates along z and ζ; labels ``y`` (n,)."""

    x1: np.ndarray
    x2: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Patterns:
    """How the data are drawn: d, the margin of P in units of 1/√d, |z| and |ζ|, the precision."""

    dimension: int
    margin: float
    common: float
    offset: float
    dtype: str = "float64"

    def drawn(self, rng: np.random.Generator, kinds: np.ndarray) -> Sample:
        """Draw an input of each of these kinds, places in ``KINDS``, shape (n,)."""
        count = len(kinds)
        y = rng.choice([-1.0, 1.0], count)
        x1 = rng.standard_normal((count, self.dimension))
        x1[:, 0] = y * ndtri(ndtr(self.margin) + rng.random(count) * ndtr(-self.margin))
        sign, length = rng.choice([-1.0, 1.0], count), rng.random(count)
        x2 = length[:, None] * np.stack([np.full(count, self.common), self.offset * sign * (y < 0)], 1)
        x1[kinds == KINDS.index("Q alone")] = 0
        x2[kinds == KINDS.index("P alone")] = 0
        return Sample(*(array.astype(self.dtype) for array in (x1 / np.sqrt(self.dimension), x2, y)))


@dataclass(frozen=True)
class Branches:
    """Weights of R networks f = a · φ(W x1) + a · φ(V x2): ``W`` (R, m, d), ``V`` (R, m, 2), ``a`` (m,) = ±1/√m, fixed.

    φ is the leaky ReLU. Of V only what acts on the plane of z and ζ is kept: the rest meets no input.
    """

    W: np.ndarray
    V: np.ndarray
    a: np.ndarray

    @classmethod
    def drawn(cls, rng: np.random.Generator, units: int, dimension: int, scale: float, dtype: str) -> Branches:
        """Draw one network, R = 1, with entries N(0, scale²); units with a > 0 and a < 0 take turns."""
        W, V = scale * rng.standard_normal((units, dimension)), scale * rng.standard_normal((units, 2))
        a = np.where(np.arange(units) % 2, 1.0, -1.0) / np.sqrt(units)
        return cls(W[None].astype(dtype), V[None].astype(dtype), a.astype(dtype))

    def repeated(self, count: int) -> Branches:
        """Return as many copies of the one network."""
        return Branches(np.repeat(self.W, count, 0), np.repeat(self.V, count, 0), self.a)

    def outputs(self, sample: Sample) -> np.ndarray:
        """Return f, shape (R, n)."""
        return sum(_branch(weights, x)[0] @ self.a for weights, x in ((self.W, sample.x1), (self.V, sample.x2)))

    def loss(self, sample: Sample) -> np.ndarray:
        """Return the mean logistic loss, without the penalty, shape (R,)."""
        return np.logaddexp(0, -sample.y * self.outputs(sample)).mean(1)

    def accuracy(self, sample: Sample) -> np.ndarray:
        """Return the share of inputs with y f > 0, shape (R,)."""
        return (sample.y * self.outputs(sample) > 0).mean(1)

    def stepped(self, sample: Sample, rates: np.ndarray, decay: float, noise: np.ndarray | None = None,
                rng: np.random.Generator | None = None) -> Branches:
        """Return the networks after a step of each at its rate: −η (gradient + decay · weights + noise).

        Parameters
        ----------
        sample
            The training set, all of it.
        rates
            η of each network, shape (R,).
        decay
            λ of the penalty (λ/2)(|W|² + |V|²).
        noise, rng
            Deviation of the normal noise on each entry of the gradient, shape (R,), and its stream; None for none.
        """
        pairs = [(self.W, sample.x1), (self.V, sample.x2)]
        (p, p_slope), (q, q_slope) = (_branch(*pair) for pair in pairs)
        y, dtype = sample.y, self.a.dtype
        pull = -y * _sigmoid(-y * (p @ self.a + q @ self.a)) / y.dtype.type(len(y))
        rates = rates.astype(dtype)[:, None, None]
        new = []
        for (weights, x), slope in zip(pairs, (p_slope, q_slope), strict=True):
            gradient = np.matmul((slope * pull[:, :, None]).transpose(0, 2, 1), x) * self.a[:, None]
            if noise is not None:
                gradient += noise.astype(dtype)[:, None, None] * rng.standard_normal(weights.shape, dtype=dtype)
            new.append((1 - rates * dtype.type(decay)) * weights - rates * gradient)
        return Branches(*new, self.a)

    def sharpness(self, sample: Sample) -> float:
        """Return the largest eigenvalue of the Gauss–Newton part of the Hessian of the loss, for one network.

        It is the whole Hessian where no input lies on a kink: the network is piecewise linear in each weight.
        """
        grams = []
        for weights, x in ((self.W, sample.x1), (self.V, sample.x2)):
            slope = _branch(weights, x)[1][0].astype(float) * self.a
            grams.append((slope @ slope.T) * (x.astype(float) @ x.T.astype(float)))
        f = self.outputs(sample)[0].astype(float)
        curvature = np.sqrt(_sigmoid(f) * _sigmoid(-f))
        return float(np.linalg.eigvalsh(curvature[:, None] * sum(grams) * curvature / len(f))[-1])


def _branch(weights: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return φ and φ' of weights @ x, shape (R, n, m) each."""
    value = np.matmul(x, weights.transpose(0, 2, 1))
    slope = np.where(value > 0, value.dtype.type(1), value.dtype.type(SLOPE))
    return value * slope, slope


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -80, 80)))
