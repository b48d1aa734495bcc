r"""Any fully connected network, full batch or minibatch: many runs side by side in batched matrix products.

One column a sample. With :math:`V_l = s_l W_l` the weights times the scale of the parametrisation,

.. math:: H_0 = X^\top, \quad H_l = \phi(V_l H_{l-1}), \quad f = V_k H_{k-1}, \quad
   \delta_k = \tfrac1n y\,\ell'(y f), \quad \delta_{l-1} = (V_l^\top \delta_l) \circ \phi'(H_{l-1}), \quad
   V_l \leftarrow V_l - \eta s_l^2\, \delta_l H_{l-1}^\top :

gradient descent on W with rate η is gradient descent on V with rate :math:`\eta s_l^2`.

The first layer, with d inputs and m outputs, can be had for less in two ways. A set-up is only made where all the runs
and steps of a task repay it, in multiplications.

*Kernel form*, full batches. Every update of :math:`V_1` is a combination of the samples, so :math:`V_1 = V_1(0) + C X`
with C of shape (m, n), and :math:`V_1 X^\top = V_1(0) X^\top + C K` with :math:`K = X X^\top`. The update
:math:`C \leftarrow C - \eta s_1^2 \delta_1` needs no matrix product: n² m multiplications in place of 2 n d m, after
n² d for K and n d m for each seed.

*In the span of the inputs* (:mod:`catapult.training.reduced`), minibatches of b and n < d: 2 b n m in place of
2 b d m, after some 4 n² (d + 8 n) for basis and rank (they run slower than a product) and n d m for each seed. Linear
networks of two layers are always trained in these directions, where their hidden layer is narrow, too.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor

from catapult.networks import Network
from catapult.training.reduced import SEEDS_KEPT
from catapult.training.task import Task

CACHE = 2 * 2**20  # bytes that a block of runs touches in a step: about the second-level cache of a core


def form(task: Task) -> str:
    """Return how the first layer of a task is computed at the least cost: "kernel", "span" or "plain"."""
    (n, d), m, seeds = task.X.shape, task.network.widths[1], len(task.seeds)
    steps = task.steps * len(task.runs)
    if task.network.is_linear and task.network.depth == 2:
        return "span"
    if task.batch_size is None:
        return "kernel" if steps * n * m * (2 * d - n) > n * n * d + seeds * n * d * m else "plain"
    saved = 2 * steps * task.batch_size * m * (d - n)
    return "span" if n < d and saved > 4 * n * n * (d + 8 * n) + seeds * n * d * m else "plain"


class Dense:
    """R runs at once; matrices have a leading dimension R."""

    @staticmethod
    def lacks(task: Task) -> list[str]:
        return ([] if isinstance(task.network, Network) else ["convolutions"]) + task.extras

    @staticmethod
    def pays(task: Task) -> bool:
        return True

    def __init__(self, task: Task):
        self.task, self.form = task, form(task)
        self.X = task.reduced.X if self.form == "span" else task.X
        self.kernel = self.X @ self.X.mT if self.form == "kernel" else None
        self.offset_of = lru_cache(maxsize=SEEDS_KEPT)(self._offset)
        n, inputs = self.X.shape if self.kernel is None else self.kernel.shape
        widths = (task.reduced if self.form == "span" else task.network).widths
        entries = 2 * sum((m_in + n) * m_out for m_in, m_out in pairwise((inputs, *widths[1:])))
        self.block = task.block(entries, CACHE)
        self.activate = task.network.phi.over

    def start(self, runs):
        self.runs, self.learning_rates = runs, self.task.rates(runs)[:, None]
        initial = self.task.reduced.start if self.form == "span" else self.task.start
        skipped = 0 if self.kernel is None else 1  # the kernel form needs the first layer as its offset only
        W = self.task.stacked(lambda seed: initial(seed)[skipped:], runs)
        self.V = [matrix.mul_(scale) for matrix, scale in zip(W, self.task.network.scales[skipped:], strict=True)]
        if self.kernel is not None:
            self.offset = torch.stack([self.offset_of(seed) for seed in runs[:, 1]])
            self.V.insert(0, torch.zeros_like(self.offset))

    def _offset(self, seed: int) -> Tensor:
        """Return V₁(0) Xᵀ."""
        return self.task.network.scales[0] * self.task.start(seed)[0] @ self.X.mT

    def outputs(self):
        self.H, self.f = self._forward(self.X.mT if self.kernel is None else self.kernel)
        return self.f

    def _forward(self, H):
        """Return [H_0, …, H_{k−1}] and f, shape (R, n), with several outputs (R, n, k)."""
        hidden = []
        for layer, V in enumerate(self.V):
            hidden.append(H)
            z = V @ H
            if layer == 0 and self.kernel is not None:
                z += self.offset
            H = self.activate(z) if layer < len(self.V) - 1 else z
        return hidden, H[:, 0] if H.shape[1] == 1 else H.mT

    def step(self, factor, batch):
        H, f, y = (self.H, self.f, self.task.y) if batch is None else self._on(batch)
        # The rate goes in at the top: everything below is linear in δ.
        slope = self.task.loss.gradient(f, y) / f.shape[1]
        delta = (factor * self.learning_rates)[:, :, None] * (slope[:, None] if slope.ndim == 2 else slope.mT)
        for layer in reversed(range(len(self.V))):
            V, scale = self.V[layer], self.task.network.scales[layer]
            below = None
            if layer:
                below = (V.mT * delta if V.shape[1] == 1 else V.mT @ delta).mul_(self.task.network.slope(H[layer]))
            if layer == 0 and self.kernel is not None:
                V.sub_(delta, alpha=scale**2)
            else:
                V.baddbmm_(delta, H[layer].mT.expand(len(V), -1, -1), alpha=-(scale**2))
            delta = below

    def _on(self, batch):
        batch = torch.as_tensor(batch, device=self.X.device)
        return *self._forward(self.X[batch].mT), self.task.y[batch]

    def reduced_weights(self):
        W = [V / scale for V, scale in zip(self.V, self.task.network.scales, strict=True)]
        if self.form == "plain":
            return self.task.reduced.weights(W, self.runs[0, 1])  # the same for all seeds, but in the form "span"
        if self.kernel is not None:
            start = torch.stack([self.task.reduced.start(seed)[0] for seed in self.runs[:, 1]])
            W[0] = torch.baddbmm(start, W[0], self.task.reduced.X.expand(len(start), -1, -1))
        return W

    def keep(self, alive):
        self.runs = self.runs[alive.cpu().numpy()]
        self.learning_rates, self.f = self.learning_rates[alive], self.f[alive]
        self.V = [V[alive] for V in self.V]
        self.H = [self.H[0], *(H[alive] for H in self.H[1:])]
        if self.kernel is not None:
            self.offset = self.offset[alive]
