"""Repeated kernel regression on the torus, fit by fit, with dense matrices."""

from __future__ import annotations

import numpy as np


def fitted(side: int, discount: float, width: float, ridge: float, fits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return singular values of the map from first targets to the k-th fit's without rewards, and with them to M_k's.

    The first is of S^k; the second of the sum that regression on R + γ P Q builds, before the last smoothing.
    """
    places = [(i, j) for i in range(side) for j in range(side)]
    count = len(places)
    apart = np.array([[sum(min(abs(p - q), side - abs(p - q)) ** 2 for p, q in zip(one, other, strict=True))
                       for other in places] for one in places])
    kernel = np.exp(-apart / (2 * width**2))
    walk = np.where(apart == 1, 0.25, 0.0)
    bare, with_rewards = np.eye(count), np.eye(count)
    for fit in range(fits):
        bare = discount * walk @ kernel @ np.linalg.solve(kernel + ridge * np.eye(count), bare)
        if fit < fits - 1:
            with_rewards = np.eye(count) + discount * walk @ kernel @ np.linalg.solve(
                kernel + ridge * np.eye(count), with_rewards)
    return tuple(np.linalg.svd(each, compute_uv=False) for each in (bare, with_rewards))
