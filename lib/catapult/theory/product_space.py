r"""Gradient descent on two-layer linear networks with one output, on any data, in the space of the product vector.

The network :math:`f(x) = s\, w_2^\top W_1 x = v\cdot x` has width m and inputs in d dimensions;
:math:`s = (md)^{-1/2}` in the NTK parametrisation, 1 in the standard one. With :math:`v = s W_1^\top w_2` the product
vector, :math:`B = s^2 W_1^\top W_1`, :math:`c = s^2 |w_2|^2` and :math:`G = \nabla L(v)` the gradient of the risk of
the linear predictor v, a step of gradient descent on the weights is, exactly and at every width (ours),

.. math::
   v^+ &= v - \eta (B + cI) G + \eta^2 s^2 (v\cdot G)\, G, \\
   B^+ &= B - \eta s^2 (vG^\top + Gv^\top) + \eta^2 s^2 c\, GG^\top, \\
   c^+ &= c - 2\eta s^2\, v\cdot G + \eta^2 s^2\, G^\top B G .

:math:`K = B + cI` is the kernel in the space of v: the neural tangent kernel of the data is :math:`XKX^\top`. With
d = 1 this is the recursion of :mod:`catapult.theory.two_layer`. At a minimum of the risk, where G = 0, the Hessian in
the weights has the non-zero eigenvalues of :math:`H^{1/2} K H^{1/2}`, H the Hessian of the risk at v.

Arrays carry a leading shape R of runs side by side, each with its own data; overflow gives NaN without a warning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catapult import losses
from catapult.parameters import InputError


@dataclass(frozen=True)
class State:
    """Two-layer linear networks as the space of v sees them.

    Attributes
    ----------
    product
        v, shape (R, d).
    gram
        B = s² W1ᵀW1, shape (R, d, d).
    outer
        c = s² |w2|², shape (R,).
    scale
        s.
    """

    product: np.ndarray
    gram: np.ndarray
    outer: np.ndarray
    scale: float

    @property
    def kernel(self) -> np.ndarray:
        """K = B + cI, shape (R, d, d)."""
        return self.gram + self.outer[:, None, None] * np.eye(self.product.shape[1])


def start(first: np.ndarray, second: np.ndarray, scale: float) -> State:
    """Return the state of networks with weights W1 of shape (R, m, d) and w2 of shape (R, m).

    Raises
    ------
    InputError
        For shapes that do not fit.

    Examples
    --------
    >>> state = start(np.ones((1, 2, 1)), np.ones((1, 2)), 0.5)
    >>> state.product.tolist(), state.kernel.tolist()
    ([[1.0]], [[[1.0]]])
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.ndim != 3 or second.shape != first.shape[:2]:
        raise InputError(f"first and second have shapes {first.shape} and {second.shape}; "
                         "allowed: (R, m, d) and (R, m)")
    product = scale * np.einsum("rmd,rm->rd", first, second)
    return State(product, scale**2 * first.swapaxes(1, 2) @ first, scale**2 * (second**2).sum(1), float(scale))


def gradient(loss: str | losses.Loss, Z: np.ndarray, product: np.ndarray) -> np.ndarray:
    """Return G, shape (R, d): the gradient of the mean loss at v (R, d) on signed inputs Z of shape (R, n, d).

    Examples
    --------
    >>> gradient("squared", np.array([[[1.0], [3.0]]]), np.array([[0.0]])).tolist()  # less the mean of z
    [[-2.0]]
    """
    slopes = losses.get(loss).slope(_margins(Z, product))
    return (slopes[:, None] @ Z)[:, 0] / Z.shape[1]


def _margins(Z: np.ndarray, product: np.ndarray) -> np.ndarray:
    return (Z @ product[:, :, None])[:, :, 0]


def step(state: State, slope: np.ndarray, learning_rate: np.ndarray) -> State:
    """Return the state after one step, given G of shape (R, d) and η of shape (R,).

    Examples
    --------
    >>> state = start(np.ones((1, 2, 1)), np.ones((1, 2)), 0.5)  # all weights go from 1 to 1/2
    >>> step(state, np.array([[1.0]]), np.array([1.0])).product.tolist()
    [[0.25]]
    """
    v, B, c, square = state.product, state.gram, state.outer, state.scale**2
    along, pushed = (v * slope).sum(1), (B @ slope[:, :, None])[:, :, 0]
    eta = np.asarray(learning_rate, dtype=float)
    product = v - (eta * c - eta**2 * square * along)[:, None] * slope - eta[:, None] * pushed
    side = (eta * square)[:, None] * v - (eta**2 * square * c / 2)[:, None] * slope
    both, flipped = np.stack([side, slope], axis=2), np.stack([slope, side], axis=1)
    return State(product, B - both @ flipped,
                 c - 2 * eta * square * along + eta**2 * square * (slope * pushed).sum(1), state.scale)


def descend(loss: str | losses.Loss, Z: np.ndarray, state: State, learning_rate: np.ndarray, steps: int,
            every: int = 1) -> tuple[np.ndarray, State]:
    """Follow gradient descent; return the risk at the steps 0, every, 2·every, … and the last state.

    Parameters
    ----------
    loss
        As everywhere; the logistic loss never overflows by itself, the weights may.
    Z
        Signed inputs, shape (R, n, d).
    learning_rate
        η, shape (R,).
    steps, every
        At least 0 and 1.

    Returns
    -------
    risk, state
        Mean losses of shape (steps // every + 1, R), and the state after ``steps`` steps. NaN after an overflow.

    Examples
    --------
    >>> state = start(np.ones((1, 1, 1)), np.ones((1, 1)), 1.0)  # both weights go from 1 to 1/2
    >>> descend("squared", np.array([[[2.0]]]), state, np.array([0.25]), 1)[0].tolist()
    [[0.5], [0.125]]
    """
    risks = []
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps + 1):
            if t % every == 0:
                risks.append(losses.get(loss).value(_margins(Z, state.product)).mean(1))
            if t < steps:
                state = step(state, gradient(loss, Z, state.product), learning_rate)
    return np.array(risks), state


def sharpness_at_minimum(loss: str | losses.Loss, Z: np.ndarray, state: State) -> np.ndarray:
    """Return the largest eigenvalue of H^{1/2} K H^{1/2}, shape (R,): the sharpness where G = 0; NaN after overflow.

    Examples
    --------
    >>> state = start(np.ones((1, 1, 1)), np.ones((1, 1)), 1.0)  # f(1) = 1, and |w1|² + |w2|² = 2
    >>> sharpness_at_minimum("squared", np.array([[[1.0]]]), state).round(9).tolist()
    [2.0]
    """
    margins = _margins(Z, state.product)
    values = np.full(len(state.product), np.nan)
    alive = np.isfinite(margins).all(1) & np.isfinite(state.kernel).all((1, 2))
    roots = np.sqrt(losses.get(loss).curvature(margins[alive]) / Z.shape[1])[:, :, None] * Z[alive]  # H = rootsᵀ roots
    values[alive] = np.linalg.eigvalsh(roots @ state.kernel[alive] @ roots.swapaxes(1, 2))[:, -1]
    return values


def repeated(states: list[State], times: int) -> State:
    """Return the runs of several states of one scale, each ``times`` times in a row.

    Examples
    --------
    >>> states = [start(np.full((1, 1, 1), w), np.ones((1, 1)), 1.0) for w in (1.0, 2.0)]
    >>> repeated(states, 2).product.ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    joined = [np.repeat(np.concatenate([getattr(state, name) for state in states]), times, axis=0)
              for name in ("product", "gram", "outer")]
    return State(*joined, states[0].scale)
