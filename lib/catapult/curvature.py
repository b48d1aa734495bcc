r"""Curvature of the mean loss: Hessian, sharpness, neural tangent kernel.

Conventions, which fix every threshold of the companion:

* The loss is the MEAN over the samples, :math:`L = \frac1n \sum_i \ell(y_i f(x_i))`, and the Hessian is that
  of L in all weights, in the order of the list of weights, each matrix row by row.
* ``sharpness`` is the largest eigenvalue of the Hessian in the algebraic sense (not in magnitude), so that
  2/sharpness is the critical learning rate of gradient descent.
* The NTK is :math:`\Theta_{ij} = \sum_w \partial_w f(x_i)\,\partial_w f(x_j)` over all weights, scales of the
  parametrisation included; ``largest_ntk_eigenvalue`` is that of Θ/n, the λ of Lewkowycz et al. (2020).
  Where every :math:`\ell'' = h` and the residuals vanish, sharpness = hλ.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from catapult import losses
from catapult.networks import Network

Product = Callable[[Tensor], Tensor]
LossFunction = Callable[[list[Tensor]], Tensor]

BASIS = 64  # Lanczos vectors kept before a restart: 64 × 642,000 weights are 330 MB in float64
MAX_PRODUCTS = 2000


def mean_loss(network: Network, loss: str | losses.Loss, X: Tensor, y: Tensor) -> LossFunction:
    """Return L as a function of the list of weights. ``X`` (n, d), ``y`` (n,) of ±1."""
    loss = losses.get(loss)
    return lambda weights: loss.value(y * network.forward(weights, X)).mean()


def _flat(tensors) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _unflat(vector: Tensor, like: list[Tensor]) -> list[Tensor]:
    pieces = vector.split([tensor.numel() for tensor in like])
    return [piece.view_as(tensor) for piece, tensor in zip(pieces, like, strict=True)]


def hessian_matrix(loss_function: LossFunction, weights: list[Tensor]) -> Tensor:
    """Return the dense Hessian (P, P) of ``loss_function`` at ``weights``, P weights in all, P small."""
    hessian = torch.autograd.functional.hessian(lambda v: loss_function(_unflat(v, weights)), _flat(weights))
    return (hessian + hessian.mT) / 2


def hessian_vector_product(loss_function: LossFunction, weights: list[Tensor]) -> Product:
    """Return the map v ↦ Hv, v of shape (P,), by double backward. The gradient's graph is built once."""
    weights = [matrix.detach().requires_grad_() for matrix in weights]
    slopes = torch.autograd.grad(loss_function(weights), weights, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        return _flat(torch.autograd.grad(slopes, weights, _unflat(vector, weights), retain_graph=True,
                                         allow_unused=True, materialize_grads=True))

    return product


def lanczos(product: Product, start: Tensor, tolerance: float = 1e-4,
            basis: int = BASIS) -> tuple[float, Tensor]:
    r"""Return the largest (algebraic) eigenvalue of a symmetric operator, and its unit eigenvector.

    Lanczos iteration with full reorthogonalisation: the orthonormal rows :math:`q_0, q_1, \dots` of Q, with
    :math:`q_0` along ``start``, turn the operator H into the tridiagonal :math:`T = Q H Q^\top`. The top
    eigenpair :math:`(\theta, s)` of T gives the Ritz pair :math:`(\theta, q)` with :math:`q = Q^\top s`. Its
    residual is :math:`|H q - \theta q| = \beta_k |s_k|`; some eigenvalue lies within that of θ, mostly within
    residual²/gap. It stops at a residual below ``tolerance`` · |θ| (or below rounding), restarts from the
    Ritz vector when the basis is full, and gives up, with the best it has, after ``MAX_PRODUCTS`` products.

    Parameters
    ----------
    product
        The operator, a map of vectors of shape (P,).
    start
        Vector (P,), not zero and not orthogonal to the eigenvector that is sought: random, or a guess with
        some noise.
    tolerance
        Bound on the residual relative to |θ|.
    basis
        Vectors kept before a restart.
    """
    size, rounding = start.numel(), 10 * torch.finfo(start.dtype).eps
    vector, ritz, spent = start / start.norm(), 0.0, 0
    while spent < MAX_PRODUCTS:
        Q = start.new_empty(min(basis, size), size)
        T = torch.zeros(len(Q) + 1, len(Q) + 1, dtype=torch.float64)
        for k in range(len(Q)):
            Q[k] = vector
            image = product(vector)
            T[k, k] = vector @ image
            for _ in range(2):  # twice is enough (Parlett)
                image = image - (Q[:k + 1] @ image) @ Q[:k + 1]
            T[k, k + 1] = T[k + 1, k] = image.norm()
            if not T.isfinite().all():
                return float("nan"), start
            values, vectors = torch.linalg.eigh(T[:k + 1, :k + 1])
            ritz, residual = values[-1].item(), (T[k, k + 1] * vectors[-1, -1].abs()).item()
            if not residual > max(tolerance * abs(ritz), rounding * values.abs().max().item()):
                return ritz, vectors[:, -1].to(Q) @ Q[:k + 1]
            vector = image / T[k, k + 1].to(image)
        spent += len(Q)
        vector = vectors[:, -1].to(Q) @ Q
        if len(Q) == size:
            break
    return ritz, vector / vector.norm()


def _start(size: int, guess: Tensor | None, like: Tensor) -> Tensor:
    """Return a start vector: fixed Gaussian noise, or the guess with a hundredth of it.

    The noise lets Lanczos leave a guess that is an eigenvector, but no longer the top one.
    """
    noise = torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(like)
    if guess is None:
        return noise
    return guess / guess.norm() + 0.01 * noise / noise.norm()


def sharpness(loss_function: LossFunction, weights: list[Tensor], start: Tensor | None = None,
              tolerance: float = 1e-4) -> tuple[float, Tensor]:
    """Return the largest eigenvalue of the Hessian of ``loss_function`` at ``weights``, and its unit vector.

    Pass the vector (P,) of an earlier call as ``start`` when the weights have moved little: the answer is the
    same within the tolerance, at a fraction of the products. A Hessian that is not finite gives nan.
    """
    start = _start(sum(matrix.numel() for matrix in weights), start, weights[0])
    return lanczos(hessian_vector_product(loss_function, weights), start, tolerance)


def ntk_matrix(network: Network, weights: list[Tensor], X: Tensor) -> Tensor:
    r"""Return the neural tangent kernel Θ (n, n) of a network with one output on the rows of ``X`` (n, d).

    With :math:`H_l` the activations that enter layer l, :math:`B_l = \partial f/\partial z_l` the derivatives
    of the outputs in its preactivations (one row a sample) and :math:`s_l` its scale,

    .. math:: \Theta = \sum_l s_l^2\, (H_l H_l^\top) \circ (B_l B_l^\top),

    because the gradient of :math:`f(x_i)` in :math:`W_l` is the rank-one :math:`s_l\, b_{l,i} h_{l,i}^\top`.
    """
    hidden = [X, *network.forward_with_hidden(weights, X)[1]]
    back, theta = X.new_ones(len(X), 1), X.new_zeros(len(X), len(X))
    for layer in reversed(range(network.depth)):
        scale, h = network.scales[layer], hidden[layer]
        theta += scale**2 * (h @ h.mT) * (back @ back.mT)
        if layer:
            back = scale * (back @ weights[layer]) * network.slope(h)
    return theta


def largest_ntk_eigenvalue(network: Network, weights: list[Tensor], X: Tensor) -> float:
    """Return the largest eigenvalue of Θ/n; nan where Θ is not finite."""
    theta = ntk_matrix(network, weights, X) / len(X)
    # Θ is positive semidefinite with a dominant eigenvalue: a residual of 1e-7 is an error of about 1e-13.
    return lanczos(lambda v: theta @ v, _start(len(X), None, theta), tolerance=1e-7)[0]
