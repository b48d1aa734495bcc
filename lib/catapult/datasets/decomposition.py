r"""The separable and the non-separable part of a data set, with an exact certificate (Ji and Telgarsky, 2018).

The *separable part* of signed inputs :math:`z_1, \dots, z_n` is the largest set P of points such that some v has
:math:`z_i\cdot v > 0` for i in P and :math:`z_i\cdot v = 0` for all others. The others span a subspace E, within which
they are strictly non-separable: weights :math:`\lambda_i > 0` have :math:`\sum_{i\notin P} \lambda_i z_i = 0`. Both
facts together prove that P is the separable part: any v' with :math:`z_i\cdot v' \ge 0` for all i has
:math:`\sum\lambda_i z_i\cdot v' = 0`, so it vanishes on all points outside P.

A linear program in floating point only suggests P, v and, as its multipliers, the weights; what is returned was solved
and checked in whole numbers: floats are whole multiples of a power of two. On 4,096 images of 784 whole pixel values
both together take less than a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd

import flint
import numpy as np
import scipy.optimize
import scipy.sparse

from catapult.datasets import separability
from catapult.datasets.entries import exact_floats
from catapult.parameters import InputError

METHODS = ("highs-ipm", "highs-ds")
"""Solvers of the linear program, in the order in which they are asked: the interior points are the faster on images."""
UNITS = (2**12, 2**52)
"""In how many steps the suggested v is cut, of its largest coordinate: small numbers first, then all its digits."""
WEIGHT_UNITS = 2**20


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
        Signed inputs y_i x_i, shape (n, d), finite. What is certified is this array as it stands; whole numbers,
        such as pixel values, keep the exact arithmetic short.

    Raises
    ------
    InputError
        If Z is not a finite matrix, if an entry is equal to no float, if no linear program ends with a solution, or if
        what they suggest does not pass the exact check.

    Examples
    --------
    >>> parts = decompose([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0]])
    >>> parts.kind, parts.separable.tolist(), parts.rank
    ('mixed', [False, False, True], 1)
    """
    Z = exact_floats(Z)
    matrix = separability.integer_matrix(Z)
    failure = "no linear program ends with a solution"
    for method in METHODS:
        suggestion = _suggestion(Z, method)
        if suggestion is None:
            continue
        failure = "the parts that the linear program suggests fail the exact check"
        separable, v, multipliers = suggestion
        direction = next((u for u in _directions(Z, matrix, separable, v) if _splits(matrix, u, separable)), None)
        weights = None if direction is None else _weights(Z, ~separable, multipliers)
        if weights is not None:
            return Decomposition(separable, direction, weights, _rows(matrix, ~separable).rank())
    raise InputError(f"Z: {failure}; allowed: data whose points are not within rounding of the other part")


def _suggestion(Z: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Maximise Σ t_i subject to Zv ≥ t, 0 ≤ t ≤ 1; return where t is 1, v and the multipliers, or None.

    t is 1 on P (v can be scaled up) and 0 elsewhere. The multipliers of Zv ≥ t are weights that balance the rows, of
    length about 1: at least 1 where t < 1, and 0 on P, where v can be so long that Zv > 1.
    """
    n, d = Z.shape
    rows = scipy.sparse.csr_array(_equal_rows(Z)[0])
    solution = scipy.optimize.linprog(
        np.r_[np.zeros(d), -np.ones(n)], A_ub=scipy.sparse.hstack([-rows, scipy.sparse.eye_array(n)], format="csr"),
        b_ub=np.zeros(n), bounds=[(None, None)] * d + [(0, 1)] * n, method=method)
    if solution.status != 0:
        return None
    return solution.x[d:] > 0.5, solution.x[:d], -solution.ineqlin.marginals


def _equal_rows(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows, each times a power of two so that its largest entry is about 1, and the exponents, (n,)."""
    exponents = -np.frexp(np.abs(Z).max(axis=1))[1]
    return np.ldexp(Z, exponents[:, None]), exponents


def _rows(matrix: flint.fmpz_mat, which: np.ndarray) -> flint.fmpz_mat:
    table = matrix.table()
    return flint.fmpz_mat(int(which.sum()), matrix.ncols(), [x for i in np.flatnonzero(which) for x in table[i]])


def _directions(Z: np.ndarray, matrix: flint.fmpz_mat, separable: np.ndarray,
                suggestion: np.ndarray) -> Iterator[tuple[int, ...]]:
    """Yield candidates for v: near the suggestion, in small numbers, then in as many digits as it has.

    If all points are separable, at last a separator that :func:`catapult.datasets.separability.certify` found.
    """
    if not separable.any():
        yield (0,) * Z.shape[1]
        return
    rest = _rows(matrix, ~separable)
    for unit in UNITS:
        yield _direction(rest, suggestion, unit)
    if separable.all() and (separator := separability.certify(Z).direction) is not None:
        yield _whole([flint.fmpq(*float(x).as_integer_ratio()) for x in separator])


def _splits(matrix: flint.fmpz_mat, direction: tuple[int, ...], separable: np.ndarray) -> bool:
    """Whether z_i·v is positive on the separable part and 0 elsewhere, exactly."""
    return all(p > 0 if inside else p == 0
               for p, inside in zip(separability.products(matrix, direction), separable, strict=True))


def _direction(rest: flint.fmpz_mat, suggestion: np.ndarray, unit: int) -> tuple[int, ...]:
    """Return whole numbers v near a multiple of the suggestion with rest·v = 0, if rest has the rank that it has mod p.

    The coordinates where its echelon form modulo a prime has no pivot are taken from the suggestion, as multiples of
    1/``unit`` of its largest; as many independent rows then give the others.
    """
    largest = float(np.abs(suggestion).max()) or 1.0
    v = [flint.fmpq(round(unit * (float(x) / largest)), unit) for x in suggestion]
    columns, rows = _pivots(rest), _pivots(rest.transpose())
    if columns:
        table, free = rest.table(), sorted(set(range(len(v))) - set(columns))
        square = flint.fmpq_mat(flint.fmpz_mat([[table[i][j] for j in columns] for i in rows]))
        right = [-sum((table[i][j] * v[j] for j in free), flint.fmpq(0)) for i in rows]
        solution = square.solve(flint.fmpq_mat(len(rows), 1, right), algorithm="dixon").entries()
        for j, x in zip(columns, solution, strict=True):
            v[j] = x
    return _whole(v)


def _pivots(matrix: flint.fmpz_mat) -> list[int]:
    """Return the pivot columns of the reduced echelon form modulo a prime."""
    if 0 in (matrix.nrows(), matrix.ncols()):
        return []
    echelon, rank = flint.nmod_mat(matrix, separability.PRIME).rref()
    rows = echelon.table()[:rank]
    return [next(j for j, entry in enumerate(row) if entry != 0) for row in rows]


def _weights(Z: np.ndarray, outside: np.ndarray, multipliers: np.ndarray) -> tuple[int, ...] | None:
    """Return weights λ_i > 0 of the points outside P with Σ λ_i z_i = 0 exactly, or None.

    The multipliers, rounded, but on a basis of the rows, the heavy ones first, whose weights follow exactly. Where that
    fails, and the data are small, what :func:`catapult.datasets.separability.certify` finds.
    """
    if not outside.any():
        return ()
    rows, exponents = _equal_rows(Z[outside])
    matrix = separability.integer_matrix(Z[outside])
    basis, columns = separability.basis(np.maximum(multipliers[outside], 0)[:, None] * rows)
    fixed = [max(round(WEIGHT_UNITS * float(x)), 1) << int(e - exponents.min())
             for x, e in zip(multipliers[outside], exponents, strict=True)]
    for i in basis:
        fixed[i] = 0
    weights = separability.completed(matrix, fixed, basis, columns)
    if weights and min(weights) > 0 and separability.balances(matrix, weights):
        divisor = gcd(*weights)
        return tuple(weight // divisor for weight in weights)
    weights = separability.certify(Z[outside]).weights if separability.fits(matrix) else None
    return tuple(weights) if weights and min(weights) > 0 else None


def _whole(v: list[flint.fmpq]) -> tuple[int, ...]:
    """Return the multiple of v by a positive number that has whole coordinates without a common divisor."""
    common = 1
    for x in v:
        common = common * int(x.q) // gcd(common, int(x.q))
    whole = [int(x.p) * (common // int(x.q)) for x in v]
    divisor = gcd(*whole) or 1
    return tuple(x // divisor for x in whole)
