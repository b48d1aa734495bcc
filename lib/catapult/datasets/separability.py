r"""Certificates of linear separability, exact for the floating-point numbers that are given.

With :math:`z_i = y_i x_i` the rows of Z, shape (n, d), a bias-free linear predictor w classifies all points
correctly iff :math:`z_i \cdot w > 0` for all i. By Gordan's theorem exactly one of these holds:

* *separable*: some w has :math:`z_i \cdot w > 0` for all i;
* *non-separable*: some weights :math:`\lambda_i \ge 0`, not all zero, have :math:`\sum_i \lambda_i z_i = 0`.

By Stiemke's theorem the non-separable data are *strictly* so (every :math:`v \ne 0` has some
:math:`z_i \cdot v < 0`, that is 0 lies in the interior of conv{z_i}) iff all :math:`\lambda_i > 0` can be had
and Z has rank d. Then, and only then, the logistic risk is strictly convex with a minimiser. Else some
:math:`v \ne 0` has :math:`z_i \cdot v \ge 0` for all i: weights and such a v certify the kind between.

A linear program in floating point only suggests w or the support of λ. Floats are exact dyadic rationals, so
what it suggests is then solved and checked in integers. What this leaves open an exact simplex method decides, up to
a size (``fits``); beyond, a check that fails gives "undecided", never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import flint
import numpy as np
import scipy.linalg
import scipy.optimize

from catapult.datasets import feasibility
from catapult.datasets.entries import exact_floats

OPEN = "non-separable, strictly or not"
KINDS = ("separable", "non-separable", "strictly non-separable", OPEN, "undecided")
EXACT_SIZES = ((10_000, 5), (1_000, 10), (100, 20))  # n, d
PRIME = 2**61 - 1  # a rank modulo a prime is a lower bound on the rank


@dataclass(frozen=True, eq=False)
class Certificate:
    """A verdict on Z and the evidence for it.

    Attributes
    ----------
    kind
        One of ``KINDS``: "non-separable" is certified not to be strictly so; ``OPEN`` where neither is proved.
    direction
        If separable: a separator w of shape (d,), float64, for whose very floats the inequalities hold; or whole
        numbers of any size, if floats are too coarse. If "non-separable": whole numbers v, not all zero, with
        z_i·v ≥ 0 for all i.
    weights
        If non-separable, of any kind: whole numbers λ_i ≥ 0, not all zero, with Σ λ_i z_i = 0 exactly.
    margin
        If separable: min_i z_i·w/|w|, a lower bound (up to rounding) on the largest margin; else nan.
    smallest_weight
        If non-separable: min_i λ_i over the mean of the λ_i; positive if all are; else nan.
    """

    kind: str
    direction: np.ndarray | tuple[int, ...] | None = None
    weights: tuple[int, ...] | None = None
    margin: float = float("nan")
    smallest_weight: float = float("nan")

    @property
    def separable(self) -> bool | None:
        """True, False, or None if undecided."""
        return {"separable": True, "undecided": None}.get(self.kind, False)

    def holds(self, Z: np.ndarray) -> bool:
        """Check the evidence against Z again, in integers; False for "undecided"."""
        matrix = integer_matrix(exact_floats(Z))
        if self.kind == "separable":
            return _separates(matrix, self.direction)
        if self.kind == "undecided" or not balances(matrix, self.weights):
            return False
        if self.kind == "non-separable":
            return _supports(matrix, self.direction)
        return self.kind == OPEN or (min(self.weights) > 0 and _has_full_rank(matrix))


def certify(Z: np.ndarray) -> Certificate:
    """Decide whether some w has z_i·w > 0 for all rows z_i of Z, with exact evidence.

    Parameters
    ----------
    Z
        Signed inputs y_i x_i, shape (n, d), finite: floats, or integers, fractions or decimals that are equal to
        floats. What is certified is this array as it stands: features that were centred or projected in floating point
        count as the floats that they became.

    Returns
    -------
    Certificate
        Up to sizes that ``fits`` says, one of the three kinds: "separable", "strictly non-separable", "non-separable".
        Beyond, also ``OPEN`` or "undecided", where rounding hides what the linear program should see.

    Raises
    ------
    InputError
        If Z is not a finite matrix, or has an entry that no float is equal to: nothing is rounded.

    Examples
    --------
    >>> [certify(Z).kind for Z in ([[1, 0], [0, 1]], [[1, 0], [-1, 0]], [[1], [-1]])]
    ['separable', 'non-separable', 'strictly non-separable']
    """
    Z = exact_floats(Z)
    matrix = integer_matrix(Z)
    row_exponents, column_exponents = _equilibration(Z)
    scaled = np.ldexp(Z, row_exponents[:, None] + column_exponents)
    direction, farkas = _least_squares(Z), None
    if direction is None:
        direction, farkas = _separation_program(scaled)
        # Shrunk together: a scale common to all components changes no sign, and none can overflow.
        direction = direction if direction is None else np.ldexp(direction,
                                                                 column_exponents - column_exponents.max())
    if direction is not None and _separates(matrix, direction):
        margin = float((Z @ direction).min() / np.linalg.norm(direction))
        return Certificate("separable", direction=direction, margin=margin)
    units = [1 << int(e - row_exponents.min()) for e in row_exponents]
    weights = _positive_weights(matrix, scaled, units)
    if weights is not None and _has_full_rank(matrix):
        return _non_separable("strictly non-separable", weights)
    if fits(matrix):
        return certify_whole(matrix, _exponent(Z))
    weights = weights or (None if farkas is None else _weights_on_support(matrix, scaled, farkas))
    if weights is None:
        return Certificate("undecided")
    unused = next((j for j in range(matrix.ncols()) if not Z[:, j].any()), None)
    if unused is None:
        return _non_separable(OPEN, weights)
    return _non_separable("non-separable", weights, [int(j == unused) for j in range(matrix.ncols())])


def fits(matrix: flint.fmpz_mat) -> bool:
    """Whether the exact simplex method takes seconds at most: n ≤ 10,000 and d ≤ 5, 1,000 and 10, or 100 and 20."""
    return any(matrix.nrows() <= n and matrix.ncols() <= d for n, d in EXACT_SIZES)


def certify_whole(matrix: flint.fmpz_mat, exponent: int = 0) -> Certificate:
    """Decide the kind of Z = 2^−``exponent`` times whole numbers, shape (n, d), by linear programs solved exactly.

    Weights λ = 1 + μ, μ ≥ 0, that balance the rows: by Stiemke's theorem there are none iff some v has Zv ≥ 0 and
    Σ z_i·v > 0, and what is found then is v. If there is one, v may still not separate: weights of sum 1 balance the
    rows, or by Gordan's theorem some w has Zw ≥ 1.
    """
    n, d = matrix.nrows(), matrix.ncols()
    sums = (flint.fmpz_mat([[1] * n]) * matrix).entries()
    extra, support = feasibility.solve(matrix.transpose(), [-total for total in sums])
    if extra is not None:
        weights = feasibility.whole_multiple([1 + more for more in extra])
        if _has_full_rank(matrix):
            return _non_separable("strictly non-separable", weights)
        return _non_separable("non-separable", weights, _annihilated(matrix))
    rows = [*matrix.transpose().table(), [1] * n]
    weights, separator = feasibility.solve(flint.fmpz_mat(rows), [0] * d + [1])
    if weights is not None:
        return _non_separable("non-separable", feasibility.whole_multiple(weights), support)
    return _separable(matrix, separator[:d], exponent)


def _separable(matrix: flint.fmpz_mat, direction: list[int], exponent: int) -> Certificate:
    with flint.ctx.workprec(64):
        margin = flint.arb(min(products(matrix, direction))) * flint.arb(2) ** -exponent
        margin = float(margin / flint.arb(sum(entry * entry for entry in direction)).sqrt())
    largest = max(map(abs, direction))
    floats = np.array([float(flint.arb(flint.fmpq(entry, largest))) for entry in direction])
    return Certificate("separable", floats if _separates(matrix, floats) else tuple(direction), margin=margin)


def _annihilated(matrix: flint.fmpz_mat) -> list[int]:
    """Return whole numbers v, not all zero, with Zv = 0, of a matrix whose rank is below d."""
    kernel, _ = matrix.nullspace()
    column = [int(row[0]) for row in kernel.table()]
    divisor = math.gcd(*column)
    return [entry // divisor for entry in column]


def _non_separable(kind: str, weights: Sequence[int], direction: Sequence[int] | None = None) -> Certificate:
    smallest = float(flint.fmpq(min(weights) * len(weights), sum(weights)))
    return Certificate(kind, None if direction is None else tuple(direction), tuple(weights), smallest_weight=smallest)


# The linear programs, in floating point: suggestions only.


def _equilibration(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return exponents r (n,) and c (d,) such that 2^(r_i + c_j) Z_ij has rows and columns of size about 1.

    Positive factors on rows and columns change no verdict; without them the tolerances of the linear program
    would blot out small rows and features.
    """
    def exponents(magnitudes):
        return -np.frexp(np.where(magnitudes > 0, magnitudes, 1.0))[1]

    rows = exponents(np.abs(Z).max(axis=1))
    return rows, exponents(np.abs(np.ldexp(Z, rows[:, None])).max(axis=0))


def _least_squares(Z: np.ndarray) -> np.ndarray | None:
    """Return a w that about minimises |Zw − 1|², if it separates clearly.

    With about as many features as points it often does, ten times faster than the linear program. Directions
    in which Z is a thousand times smaller than in the largest are left out: they cost margin.
    """
    Z = np.ldexp(Z, -np.frexp(np.abs(Z).max())[1])
    direction = np.linalg.lstsq(Z, np.ones(len(Z)), rcond=1e-3)[0]
    return direction if (Z @ direction).min() > 0.01 else None


def _separation_program(Z: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Maximise t subject to Zw ≥ t, |w_j| ≤ 1, t ≤ 1; return w and the multipliers of Zw ≥ t."""
    n, d = Z.shape
    solution = scipy.optimize.linprog(
        np.r_[np.zeros(d), -1.0], A_ub=np.c_[-Z, np.ones(n)], b_ub=np.zeros(n),
        bounds=[(-1, 1)] * d + [(None, 1)], method="highs-ds")
    return (solution.x[:d], -solution.ineqlin.marginals) if solution.status == 0 else (None, None)


def _positive_weights_program(Z: np.ndarray) -> np.ndarray | None:
    """Minimise Σμ_i subject to Zᵀ(1 + μ) = 0, μ ≥ 0: a vertex, so at most d of the μ_i are not zero."""
    n, _ = Z.shape
    solution = scipy.optimize.linprog(np.ones(n), A_eq=Z.T, b_eq=-Z.sum(axis=0), bounds=(0, None),
                                      method="highs-ds")
    return solution.x if solution.status == 0 else None


# From suggestion to proof, in integers.


def _positive_weights(matrix, scaled: np.ndarray, units: list[int]) -> list[int] | None:
    """Return weights λ_i > 0 with Σλ_i z_i = 0, or None.

    λ_i = 1 (in the units of the scaled rows) outside a basis of rows; the basis weights follow exactly. The
    linear program says which rows carry more than 1; a rounding error there may only not exceed 1.
    """
    extra = _positive_weights_program(scaled)
    if extra is None:
        return None
    preference = np.where(extra > 1e-9, 1.0, 1e-3)
    rows, columns = basis(preference[:, None] * scaled)
    fixed = list(units)
    for i in rows:
        fixed[i] = 0
    weights = completed(matrix, fixed, rows, columns)
    return weights if weights and min(weights) > 0 and balances(matrix, weights) else None


def _weights_on_support(matrix, scaled: np.ndarray, farkas: np.ndarray) -> list[int] | None:
    """Return weights λ_i ≥ 0, not all zero, with Σλ_i z_i = 0, on the support of ``farkas``; or None.

    At a vertex the rows of the support have rank one less than their number: one weight is set to 1.
    """
    for tolerance in (1e-9, 1e-6):
        support = np.flatnonzero(farkas > tolerance * farkas.max())
        first = int(np.argmax(farkas))
        rest = support[support != first]
        fixed = [0] * len(scaled)
        fixed[first] = 1
        rows, columns = basis(scaled[rest])
        weights = completed(matrix, fixed, rest[rows], columns)
        if weights and balances(matrix, weights):
            return weights
    return None


def basis(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return as many rows, and then columns, as the rank of Z in floating point, the large ones first."""
    if 0 in Z.shape:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    r, rows = scipy.linalg.qr(Z.T, mode="r", pivoting=True)
    sizes = np.abs(np.diag(r))
    rank = int((sizes > 1e-12 * sizes[0]).sum())
    rows = rows[:rank]
    _, columns = scipy.linalg.qr(Z[rows], mode="r", pivoting=True)
    return rows, columns[:rank]


def completed(matrix, fixed: list[int], rows: np.ndarray, columns: np.ndarray) -> list[int] | None:
    """Return the whole-number multiple of ``fixed`` plus weights on ``rows`` that balances ``columns``.

    ``fixed`` is zero on ``rows``. The weights of ``rows`` may come out negative; None if singular.
    """
    if len(rows) == 0:
        return fixed
    table = matrix.table()
    square = flint.fmpz_mat([[table[i][j] for i in rows] for j in columns])
    sums = (flint.fmpz_mat([fixed]) * matrix).table()[0]
    try:
        solution = square.solve(flint.fmpz_mat([[-sums[j]] for j in columns]))
    except ZeroDivisionError:
        return None
    numerators, denominator = solution.numer_denom()
    weights = [int(denominator) * weight for weight in fixed]
    for i, numerator in zip(rows, numerators.entries(), strict=True):
        weights[i] = int(numerator)
    return weights


def _exponent(Z: np.ndarray) -> int:
    """Return a k, not far above the least, for which 2^k Z has whole entries."""
    return 53 - int(np.frexp(Z[Z != 0])[1].min(initial=1024))


def integer_matrix(Z: np.ndarray) -> flint.fmpz_mat:
    """Return 2^k Z, k of :func:`_exponent`, without any rounding."""
    mantissas, exponents = np.frexp(Z)
    whole, shift = np.ldexp(mantissas, 53).astype(np.int64), 53 - _exponent(Z)
    shifted = whole.astype(object) << np.where(whole != 0, exponents - shift, 0).astype(object)
    return flint.fmpz_mat(*Z.shape, shifted.ravel().tolist())


def _separates(matrix, direction: np.ndarray | Sequence[int]) -> bool:
    return min(products(matrix, direction), default=0) > 0


def _supports(matrix, direction: Sequence[int]) -> bool:
    """Whether v is not 0 and no z_i·v is negative."""
    return min(products(matrix, direction), default=-1) >= 0 and any(direction)


def products(matrix, direction: np.ndarray | Sequence[int] | None) -> list[flint.fmpz]:
    """Return the z_i·w, up to a positive factor; nothing if w is not of their dimension."""
    if direction is None or len(direction) != matrix.ncols():
        return []
    if isinstance(direction, np.ndarray):
        return (matrix * integer_matrix(np.asarray(direction, dtype=np.float64)[:, None])).entries()
    return (matrix * flint.fmpz_mat([[int(entry)] for entry in direction])).entries()


def balances(matrix, weights: Sequence[int]) -> bool:
    """Whether the weights are ≥ 0, not all zero, and Σ weights_i z_i = 0."""
    return (weights is not None and len(weights) == matrix.nrows() and min(weights) >= 0 and max(weights) > 0
            and not any((flint.fmpz_mat([list(weights)]) * matrix).entries()))


def _has_full_rank(matrix) -> bool:
    return flint.nmod_mat(matrix, PRIME).rank() == matrix.ncols()
