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
        "separable", "non-separable" or "strictly non-separable".
    direction
        If separable: w with z_i·w > 0 for all i; else None.
    weights
        If non-separable: λ_i ≥ 0, not all zero, with Σ λ_i z_i = 0; if strictly, all positive, and the z_i of rank d.
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
        size, evidence = (matrix.ncols(), self.direction) if self.separable else (matrix.nrows(), self.weights)
        if len(evidence) != size:
            return False
        if self.separable:
            column = flint.fmpq_mat([[number] for number in self.direction])
            return all(entry > 0 for row in (matrix * column).tolist() for entry in row)
        if min(self.weights) < 0 or max(self.weights) <= 0:
            return False
        sums = flint.fmpq_mat([list(self.weights)]) * matrix
        strict = min(self.weights) > 0 and matrix.rank() == matrix.ncols()
        return not any(sums.tolist()[0]) and (strict or self.kind == "non-separable")


def separability(Z: Sequence[Sequence[Exact]]) -> DataCertificate | Undecided:
    r"""Certify that rational data are separable, non-separable or strictly non-separable.

    Rows that floats do not hold exactly are multiplied by a positive number that makes them whole, which changes no
    verdict; :func:`catapult.datasets.certify` decides the floats, and the evidence is carried back and checked against
    Z itself. Separable: some :math:`z_i\cdot w > 0` for all i. If not, by Gordan's theorem some weights
    :math:`\lambda_i \ge 0`, not all zero, have :math:`\sum\lambda_i z_i = 0`. Strictly non-separable, by Stiemke's:
    all of them positive, and rank d.

    Parameters
    ----------
    Z
        Signed inputs y_i x_i, n rows of d integers, fractions, strings or floats (a float is its binary value).

    Raises
    ------
    InputError
        For rows of different lengths, no rows, or entries that are no rational numbers.
    """
    floats, scales = [], []
    for row in _rational(Z).tolist():
        scale = _scale(row)
        floats.append([_float(entry * scale) for entry in row])
        scales.append(scale)
        if None in floats[-1]:
            return Undecided("a row has no multiple that floats hold exactly, which the linear program needs")
    found = datasets.certify(np.array(floats))
    if found.kind == "undecided":
        return Undecided("the linear program suggested nothing that exact arithmetic confirms")
    if found.separable:
        certificate = DataCertificate(found.kind, direction=tuple(exact("w", float(w)) for w in found.direction))
    else:
        weights = (weight * scale for weight, scale in zip(found.weights, scales, strict=True))
        certificate = DataCertificate(found.kind, weights=tuple(weights))
    return certificate if certificate.holds(Z) else Undecided("the evidence does not hold for the data themselves")


def _float(entry: flint.fmpq) -> float | None:
    """Return the float that equals a rational number, or None."""
    try:
        number = int(entry.p) / int(entry.q)
    except OverflowError:
        return None
    return number if exact("Z", number) == entry else None


def _scale(row: list[flint.fmpq]) -> flint.fmpq:
    """Return 1 if floats hold the row exactly, else the positive number that makes it whole and coprime."""
    if all(_float(entry) is not None for entry in row):
        return flint.fmpq(1)
    denominator = math.lcm(*(int(entry.q) for entry in row))
    common = math.gcd(*(int(entry.p) * denominator // int(entry.q) for entry in row))
    return flint.fmpq(denominator, common or 1)


def _rational(Z: Sequence[Sequence[Exact]]) -> flint.fmpq_mat:
    rows = [[exact("Z", entry) for entry in row] for row in Z]
    if not rows or not rows[0] or len({len(row) for row in rows}) > 1:
        lengths = sorted({len(row) for row in rows})
        raise InputError(f"Z has rows of lengths {lengths}; allowed: n ≥ 1 rows of d ≥ 1 entries")
    return flint.fmpq_mat(rows)
