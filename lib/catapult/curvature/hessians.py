r"""Products with the Hessian of the mean loss in all weights, by hand, for many runs of one network at once.

In the notation of :mod:`catapult.training.dense`, :math:`V_l = s_l W_l`, one column a sample, and a dot for the
change with :math:`W \to W + \epsilon\,U`, so that :math:`\dot V_l = s_l U_l` (the R-operator of Pearlmutter, 1994):

.. math:: \dot H_0 = 0, \quad \dot Z_l = \dot V_l H_{l-1} + V_l \dot H_{l-1}, \quad
   \dot H_l = \phi'(Z_l) \circ \dot Z_l, \quad \dot\delta_k = \tfrac1n \ell''\,\dot f,

.. math:: \dot\delta_{l-1} = \phi' \circ (\dot V_l^\top \delta_l + V_l^\top \dot\delta_l)
   + \phi'' \circ \dot Z_{l-1} \circ V_l^\top \delta_l, \quad
   (H U)_l = s_l (\dot\delta_l H_{l-1}^\top + \delta_l \dot H_{l-1}^\top).

Deep linear networks with one output have, in the notation of :mod:`catapult.training.linear`, gradients
:math:`s_l\, b_l a_{l-1}^\top`, and

.. math:: (H U)_l = s_l (\dot b_l a_{l-1}^\top + b_l \dot a_{l-1}^\top), \quad
   \dot b_{l-1} = \dot V_l^\top b_l + V_l^\top \dot b_l, \quad \dot a_l = \dot V_l a_{l-1} + V_l \dot a_{l-1}, \quad
   \dot a_0 = \tfrac1n X^\top \ell'' X \dot b_0 .

The range of H lies in :math:`U_l = \hat b_l p_l^\top + q_l \hat a_{l-1}^\top`, hats for unit vectors, and
:math:`q_l \perp \hat b_l` makes :math:`(p_l, q_l)` orthonormal coordinates: vectors are as long as the sum of the
widths, not as the number of weights. All eigenvalues of H but zeros are kept.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from catapult import losses
from catapult.networks import Network, WeightMatrices


def products(network: WeightMatrices, loss: losses.Loss | losses.ClassLoss, weights: list[Tensor], X: Tensor,
             y: Tensor) -> tuple[Callable[[Tensor], Tensor], int]:
    """Return the map v ↦ Hv of R runs, v of shape (R, P), and P.

    ``weights`` are matrices (R, m_out, m_in); ``X`` (n, d); ``y`` (n,). The coordinates are all weights, in their
    order and row by row; for linear networks with hidden layers and one output those above, p and q layer by layer.
    For other networks than fully connected ones, and normalised ones, the products are those of autograd.
    """
    if not isinstance(network, Network) or network.normalisation is not None:
        return _differentiated(network, loss, weights, X, y)
    V = [scale * W for scale, W in zip(network.scales, weights, strict=True)]
    if network.is_linear and network.outputs == 1 and network.depth > 1:
        return _contracted(network, loss, V, X, y)
    return _layered(network, loss, V, X, y)


def _differentiated(network, loss, weights, X, y):
    """Double backward through all runs at once: the Hessian of the sum of their losses has a block for each."""
    weights = [W.detach().requires_grad_() for W in weights]
    total = loss.of(network.forward(weights, X), y).mean(-1).sum()
    slopes = torch.autograd.grad(total, weights, create_graph=True)
    sizes = [W[0].numel() for W in weights]

    def product(vector):
        pieces = [piece.reshape(W.shape) for piece, W in zip(vector.split(sizes, 1), weights, strict=True)]
        images = torch.autograd.grad(slopes, weights, pieces, retain_graph=True, allow_unused=True,
                                     materialize_grads=True)
        return torch.cat([image.flatten(1) for image in images], 1)

    return product, sum(sizes)


def _layered(network, loss, V, X, y):
    H = [X.mT]
    for matrix in V[:-1]:
        H.append(network.activate(matrix @ H[-1]))
    f = _outputs(V[-1] @ H[-1])
    slopes, bends = ([None, *map(derivative, H[1:])] for derivative in (network.slope, network.bend))
    delta, pulled = [_columns(loss.gradient(f, y) / len(X))], []  # δ_l, V_lᵀ δ_l
    for layer in reversed(range(1, len(V))):
        pulled.insert(0, V[layer].mT @ delta[0])
        delta.insert(0, pulled[0] * slopes[layer])
    bent = [None if bend is None else bend * pull for bend, pull in zip(bends[1:], pulled, strict=True)]
    shapes = [matrix.shape for matrix in V]
    sizes = [shape[1] * shape[2] for shape in shapes]

    def product(vector):
        dV = [scale * piece.view(shape) for scale, piece, shape in
              zip(network.scales, vector.split(sizes, 1), shapes, strict=True)]
        dZ, dH = [dV[0] @ H[0]], [None]
        for layer in range(1, len(V)):
            dH.append(slopes[layer] * dZ[-1])
            dZ.append(torch.baddbmm(dV[layer] @ H[layer], V[layer], dH[layer]))
        d_delta = _columns(loss.second(f, y, _outputs(dZ[-1])) / len(X))
        images = []
        for layer in reversed(range(len(V))):
            image = d_delta @ H[layer].mT
            if layer:
                image = torch.baddbmm(image, delta[layer], dH[layer].mT)
                d_delta = torch.baddbmm(dV[layer].mT @ delta[layer], V[layer].mT, d_delta).mul_(slopes[layer])
                if bent[layer - 1] is not None:
                    d_delta += bent[layer - 1] * dZ[layer - 1]
            images.insert(0, (network.scales[layer] * image).flatten(1))
        return torch.cat(images, 1)

    return product, sum(sizes)


def _outputs(z: Tensor) -> Tensor:
    """Return columns of outputs (R, k, n) as a loss takes them: (R, n) for one output, else (R, n, k)."""
    return z[:, 0] if z.shape[1] == 1 else z.mT


def _columns(slopes: Tensor) -> Tensor:
    return slopes[:, None] if slopes.ndim == 2 else slopes.mT


def _contracted(network, loss, V, X, y):
    b = [V[0].new_ones(len(V[0]), 1)]
    for matrix in reversed(V):
        b.insert(0, rows(b[0], matrix))
    f = b[0] @ X.mT
    a = [(loss.gradient(f, y) / len(X)) @ X]
    for matrix in V[:-1]:
        a.append(rows(a[-1], matrix.mT))
    b_length, a_length = ([_length(vector) for vector in vectors] for vectors in (b[1:], a))
    b_hat = [vector / torch.where(length == 0, 1, length) for vector, length in zip(b[1:], b_length, strict=True)]
    sizes = [size for matrix in V for size in (matrix.shape[2], matrix.shape[1])]
    layers = range(len(V))

    def product(vector):
        pieces = vector.split(sizes, 1)
        p, q = pieces[0::2], [piece - _along(b_hat[layer], piece) for layer, piece in enumerate(pieces[1::2])]
        db = [torch.zeros_like(b[-1])]  # ḃ_l, then ȧ_l: the first term is that of the change of V_l
        for layer in reversed(layers):
            db.insert(0, network.scales[layer] * b_length[layer] * p[layer] + rows(db[0], V[layer]))
        da = [(loss.second(f, y, db[0] @ X.mT) / len(X)) @ X]
        for layer in layers[:-1]:
            moved = b_hat[layer] * (p[layer] * a[layer]).sum(1, keepdim=True) + q[layer] * a_length[layer]
            da.append(network.scales[layer] * moved + rows(da[-1], V[layer].mT))
        images = []
        for layer in layers:
            scale, lifted = network.scales[layer], db[layer + 1]
            along = (b_hat[layer] * lifted).sum(1, keepdim=True)
            images += [scale * (b_length[layer] * da[layer] + along * a[layer]),
                       scale * a_length[layer] * (lifted - along * b_hat[layer])]
        return torch.cat(images, 1)

    return product, sum(sizes)


def rows(vectors: Tensor, matrices: Tensor) -> Tensor:
    """Return each vector (R, m) times its matrix (R, m, m'). As rows: several times faster than as columns."""
    return torch.bmm(vectors[:, None], matrices)[:, 0]


def _length(vectors: Tensor) -> Tensor:
    return vectors.norm(dim=1, keepdim=True)


def _along(unit: Tensor, vectors: Tensor) -> Tensor:
    return unit * (unit * vectors).sum(1, keepdim=True)
