"""The compiled loop of :mod:`catapult.theory.two_parts`."""

from __future__ import annotations

import math

import numba
import numpy as np

from catapult.theory import _kernels  # noqa: F401  (says where what is compiled is kept)


@numba.njit(cache=True)
def orbit(Z, first, second, scale, rate, records):
    """Return at the recorded steps v = s W₁ᵀ w₂, s²|w₂|², and the sum over all steps before of −∇L(v)."""
    (n, d), k = Z.shape, len(second)
    W, w, v, pull, turn = first.copy(), second.copy(), np.empty(d), np.zeros(d), np.empty(k)
    total, vectors = np.zeros(d), np.empty((len(records), d))
    scales, sums = np.empty(len(records)), np.empty_like(vectors)
    step, lengthening = 0, rate * scale
    for r in range(len(records)):
        while True:
            v[:] = 0.0
            for j in range(k):
                for a in range(d):
                    v[a] += scale * W[j, a] * w[j]
            if step == records[r]:
                break
            pull[:] = 0.0
            for i in range(n):
                margin = 0.0
                for a in range(d):
                    margin += Z[i, a] * v[a]
                share = 1 / (n * (1 + math.exp(margin)))
                for a in range(d):
                    pull[a] += share * Z[i, a]
            for j in range(k):
                turn[j] = 0.0
                for a in range(d):
                    turn[j] += W[j, a] * pull[a]
            for j in range(k):
                for a in range(d):
                    W[j, a] += lengthening * w[j] * pull[a]
                w[j] += lengthening * turn[j]
            total += pull
            step += 1
        vectors[r], scales[r], sums[r] = v, scale**2 * (w * w).sum(), total
    return vectors, scales, sums
