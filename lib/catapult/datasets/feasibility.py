r"""Linear feasibility decided exactly: :math:`x \ge 0` with :math:`Ax = b`, or Farkas' proof that there is none.

By Farkas' lemma exactly one of these holds: some x ≥ 0 has Ax = b; some y has :math:`y^\top A \ge 0` and
:math:`y\cdot b < 0`. The first phase of the simplex method finds either. In integers and fractions nothing is rounded,
and with Bland's rule, the first of the columns and rows that may change, it never returns to a basis: it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm

import flint


def solve(A: flint.fmpz_mat, b: Sequence[int]) -> tuple[list[flint.fmpq] | None, list[int] | None]:
    """Decide whether some x ≥ 0 has Ax = b.

    Parameters
    ----------
    A, b
        Whole numbers, shapes (r, n) and (r,), r and n at least 1. The rows may depend on each other.

    Returns
    -------
    x, y
        x of shape (n,), a vertex with at most r entries that are not 0, and None; or None, and y of shape (r,), whole
        numbers with yᵀA ≥ 0 and y·b < 0.
    """
    r, n = A.nrows(), A.ncols()
    signs = [-1 if entry < 0 else 1 for entry in b]  # with b ≥ 0 the artificial variables are a first basis
    rows = [[sign * entry for entry in row] for sign, row in zip(signs, A.table(), strict=True)]
    matrix, right = flint.fmpz_mat(rows), [[abs(entry)] for entry in b]
    columns = [*matrix.transpose().table(), *([int(i == j) for j in range(r)] for i in range(r))]
    basis = list(range(n, n + r))
    while True:
        square = flint.fmpz_mat([columns[j] for j in basis])  # its rows are the basis columns of A
        cost = flint.fmpz_mat([[int(j >= n)] for j in basis])
        prices = whole_multiple(square.solve(cost).entries())
        gains = (flint.fmpz_mat([prices]) * matrix).entries()
        entering = next((j for j, gain in enumerate(gains) if gain > 0), None)
        sides = flint.fmpz_mat([[entry[0], 0 if entering is None else rows[i][entering]]
                                for i, entry in enumerate(right)])
        levels = square.transpose().solve(sides).tolist()
        if entering is None:
            if any(level[0] != 0 for j, level in zip(basis, levels, strict=True) if j >= n):
                return None, [-sign * price for sign, price in zip(signs, prices, strict=True)]
            x = [flint.fmpq(0)] * n
            for j, level in zip(basis, levels, strict=True):
                if j < n:
                    x[j] = level[0]
            return x, None
        # The sum of the artificial variables is at least 0, so that some variable of the basis falls.
        _, _, leaving = min((level / change, basis[i], i) for i, (level, change) in enumerate(levels) if change > 0)
        basis[leaving] = entering


def whole_multiple(numbers: list[flint.fmpq]) -> list[int]:
    """Return the least multiple of these by a positive number that is whole."""
    common = lcm(*(int(number.q) for number in numbers))
    return [int(number.p) * (common // int(number.q)) for number in numbers]
