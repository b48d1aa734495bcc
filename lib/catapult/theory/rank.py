r"""Effective rank, and what repeated kernel regression on one's own values does to it (Kumar et al. 2021, as recalled).

Kernel regression with ridge c on targets y gives :math:`A y`, :math:`A = G(G + cI)^{-1}`. With targets
:math:`R + \gamma P Q_{k-1}` and :math:`S = \gamma P A` the k-th fit is :math:`A M_k R`,
:math:`M_k = \sum_{i<k} S^i`; if the targets carry no reward, it is :math:`A S^{k-1} y`.
"""

from __future__ import annotations

import numpy as np

PART = 0.01


def srank(singular: np.ndarray, part: float = PART) -> np.ndarray:
    r"""Return :math:`\min\{k : \sum_{i \le k}\sigma_i \ge (1 - \delta)\sum_i\sigma_i\}` along the last axis.

    Of singular values ≥ 0, not all 0, shape (…, d), in any order; δ is ``part``, in (0, 1).

    Examples
    --------
    >>> int(srank([4.0, 3.0, 3.0, 0.0]))
    3
    """
    falling = -np.sort(-np.asarray(singular, float), axis=-1)
    sums = np.cumsum(falling, -1)
    return (sums < (1 - part) * sums[..., -1:] * (1 - 1e-12)).sum(-1) + 1


def torus_eigenvalues(side: int, discount: float, width: float, ridge: float) -> np.ndarray:
    r"""Return the eigenvalues of S on the side × side torus, :math:`\gamma p(k)\hat g(k)/(\hat g(k) + c)`, by Fourier.

    P is the walk to the four neighbours, :math:`p(k) = (\cos k_1 + \cos k_2)/2`; the kernel is
    :math:`e^{-d^2/2w^2}`, d the distance around the torus. Both are circulant, so they commute and S is symmetric.
    γ is ``discount``, in (0, 1), w > 0 ``width``, c ≥ 0 ``ridge``. Shape (side²,).

    Examples
    --------
    >>> torus_eigenvalues(2, 0.9, 0.1, 0.0).round(9).tolist()  # without ridge γ p(k)
    [0.9, 0.0, 0.0, -0.9]
    """
    cosine = np.cos(2 * np.pi * np.arange(side) / side)
    return discount * ((cosine[:, None] + cosine) / 2).ravel() * torus_fit(side, width, ridge)


def torus_fit(side: int, width: float, ridge: float) -> np.ndarray:
    """Return the eigenvalues of A on the torus, of one fit, in the order of :func:`torus_eigenvalues`.

    Examples
    --------
    >>> torus_fit(2, 0.1, 1.0).round(9).tolist()  # points that see only themselves: 1/(1 + c)
    [0.5, 0.5, 0.5, 0.5]
    """
    steps = np.arange(side)
    one = np.fft.fft(np.exp(-np.minimum(steps, side - steps) ** 2 / (2 * width**2))).real
    kernel = np.outer(one, one).ravel()
    return kernel / (kernel + ridge)


def distilled(eigenvalues: np.ndarray, fits: int) -> np.ndarray:
    """Return the singular values of S^k, k = ``fits`` ≥ 0, from the eigenvalues of S of any shape.

    Examples
    --------
    >>> distilled(np.array([0.5, -0.25]), 2).tolist()
    [0.25, 0.0625]
    """
    return np.abs(eigenvalues) ** fits


def rewarded(eigenvalues: np.ndarray, fits: int) -> np.ndarray:
    """Return the singular values of M_k, (1 − s^k)/(1 − s), k = ``fits`` ≥ 1, from the eigenvalues s of S, in (−1, 1).

    Examples
    --------
    >>> rewarded(np.array([0.5, 0.0]), 3).tolist()  # 1 + 1/2 + 1/4
    [1.75, 1.0]
    """
    return (1 - eigenvalues**fits) / (1 - eigenvalues)
