"""Cycles of the logistic map on the degenerate pair: the two-cycle for all η of an interval, and period three."""

from __future__ import annotations

from dataclasses import dataclass

import flint
import numpy as np
from flint import arb

from catapult.parameters import InputError, whole
from catapult.theory import linear_predictor
from catapult.theory.certificates._outcomes import (
    MAX_BITS,
    Enclosure,
    Exact,
    Undecided,
    covering,
    exact,
    round_down,
    round_up,
)


@dataclass(frozen=True, eq=False)
class TwoCycle:
    """For which η of an interval the two-cycle is enclosed, with its multiplier.

    Attributes
    ----------
    learning_rate
        Shape (k, 2): intervals that cover the one asked for, in order; their ends are meant exactly.
    cycle
        Shape (k, 2): for every η of the interval, w* lies between these; NaN where undecided or refuted.
    multiplier
        Shape (k, 2): U'(w*), likewise. That it lies in the open interval asked for is proved before it is rounded
        outward to floats, which may make it −1 at large η.
    refuted
        Shape (k,): whether U'(w*) is proved to lie outside of the interval asked for, at every η of the piece.
    """

    learning_rate: np.ndarray
    cycle: np.ndarray
    multiplier: np.ndarray
    refuted: np.ndarray

    @property
    def certified(self) -> np.ndarray:
        """Shape (k,): whether the interval is certified."""
        return np.isfinite(self.cycle[:, 0])

    @property
    def undecided(self) -> list[tuple[float, float]]:
        """The intervals of which neither is proved."""
        return [tuple(ends) for ends in self.learning_rate[~(self.certified | self.refuted)].tolist()]


def two_cycle(learning_rate: tuple[Exact, Exact], *, multiplier: tuple[Exact, Exact] = (-1, 1), depth: int = 24,
              bits: int = 64) -> TwoCycle:
    r"""Enclose the two-cycle ±w* of the logistic pair, for all η in [low, high], with U'(w*) in an open interval.

    With :math:`F(w) = \frac\eta2\tanh\frac w2 - 2w` and a ball η, an interval W > 0 around a float approximation is
    mapped by Newton's operator :math:`N(W) = m - F(m)/F'(W)`, m its midpoint. If N(W) lies in the interior of W, then
    for every η in the ball F has exactly one zero in W, and it lies in N(W): it is w*. (For η ≤ 8 there is none, and
    nothing is certified.) The multiplier is :math:`U'(w^*) = 2w^*/\sinh w^* - 1`; the bounds −1 and 1 are decided
    without cancellation. What is not decided is halved, ``depth`` times.

    Parameters
    ----------
    learning_rate
        0 < low < high; ends that are no floats are rounded outward.
    multiplier
        The open interval in which U'(w*) has to lie for a piece to count as certified.
    depth, bits
        How often an interval is halved; the working precision.

    Raises
    ------
    InputError
        For ends out of order or range.

    Examples
    --------
    >>> found = two_cycle(("21/2", "211/20"))  # η_c(2) = 8/tanh 1 = 10.504
    >>> bool(found.cycle.min() < 2 < found.cycle.max())
    True
    """
    low, high = covering("learning_rate", learning_rate)
    whole("depth", depth, 0)
    whole("bits", bits, 16, MAX_BITS)
    bounds = tuple(exact("multiplier", end) for end in multiplier)
    rows: list[tuple] = []
    with flint.ctx.workprec(bits):
        _halve(low, high, bounds, depth, rows)
    return TwoCycle(*(np.array([row[i:i + 2] for row in rows]) for i in (0, 2, 4)),
                    refuted=np.array([row[6] for row in rows]))


def _halve(low: float, high: float, bounds, depth: int, rows: list[tuple]) -> None:
    row = _cycle_on(low, high, bounds)
    middle = low + (high - low) / 2
    if row is not None or depth == 0 or high <= 8 or not low < middle < high:
        rows.append((low, high, *(row or REFUTED), row is REFUTED))
        return
    _halve(low, middle, bounds, depth - 1, rows)
    _halve(middle, high, bounds, depth - 1, rows)


REFUTED = (float("nan"),) * 4  # the multiplier is proved to lie outside: halving is of no use


def _cycle_on(low: float, high: float, bounds) -> tuple[float, ...] | None:
    """Return enclosures of w* and U'(w*) for all η in [low, high]; REFUTED; or None if undecided."""
    if low <= 8:
        return None
    approximate = linear_predictor.two_cycle("logistic", np.array([low, high]))
    centre, radius = float(approximate.mean()), float(np.ptp(approximate))
    # The approximation is off by about 1e-15/w* where w* is small.
    rate, box = arb(low).union(arb(high)), arb(centre, radius + 1e-14 / centre + 1e-12)
    for _ in range(2):  # a second round, around the first image
        far, near = (2 / (1 + end.cosh()) for end in (box.upper(), box.lower()))  # it falls on box > 0
        slope = rate / 4 * far.union(near) - 2
        image = arb(centre) - (rate / 2 * arb(centre / 2).tanh() - 2 * centre) / slope
        if not (image.is_finite() and box > 0):  # not finite: F' may vanish on the box
            return None
        if box.contains_interior(image):
            # w/sinh w falls: its extremes are at the ends, where w and sinh w are not taken apart; image > 0 as box > 0
            least, most = (2 * end / end.sinh() for end in (image.upper(), image.lower()))
            low_bound, high_bound = arb(1 + bounds[0]), arb(1 + bounds[1])
            if least > low_bound and most < high_bound:
                # Rounding outward may pass the bounds, beyond which the multiplier is proved not to lie.
                return (round_down(image), round_up(image), max(round_down(least - 1), round_down(low_bound - 1)),
                        min(round_up(most - 1), round_up(high_bound - 1)))
            return REFUTED if most <= low_bound or least >= high_bound else None
        centre, radius = float(image), float(image.rad())
        box = arb(centre, 1.2 * radius + 1e-12)
    return None


LARGEST_RATE = 1e300  # of the search in floating point, where a few steps must stay finite


@dataclass(frozen=True)
class PeriodThree:
    """A cycle of length three is proved, and with it chaos in the sense of Li and Yorke.

    Attributes
    ----------
    points
        Enclosures of its points, in the order in which the map visits them.
    gap
        A lower bound on the distance of any two of them, positive.
    """

    points: tuple[Enclosure, Enclosure, Enclosure]
    gap: float


def period_three(label_fraction: Exact, edge_units: Exact, bracket: tuple[Exact, Exact] | None = None, *,
                 bits: int = 128) -> PeriodThree | Undecided:
    r"""Certify a cycle of length three of :math:`T(w) = w - \eta(\sigma(w) - p)`, :math:`\eta = \gamma/(p(1-p))`.

    If :math:`T^3(w) - w` has opposite signs at the ends of an interval, it has a zero inside; if the images of the
    interval under T and T² are disjoint from it and from each other, the zero is no fixed point, and its period is
    three.

    Parameters
    ----------
    label_fraction
        p in (0, 1), exact.
    edge_units
        γ > 0, exact; the minimum is stable for γ < 2.
    bracket
        The interval; by default a search in floating point looks for one.
    bits
        The working precision.

    Raises
    ------
    InputError
        For p or γ out of range, or a bracket out of order.

    Examples
    --------
    >>> found = period_three("9/10", 4)
    >>> len(found.points), found.gap > 0
    (3, True)
    """
    whole("bits", bits, 16, MAX_BITS)
    p, gamma = exact("label_fraction", label_fraction), exact("edge_units", edge_units)
    if not 0 < p < 1 or gamma <= 0:
        raise InputError(f"label_fraction = {label_fraction}, edge_units = {edge_units}; "
                         "allowed: p in (0, 1) and γ > 0")
    if bracket is None:
        candidates = _brackets(p, gamma)
    else:
        candidates = [tuple(exact("bracket", end) for end in bracket)]
        if not candidates[0][0] < candidates[0][1]:
            raise InputError(f"bracket = {bracket}; allowed: low < high")
    reason = "no change of sign of T³(w) − w was found off the fixed point"
    with flint.ctx.workprec(bits):
        for ends in candidates:
            outcome = _three(p, gamma, *(arb(end) for end in ends))
            if isinstance(outcome, PeriodThree):
                return outcome
            reason = outcome.reason
    return Undecided(reason)


def _three(p, gamma, low: arb, high: arb) -> PeriodThree | Undecided:
    ends = [_images(p, gamma, w)[3] - w for w in (low, high)]
    if not ends[0] * ends[1] < 0:  # so neither ball contains 0, and NaN is refused
        return Undecided("T³(w) − w is not proved to change sign on the bracket")
    points = _images(p, gamma, low.union(high))[:3]
    # abs of a ball around 0 begins at 0; round_down makes −inf of NaN, so that min sees it
    gap = min(round_down(abs(points[i] - points[j])) for i, j in ((0, 1), (1, 2), (2, 0)))
    if not gap > 0:
        return Undecided("the bracket is not proved to be disjoint from its images")
    return PeriodThree(tuple(Enclosure(round_down(w), round_up(w), 3, flint.ctx.prec) for w in points), gap)


def _images(p, gamma, w: arb) -> list[arb]:
    """Return w, T(w), T²(w), T³(w)."""
    rate, points = arb(gamma / (p * (1 - p))), [w]
    for _ in range(3):
        points.append(points[-1] - rate * (1 / (1 + (-points[-1]).exp()) - arb(p)))
    return points


def _brackets(p, gamma) -> list[tuple[float, float]]:
    """Return short intervals on which, in floating point, T³(w) − w changes sign away from the fixed point."""
    rate, fixed = float(arb(gamma / (p * (1 - p)))), float((arb(p) / arb(1 - p)).log())
    if not rate < LARGEST_RATE:
        return []
    p = float(arb(p))

    def third(w):
        for _ in range(3):
            w = linear_predictor.imbalanced_update(w, rate, p)
        return w

    # Any cycle lies within one step of the fixed point's two sides.
    grid = np.linspace(fixed - rate, fixed + rate, 20_001)
    signs = np.sign(third(grid) - grid)
    found = []
    for i in np.flatnonzero(signs[1:] != signs[:-1]):
        low, high = grid[i], grid[i + 1]
        if low - 1e-6 <= fixed <= high + 1e-6:
            continue
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if np.sign(third(middle) - middle) == signs[i] else (low, middle)
        found.append((float(low), float(high)))
    return found
