r"""Any fully connected network, full batch or minibatch: many runs side by side in batched matrix products.

One column a sample. With :math:`V_l = s_l W_l` the weights times the scale of the parametrisation,

.. math:: H_0 = X^\top, \quad H_l = \phi(V_l H_{l-1}), \quad f = V_k H_{k-1}, \quad
   \delta_k = \tfrac1n y\,\ell'(y f), \quad \delta_{l-1} = (V_l^\top \delta_l) \circ \phi'(H_{l-1}), \quad
   V_l \leftarrow V_l - \eta s_l^2\, \delta_l H_{l-1}^\top :

gradient descent on W with rate η is gradient descent on V with rate :math:`\eta s_l^2`.

It is the problem in the span of its inputs that is trained (:class:`catapult.training.task.Reduced`), d of them
say. The first layer's kernel form, for full batches with n < 2d: every update of :math:`V_1` is a combination of
the samples, so :math:`V_1 = V_1(0) + C X` with C of shape (m, n), and
:math:`V_1 X^\top = V_1(0) X^\top + C K` with :math:`K = X X^\top`. The update
:math:`C \leftarrow C - \eta s_1^2 \delta_1` needs no matrix product.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from catapult.training.task import Task

CACHE = 2 * 2**20  # bytes that a block of runs touches in a step: about the second-level cache of a core


class Dense:
    """R runs at once; matrices have a leading dimension R."""

    def __init__(self, task: Task):
        self.task = task
        self.X = task.reduced.X
        n, d = self.X.shape
        self.kernel = self.X @ self.X.mT if task.batch_size is None and n < 2 * d else None
        widths = task.reduced.widths
        inputs = d if self.kernel is None else n
        entries = 2 * sum((m_in + n) * m_out for m_in, m_out in pairwise((inputs, *widths[1:])))
        self.block = task.block(entries, CACHE)
        activations = {"linear": lambda z: z, "relu": torch.relu_, "tanh": torch.tanh_}
        self.activate = activations[task.network.activation]

    def start(self, runs):
        self.learning_rates = self.task.rates(runs)[:, None]
        start = self.task.stacked(self.task.reduced.start, runs)
        self.V = [W.mul_(scale) for W, scale in zip(start, self.task.network.scales, strict=True)]
        if self.kernel is not None:
            self.first = self.V[0]
            self.offset = self.first @ self.X.mT
            self.V[0] = torch.zeros_like(self.offset)

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
            below = (V.mT @ delta).mul_(self.task.network.slope(H[layer])) if layer else None
            if layer == 0 and self.kernel is not None:
                V.sub_(delta, alpha=scale**2)
            else:
                V.baddbmm_(delta, H[layer].mT.expand(len(V), -1, -1), alpha=-(scale**2))
            delta = below

    def _on(self, batch):
        batch = torch.as_tensor(batch, device=self.X.device)
        return *self._forward(self.X[batch].mT), self.task.y[batch]

    def reduced_weights(self):
        V = self.V
        if self.kernel is not None:
            V = [self.first + V[0] @ self.X, *V[1:]]
        return [matrix / scale for matrix, scale in zip(V, self.task.network.scales, strict=True)]

    def keep(self, alive):
        self.learning_rates, self.f = self.learning_rates[alive], self.f[alive]
        self.V = [V[alive] for V in self.V]
        self.H = [self.H[0], *(H[alive] for H in self.H[1:])]
        if self.kernel is not None:
            self.first, self.offset = self.first[alive], self.offset[alive]
