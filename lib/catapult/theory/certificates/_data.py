"""Separability of data with rational entries, checked again in rational arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import flint
import numpy as np

from catapult import datasets
from catapult.parameters import InputError
from catapult.theory.certificates._outcomes import Exact, Undecided, exact


@dataclass(frozen=True)
class DataCertificate:
    """A verdict on rational signed inputs z_i, with evidence that adding fractions can check.

    Attributes
    ----------
    kind
        "separable", "non-separable" (but not strictly), "strictly non-separable", or, of large data sets,
        "non-separable, strictly or not", which claims less.
    direction
        If separable: w with z_i·w > 0 for all i. If "non-separable": v ≠ 0 with z_i·v ≥ 0 for all i. Else None.
    weights
        If non-separable, of any kind: λ_i ≥ 0, not all zero, with Σ λ_i z_i = 0; if strictly, all positive, and the z_i
        of rank d.
    """

    kind: str
    direction: tuple[flint.fmpq, ...] | None = None
    weights: tuple[flint.fmpq, ...] | None = None

    @property
    def separable(self) -> bool:
        """Whether the data are."""
        return self.kind == "separable"

    def holds(self, Z: Sequence[Sequence[Exact]]) -> bool:
        """Check the evidence against Z again, in rational arithmetic."""
        matrix = _rational(Z)
        if self.separable:
            return min(_products(matrix, self.direction), default=0) > 0
        if len(self.weights or ()) != matrix.nrows() or min(self.weights) < 0 or max(self.weights) <= 0:
            return False
        if any((flint.fmpq_mat([list(self.weights)]) * matrix).tolist()[0]):
            return False
        if self.kind == "non-separable":
            return any(self.direction or ()) and min(_products(matrix, self.direction), default=-1) >= 0
        return self.kind == datasets.separability.OPEN or (min(self.weights) > 0 and matrix.rank() == matrix.ncols())


def _products(matrix: flint.fmpq_mat, direction) -> list[flint.fmpq]:
    """Return the z_i·w, or nothing if w is not of their dimension."""
    if len(direction or ()) != matrix.ncols():
        return []
    return [row[0] for row in (matrix * flint.fmpq_mat([[entry] for entry in direction])).tolist()]


def separability(Z: Sequence[Sequence[Exact]]) -> DataCertificate | Undecided:
    r"""Certify that rational data are separable, non-separable but not strictly so, or strictly non-separable.

    :func:`catapult.datasets.certify` decides data that floats hold exactly. Else each row is multiplied by the positive
    number that makes it whole, which changes no verdict, and :func:`catapult.datasets.separability.certify_whole`
    decides, up to the sizes that it says. The evidence is carried back and checked against Z itself. Separable: some
    :math:`z_i\cdot w > 0` for all i. If not, by Gordan's theorem some weights :math:`\lambda_i \ge 0`, not all zero,
    have :math:`\sum\lambda_i z_i = 0`. Strictly non-separable, by Stiemke's: all of them positive, and rank d; if not,
    some :math:`v \ne 0` has :math:`z_i\cdot v \ge 0` for all i.

    Parameters
    ----------
    Z
        Signed inputs y_i x_i, n rows of d integers, fractions, strings or floats (a float is its binary value).

    Raises
    ------
    InputError
        For rows of different lengths, no rows, or entries that are no rational numbers.

    Examples
    --------
    >>> [separability(Z).kind for Z in ([["1"], ["1/3"]], [["1"], ["-1/3"]])]
    ['separable', 'strictly non-separable']
    """
    rows = _rational(Z).tolist()
    floats = [[_float(entry) for entry in row] for row in rows]
    if not any(entry is None for row in floats for entry in row):
        scales, found = [1] * len(rows), datasets.certify(np.array(floats))
    else:
        scales = [_scale(row) for row in rows]
        matrix = flint.fmpz_mat([[int((entry * scale).p) for entry in row]
                                 for row, scale in zip(rows, scales, strict=True)])
        if not datasets.separability.fits(matrix):
            return Undecided("floats do not hold the data, and the exact simplex method would take too long")
        found = datasets.separability.certify_whole(matrix)
    if found.kind == "undecided":
        return Undecided("the linear program suggested nothing that exact arithmetic confirms")
    direction = None if found.direction is None else tuple(exact("w", entry) for entry in found.direction)
    weights = None
    if found.weights is not None:
        weights = tuple(flint.fmpq(weight) * scale for weight, scale in zip(found.weights, scales, strict=True))
    certificate = DataCertificate(found.kind, direction, weights)
    return certificate if certificate.holds(Z) else Undecided("the evidence does not hold for the data themselves")


def _float(entry: flint.fmpq) -> float | None:
    """Return the float that equals a rational number, or None."""
    try:
        number = int(entry.p) / int(entry.q)
    except OverflowError:
        return None
    return number if exact("Z", number) == entry else None


def _scale(row: list[flint.fmpq]) -> flint.fmpq:
    """Return the positive number that makes a row whole and coprime."""
    denominator = math.lcm(*(int(entry.q) for entry in row))
    common = math.gcd(*(int(entry.p) * denominator // int(entry.q) for entry in row))
    return flint.fmpq(denominator, common or 1)


def _rational(Z: Sequence[Sequence[Exact]]) -> flint.fmpq_mat:
    rows = [[exact("Z", entry) for entry in row] for row in Z]
    if not rows or not rows[0] or len({len(row) for row in rows}) > 1:
        lengths = sorted({len(row) for row in rows})
        raise InputError(f"Z has rows of lengths {lengths}; allowed: n ≥ 1 rows of d ≥ 1 entries")
    return flint.fmpq_mat(rows)
