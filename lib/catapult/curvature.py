r"""Curvature of the mean loss: Hessian, sharpness, neural tangent kernel.

Conventions, which fix every threshold of the companion:

* The loss is the MEAN over the samples, :math:`L = \frac1n \sum_i \ell(y_i f(x_i))`, and the Hessian is that
  of L in all weights, in the order of the list of weights, each matrix row by row.
* ``sharpness`` is the largest eigenvalue of the Hessian in the algebraic sense (not in magnitude), so that
  2/sharpness is the critical learning rate of gradient descent.
* The NTK is :math:`\Theta_{ij} = \sum_w \partial_w f(x_i)\,\partial_w f(x_j)` over all weights, scales of the
  parametrisation included; ``largest_ntk_eigenvalue`` is that of Θ/n, the λ of Lewkowycz et al. (2020).
  Where every :math:`\ell'' = h` and the residuals vanish, sharpness = hλ. With k outputs Θ is of shape (nk, nk),
  one row a sample and output.

``sharpness`` takes any function of the weights and differentiates it twice by autograd. ``sharpness_of_runs`` gives
the same for many runs of one network at once, from the products with the Hessian of :mod:`catapult.hessians`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from catapult import hessians, losses
from catapult.networks import Network, WeightMatrices

Product = Callable[[Tensor], Tensor]
LossFunction = Callable[[list[Tensor]], Tensor]

BASIS = 64  # Lanczos vectors kept before a restart: 64 × 642,000 weights are 330 MB in float64
FEW = 4  # that there is room for at first: a warm start needs no more, and fresh memory takes longer than its use
MAX_PRODUCTS = 2000


def mean_loss(network: WeightMatrices, loss: str | losses.Loss, X: Tensor, y: Tensor) -> LossFunction:
    """Return L as a function of the list of weights. ``X`` (n, d), ``y`` (n,) of ±1 or of class numbers."""
    loss = losses.get(loss, network.outputs)
    return lambda weights: loss.of(network.forward(weights, X), y).mean()


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
            basis: int = BASIS) -> tuple[np.ndarray, Tensor]:
    r"""Return the largest (algebraic) eigenvalue of R symmetric operators, and their unit eigenvectors.

    Lanczos iteration with full reorthogonalisation: the orthonormal rows :math:`q_0, q_1, \dots` of Q, with
    :math:`q_0` along ``start``, turn the operator H into the tridiagonal :math:`T = Q H Q^\top`. The top
    eigenpair :math:`(\theta, s)` of T gives the Ritz pair :math:`(\theta, q)` with :math:`q = Q^\top s`. Its
    residual is :math:`\rho = |H q - \theta q| = \beta_k |s_k|`. Some eigenvalue lies within ρ of θ, and within
    ρ²/γ where γ is the gap to the rest of the spectrum (Kato and Temple); the second Ritz value stands in for the
    second eigenvalue in γ, at a price of a factor of ten. An operator is done when the smaller of the two bounds,
    ρ and 10 ρ²/γ, is below ``tolerance`` · |θ|, or ρ below rounding. The others restart from their Ritz vectors when
    the basis is full, and give up, with the best they have, after ``MAX_PRODUCTS`` products.

    Parameters
    ----------
    product
        The operators side by side, a map of tensors of shape (R, P).
    start
        A vector a row, shape (R, P); none zero or orthogonal to the eigenvector that is sought: random, or a
        guess with some noise.
    tolerance
        Bound on the error of the eigenvalue relative to it.
    basis
        Vectors kept before a restart.

    Returns
    -------
    eigenvalues (R,), nan for an operator that is not finite; eigenvectors (R, P)
    """
    runs, size = start.shape
    rounding, basis = 10 * torch.finfo(start.dtype).eps, min(basis, size)
    eigenvalues, done, spent = np.full(runs, np.nan), np.zeros(runs, dtype=bool), 0
    eigenvectors = vector = _unit(start)
    while not done.all() and spent < MAX_PRODUCTS:
        Q = start.new_empty(runs, min(basis, FEW), size)
        T, weights, settled = np.zeros((runs, basis + 1, basis + 1)), np.zeros((runs, basis)), done.copy()
        for k in range(basis):
            if k == Q.shape[1]:
                Q = torch.cat([Q, Q.new_empty(runs, min(k, basis - k), size)], 1)
            Q[:, k] = vector
            image, along = _orthogonalised(product(vector), Q[:, :k + 1])
            T[:, k, k] = along[:, k].cpu()
            length = image.norm(dim=1, keepdim=True)
            T[:, k, k + 1] = T[:, k + 1, k] = length[:, 0].cpu()
            broken = ~done & ~np.isfinite(T).all((1, 2))
            done, T[~np.isfinite(T).all((1, 2))] = done | broken, 0
            eigenvalues[broken], weights[broken, 0] = np.nan, 1
            values, vectors = np.linalg.eigh(T[:, :k + 1, :k + 1])
            eigenvalues[~done], weights[~done, :k + 1] = values[~done, -1], vectors[~done, :, -1]
            residual = T[:, k, k + 1] * np.abs(vectors[:, -1, -1])
            gap = values[:, -1] - values[:, -2] if k else np.zeros(runs)
            bound = residual * (residual / np.maximum(np.maximum(gap / 10, residual), np.finfo(float).tiny))
            done |= (bound <= tolerance * np.abs(values[:, -1])) | (residual <= rounding * np.abs(values).max(1))
            if done.all():
                break
            vector = _unit(image, length)
        spent += basis
        ritz = (torch.as_tensor(weights).to(Q)[:, None, :k + 1] @ Q[:, :k + 1])[:, 0]
        if settled.any():
            ritz = torch.where(torch.as_tensor(settled, device=Q.device)[:, None], eigenvectors, ritz)
        eigenvectors = vector = ritz
        done |= basis == size
    return eigenvalues, eigenvectors


def _unit(vectors: Tensor, norms: Tensor | None = None) -> Tensor:
    """Return each row over its norm, shape (R, 1), which may be given; a row of zeros as it is."""
    norms = vectors.norm(dim=1, keepdim=True) if norms is None else norms
    return vectors / torch.where(norms == 0, 1, norms)


def _orthogonalised(image: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``image`` (R, P) without its components along the rows of ``Q`` (R, k, P), and these (R, k)."""
    along = 0
    for _ in range(2):  # twice is enough (Parlett)
        components = Q @ image[:, :, None]
        image = torch.baddbmm(image[:, None], components.mT, Q, alpha=-1)[:, 0]
        along = along + components[:, :, 0]
    return image, along


def _start(size: int, guess: Tensor | None, like: Tensor) -> Tensor:
    """Return start vectors (R, P): fixed Gaussian noise (R = 1), or the guesses (R, P) with 3 % of it.

    The noise lets Lanczos leave a guess that is an eigenvector, but no longer the top one: its square is far above
    the tolerance. It costs no more than one product.
    """
    noise = _noise(size, like.dtype, like.device)
    return noise if guess is None else torch.add(_unit(guess), noise, alpha=0.03)


@functools.lru_cache(maxsize=1)
def _noise(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a fixed random unit vector (1, P). Kept: to draw it would take half as long as a step of training."""
    noise = torch.randn(1, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return _unit(noise.to(device, dtype))


def sharpness(loss_function: LossFunction, weights: list[Tensor], start: Tensor | None = None,
              tolerance: float = 1e-4) -> tuple[float, Tensor]:
    """Return the largest eigenvalue of the Hessian of ``loss_function`` at ``weights``, and its unit vector.

    Pass the vector (P,) of an earlier call as ``start`` when the weights have moved little: the answer is the
    same within the tolerance, at a fraction of the products. A Hessian that is not finite gives nan.
    """
    size = sum(matrix.numel() for matrix in weights)
    product = hessian_vector_product(loss_function, weights)
    values, vectors = lanczos(lambda v: product(v[0])[None],
                              _start(size, None if start is None else start[None], weights[0]), tolerance)
    return values[0].item(), vectors[0]


def sharpness_of_runs(network: WeightMatrices, loss: str | losses.Loss, weights: list[Tensor], X: Tensor, y: Tensor,
                      start: Tensor | None = None, tolerance: float = 1e-4) -> tuple[np.ndarray, Tensor]:
    """Return the sharpness of R runs of a network, shape (R,), and the top vectors, shape (R, P).

    ``weights`` are matrices (R, m_out, m_in). The vectors are in the coordinates of
    :func:`catapult.hessians.products`: good as the ``start`` of a later call.
    """
    product, size = hessians.products(network, losses.get(loss, network.outputs), weights, X, y)
    runs = len(weights[0])
    return lanczos(product, _start(size, start, weights[0]).expand(runs, size), tolerance)


def ntk_matrix(network: WeightMatrices, weights: list[Tensor], X: Tensor) -> Tensor:
    r"""Return the neural tangent kernel Θ of a network with k outputs on the rows of ``X`` (n, d), shape (nk, nk).

    With :math:`H_l` the activations that enter layer l, :math:`B_l = \partial f/\partial z_l` the derivatives
    of the outputs in its preactivations (one row a sample) and :math:`s_l` its scale,

    .. math:: \Theta = \sum_l s_l^2\, (H_l H_l^\top) \circ (B_l B_l^\top),

    because the gradient of :math:`f(x_i)` in :math:`W_l` is the rank-one :math:`s_l\, b_{l,i} h_{l,i}^\top`. With
    several outputs :math:`B_l` has a row for each sample and output, k to a sample. For other networks than fully
    connected ones Θ = J Jᵀ from their Jacobian.
    """
    if not isinstance(network, Network):
        J = network.jacobian(weights, X)
        return J @ J.mT
    n, k = len(X), network.outputs
    hidden = [X, *network.forward_with_hidden(weights, X)[1]]
    back, theta = torch.eye(k).to(X).repeat(n, 1), X.new_zeros(n, k, n, k)
    for layer in reversed(range(network.depth)):
        scale, h = network.scales[layer], hidden[layer]
        theta += scale**2 * (h @ h.mT)[:, None, :, None] * (back @ back.mT).view_as(theta)
        if layer:
            back = scale * (back @ weights[layer]) * network.slope(h).expand_as(h).repeat_interleave(k, 0)
    return theta.reshape(n * k, n * k)


def largest_ntk_eigenvalue(network: WeightMatrices, weights: list[Tensor], X: Tensor) -> float:
    """Return the largest eigenvalue of Θ/n; nan where Θ is not finite."""
    theta = ntk_matrix(network, weights, X) / len(X)
    return lanczos(lambda v: v @ theta, _start(len(theta), None, theta), tolerance=1e-13)[0].item()
