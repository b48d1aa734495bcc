r"""Deep linear networks with one output, full batch: contracted from the output side, rank-one updates.

With :math:`V_l = s_l W_l` (see :mod:`catapult.training.dense`), the network is the vector :math:`v`:

.. math:: b_k = 1, \quad b_{l-1} = V_l^\top b_l, \quad v = b_0, \quad f = X v, \quad
   a_0 = \tfrac1n X^\top (y\,\ell'(y f)), \quad a_l = V_l a_{l-1}, \quad
   V_l \leftarrow V_l - \eta s_l^2\, b_l a_{l-1}^\top .

A step costs matrix-vector products and rank-one updates on the weights of each run, and one product with X
and one with its transpose for all runs: no term grows as samples × weights.

With fewer samples than inputs, :math:`X^\top = Q R` (Q with n orthonormal columns): gradient descent moves
:math:`V_1` only within the span of Q, so :math:`V_1 Q` is trained on the n × n data :math:`R^\top`, and the
rest of :math:`V_1` stays as it was drawn. Both forms are exact.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from catapult.training.task import Task

CACHE = 8 * 2**20  # bytes that the weights of a block may take


def applies(task: Task) -> bool:
    """Return whether this engine can do the task: linear, hidden layers, full batch."""
    return task.network.activation == "linear" and task.network.depth >= 2 and task.batch_size is None


class Linear:
    """R runs at once: V_l (R, m_l, m_{l−1}), vectors as rows (R, m)."""

    def __init__(self, task: Task):
        self.task = task
        self.Q, self.X = task.span or (None, task.X)
        widths = (self.X.shape[1], *task.network.widths[1:])
        entries = sum(m_in * m_out for m_in, m_out in pairwise(widths))
        self.block = max(1, CACHE // (entries * task.X.element_size()))

    def start(self, runs):
        self.learning_rates = self.task.rates(runs)[:, None]
        start = self.task.stacked_start(runs)
        self.V = [scale * W for scale, W in zip(self.task.network.scales, start, strict=True)]
        if self.Q is not None:
            self.drawn = self.V[0]
            self.V[0] = self.drawn @ self.Q

    def outputs(self):
        self.b = [torch.ones_like(self.learning_rates)]
        for V in reversed(self.V):
            self.b.insert(0, _rows(self.b[0], V))
        self.f = self.b[0] @ self.X.mT
        return self.f

    def step(self, factor, batch):
        y = self.task.y
        slope = y * self.task.loss.slope(y * self.f) / len(y)
        a = (factor * self.learning_rates * slope) @ self.X
        for V, b, scale in zip(self.V, self.b[1:], self.task.network.scales, strict=True):
            above = _rows(a, V.mT)
            V.addcmul_(b[:, :, None], a[:, None, :], value=-scale**2)
            a = above

    def weights(self):
        V = self.V
        if self.Q is not None:
            V = [self.drawn + (V[0] - self.drawn @ self.Q) @ self.Q.mT, *V[1:]]
        return [matrix / scale for matrix, scale in zip(V, self.task.network.scales, strict=True)]

    def keep(self, alive):
        self.learning_rates, self.f = self.learning_rates[alive], self.f[alive]
        self.V, self.b = [V[alive] for V in self.V], [b[alive] for b in self.b]
        if self.Q is not None:
            self.drawn = self.drawn[alive]


def _rows(vectors, matrices):
    """Return each vector times its matrix. As rows: several times faster than columns in batched products."""
    return torch.bmm(vectors[:, None, :], matrices)[:, 0]
