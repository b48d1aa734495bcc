"""Small made data sets: the degenerate pair, two opposing points, separable and non-separable clouds of points."""

from __future__ import annotations

import numpy as np

from catapult.datasets.problem import Problem
from catapult.datasets.separability import certify
from catapult.parameters import InputError, whole

DRAWS = 20
EASY = 4  # clouds of :func:`easy_clouds`


def degenerate_pair() -> Problem:
    """Return the two points (x = 1, y = +1) and (x = 1, y = −1): no classifier is right on both."""
    return Problem([[1.0], [1.0]], [1.0, -1.0], name="the degenerate pair (1, +1), (1, −1)")


def opposing(margin: float, share) -> np.ndarray:
    """Return the signed inputs (ρ, 1), (ρ, −b), shape (…, 2, 2), for b in ``share`` of shape (…).

    Their largest margin is ρ, ``margin``, if b ≥ 0.
    """
    b = np.asarray(share, dtype=float)
    rho = np.full(b.shape, margin)
    return np.stack([rho, np.ones(b.shape), rho, -b], axis=-1).reshape(*b.shape, 2, 2)


def separable_cloud(n: int, dimension: int, margin: float, seed: int) -> Problem:
    """Draw two Gaussian clouds with a gap between them.

    A direction u is drawn uniformly, half of the labels are +1 (the odd one too), and
    x_i = g_i + y_i (margin + |g_i·u| − y_i g_i·u) u with g_i standard Gaussian. So y_i x_i·u ≥ margin for all
    i up to rounding, and across u the clouds are standard Gaussian.

    Parameters
    ----------
    n, dimension
        Numbers of points and features, at least 1.
    margin
        Half the gap, in standard deviations, > 0.
    seed
        Seed of every draw, ≥ 0.

    Raises
    ------
    InputError
        For a value out of range.
    """
    _check(n, dimension, margin=margin, seed=seed)
    rng = np.random.default_rng(seed)
    u, y, X = _direction(rng, dimension), _labels(n), rng.standard_normal((n, dimension))
    along = X @ u
    X += (y * (margin + np.abs(along)) - along)[:, None] * u
    return Problem(X, y, name=f"{n} separable points in {dimension} dimensions, margin {margin:g}")


def easy_clouds(n: int, dimension: int) -> np.ndarray:
    """Return the signed inputs of separable clouds with a margin of half a standard deviation, shape (EASY, n, d)."""
    return np.array([separable_cloud(n, dimension, 0.5, seed).Z for seed in range(EASY)])


def overlapping_cloud(n: int, dimension: int, separation: float, seed: int) -> Problem:
    """Draw two Gaussian clouds that no bias-free linear predictor separates: this is certified.

    x_i = g_i + y_i (separation/2) u with g_i standard Gaussian, u uniform on the sphere, half of the labels
    +1 (the odd one too). Draws repeat, from the same stream, until one is certified strictly non-separable
    (:mod:`catapult.datasets.separability`); so the law is that of the clouds given that they overlap.

    Parameters
    ----------
    n, dimension
        Numbers of points and features, at least 1. With n < 2·dimension most draws are separable.
    separation
        Distance between the means, in standard deviations, ≥ 0.
    seed
        Seed of every draw, ≥ 0.

    Raises
    ------
    InputError
        For a value out of range, and if none of 20 draws is strictly non-separable.
    """
    _check(n, dimension, separation=separation, seed=seed)
    rng = np.random.default_rng(seed)
    y = _labels(n)
    for _ in range(DRAWS):
        shift = y[:, None] * (separation / 2) * _direction(rng, dimension)
        problem = Problem(rng.standard_normal((n, dimension)) + shift, y,
                          name=f"{n} overlapping points in {dimension} dimensions, separation {separation:g}")
        if certify(problem.Z).kind == "strictly non-separable":
            return problem
    raise InputError(f"overlapping_cloud: none of {DRAWS} draws of n = {n} points in {dimension} dimensions "
                     f"at separation {separation:g} is strictly non-separable; allowed: more points, fewer "
                     "dimensions or a smaller separation")


def _check(n: int, dimension: int, seed: int, margin: float = 1.0, separation: float = 0.0) -> None:
    for name, value, least in (("n", n, 1), ("dimension", dimension, 1), ("seed", seed, 0)):
        whole(name, value, least)
    if not 0 < margin < np.inf:
        raise InputError(f"margin = {margin!r}; allowed: a finite number > 0")
    if not 0 <= separation < np.inf:
        raise InputError(f"separation = {separation!r}; allowed: a finite number ≥ 0")


def _direction(rng: np.random.Generator, dimension: int) -> np.ndarray:
    u = rng.standard_normal(dimension)
    return u / np.linalg.norm(u)


def _labels(n: int) -> np.ndarray:
    return np.where(np.arange(n) < (n + 1) // 2, 1.0, -1.0)
