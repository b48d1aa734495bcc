"""The compiled loop of :mod:`catapult.theory.three_points`."""

from __future__ import annotations

import math

import numba
import numpy as np

from catapult.theory import _kernels  # noqa: F401  (says where what is compiled is kept)


@numba.njit(cache=True)
def orbit(gram, m, rate, records):
    """Return the inner products over m at the recorded steps, and of each stretch mean u², highest and lowest edge."""
    G, N = gram.copy(), np.empty((3, 3))
    grams, window = np.full((len(records), 3, 3), np.nan), np.full((len(records), 3), np.nan)
    M, root, step = np.eye(3), math.sqrt(m), 0
    for r in range(len(records)):
        total, high, low, count = 0.0, -math.inf, math.inf, 0
        while step < records[r]:
            u, p = root * G[0, 2], root * G[1, 2]
            g, h = rate / (3 * root) * math.tanh(u / 2), rate / (3 * root) / (1 + math.exp(p))
            M[0, 2], M[1, 2], M[2, 0], M[2, 1] = -g, h, -g, h
            N[:] = 0.0
            for i in range(3):
                for j in range(3):
                    for k in range(3):
                        for n in range(3):
                            N[i, j] += M[i, k] * G[k, n] * M[j, n]
            G[:] = N
            step += 1
            edge = rate * (G[0, 0] + G[2, 2]) / 12
            if not edge < 1e12:
                return grams, window
            total, count = total + m * G[0, 2] ** 2, count + 1
            high, low = max(high, edge), min(low, edge)
        grams[r] = G
        if count:
            window[r, 0], window[r, 1], window[r, 2] = total / count, high, low
    return grams, window
