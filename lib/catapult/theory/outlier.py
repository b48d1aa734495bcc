r"""Logistic regression on the line with one outlier: where gradient descent finds a cycle beside a stable minimum.

Signed inputs: :math:`k_+` times 1, :math:`k_-` times −1, and one point at Z > 1, all whole numbers, :math:`k_+ > k_-`.
With n their number, the mean logistic loss has

.. math:: nL'(w) = -k_+\sigma(-w) + k_-\sigma(w) - Z\sigma(-Zw), \qquad
   nL''(w) = (k_+ + k_-)\sigma(w)\sigma(-w) + Z^2\sigma(Zw)\sigma(-Zw) .

Let :math:`\tau = (k_+ - k_-)/(k_+ + k_-)` and :math:`\zeta = Z/n`. For n → ∞ at fixed ζ the outlier is felt on w < 0
only, where it pushes by ζ: a step of learning rate η tends to

.. math:: T(w) = w - \tfrac\eta2(\tanh\tfrac w2 - \tau) + \eta\zeta\,[w < 0] ,

whose minimum has :math:`\tanh(w_*/2) = \tau` and the curvature :math:`\lambda = (1-\tau^2)/4`. For every
:math:`\gamma = \eta\lambda` in (1, 2) a small τ and some ζ give T a cycle of two points through its critical point
:math:`\cosh^2(w_1/2) = \eta/4`, hence with multiplier 0 (ours). That some data set has a stable cycle is a statement of
Meng et al. (2024); how theirs is built we have not seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import flint
import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from catapult.parameters import InputError

BITS = 256
LOWEST, HIGHEST = 1.05, 1.98
SATURATION = 14.0  # |Zw| on the cycle and at the minimum: the outlier's sigmoid is within 10⁻⁶ of a step


@dataclass(frozen=True)
class OutlierData:
    """The data set, and a learning rate for it.

    Attributes
    ----------
    positive, negative, outlier
        k₊ > k₋ ≥ 1 and Z > 1, whole numbers.
    learning_rate
        η, an exact fraction.

    Examples
    --------
    >>> data = OutlierData(2, 1, 3, Fraction(1))
    >>> data.Z.ravel().tolist(), float(data.slope(0.0))  # the mean of −z/2
    ([1.0, 1.0, -1.0, 3.0], -0.5)
    """

    positive: int
    negative: int
    outlier: int
    learning_rate: Fraction

    @property
    def Z(self) -> np.ndarray:
        """The signed inputs, shape (n, 1)."""
        return np.repeat([1.0, -1.0, self.outlier], [self.positive, self.negative, 1])[:, None]

    @property
    def size(self) -> int:
        """n."""
        return self.positive + self.negative + 1

    def slope(self, w) -> np.ndarray:
        """Return L'(w), elementwise."""
        w = np.asarray(w, dtype=float)
        pull = -self.positive * expit(-w) + self.negative * expit(w) - self.outlier * expit(-self.outlier * w)
        return pull / self.size

    def curvature(self, w) -> np.ndarray:
        """Return L''(w), elementwise: it falls as |w| grows."""
        w, Z = np.asarray(w, dtype=float), self.outlier
        both = self.positive + self.negative
        return (both * expit(w) * expit(-w) + Z**2 * expit(Z * w) * expit(-Z * w)) / self.size

    def update(self, w) -> np.ndarray:
        """Return w − ηL'(w), elementwise."""
        return np.asarray(w, dtype=float) - float(self.learning_rate) * self.slope(w)

    def minimiser(self) -> float:
        """Return the minimiser of the risk, in floating point."""
        return brentq(self.slope, -1.0, 50.0, xtol=1e-15)


@dataclass(frozen=True)
class Certificate:
    """What ball arithmetic proved: enclosures, each an ``arb``.

    Attributes
    ----------
    gamma
        ηλ, λ the curvature at the minimum: in (1, 2).
    points
        w₁ > 0 > w₂, swapped by a step, each known to 50 digits.
    multiplier
        The derivative of two steps there: in (−1, 1), so that the cycle attracts.
    """

    gamma: flint.arb
    points: tuple[flint.arb, flint.arb]
    multiplier: flint.arb


def design(gamma: float) -> OutlierData:
    """Return a data set and a learning rate with ηλ = γ (to six digits) and a stable cycle of two points.

    Parameters
    ----------
    gamma
        From 1.05 to 1.98. The closer to 1, the larger the data set.

    Raises
    ------
    InputError
        For γ out of range.

    Examples
    --------
    >>> data = design(1.5)
    >>> round(float(data.learning_rate) * float(data.curvature(data.minimiser())), 5)
    1.5
    """
    if not LOWEST <= gamma <= HIGHEST:
        raise InputError(f"gamma = {gamma!r}; allowed: a number from {LOWEST} to {HIGHEST}")
    a = math.acosh(math.sqrt(gamma))
    tau = (math.sinh(2 * a) - 2 * a) / 8
    n = math.ceil(SATURATION / _limit(gamma, tau)[1])
    excess = max(1, round(tau * n / 2))
    positive, negative = n // 2 + excess, n // 2 - excess
    outlier = max(2, round(_limit(gamma, excess / (n // 2))[0] * (2 * (n // 2) + 1)))
    data = OutlierData(positive, negative, outlier, Fraction(1))
    rate = Fraction(round(gamma / float(data.curvature(data.minimiser())), 6)).limit_denominator(10**6)
    return OutlierData(positive, negative, outlier, rate)


def _limit(gamma: float, tau: float) -> tuple[float, float]:
    """Return ζ of the cycle through the critical point in the limit, and ζ times the least |w| that matters."""
    edge = gamma / (1 - tau**2)  # η/4
    first = 2 * math.acosh(math.sqrt(edge))
    second = first - 2 * edge * (math.tanh(first / 2) - tau)
    zeta = (first - second + 2 * edge * (math.tanh(second / 2) - tau)) / (4 * edge)
    return zeta, zeta * min(2 * math.atanh(tau), -second)


def certify_cycle(data: OutlierData, start: float | None = None, steps: int = 100) -> Certificate | None:
    """Prove a stable cycle w₁ > 0 > w₂ near the orbit from ``start`` (by default where T' ≈ 0), or return None.

    The orbit is followed with 256 bits; around its last point lies an interval X with T(T(X)) inside X and
    |(T∘T)'| < 1 on X, so X holds exactly one point of period two (T(X) lies on the other side of 0), and it attracts.
    A cycle with both points on one side of 0 is not looked for.

    Examples
    --------
    >>> found = certify_cycle(design(1.5))  # the minimum is stable, and so is a cycle beside it
    >>> found.gamma < 2, abs(found.multiplier) < 1
    (True, True)
    """
    with flint.ctx.workprec(BITS):
        eta = flint.arb(data.learning_rate.numerator) / data.learning_rate.denominator
        w = flint.arb(2 * math.acosh(math.sqrt(max(1.0, float(data.learning_rate) / 4))) if start is None else start)
        for _ in range(2 * steps):
            w = _step(data, eta, w).mid()
        box = w + flint.arb(0, 1e-50)
        image = _step(data, eta, w) + _derivative(data, eta, box) * (box - w)
        multiplier = _derivative(data, eta, box) * _derivative(data, eta, image)
        twice = _step(data, eta, _step(data, eta, w)) + multiplier * (box - w)
        gamma = eta * _curvature(data, _minimum(data))
        proved = (box.contains_interior(twice) and abs(multiplier) < 1 and box * image < 0 and 1 < gamma < 2)
        return Certificate(gamma, (box, image) if box > 0 else (image, box), multiplier) if proved else None


def _sigmoid(x):
    return 1 / (1 + (-x).exp())


def _step(data, eta, w):
    pull = (data.positive * _sigmoid(-w) - data.negative * _sigmoid(w) + data.outlier * _sigmoid(-data.outlier * w))
    return w + eta * pull / data.size


def _curvature(data, w):
    Z, both = data.outlier, data.positive + data.negative
    return (both * _sigmoid(w) * _sigmoid(-w) + Z**2 * _sigmoid(Z * w) * _sigmoid(-Z * w)) / data.size


def _derivative(data, eta, w):
    return 1 - eta * _curvature(data, w)


def _minimum(data) -> flint.arb:
    """Enclose the minimiser: L' is increasing and changes sign between the ends."""
    centre = flint.arb(data.minimiser())
    low, high = centre - 1e-9, centre + 1e-9
    one = flint.arb(1)
    if not (_step(data, one, low) > low and _step(data, one, high) < high):
        raise ArithmeticError("the minimiser is not where floating point finds it")
    return low.union(high)
