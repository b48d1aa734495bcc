r"""Convolutional networks, full batch or minibatch: many runs side by side in batched matrix products.

A convolution is a dense layer on patches (:mod:`catapult.networks.convolutional`): with :math:`V_l = s_l W_l`, one row
a patch,

.. math:: H_l = P_l(A_{l-1}), \quad A_l = \phi(H_l V_l^\top), \quad f = H_k V_k^\top, \quad
   \delta_k = \tfrac1n y\,\ell'(y f), \quad \delta_{l-1} = P_l^\top(\delta_l V_l) \circ \phi'(A_{l-1}), \quad
   V_l \leftarrow V_l - \eta s_l^2\, \delta_l^\top H_l ,

:math:`P_l^\top` the adjoint, which adds up the patches where they overlap, and :math:`P_k` flattens the last maps. The
patches of the data, :math:`H_1`, are cut once for all runs and steps.
"""

from __future__ import annotations

import math

import torch

from catapult.networks.convolutional import ConvolutionalNetwork
from catapult.training.task import Task

CACHE = 4 * 2**20  # bytes that a block of runs touches in a step


def _block(task: Task) -> int:
    """Return how many runs to hold: maps, and the patches cut from them, and as much again for their gradients."""
    network = task.network
    maps = sum(map(math.prod, network.maps[1:]))
    patches = sum(height * width * fan_in for (height, width, _), (_, fan_in) in
                  zip(network.maps[2:], network.shapes[1:-1], strict=True))
    return task.block(2 * len(task.X) * (maps + patches), CACHE)


class Convolutional:
    """R runs at once; matrices have a leading dimension R."""

    @staticmethod
    def lacks(task: Task) -> list[str]:
        return ([] if isinstance(task.network, ConvolutionalNetwork) else ["fully connected networks"]) + task.extras

    @staticmethod
    def pays(task: Task) -> bool:
        """Return whether two runs or more fit the cache, or a GPU's memory.

        Beyond that there is nothing to gain from going side by side, and in single precision PyTorch's own
        convolutions, which the plain loop takes, are the faster (measured on a CPU: ours).
        """
        return _block(task) > 1

    def __init__(self, task: Task):
        self.task, self.network = task, task.network
        self.first = self.network.patches(task.X)
        self.block = _block(task)

    def start(self, runs):
        self.learning_rates = self.task.rates(runs)[:, None, None]
        start = self.task.stacked(self.task.start, runs)
        self.V = [W.mul_(scale) for W, scale in zip(start, self.network.scales, strict=True)]

    def outputs(self):
        self.H, self.A, self.f = self.network.through(self.V, self.first)
        return self.f

    def step(self, factor, batch):
        rows, hidden, f, y = (self.H, self.A, self.f, self.task.y) if batch is None else self._on(batch)
        # The rate goes in at the top: everything below is linear in δ.
        slope = self.task.loss.gradient(f, y) / f.shape[1]
        delta = factor * self.learning_rates * (slope[..., None] if slope.ndim == 2 else slope)
        for layer in reversed(range(self.network.depth)):
            V, scale = self.V[layer], self.network.scales[layer]
            if layer:
                below = self.network.leaving(layer, delta @ V).mul_(self.network.slope(hidden[layer - 1]))
            V.baddbmm_(delta.mT, rows[layer].expand(len(V), -1, -1), alpha=-(scale**2))
            delta = below if layer else None

    def _on(self, batch):
        batch = torch.as_tensor(batch, device=self.first.device)
        patches = self.first.unflatten(0, (len(self.task.X), -1))[batch].flatten(1, 2)
        return *self.network.through(self.V, patches), self.task.y[batch]

    def reduced_weights(self):
        return [V / scale for V, scale in zip(self.V, self.network.scales, strict=True)]

    def keep(self, alive):
        self.learning_rates, self.f = self.learning_rates[alive], self.f[alive]
        self.V, self.A = [V[alive] for V in self.V], [A[alive] for A in self.A]
        self.H = [self.H[0], *(H[alive] for H in self.H[1:])]
