"""Small made data sets: the degenerate pair, two opposing points, separable, non-separable and mixed clouds."""

from __future__ import annotations

import numpy as np

from catapult.datasets.decomposition import decompose
from catapult.datasets.problem import Problem
from catapult.datasets.separability import certify
from catapult.parameters import InputError, nearest, whole

DRAWS = 20
EASY = 4  # clouds of :func:`easy_clouds`


def degenerate_pair() -> Problem:
    """Return the two points (x = 1, y = +1) and (x = 1, y = −1): no classifier is right on both.

    Examples
    --------
    >>> degenerate_pair().Z.tolist()
    [[1.0], [-1.0]]
    """
    return Problem([[1.0], [1.0]], [1.0, -1.0], name="the degenerate pair (1, +1), (1, −1)")


def opposing(margin: float, share) -> np.ndarray:
    """Return the signed inputs (ρ, 1), (ρ, −b), shape (…, 2, 2), for b in ``share`` of shape (…).

    Their largest margin is ρ, ``margin``, if b ≥ 0.

    Examples
    --------
    >>> opposing(0.5, 1.0).tolist()
    [[0.5, 1.0], [0.5, -1.0]]
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

    Examples
    --------
    >>> certify(separable_cloud(20, 2, margin=0.5, seed=0).Z).kind
    'separable'
    """
    _check(n, dimension, margin=margin, seed=seed)
    rng = np.random.default_rng(seed)
    u, y, X = _direction(rng, dimension), _labels(n), rng.standard_normal((n, dimension))
    along = X @ u
    X += (y * (margin + np.abs(along)) - along)[:, None] * u
    return Problem(X, y, name=f"{n} separable points in {dimension} dimensions, margin {margin:g}")


def easy_clouds(n: int, dimension: int) -> np.ndarray:
    """Return the signed inputs of :func:`separable_cloud`, margin 1/2, at the seeds 0 to 3, shape (EASY, n, d).

    Examples
    --------
    >>> easy_clouds(6, 2).shape
    (4, 6, 2)
    """
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

    Examples
    --------
    >>> certify(overlapping_cloud(20, 2, separation=1.0, seed=0).Z).kind
    'strictly non-separable'
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


SPREADS = {"even": 1.0, "uneven": 4.0}
"""The standard deviation of the second coordinate outside E, by name; that of all others is 1."""


def mixed_cloud(points: int, share: float, *, inside: int, outside: int, separation: float, signal: float, spread: str,
                seed: int, test_points: int = 4000) -> Problem:
    """Draw points of which a certified share is separable; the span E of the rest and what is outside carry signal.

    All points have an overlapping cloud's coordinates within E, the first ``inside``. A ``share`` of them, chosen at
    random, has y·signal + g in the next coordinate and further ``outside`` − 1 of noise; the others have zeros there.
    Draws repeat, from one stream, until it is certified that just these points are the separable part, and that the
    others span E. Test points follow the same law, with the same share.

    Parameters
    ----------
    points, share
        How many, at least 2, and which share of them is separable, in (0, 1).
    inside, outside
        Dimensions, at least 1 and 2. With more separable points than ``outside`` few draws pass.
    separation, signal
        Distance between the means of the classes within E, and half of it outside.
    spread
        A name of ``SPREADS``: "even", and the Bayes direction outside E is that of the means; or "uneven", and the
        mean of a few points is far from it.
    seed, test_points
        Seed of every draw, ≥ 0; size of the test set, ≥ 2.

    Raises
    ------
    InputError
        For a value out of range, and if none of 20 draws passes.

    Examples
    --------
    >>> cloud = mixed_cloud(40, 0.1, inside=2, outside=5, separation=1.0, signal=1.0, spread="even", seed=0)
    >>> parts = decompose(cloud.Z)
    >>> parts.kind, int(parts.separable.sum()), parts.rank
    ('mixed', 4, 2)
    """
    _check(points, inside, separation=separation, seed=seed)
    whole("outside", outside, 2), whole("test_points", test_points, 2)
    if spread not in SPREADS:
        raise InputError(f"spread = {spread!r}{nearest(spread, SPREADS)}; allowed: {', '.join(SPREADS)}")
    if not (0 < share < 1 and 1 <= round(share * points) < points and np.isfinite(signal)):
        raise InputError(f"share = {share!r}, signal = {signal!r}; allowed: some of the {points} points, and a number")
    rng = np.random.default_rng(seed)
    direction, deviations = _direction(rng, inside), np.ones(outside)
    deviations[1] = SPREADS[spread]

    def draw(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        y, chosen = _labels(count), np.zeros(count, bool)
        chosen[rng.permutation(count)[:round(share * count)]] = True
        within = rng.standard_normal((count, inside)) + y[:, None] * (separation / 2) * direction
        beyond = rng.standard_normal((count, outside)) * deviations
        beyond[:, 0] += signal * y
        return np.hstack([within, beyond * chosen[:, None]]), y, chosen

    for _ in range(DRAWS):
        X, y, chosen = draw(points)
        parts = decompose(y[:, None] * X)
        if parts.rank == inside and (parts.separable == chosen).all():
            X_test, y_test, _ = draw(test_points)
            return Problem(X, y, X_test, y_test, f"{points} points, {chosen.sum()} of them separable, {inside} "
                           f"dimensions within the span of the others and {outside} outside, {spread} noise")
    raise InputError(f"mixed_cloud: none of {DRAWS} draws of {points} points has just {round(share * points)} in "
                     f"its separable part; allowed: fewer of them, more dimensions outside ({outside}) or more others")


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
