"""The oracle: one run at a time, forward, backward, W −= η grad, as a user of PyTorch would write it."""

from __future__ import annotations

import torch

from catapult.training.task import Task


class Reference:
    """Plain autograd, layer by layer."""

    block = 1

    def __init__(self, task: Task):
        self.task = task

    def start(self, runs):
        self.learning_rate = self.task.learning_rates[runs[0, 0]].item()
        self.seed = runs[0, 1]
        self.W = [matrix.clone().requires_grad_() for matrix in self.task.start(self.seed)]

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
            for W, gradient in zip(self.W, gradients, strict=True):
                W -= self.learning_rate * factor * gradient

    def _forward(self, X):
        return self.task.network.forward_with_hidden(self.W, X)[0]

    def reduced_weights(self):
        return [W[None] for W in self.task.reduced.weights([W.detach() for W in self.W], self.seed)]

    def keep(self, alive):
        """A block of one run is never thinned: it ends."""
