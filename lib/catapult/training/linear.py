r"""Deep linear networks with one output, full batch: contracted from the output side, rank-one updates.

With :math:`V_l = s_l W_l` (see :mod:`catapult.training.dense`), the network is the vector :math:`v`:

.. math:: b_k = 1, \quad b_{l-1} = V_l^\top b_l, \quad v = b_0, \quad f = X v, \quad
   a_0 = \tfrac1n X^\top (y\,\ell'(y f)), \quad a_l = V_l a_{l-1}, \quad
   V_l \leftarrow V_l - \eta s_l^2\, b_l a_{l-1}^\top .

A step costs matrix-vector products and rank-one updates on the weights of each run, and one product with X
and one with its transpose for all runs: no term grows as samples × weights.

It is the problem in the directions in which it moves that is trained (:class:`catapult.training.reduced.Reduced`): with
two layers, of whatever width, at most rank(X) + 1 hidden units.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from catapult.curvature.hessians import rows
from catapult.networks import Network
from catapult.training.task import Task

CACHE = 8 * 2**20  # bytes that the weights of a block may take
SHARING = 16  # runs in a block at the least where the data are larger than their weights: they share a pass over them


class Linear:
    """R runs at once: V_l (R, m_l, m_{l−1}), vectors as rows (R, m)."""

    @staticmethod
    def lacks(task: Task) -> list[str]:
        network = task.network
        there = {"convolutions": not isinstance(network, Network), "several outputs": network.outputs > 1,
                 "activations that are not linear": not network.phi.is_linear,
                 "networks without a hidden layer": network.depth < 2, "minibatches": task.batch_size is not None}
        return [what for what, is_there in there.items() if is_there] + task.extras

    @staticmethod
    def pays(task: Task) -> bool:
        return True

    def __init__(self, task: Task):
        self.task = task
        self.X = task.reduced.X
        entries = sum(m_in * m_out for m_in, m_out in pairwise(task.reduced.widths))
        self.block = max(task.block(entries, CACHE), SHARING if self.X.numel() > entries else 1)

    def start(self, runs):
        self.learning_rates = self.task.rates(runs)[:, None]
        start = self.task.stacked(self.task.reduced.start, runs)
        self.V = [W.mul_(scale) for W, scale in zip(start, self.task.network.scales, strict=True)]

    def outputs(self):
        self.b = [torch.ones_like(self.learning_rates)]
        for V in reversed(self.V):
            self.b.insert(0, rows(self.b[0], V))
        self.f = self.b[0] @ self.X.mT
        return self.f

    def step(self, factor, batch):
        slope = self.task.loss.gradient(self.f, self.task.y) / len(self.X)
        a = (factor * self.learning_rates * slope) @ self.X
        for V, b, scale in zip(self.V, self.b[1:], self.task.network.scales, strict=True):
            above = rows(a, V.mT)
            V.addcmul_(b[:, :, None], a[:, None, :], value=-scale**2)
            a = above

    def reduced_weights(self):
        return [V / scale for V, scale in zip(self.V, self.task.network.scales, strict=True)]

    def keep(self, alive):
        self.learning_rates, self.f = self.learning_rates[alive], self.f[alive]
        self.V, self.b = [V[alive] for V in self.V], [b[alive] for b in self.b]
