r"""The separable and the non-separable part of a data set, with an exact certificate (Ji and Telgarsky, 2018).

The *separable part* of signed inputs :math:`z_1, \dots, z_n` is the largest set P of points such that some v has
:math:`z_i\cdot v > 0` for i in P and :math:`z_i\cdot v = 0` for all others. The others span a subspace E, within which
they are strictly non-separable: weights :math:`\lambda_i > 0` have :math:`\sum_{i\notin P} \lambda_i z_i = 0`. Both
facts together prove that P is the separable part: any v' with :math:`z_i\cdot v' \ge 0` for all i has
:math:`\sum\lambda_i z_i\cdot v' = 0`, so it vanishes on all points outside P.

A linear program in floating point only suggests P and v; what is returned was checked in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd

import flint
import numpy as np
import scipy.optimize

from catapult.datasets.entries import exact_floats
from catapult.datasets.separability import certify
from catapult.parameters import InputError


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The two parts of a data set and the evidence for them.

    Attributes
    ----------
    separable
        Which points belong to the separable part P, shape (n,), bool.
    direction
        Whole numbers v, shape (d,): z_i·v > 0 on P, = 0 elsewhere, exactly. Zeros if P is empty.
    weights
        Whole numbers λ_i > 0 of the points outside P, in their order: Σ λ_i z_i = 0 exactly.
    rank
        The dimension of E, the span of the points outside P.
    """

    separable: np.ndarray
    direction: tuple[int, ...]
    weights: tuple[int, ...]
    rank: int

    @property
    def kind(self) -> str:
        """"separable", "strictly non-separable" (E is the whole space), "non-separable" (P is empty) or "mixed"."""
        if self.separable.all():
            return "separable"
        if self.separable.any():
            return "mixed"
        return "strictly non-separable" if self.rank == len(self.direction) else "non-separable"


def decompose(Z: np.ndarray) -> Decomposition:
    """Split signed inputs into their separable and their non-separable part.

    Parameters
    ----------
    Z
        Signed inputs y_i x_i, shape (n, d), finite. For small data: the rational arithmetic grows like (n + d) d².

    Raises
    ------
    InputError
        If Z is not a finite matrix, if an entry is equal to no float, or if what the linear program suggests does not
        pass the exact check.
    """
    Z = exact_floats(Z)
    separable, suggestion = _suggestion(Z)
    rows, rest = _exact(Z), _exact(Z[~separable])
    direction = next((v for v in _directions(Z, separable, rest, suggestion) if _splits(rows, v, separable)), None)
    weights = () if separable.all() else certify(Z[~separable]).weights or ()
    if direction is None or len(weights) != (~separable).sum() or min(weights, default=1) <= 0:
        raise InputError("Z: the parts that the linear program suggests fail the exact check; allowed: data whose "
                         "points are not within rounding of the other part")
    return Decomposition(separable, direction, tuple(weights), rest.rank() if len(Z[~separable]) else 0)


def _suggestion(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximise Σ t_i subject to Zv ≥ t, 0 ≤ t ≤ 1: t is 1 on P (v can be scaled up) and 0 elsewhere."""
    n, d = Z.shape
    rows = np.ldexp(Z, -np.frexp(np.abs(Z).max(axis=1, keepdims=True))[1])  # so that no length overflows
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 0.5)
    solution = scipy.optimize.linprog(np.r_[np.zeros(d), -np.ones(n)], A_ub=np.c_[-rows, np.eye(n)], b_ub=np.zeros(n),
                                      bounds=[(None, None)] * d + [(0, 1)] * n, method="highs")
    return solution.x[d:] > 0.5, solution.x[:d]


def _exact(Z: np.ndarray) -> flint.fmpq_mat:
    """Return the floats of Z as the rational numbers that they are."""
    entries = [flint.fmpq(*float(x).as_integer_ratio()) for x in Z.ravel()]
    return flint.fmpq_mat(*Z.shape, entries)


def _directions(Z: np.ndarray, separable: np.ndarray, rest: flint.fmpq_mat,
                suggestion: np.ndarray) -> Iterator[tuple[int, ...]]:
    """Yield candidates for v: near the suggestion, in small numbers, then in as many digits as it has.

    If all points are separable, at last a separator that :func:`catapult.datasets.separability.certify` found.
    """
    if not separable.any():
        yield (0,) * Z.shape[1]
        return
    for unit in (2**12, 2**52):
        yield _direction(rest, suggestion, unit)
    if separable.all() and (separator := certify(Z).direction) is not None:
        yield _whole([flint.fmpq(*x.as_integer_ratio()) for x in separator])


def _splits(rows: flint.fmpq_mat, direction: tuple[int, ...], separable: np.ndarray) -> bool:
    """Whether z_i·v is positive on the separable part and 0 elsewhere, exactly."""
    products = [sum((x * v for x, v in zip(row, direction, strict=True)), flint.fmpq(0)) for row in rows.tolist()]
    return all(p > 0 if inside else p == 0 for p, inside in zip(products, separable, strict=True))


def _direction(rest: flint.fmpq_mat, suggestion: np.ndarray, unit: int) -> tuple[int, ...]:
    """Return whole numbers v near a multiple of the suggestion with rest·v = 0 exactly.

    In reduced echelon form the pivot coordinates of v follow from the free ones, which are taken from the suggestion,
    as multiples of 1/``unit`` of its largest.
    """
    d, largest = len(suggestion), float(np.abs(suggestion).max()) or 1.0
    v = [flint.fmpq(round(unit * (float(x) / largest)), unit) for x in suggestion]
    if rest.nrows():
        echelon, rank = rest.rref()
        for i in range(rank):
            pivot = next(j for j in range(d) if echelon[i, j] != 0)
            v[pivot] = -sum((echelon[i, j] * v[j] for j in range(pivot + 1, d)), flint.fmpq(0))
    return _whole(v)


def _whole(v: list[flint.fmpq]) -> tuple[int, ...]:
    """Return the multiple of v by a positive number that has whole coordinates without a common divisor."""
    common = 1
    for x in v:
        common = common * int(x.q) // gcd(common, int(x.q))
    whole = [int(x.p) * (common // int(x.q)) for x in v]
    divisor = gcd(*whole) or 1
    return tuple(x // divisor for x in whole)
