r"""The family min F(xy) in the plane: what F is, one step of gradient descent, and the laws of its end.

With s = xy, n = x² + y², d = x² − y² and a = ηF'(s) a step of gradient descent is, exactly,

.. math:: s^+ = s(1 + a^2) - a n, \quad n^+ = n(1 + a^2) - 4 a s, \quad d^+ = (1 - a^2)\,d, \quad
   (x \pm y)^+ = (1 \mp a)(x \pm y) .

Gradient flow keeps d. Where F'(s*) = 0 the Hessian's eigenvalues are F''(s*)n and 0. (Wang, Chen, Zhao and Tao, 2022,
for the squared loss; the same for any F.)

*Growth order* p: F(s) grows like |s|^p. The members ``powers`` have F''(s*) = 1 for every p, so that with one start all
of them have the same sharpness near a minimum: what differs is how they grow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit


@dataclass(frozen=True)
class Member:
    """One F, with its only minimum, 0, at ``minimiser``.

    Attributes
    ----------
    value, slope, curvature
        F(s), F'(s), F''(s) for arrays s.
    minimiser
        s*.
    second, third, fourth
        Derivatives of F at s*; the second is > 0.
    order
        p, with F(s) of the order of |s|^p as |s| → ∞.
    steepest
        The supremum of |F'|, infinite for p > 1.
    """

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    curvature: Callable[[np.ndarray], np.ndarray]
    minimiser: float
    second: float
    third: float
    fourth: float
    order: float
    steepest: float


def power(order, target=0.5) -> Member:
    r"""Return :math:`F = ((1 + \sigma^2)^{p/2} - 1)/p`, σ = s − target, p > 0.

    p = 1 is the pseudo-Huber loss, p = 2 the squared loss σ²/2. Arrays of orders give a member that acts on each.
    """
    p = np.asarray(order, dtype=float)
    # at order 1 and below |F'| is largest where σ² = 1/(1 − p)
    with np.errstate(divide="ignore", invalid="ignore"):
        peak = np.where(p < 1, (1 / np.sqrt(1 - p)) * (1 + 1 / (1 - p)) ** (p / 2 - 1), np.where(p > 1, np.inf, 1.0))
    return Member(
        lambda s: np.expm1(p / 2 * np.log1p((s - target) ** 2)) / p,
        lambda s: (s - target) * (1 + (s - target) ** 2) ** (p / 2 - 1),
        lambda s: (1 + (p - 1) * (s - target) ** 2) * (1 + (s - target) ** 2) ** (p / 2 - 2),
        target, 1.0, 0.0, 3 * (p - 2), p, peak)


def log_cosh(target=0.5) -> Member:
    """Return F = log cosh(s − target)."""
    return Member(lambda s: np.logaddexp(s - target, target - s) - np.log(2), lambda s: np.tanh(s - target),
                  lambda s: 1 - np.tanh(s - target) ** 2, target, 1.0, 0.0, -2.0, 1.0, 1.0)


def cross_entropy(share=0.7) -> Member:
    """Return F = log(1 + e^s) − share · s less its minimum, a logistic loss with that share of labels 1: not even."""
    least, v = np.log(share / (1 - share)), share * (1 - share)
    return Member(lambda s: np.logaddexp(0, s) - share * s - np.logaddexp(0, least) + share * least,
                  lambda s: expit(s) - share, lambda s: expit(s) * expit(-s), least,
                  v, v * (1 - 2 * share), v * (1 - 6 * v), 1.0, max(share, 1 - share))


def quartic(fourth, third=1.0, target=0.5) -> Member:
    """Return F = σ²/2 + third σ³/6 + fourth σ⁴/24, σ = s − target; one minimum where fourth > 3 third²/8."""
    return Member(lambda s: (s - target) ** 2 * (0.5 + (s - target) * (third / 6 + (s - target) * fourth / 24)),
                  lambda s: (s - target) * (1 + (s - target) * (third / 2 + (s - target) * fourth / 6)),
                  lambda s: 1 + (s - target) * (third + (s - target) * fourth / 2),
                  target, 1.0, third, fourth, 4.0, np.inf)


MEMBERS = {"log cosh": log_cosh(), "cross-entropy": cross_entropy(), "order 1": power(1.0), "order 1.5": power(1.5)}
"""Those of which the sharpness at the end is compared with :func:`end`."""


def sharpness(member: Member, x, y) -> np.ndarray:
    """Return the largest eigenvalue of the Hessian of F(xy): that of [[F'' y², F' + F'' s], [F' + F'' s, F'' x²]]."""
    s, n, d = x * y, x**2 + y**2, x**2 - y**2
    bend = member.curvature(s)
    return (bend * n + np.sqrt((bend * d) ** 2 + 4 * (member.slope(s) + bend * s) ** 2)) / 2


def product_stability(member: Member):
    """Return 3F'''² − F''F'''' at the minimum: where it is > 0 gradient descent may rest at the edge (Gan, 2026)."""
    return 3 * member.third**2 - member.second * member.fourth


def end(member: Member, learning_rate):
    r"""Return ηλ at the end of a slide along the edge: :math:`2 - 3 \eta^2 F''^4 / (3F'''^2 - F''F'''')`, to O(η⁴).

    For an even Lipschitz F with s* = 0, F'' = 1 it is, as recalled, Song and Yun's (2023) 2/η − η/|r''(0)|, r = F'/s.
    """
    return 2 - 3 * np.asarray(learning_rate) ** 2 * member.second**4 / product_stability(member)


def critical_step(target, s, n):
    """Return Liang and Montúfar's (2025) critical learning rate of (xy − target)²/2 from s, n; target > 0."""
    return np.minimum(1 / target, 8 / (n + np.sqrt(n**2 - 16 * target * (s - target))))


LOST = 1e8
"""Size of x² + y² from which a run is lost."""
SETTLED = 1e-6
"""Distance of s from s* within which a run has converged."""


@dataclass
class Followed:
    """What was seen of runs side by side: arrays of the runs' shape."""

    converged: np.ndarray
    lost: np.ndarray
    rise: np.ndarray  # largest rise above an earlier value, over the loss at the start
    peak: np.ndarray  # largest loss over that at the start
    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray  # of the loss over the steps

    def edge(self, member: Member, learning_rate) -> np.ndarray:
        """Return ηλ at the end, NaN where a run has not converged."""
        return np.where(self.converged, learning_rate * member.second * (self.x**2 + self.y**2), np.nan)


def follow(member: Member, x, y, learning_rate, steps: int) -> Followed:
    """Follow gradient descent from all starts at all rates (arrays that broadcast, with the member's)."""
    x, y, rate, _ = np.broadcast_arrays(np.asarray(x, float), y, np.asarray(learning_rate, float), member.fourth)
    loss = first = lowest = peak = member.value(x * y)
    rise, total = np.zeros(x.shape), np.zeros(x.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            total = total + loss
            a = rate * member.slope(x * y)
            x, y = x - a * y, y - a * x
            lost = ~(x**2 + y**2 < LOST)
            x, y = np.where(lost, np.inf, x), np.where(lost, np.inf, y)
            loss = member.value(x * y)
            lowest = np.fmin(lowest, loss)
            peak, rise = np.fmax(peak, loss), np.fmax(rise, loss - lowest)
        converged = np.abs(x * y - member.minimiser) < SETTLED
        return Followed(converged, ~np.isfinite(x), rise / first, peak / first, x, y, total / steps)
