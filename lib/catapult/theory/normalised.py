r"""Square loss with a normalised predictor, f = ρ f_V: the equilibrium of ρ, and weight normalisation of a linear one.

Poggio and Liao (2020): :math:`L = \sum_n(\rho\,y_n f_{V,n} - 1)^2 + \lambda\rho^2`. Of a linear predictor, V is a unit
vector v, w = ρ v, and gradient flow on ρ and v, v kept of length 1, is

.. math:: \dot\rho = -v\cdot g - 2\lambda\rho, \quad \dot v = -\rho(I - vv^T)g, \quad g = 2Z^T(Zw - 1) .
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq


def equilibrium(outputs: np.ndarray, decay: float) -> float:
    """Return ρ_eq = Σ y f_V/(λ + Σ f_V²) for signed outputs y f_V of any shape and λ ≥ 0 on the summed loss.

    Not all outputs are 0.

    Examples
    --------
    >>> [equilibrium(np.array([0.5, 0.5]), decay) for decay in (0.0, 0.5)]  # without decay all ρ f_V are 1
    [2.0, 1.0]
    """
    return float(outputs.sum() / (decay + (outputs**2).sum()))


def least_norm(Z: np.ndarray) -> np.ndarray:
    """Return the shortest w (d,) with Z w = 1, by the pseudo-inverse; Z (n, d) has full row rank.

    Examples
    --------
    >>> least_norm(np.array([[1.0, 1.0]])).round(9).tolist()
    [0.5, 0.5]
    """
    return np.linalg.pinv(Z) @ np.ones(len(Z))


def outside(Z: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the part of v (d,) that no row of Z (n, d) sees, shape (d,).

    Examples
    --------
    >>> outside(np.array([[1.0, 1.0]]), np.array([1.0, 0.0])).round(9).tolist()
    [0.5, -0.5]
    """
    return v - np.linalg.pinv(Z) @ (Z @ v)


def remembered(rho: float, start: float, decayed: float = 0.0) -> float:
    r"""Return what is left of the part of v that the data do not see: :math:`e^{-(\rho^2-\rho_0^2)/2 - 2D}`.

    ``rho`` is ρ now, ``start`` ρ0, both > 0; ``decayed`` is :math:`D = \lambda\int\rho^2\,dt`, 0 without decay (then Wu
    et al., 2020).

    Examples
    --------
    >>> round(remembered(2.0, 1.0), 6)  # exp(−3/2)
    0.22313
    """
    return float(np.exp(-(rho**2 - start**2) / 2 - 2 * decayed))


def length_at_end(least: float, unseen: float, start: float) -> float:
    """Return ρ where the flow without decay interpolates: the root of ρ²(1 − |n|²) = least², n what is remembered.

    Parameters
    ----------
    least
        Length of the shortest interpolating w.
    unseen
        Length below 1 of the part of v(0) outside of the data.
    start
        ρ(0), with ρ(0)·unseen below what the root can be, as it always is.

    Examples
    --------
    >>> round(length_at_end(0.8, 0.6, 1.0), 9)  # the start interpolates: 1 − 0.6² = 0.8²
    1.0
    """
    def lacking(rho):
        return rho**2 * (1 - (unseen * remembered(rho, start)) ** 2) - least**2

    low = least
    high = np.sqrt(least**2 + start**2) + 1.0
    while lacking(high) < 0:
        high *= 2
    return float(brentq(lacking, low, high, xtol=1e-14, rtol=1e-14))
