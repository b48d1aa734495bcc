r"""Initial weights that any program makes alike: those of the figure on the page that is computed where it is read.

.. math:: s_0 = \text{seed}, \qquad s_k = 48271\, s_{k-1} \bmod (2^{31} - 1), \qquad
   w_k = g \sqrt{3/m_{\text{in}}} \, \Bigl(\frac{2 s_k}{2^{31} - 1} - 1\Bigr),

entries of W1, W2 and W3 in this order, row by row: uniform, with the variance of the chapter's own starts. The
recursion is Park and Miller's; its products are whole numbers below 2⁵³, which double precision holds.
"""

from __future__ import annotations

import numpy as np

from catapult.chapters.edge_of_stability.polynomial import GAIN, Fit

MODULUS, FACTOR = 2**31 - 1, 48271


def start(fit: Fit, seed: int) -> np.ndarray:
    """Return initial weights as a row, shape (1, P), by a seed from 1 to 2³¹ − 2.

    >>> start(Fit(2), 1).shape
    (1, 10)
    """
    drawn = []
    for rows, columns in fit.network.shapes:
        for _ in range(rows * columns):
            seed = seed * FACTOR % MODULUS
            drawn.append(GAIN * np.sqrt(3 / columns) * (2 * seed / MODULUS - 1))
    return np.array([drawn])
