r"""The four settings of the paper's figure at small size: a loss, its gradient, and the values that are counted.

A model is an array of weights with the layers first. ``values`` are the paper's σ: singular values, sizes of feature
weights, amplitudes of frequencies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

TARGET = (4.0, 2.0, 1.0)
GOAL = 1e-2
"""Where training ends: at this part of the loss at the start."""


@dataclass(frozen=True)
class Setting:
    """One problem for one depth: ``start``, ``loss`` and ``gradient`` of the weights, and their ``values`` σ ≥ 0."""

    start: np.ndarray
    loss: Callable[[np.ndarray], float]
    gradient: Callable[[np.ndarray], np.ndarray]
    values: Callable[[np.ndarray], np.ndarray]


def matrix_sensing(depth: int, start: float, seed: int) -> Setting:
    """W = W_N … W_1, 10 by 10, from 90 Gaussian measurements of a matrix with singular values 4, 2, 1; square loss."""
    rng, d, n = np.random.default_rng([1, seed]), 10, 90
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0][:, :len(TARGET)]
    A = rng.standard_normal((n, d, d))
    return _matrices(depth, start, A, basis)


def quadratic(depth: int, start: float, seed: int) -> Setting:
    """A network of squared units, f = xᵀWx: W = U Uᵀ at depth 2 and W itself at depth 1; 90 Gaussian inputs."""
    rng, d, n = np.random.default_rng([2, seed]), 10, 90
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0][:, :len(TARGET)]
    x = rng.standard_normal((n, d))
    A = np.einsum("ni,nj->nij", x, x) - np.eye(d)  # the mean of xxᵀ is subtracted, as a bias would
    if depth == 1:
        return _matrices(1, start, A, basis)
    y = np.einsum("nij,ij->n", A, _target(basis))

    def residual(U):
        return np.einsum("nij,ij->n", A, U[0] @ U[0].T) - y

    return Setting(np.sqrt(start) * np.eye(d)[None], lambda U: 0.5 * float((residual(U) ** 2).mean()),
                   lambda U: 2 * np.einsum("n,nij->ij", residual(U) / n, A)[None] @ U,
                   lambda U: np.linalg.svd(U[0], compute_uv=False) ** 2)


def _target(basis: np.ndarray) -> np.ndarray:
    return (basis * TARGET) @ basis.T


def _matrices(depth: int, start: float, A: np.ndarray, basis: np.ndarray) -> Setting:
    n, d = len(A), A.shape[1]
    y = np.einsum("nij,ij->n", A, _target(basis))
    flat = A.reshape(n, d * d)

    def product(W):
        whole = W[0]
        for layer in W[1:]:
            whole = layer @ whole
        return whole

    def gradient(W):
        outer = (flat.T @ (flat @ product(W).ravel() - y) / n).reshape(d, d)
        found = np.empty_like(W)
        for k in range(depth):
            before, after = np.eye(d), np.eye(d)
            for layer in W[:k]:
                before = layer @ before
            for layer in W[k + 1:]:
                after = layer @ after
            found[k] = after.T @ outer @ before.T
        return found

    return Setting(np.stack([start ** (1 / depth) * np.eye(d)] * depth),
                   lambda W: 0.5 * float(((flat @ product(W).ravel() - y) ** 2).mean()), gradient,
                   lambda W: np.linalg.svd(product(W), compute_uv=False))


def diagonal(depth: int, start: float, seed: int) -> Setting:
    """w = u₊^N − u₋^N on 40 Gaussian points in 40 dimensions, y = sign(8x1 + 4x2 + 2x3 + x4), exponential loss."""
    rng, d, n = np.random.default_rng([3, seed]), 40, 40
    x = rng.standard_normal((n, d))
    Z = np.sign(x[:, :4] @ [8.0, 4.0, 2.0, 1.0])[:, None] * x

    def predictor(u):
        return u[0] ** depth - u[1] ** depth

    def gradient(u):
        push = -depth * (np.exp(-Z @ predictor(u)) @ Z / n)
        return np.stack([push, -push]) * u ** (depth - 1)

    return Setting(np.full((2, d), start ** (1 / depth)), lambda u: float(np.exp(-Z @ predictor(u)).mean()), gradient,
                   lambda u: np.abs(predictor(u)))


def convolutional(depth: int, start: float, seed: int) -> Setting:
    """N circular convolutions of length 32 on 60 Gaussian points, y = sign of three frequencies, 4, 2, 1; same loss.

    The weights are random, as the authors' code has them.
    """
    rng, d, n = np.random.default_rng([4, seed]), 32, 60
    phases, frequencies = np.exp(2j * np.pi * rng.random(len(TARGET))), [3, 7, 11]
    spectrum = np.zeros(d // 2 + 1, dtype=complex)
    spectrum[frequencies] = np.array(TARGET) * phases
    x = rng.standard_normal((n, d))
    Z = np.sign(x @ np.fft.irfft(spectrum, d))[:, None] * x
    scale = (1.5 * start) ** (1 / depth) * np.sqrt(d) ** ((depth - 1) / depth) / d

    def predictor(u):
        return np.fft.irfft(np.fft.rfft(u).prod(axis=0), d)

    def gradient(u):
        slope = np.fft.rfft(-np.exp(-Z @ predictor(u)) @ Z / n)
        hats = np.fft.rfft(u)
        others = np.stack([np.delete(hats, k, axis=0).prod(axis=0) for k in range(depth)])
        return np.fft.irfft(np.conj(others) * slope, d)

    return Setting(scale * rng.standard_normal((depth, d)), lambda u: float(np.exp(-Z @ predictor(u)).mean()), gradient,
                   lambda u: np.abs(np.fft.rfft(u).prod(axis=0)))


SETTINGS = {"matrix sensing": (matrix_sensing, 4), "quadratic network": (quadratic, 2), "diagonal": (diagonal, 3),
            "convolutional": (convolutional, 3)}
"""A setting, and the depth of the paper's figure."""
