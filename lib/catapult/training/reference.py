r"""The reference: one run at a time, forward, backward, W −= η v, as a user of PyTorch would write it.

With momentum μ and weight decay λ, as ``torch.optim.SGD`` has them (Polyak's heavy ball),

.. math:: v_{t+1} = \mu v_t + \nabla L(W_t) + \lambda W_t, \quad W_{t+1} = W_t - \eta\,c_t\,v_{t+1}, \quad v_0 = 0 .
"""

from __future__ import annotations

import torch

from catapult.training.task import Task


class Reference:
    """Plain autograd, layer by layer."""

    block = 1

    @staticmethod
    def lacks(task: Task) -> list[str]:
        return []

    @staticmethod
    def pays(task: Task) -> bool:
        return True

    def __init__(self, task: Task):
        self.task = task

    def start(self, runs):
        self.learning_rate = self.task.learning_rates[runs[0, 0]].item()
        self.seed = runs[0, 1]
        self.W = [matrix.clone().requires_grad_() for matrix in self.task.start(self.seed)]
        self.v = [torch.zeros_like(matrix) for matrix in self.task.start(self.seed)]

    def outputs(self):
        self.f = self._forward(self.task.X)
        return self.f.detach()[None]

    def step(self, factor, batch):
        f, y = self.f, self.task.y
        if batch is not None:
            f, y = self._forward(self.task.X[batch[0]]), y[batch[0]]
        mean_loss = self.task.loss.of(f, y).mean()
        gradients = torch.autograd.grad(mean_loss, self.W)
        with torch.no_grad():
            for W, v, gradient in zip(self.W, self.v, gradients, strict=True):
                v.mul_(self.task.momentum).add_(gradient).add_(W, alpha=self.task.weight_decay)
                W -= self.learning_rate * factor * v

    def _forward(self, X):
        return self.task.network.forward_with_hidden(self.W, X)[0]

    def reduced_weights(self):
        return [W[None] for W in self.task.reduced.weights([W.detach() for W in self.W], self.seed)]

    def keep(self, alive):
        """A block of one run is never thinned: it ends."""
