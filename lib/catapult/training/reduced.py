"""The problem of a task in the directions in which gradient descent moves its weights."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from catapult.networks import Network

if TYPE_CHECKING:
    from catapult.training.task import Task

SEEDS_KEPT = 4  # initial weights kept: runs are taken up seed by seed


class Reduced:
    r"""The problem of a task in the few directions in which gradient descent moves its weights.

    *Inputs.* With :math:`X = R Q^\top`, Q of shape (d, r) with orthonormal columns, r the rank of X, the first layer
    moves only within the span of Q: :math:`W_1 Q` trained on the data R is the same problem. It is looked for where
    n < d; else Q is the identity, as it is for a convolutional network, whose first layer acts on patches, for a
    normalised one, and with weight decay, which moves the rest, too.

    *Hidden units.* In a linear network of two layers the gradients of :math:`W_1 Q`, of shape (m, r), and of
    :math:`W_2`, (k, m), are :math:`W_2^\top G` and :math:`G\,(W_1 Q)^\top`, G of shape (k, r) the gradient in the
    product :math:`W_2 W_1 Q`: they stay in the span of the columns of :math:`[W_1(0) Q,\ W_2(0)^\top]`. With an
    orthonormal basis T of it, :math:`(T^\top W_1 Q,\ W_2 T)`, a network of width r + k, is the same problem. Where
    m ≤ r + k T is the identity.

    Outside, :math:`W_1` stays as it was drawn, which outputs on other data and the norm of the weights see:
    :math:`W_2 W_1 x = W_2 T\,(T^\top W_1 Q\, Q^\top x + T^\top W_1(0)(x - Q Q^\top x))`. The NTK on X is the same. So
    is the sharpness: on changes of the weights outside T the Hessian of the loss has the singular values of G and
    their negatives for eigenvalues, within T these plus a positive semidefinite part.
    """

    def __init__(self, task: Task):
        self.task, self.Q, self.X, self.X_test = task, None, task.X, task.X_test
        network, n, d = task.network, *task.X.shape
        moves_in_span = isinstance(network, Network) and network.normalisation is None and not task.weight_decay
        if n < d and moves_in_span:
            self.Q, self.X = _span(task.X)
            self.X_test = None if task.X_test is None else task.X_test @ self.Q
        self.widths = [self.X.shape[1], *(m_out for m_out, _ in network.shapes)]
        if moves_in_span and network.is_linear and network.depth == 2:
            self.widths[1] = min(self.widths[1], self.X.shape[1] + network.outputs)
        self.basis = lru_cache(maxsize=SEEDS_KEPT)(self._basis)
        self.start = lru_cache(maxsize=SEEDS_KEPT)(lambda seed: self.weights(task.start(seed), seed))
        self.frozen = lru_cache(maxsize=SEEDS_KEPT)(self._frozen)

    def weights(self, W: list[Tensor], seed: int) -> list[Tensor]:
        """Return the weights of a run of this seed in these directions."""
        W = W if self.Q is None else [W[0] @ self.Q, *W[1:]]
        T = self.basis(seed)
        return W if T is None else [T.mT @ W[0], W[1] @ T]

    def restored(self, weights: list[Tensor], runs: np.ndarray) -> list[Tensor]:
        """Return all weights, matrices (R, m_out, m_in), from the reduced weights of these runs."""
        return [torch.stack(matrices) for matrices in zip(*(
            self._restored([W[r] for W in weights], seed) for r, seed in enumerate(runs[:, 1])), strict=True)]

    def _restored(self, W: list[Tensor], seed: int) -> list[Tensor]:
        start, reduced, T = self.task.start(seed), self.start(seed), self.basis(seed)
        change = W[0] - reduced[0]
        if T is not None:
            change, W = T @ change, [W[0], start[1] + (W[1] - reduced[1]) @ T.mT]
        return [start[0] + (change if self.Q is None else change @ self.Q.mT), *W[1:]]

    def test_outputs(self, weights: list[Tensor], runs: np.ndarray) -> Tensor:
        """Return the outputs on the test set for the reduced weights of these runs."""
        if self.Q is None:
            statistics = {} if self.task.network.normalisation is None else {"trained": self.X}
            return self.task.network.forward(weights, self.X_test, **statistics)
        offset = torch.stack([self.frozen(seed)[0] for seed in runs[:, 1]])
        return self.task.network.forward(weights, self.X_test, offset)

    def norm(self, weights: list[Tensor], runs: np.ndarray) -> Tensor:
        """Return the Euclidean norm of all weights, within these directions and outside, shape (R,)."""
        square = sum(matrix.square().sum((1, 2)) for matrix in weights)
        if self.Q is not None:
            square = square + torch.stack([self.frozen(seed)[1] for seed in runs[:, 1]])
        return square.sqrt()

    def _basis(self, seed: int) -> Tensor | None:
        """Return the directions T of the hidden units, shape (m, r + k); None for all."""
        first, *others = self.task.start(seed)
        if self.widths[1] == len(first):
            return None
        return torch.linalg.qr(torch.cat([first if self.Q is None else first @ self.Q, others[0].mT], 1)).Q

    def _frozen(self, seed: int) -> tuple[Tensor | None, Tensor]:
        """Return what stays of the first layer outside the span: its action on the test set, its squared norm."""
        first, T = self.task.start(seed)[0], self.basis(seed)
        outside = first - first @ self.Q @ self.Q.mT
        seen = outside if T is None else T.mT @ outside
        return None if self.X_test is None else self.task.X_test @ seen.mT, outside.square().sum()


def _span(X: Tensor) -> tuple[Tensor, Tensor]:
    """Return an orthonormal basis Q (d, r) of the rows of X (n, d), n ≤ d, of rank r, and X Q."""
    Q, triangle = torch.linalg.qr(X.mT)
    left, values, right = torch.linalg.svd(triangle)
    rank = max(1, int((values > max(X.shape) * torch.finfo(X.dtype).eps * values[0]).sum()))
    if rank == len(X):
        return Q, triangle.mT.contiguous()
    return Q @ left[:, :rank], (right[:rank].mT * values[:rank]).contiguous()
