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
the same for many runs of one network at once, from the products with the Hessian of :mod:`catapult.curvature.hessians`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from catapult import losses
from catapult.curvature import hessians, lanczos
from catapult.networks import Network, WeightMatrices
from catapult.parameters import InputError

LossFunction = Callable[[list[Tensor]], Tensor]


def mean_loss(network: WeightMatrices, loss: str | losses.Loss, X: Tensor, y: Tensor) -> LossFunction:
    """Return L as a function of the list of weights. ``X`` (n, d), ``y`` (n,) of ±1 or of class numbers.

    Examples
    --------
    >>> X, y = torch.ones(2, 1), torch.tensor([1.0, -1.0])  # the degenerate pair
    >>> mean_loss(Network((1, 1)), "squared", X, y)([torch.zeros(1, 1)]).item()
    0.5
    """
    loss = losses.get(loss, network.outputs)
    return lambda weights: loss.of(network.forward(weights, X), y).mean()


def _flat(tensors) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _unflat(vector: Tensor, like: list[Tensor]) -> list[Tensor]:
    pieces = vector.split([tensor.numel() for tensor in like])
    return [piece.view_as(tensor) for piece, tensor in zip(pieces, like, strict=True)]


def hessian_matrix(loss_function: LossFunction, weights: list[Tensor]) -> Tensor:
    """Return the dense Hessian (P, P) of ``loss_function`` at ``weights``, P weights in all, P small.

    Examples
    --------
    >>> hessian_matrix(lambda w: (w[0] ** 3).sum(), [torch.tensor([1.0, 2.0])]).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    hessian = torch.autograd.functional.hessian(lambda v: loss_function(_unflat(v, weights)), _flat(weights),
                                                vectorize=True)  # an order of magnitude less Python
    return (hessian + hessian.mT) / 2


def hessian_vector_product(loss_function: LossFunction, weights: list[Tensor]) -> lanczos.Product:
    """Return the map v ↦ Hv, v of shape (P,), by double backward. The gradient's graph is built once.

    Examples
    --------
    >>> product = hessian_vector_product(lambda w: (w[0] ** 3).sum(), [torch.tensor([1.0, 2.0])])
    >>> product(torch.tensor([1.0, -1.0])).tolist()
    [6.0, -12.0]
    """
    weights = [matrix.detach().requires_grad_() for matrix in weights]
    slopes = torch.autograd.grad(loss_function(weights), weights, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        return _flat(torch.autograd.grad(slopes, weights, _unflat(vector, weights), retain_graph=True,
                                         allow_unused=True, materialize_grads=True))

    return product


def sharpness(loss_function: LossFunction, weights: list[Tensor], start: Tensor | None = None,
              tolerance: float = lanczos.TOLERANCE, seed: int = 0) -> tuple[float, Tensor]:
    """Return the largest eigenvalue of the Hessian of ``loss_function`` at ``weights``, and its unit vector (P,).

    The value is at most ``tolerance`` below the largest eigenvalue, relative to its size or to a thousandth of the
    spectral radius if that is larger, and at most a tenth of this where the gap to the second is ten times the
    tolerance; but for a probability of ``lanczos.MISS`` (10⁻⁶) a call. See
    :func:`catapult.curvature.lanczos.largest`, which says why.

    Pass the vector of an earlier call as ``start`` when the weights have moved little: the answer has the same
    guarantee, from fewer products. ``seed`` draws the noise that the guarantee rests on: another one for each call of
    a sequence. A Hessian that is not finite gives nan.

    Examples
    --------
    >>> import torch
    >>> weights = [torch.ones(1, 3, dtype=torch.float64)]
    >>> value, vector = sharpness(lambda w: (torch.tensor([1.0, 2.0, 5.0]) * w[0] ** 2).sum() / 2, weights)
    >>> round(value, 9)
    5.0
    """
    size = sum(matrix.numel() for matrix in weights)
    product = hessian_vector_product(loss_function, weights)
    guess = None if start is None else start[None]
    values, vectors = lanczos.largest(lambda v: product(v[0])[None],
                                      *lanczos.start_vectors(size, [seed], guess, weights[0]), tolerance)
    return values[0].item(), vectors[0]


def sharpness_of_runs(network: WeightMatrices, loss: str | losses.Loss, weights: list[Tensor], X: Tensor, y: Tensor,
                      start: Tensor | None = None, tolerance: float = lanczos.TOLERANCE,
                      seeds: Sequence | None = None) -> tuple[np.ndarray, Tensor]:
    """Return the sharpness of R runs of a network, shape (R,), and the top vectors, shape (R, P), as :func:`sharpness`.

    ``weights`` are matrices (R, m_out, m_in); ``seeds`` draw the noise, one a run, 0 to R − 1 if None. The vectors are
    in the coordinates of :func:`catapult.curvature.hessians.products`: good as the ``start`` of a later call.

    Examples
    --------
    >>> X, y = torch.ones(2, 1).double(), torch.tensor([1.0, -1.0]).double()
    >>> weights = [torch.zeros(2, 1, 1).double(), torch.tensor([[[1.0]], [[2.0]]]).double()]  # f = 0: w2²
    >>> sharpness_of_runs(Network((1, 1, 1)), "squared", weights, X, y)[0].round(6).tolist()
    [1.0, 4.0]
    """
    loss = losses.get(loss, network.outputs)
    product, size = hessians.products(network, loss, weights, X, y)
    rough = None
    if X.dtype == torch.float64 and tolerance >= lanczos.TOLERANCE:
        rough, _ = hessians.products(network, loss, [W.float() for W in weights], X.float(), y.to(_single(y)))
    seeds = range(len(weights[0])) if seeds is None else seeds
    return lanczos.largest(product, *lanczos.start_vectors(size, seeds, start, weights[0]), tolerance, rough=rough)


def _single(y: Tensor) -> torch.dtype:
    """Return float32 for labels ±1, the dtype they have for class numbers."""
    return torch.float32 if y.is_floating_point() else y.dtype


def hessian_eigenvalues(loss_function: LossFunction, weights: list[Tensor], count: int,
                        which: Literal["largest", "smallest"] = "largest", seed: lanczos.Seed = 0) -> np.ndarray:
    """Return the ``count`` largest eigenvalues of the Hessian, falling, or the smallest, rising.

    With multiplicity, and each with the guarantee of :func:`sharpness`. Raises InputError for another ``which``.

    Examples
    --------
    >>> weights = [torch.tensor([1.0, 2.0, 3.0]).double()]
    >>> hessian_eigenvalues(lambda w: (w[0] ** 3).sum(), weights, 2).round(6).tolist()
    [18.0, 12.0]
    """
    if which not in ("largest", "smallest"):
        raise InputError(f"which = {which!r}; allowed: 'largest', 'smallest'")
    product, sign = hessian_vector_product(loss_function, weights), 1 if which == "largest" else -1
    size = sum(matrix.numel() for matrix in weights)
    return sign * lanczos.largest_few(lambda v: sign * product(v[0])[None], size, count, seed, like=weights[0])[0]


def hessian_density(loss_function: LossFunction, weights: list[Tensor], grid: np.ndarray, width: float,
                    **options) -> np.ndarray:
    """Return the density of the Hessian's eigenvalues on ``grid``, of its shape: see :func:`.lanczos.spectral_density`.

    Examples
    --------
    >>> weights, grid = [torch.tensor([1.0, 2.0, 3.0]).double()], np.linspace(0, 24, 241)
    >>> round(float(hessian_density(lambda w: (w[0] ** 3).sum(), weights, grid, 0.5).sum()) * 0.1, 6)
    1.0
    """
    product = hessian_vector_product(loss_function, weights)
    size = sum(matrix.numel() for matrix in weights)
    return lanczos.spectral_density(lambda v: product(v[0])[None], size, grid, width, like=weights[0], **options)


def ntk_matrix(network: WeightMatrices, weights: list[Tensor], X: Tensor) -> Tensor:
    r"""Return the neural tangent kernel Θ of a network with k outputs on the rows of ``X`` (n, d), shape (nk, nk).

    With :math:`H_l` the activations that enter layer l, :math:`B_l = \partial f/\partial z_l` the derivatives
    of the outputs in its preactivations (one row a sample) and :math:`s_l` its scale,

    .. math:: \Theta = \sum_l s_l^2\, (H_l H_l^\top) \circ (B_l B_l^\top),

    because the gradient of :math:`f(x_i)` in :math:`W_l` is the rank-one :math:`s_l\, b_{l,i} h_{l,i}^\top`. With
    several outputs :math:`B_l` has a row for each sample and output, k to a sample. For other networks than fully
    connected ones Θ = J Jᵀ from their Jacobian. For normalised networks the products are those of autograd; with batch
    normalisation each output depends on all rows of ``X``, the training set, and J holds this dependence.

    Examples
    --------
    >>> ntk_matrix(Network((4, 1)), [torch.zeros(1, 4)], torch.eye(4)[:2]).tolist()  # X Xᵀ/d
    [[0.25, 0.0], [0.0, 0.25]]
    """
    if network.normalisation is not None:
        product = _ntk_product(network, weights, X)
        return torch.stack([product(unit) for unit in torch.eye(len(X) * network.outputs).to(X)])
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
    """Return the largest eigenvalue of Θ/n on the rows of ``X`` (n, d); nan where Θ is not finite.

    Examples
    --------
    >>> X = torch.ones(2, 1).double()  # the degenerate pair: (|w1|² + |w2|²)/m
    >>> round(largest_ntk_eigenvalue(Network((1, 2, 1)), [torch.ones(2, 1).double(), torch.ones(1, 2).double()], X), 9)
    2.0
    """
    theta = ntk_matrix(network, weights, X).mv if network.normalisation is None else _ntk_product(network, weights, X)
    start = lanczos.start_vectors(len(X) * network.outputs, [0], like=X)
    return lanczos.largest(lambda v: theta(v[0])[None] / len(X), *start, tolerance=1e-13)[0].item()


def _ntk_product(network: WeightMatrices, weights: list[Tensor], X: Tensor) -> lanczos.Product:
    """Return the map v ↦ J Jᵀ v, v of shape (nk,): Jᵀu by autograd is linear in u, and its derivative in u is J."""
    weights = [W.detach().requires_grad_() for W in weights]
    f = network.forward(weights, X).flatten()
    u = torch.zeros_like(f, requires_grad=True)
    pulled = torch.autograd.grad(f, weights, u, create_graph=True)

    def product(v: Tensor) -> Tensor:
        return torch.autograd.grad(pulled, u, torch.autograd.grad(f, weights, v, retain_graph=True),
                                   retain_graph=True)[0]

    return product
