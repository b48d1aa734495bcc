"""Compiled right side of gradient flow on diagonal networks, and its Jacobian; see :mod:`catapult.theory.diagonal`."""

from __future__ import annotations

import numba
import numpy as np

from catapult import paths

if not numba.config.CACHE_DIR:
    numba.config.CACHE_DIR = str(paths.cache() / "numba")


@numba.njit(cache=True)
def _weight(depth, start, y):
    if depth == 1:
        return start + y
    if depth == 2:
        return start * np.exp(2 * y)
    sign = np.sign(start)
    bracket = np.abs(start) ** (2.0 - depth) - sign**depth * depth * (depth - 2) * y
    return sign * bracket ** (-1 / (depth - 2)) if bracket > 0 else np.nan


@numba.njit(cache=True)
def _parts(Z, depth, start, nu):
    """Return r, v = Zᵀr, and the first two derivatives of w by y."""
    n, d = Z.shape
    margins, c, bend = np.zeros(n), np.empty(d), np.empty(d)
    for i in range(d):
        y = 0.0
        for k in range(n):
            y += nu[k] * Z[k, i]
        p, m = _weight(depth, start[0, i], y), _weight(depth, start[1, i], -y)
        w = p**depth - m**depth
        for k in range(n):
            margins[k] += Z[k, i] * w
        c[i] = depth**2 * (p ** (2 * depth - 2) + m ** (2 * depth - 2))
        bend[i] = 2 * depth**3 * (depth - 1) * (p ** (3 * depth - 4) - m ** (3 * depth - 4)) if depth > 1 else 0.0
    r = np.exp(margins.min() - margins)
    r /= r.sum()
    return r, r @ Z, c, bend


@numba.njit(cache=True)
def velocity(Z, depth, start, nu):
    """Return dν/ds, shape (N,)."""
    r, v, c, _ = _parts(Z, depth, start, nu)
    return r / (v * c * v).sum()


@numba.njit(cache=True)
def jacobian(Z, depth, start, nu):
    """Return the derivative of :func:`velocity` by ν, shape (N, N)."""
    r, v, c, bend = _parts(Z, depth, start, nu)
    q, K = (v * c * v).sum(), (Z * c) @ Z.T
    dr = np.outer(r, r @ K) - r.reshape(-1, 1) * K
    dq = Z @ (bend * v * v) + 2 * (Z @ (c * v)) @ dr
    return dr / q - np.outer(r, dq) / q**2
