"""One linear predictor w: its risk on any data, and its maps of one number on a point with both labels."""

from __future__ import annotations

import numpy as np
import scipy.optimize
import scipy.special

# L' on the degenerate pair, where the margins are f and −f, in the arithmetic of numpy, math, mpmath or flint.arb.
SLOPES = {"exponential": lambda f, of=np: of.sinh(f), "logistic": lambda f, of=np: of.tanh(f / 2) / 2,
          "squared": lambda f, of=np: f, "log cosh": lambda f, of=np: of.tanh(f),
          "tanh(f + f³)": lambda f, of=np: of.tanh(f + f**3)}
# ℓ, ℓ' and ℓ'' of a margin u.
LOSSES = {
    "exponential": (lambda u: np.exp(-u), lambda u: -np.exp(-u), lambda u: np.exp(-u)),
    "logistic": (lambda u: np.logaddexp(0, -u), lambda u: -scipy.special.expit(-u),
                 lambda u: scipy.special.expit(u) * scipy.special.expit(-u)),
    "squared": (lambda u: (1 - u) ** 2 / 2, lambda u: u - 1, np.ones_like)}

# On the line signed inputs and their shares whose minimum has a cycle of two already below the edge 2/λ.
SUBCRITICAL = np.array([1.0, -1.0, 10.0]), np.array([12, 8, 1]) / 21


def move(loss: str, w, rate, of=np):
    """Return w − η L'(w), a step on the degenerate pair, for floats, arrays, or numbers of the arithmetic ``of``."""
    return w - rate * SLOPES[loss](w, of)


def move_labels(fraction, w, rate, of=np):
    """Return a step of the logistic risk on one input, a ``fraction`` p of its labels positive: w − η(σ(w) − p)."""
    return w - rate * (1 / (1 + of.exp(-w)) - fraction)


def risk(Z: np.ndarray, w: np.ndarray, loss: str = "logistic", share=None) -> np.ndarray:
    """Return Σ p_i ℓ(z_i·w) for weights w (…, d); the shares p_i are 1/n if not given."""
    with np.errstate(over="ignore"):
        return LOSSES[loss][0](w @ Z.T) @ _shares(Z, share)


def gradient(Z: np.ndarray, w: np.ndarray, loss: str = "logistic", share=None) -> np.ndarray:
    """Return the gradients of the risk at weights w (…, d), in the same shape."""
    return (LOSSES[loss][1](w @ Z.T) * _shares(Z, share)) @ Z


def hessian(Z: np.ndarray, w: np.ndarray, loss: str = "logistic", share=None) -> np.ndarray:
    """Return the Hessian (d, d) of the risk at one w (d,)."""
    return (Z * (LOSSES[loss][2](Z @ w) * _shares(Z, share))[:, None]).T @ Z


def descend(Z: np.ndarray, rates, steps: int, start=0.0, schedule=None, loss: str = "logistic",
            share=None) -> np.ndarray:
    """Return w_t, shape (steps + 1, R, d), of gradient descent on the risk at R learning rates side by side.

    ``start``: w_0, (d,) or (R, d); ``schedule``: factors of the rates, one a step, 1 if not given.
    """
    rates = np.atleast_1d(np.asarray(rates, dtype=float))[:, None]
    w = np.empty((steps + 1, len(rates), Z.shape[1]))
    w[0] = start
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            w[t + 1] = w[t] - (1 if schedule is None else schedule[t]) * rates * gradient(Z, w[t], loss, share)
    return w


def minimiser(Z: np.ndarray, share=None) -> np.ndarray:
    """Return where the logistic risk of strictly non-separable data is least, (d,): Newton's method, steps halved."""
    w = np.zeros(Z.shape[1])
    for _ in range(40):
        step = np.linalg.solve(hessian(Z, w, share=share), gradient(Z, w, share=share))
        while risk(Z, w - step, share=share) > risk(Z, w, share=share) + 1e-12:
            step = step / 2
        w = w - step
        if np.linalg.norm(step) <= 1e-14 * np.linalg.norm(w):
            break
    return w


def nearest_of_hull(points: np.ndarray) -> np.ndarray:
    """Return the point of least norm in a convex hull: weights q ≥ 0 that minimise |Aᵀq|² + (Σq − 1)², scaled."""
    weights, _ = scipy.optimize.nnls(np.vstack([points.T, np.ones(len(points))]), np.r_[np.zeros(points.shape[1]), 1.0])
    return weights @ points / weights.sum()


def max_margin(Z: np.ndarray) -> np.ndarray:
    """Return the unit vector w (d,) with the largest least z_i·w, of separable data: to their hull's nearest point."""
    nearest = nearest_of_hull(Z)
    return nearest / np.linalg.norm(nearest)


def cone_distance(Z: np.ndarray, w: np.ndarray) -> float:
    """Return the distance of w (d,) from the cone of all v with z_i·v ≥ 0 for all i.

    w less its projection is −Zᵀλ with λ ≥ 0 that makes |w + Zᵀλ| least (Moreau).
    """
    return float(np.linalg.norm(Z.T @ scipy.optimize.nnls(Z.T, -w)[0]))


def line_minimum(z: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """Return the minimiser of Σ p_i ℓ(z_i w) on the line, and the curvature there."""
    best = minimiser(z[:, None], share)
    return best[0], hessian(z[:, None], best, share=share)[0, 0]


def line_step(z: np.ndarray, share: np.ndarray, rate: float, w: np.ndarray) -> np.ndarray:
    """Return w − η L'(w) on the line, elementwise."""
    return w - rate * gradient(z[:, None], np.asarray(w)[..., None], share=share)[..., 0]


def fold(z: np.ndarray, share: np.ndarray) -> float:
    """Return the ηλ at which a cycle of two on the line has the multiplier 1 (Newton, from the one at ηλ = 1.92)."""
    best, curvature = line_minimum(z, share)

    def equations(x):
        a, b, rate = *x[:2], x[2] / curvature
        turns = [1 - rate * hessian(z[:, None], np.array([w]), share=share)[0, 0] for w in (a, b)]
        return line_step(z, share, rate, a) - b, line_step(z, share, rate, b) - a, turns[0] * turns[1] - 1

    w = best + 1.0
    for _ in range(2000):
        w = line_step(z, share, 1.92 / curvature, w)
    return float(scipy.optimize.fsolve(equations, [w, line_step(z, share, 1.92 / curvature, w), 1.92])[2])


def _shares(Z: np.ndarray, share) -> np.ndarray:
    return np.full(len(Z), 1 / len(Z)) if share is None else share
