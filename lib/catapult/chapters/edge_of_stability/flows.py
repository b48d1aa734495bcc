r"""The two differential equations beside gradient descent on the Chebyshev task: gradient flow, and the central flow.

Cohen et al. (2025), for one unstable eigenvalue: gradient descent at the edge oscillates along the top eigenvector v of
the Hessian with some variance σ², which lowers the sharpness S; its average follows

.. math:: \dot w = -\nabla L - \tfrac12 \sigma^2 \nabla S, \qquad \sigma^2 = \max\Bigl(0,
   \frac{-2\,\nabla L \cdot \nabla S}{|\nabla S|^2}\Bigr) \text{ where } S \ge 2/\eta,\ \text{else } 0 :

gradient flow projected on the tangent space of :math:`\{S \le 2/\eta\}` (:math:`\sigma^2` makes :math:`\dot S = 0`),
in units of time η · step. What it says of the oscillation: its mean loss is :math:`L + \sigma^2 / \eta`.

Two routes. :func:`central` integrates this, with the midpoint rule. :func:`projected` never sees the formula of σ²: it
follows gradient flow, and where S has passed 2/η goes back to it along ∇S, by Newton's method.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from catapult.chapters.edge_of_stability.polynomial import Fit

KRYLOV = 2  # products a step, from the eigenvector of the step before


def gradient_flow(fit: Fit, w: np.ndarray, times: np.ndarray, method: str = "BDF") -> np.ndarray:
    """Return the weights at the times, shape (times, P), by a stiff integrator of scipy with the Hessian."""
    solution = solve_ivp(lambda _, w: -fit.slope(w[None])[1][0], (0, times[-1]), w, method, times,
                         jac=lambda _, w: -fit.hessian(w), rtol=1e-4, atol=1e-7)
    return solution.y.T


def top(fit: Fit, w: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sharpness (R,) and its unit vectors, sought in a few products from vectors v of a moment before."""
    basis, images = [v], []
    for _ in range(KRYLOV):
        images.append(fit.product(w, basis[-1]))
        new = images[-1]
        for _ in range(2):
            for old in basis:
                new = new - (new * old).sum(1, keepdims=True) * old
        basis.append(new / np.linalg.norm(new, axis=1, keepdims=True))
    Q, A = np.stack(basis[:-1], 1), np.stack(images, 1)  # (R, k, P)
    values, vectors = np.linalg.eigh(Q @ A.swapaxes(1, 2))
    found = np.einsum("rk,rkp->rp", vectors[:, :, -1], Q)
    return values[:, -1], found / np.linalg.norm(found, axis=1, keepdims=True)


def central(fit: Fit, w: np.ndarray, rate: float, times: np.ndarray, step: float):
    """Return weights (times, R, P), and sharpness and σ² (times, R), of the central flow of runs w (R, P).

    σ² is the mean since the time before.
    """
    state = {"v": fit.sharpness(w)[1]}

    def velocity(w):
        S, state["v"] = top(fit, w, state["v"])
        slope, bend = fit.slope(w)[1], fit.bend(w, state["v"])
        holding = np.maximum(0, -2 * (slope * bend).sum(1) / (bend**2).sum(1))
        variance = holding * (S * rate >= 2)
        return -slope - variance[:, None] / 2 * bend, S, variance

    def advance(w, length):
        ahead, S, _ = velocity(w)
        change, _, variance = velocity(w + length / 2 * ahead)
        return w + length * change, S, variance

    return _followed(w, times, step, advance)


def projected(fit: Fit, w: np.ndarray, rate: float, times: np.ndarray, step: float):
    """Return the same as :func:`central`, by steps of gradient flow and steps back to S = 2/η along ∇S."""
    state = {"v": fit.sharpness(w)[1]}

    def advance(w, length):
        w = w - length * fit.slope(w - length / 2 * fit.slope(w)[1])[1]
        pushed = np.zeros(len(w))
        for _ in range(2):
            S, state["v"] = top(fit, w, state["v"])
            bend = fit.bend(w, state["v"])
            push = np.maximum(0, S - 2 / rate) / (bend**2).sum(1)
            w, pushed = w - push[:, None] * bend, pushed + push
        return w, np.minimum(S, 2 / rate), 2 * pushed / length

    return _followed(w, times, step, advance)


def _followed(w, times, step, advance):
    """Follow from 0 to the last of the times, in equal steps of at most ``step`` between two of them."""
    kept, sharpness, variances = [w], [], [np.zeros(len(w))]
    for span in np.diff(times):
        count, total = int(np.ceil(span / step)), 0.0
        for number in range(count):
            w, S, variance = advance(w, span / count)
            total = total + variance / count
            if number == 0:
                sharpness.append(S)
        kept.append(w)
        variances.append(total)
    return np.array(kept), np.array([*sharpness, S]), np.array(variances)
