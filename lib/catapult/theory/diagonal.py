r"""Diagonal linear networks with the exponential loss: gradient flow in logarithms, and the convex program beside it.

The predictor is :math:`w = u_+^D - u_-^D`, entry by entry, and the loss
:math:`L = \frac1N\sum_n e^{-\langle z_n, w\rangle}` with the signed inputs :math:`z_n = y_nx_n` as rows of Z. With the
weights :math:`r_n = e^{-\langle z_n, w\rangle}/\sum` and :math:`d\tau = L\,dt` gradient flow is
:math:`\dot u_\pm = \pm D u_\pm^{D-1} Z^\top r`, so that u is a function of :math:`y = Z^\top\nu`,
:math:`\nu = \int r\,d\tau`, alone (:func:`weights`), and the flow an equation in N unknowns. Woodworth et al. (2020)
treat the squared loss, Moroshko et al. (2020) this one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import linprog, nnls

from catapult.parameters import InputError

TOLERANCE = 1e-8
"""Relative tolerance of the integrator; the certificate of a flow is what a tenth of it changes."""


def weights(depth: int, start: np.ndarray, y: np.ndarray) -> np.ndarray:
    r"""Return :math:`(u_+, u_-)`, shape (2, …, d), from their start of shape (2, d) or (2, 1) and y of shape (…, d).

    :math:`u_\pm(0) \pm y` at depth 1, :math:`u_\pm(0)\,e^{\pm2y}` at depth 2, and beyond
    :math:`(u_\pm(0)^{2-D} \mp D(D-2)\,y)^{-1/(D-2)}`, which ends where a bracket reaches 0: NaN from there on.

    Examples
    --------
    >>> weights(2, start_at(1.0), np.array([0.0, np.log(2) / 2])).round(9).tolist()  # α exp(±2y)
    [[1.0, 2.0], [1.0, 0.5]]
    """
    start = np.asarray(start, dtype=float)
    start = start.reshape(2, *(1,) * (np.ndim(y) - 1), -1)
    signed = np.stack([y, -np.asarray(y)])
    if depth == 1:
        return start + signed
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if depth == 2:
            return start * np.exp(2 * signed)
        sign = np.sign(start)  # a weight keeps it
        bracket = np.abs(start) ** (2 - depth) - sign**depth * depth * (depth - 2) * signed
        return sign * np.where(bracket > 0, bracket, np.nan) ** (-1 / (depth - 2))


def predictor(depth: int, u: np.ndarray) -> np.ndarray:
    """Return w, shape (…, d), from the weights (2, …, d).

    Examples
    --------
    >>> predictor(2, np.array([[1.0, 2.0], [1.0, 0.5]])).tolist()
    [0.0, 3.75]
    """
    return u[0] ** depth - u[1] ** depth


def start_at(scale: float) -> np.ndarray:
    """Return the start u± = α in every entry, shape (2, 1).

    Examples
    --------
    >>> start_at(0.5).tolist()
    [[0.5], [0.5]]
    """
    return np.full((2, 1), float(scale))


def log_loss(Z: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the natural logarithm of the loss at predictors w (…, d), shape (…), for Z (N, d): no loss is too small.

    Examples
    --------
    >>> float(log_loss(np.eye(2), np.array([1000.0, 1000.0])))
    -1000.0
    """
    margins = w @ Z.T
    least = margins.min(axis=-1, keepdims=True)
    return np.log(np.exp(least - margins).mean(axis=-1)) - least[..., 0]


@dataclass(frozen=True)
class Flow:
    """Where gradient flow is at given losses: u of shape (2, losses, d), ν of shape (losses, N)."""

    depth: int
    u: np.ndarray
    nu: np.ndarray

    @property
    def w(self) -> np.ndarray:
        """The predictors, shape (losses, d)."""
        return predictor(self.depth, self.u)


def flow(Z: np.ndarray, depth: int, start: np.ndarray, decades: np.ndarray, tolerance: float = TOLERANCE) -> Flow:
    r"""Follow gradient flow to the losses :math:`10^{-x}`, x in ``decades``, in increasing order and below the start's.

    The time is :math:`s = \log(L_0/L)`: :math:`d\nu/ds = r\,/\,r^\top ZCZ^\top r` with :math:`C = dw/dy`, by LSODA,
    which turns to an implicit method where the equation is stiff. The integrator does not know that s is the logarithm
    of the loss: ``log_loss`` of the result tells how far it has drifted.

    Raises
    ------
    InputError
        If the losses are not in order, or the integrator gives up.

    Examples
    --------
    >>> flow(np.eye(1), 2, start_at(1.0), [1.0, 2.0]).w.round(4).tolist()  # exp(−w) is 1/10, 1/100
    [[2.3026], [4.6052]]
    """
    from_here = float(log_loss(Z, predictor(depth, np.broadcast_to(start, (2, Z.shape[1])))))
    times = np.log(10) * np.asarray(decades, dtype=float) + from_here
    if not (np.diff(times, prepend=0) > 0).all():
        raise InputError(f"decades = {decades}; allowed: losses below the start's, in falling order")

    from catapult.theory import _diagonal

    Z, start = (np.ascontiguousarray(each, dtype=float) for each in (Z, np.broadcast_to(start, (2, Z.shape[1]))))
    solved = solve_ivp(lambda _, nu: _diagonal.velocity(Z, depth, start, nu), (0, times[-1]), np.zeros(len(Z)),
                       jac=lambda _, nu: _diagonal.jacobian(Z, depth, start, nu), method="LSODA", t_eval=times,
                       rtol=tolerance, atol=1e-4 * tolerance)
    if solved.status != 0 or solved.y.shape[1] != len(times):
        raise InputError(f"gradient flow at depth {depth} stops before its last loss: {solved.message}")
    nu = solved.y.T
    return Flow(depth, weights(depth, start, nu @ Z), nu)


@dataclass(frozen=True)
class Solution:
    """The solution of a program: the predictor (d,), the multipliers ν (N,), its relative duality gap and violation."""

    w: np.ndarray
    nu: np.ndarray
    gap: float
    violation: float


def program(Z: np.ndarray, depth: int, ratio: float, steps: int = 300) -> Solution:
    r"""Solve :math:`\min Q_D(w)` subject to :math:`Zw \ge \gamma` at α = 1 and γ = ``ratio``.

    Z (N, d) is separable, γ > 0, D ≥ 1 the depth. At another α, w is :math:`\alpha^D` times that of
    :math:`\gamma/\alpha^D`. :math:`Q_D` is the conjugate of :math:`\Phi(y) = (|u_+|^2 + |u_-|^2)/2D` with
    :func:`weights` from α, whose gradient is w: at depth 2,
    :math:`\frac14\sum_i [w_i\operatorname{asinh}(w_i/2\alpha^2) - \sqrt{w_i^2 + 4\alpha^4}]`. The dual,
    :math:`\max_{\nu\ge0} \gamma\sum\nu - \Phi(Z^\top\nu)`, is solved by Newton steps, each a problem of non-negative
    least squares. The gap is :math:`\sum\nu_n(\langle z_n, w\rangle - \gamma)` over :math:`\gamma\sum\nu`.

    Examples
    --------
    >>> program(np.array([[2.0, 1.0]]), 1, 5.0).w.round(6).tolist()  # at depth 1 the shortest
    [2.0, 1.0]
    """
    one = start_at(1.0)

    def value(nu):
        with np.errstate(over="ignore"):
            return float((weights(depth, one, nu @ Z) ** 2).sum() / (2 * depth) - ratio * nu.sum())

    nu = np.zeros(len(Z))
    for _ in range(steps):
        u = weights(depth, one, nu @ Z)
        slope = Z @ predictor(depth, u) - ratio
        root = np.sqrt(depth**2 * (u ** (2 * depth - 2)).sum(axis=0))[:, None] * Z.T  # rootᵀroot is the Hessian
        q = root @ np.linalg.solve(root.T @ root, slope)
        step = nnls(root, root @ nu - q)[0] - nu
        length, before, fall = 1.0, value(nu), float(slope @ step)
        while not value(nu + length * step) <= before + 1e-4 * length * fall + 1e-15 * abs(before):  # NaN: too far
            length /= 2
        nu = np.maximum(nu + length * step, 0)
        if abs(fall) <= 1e-13 * ratio * nu.sum():
            break
    w = predictor(depth, weights(depth, one, nu @ Z))
    slack = Z @ w - ratio
    return Solution(w, nu, float(abs(nu @ slack) / (ratio * nu.sum())), float(max(-slack.min(), 0) / ratio))


def least_l2(Z: np.ndarray) -> np.ndarray:
    """Return the w (d,) of least Euclidean norm with all margins at least 1: the maximal margin of separable Z (N, d).

    Examples
    --------
    >>> least_l2(np.array([[2.0, 1.0]])).round(9).tolist()
    [0.4, 0.2]
    """
    dual, _ = nnls(np.vstack([Z.T, np.ones(len(Z))]), np.append(np.zeros(Z.shape[1]), 1.0))
    w = dual @ Z
    return w / (Z @ w).min()


def least_l1(Z: np.ndarray) -> np.ndarray:
    """Return a w (d,) of least l1 norm with all margins at least 1, of separable Z (N, d), by a linear program.

    Examples
    --------
    >>> least_l1(np.array([[2.0, 1.0]])).round(9).tolist()
    [0.5, 0.0]
    """
    n, d = Z.shape
    solved = linprog(np.ones(2 * d), A_ub=-np.hstack([Z, -Z]), b_ub=-np.ones(n))
    return solved.x[:d] - solved.x[d:]
