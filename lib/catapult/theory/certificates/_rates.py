r"""Convergence or divergence of two-layer networks for all learning rates of an interval."""

from __future__ import annotations

from dataclasses import dataclass

import flint
import numpy as np
from flint import arb

from catapult import losses
from catapult.parameters import InputError
from catapult.theory.certificates._outcomes import Exact, exact
from catapult.theory.certificates._two_layer import Start, checked, escape, mean_value_step, slope, step, trapped

CONVERGES, DIVERGES, NEARLY, UNDECIDED = "converges", "diverges", "diverges off a countable set", "undecided"


@dataclass(frozen=True, eq=False)
class Rates:
    """What is proved on the pieces of an interval of learning rates.

    Attributes
    ----------
    learning_rate
        Shape (k, 2): intervals that cover the one asked for, in order; their ends are floats and are meant exactly.
    verdict
        Shape (k,): "converges" (f → 0 for every η of the piece), "diverges" (Λ → ∞ for every η), "diverges off a
        countable set" (Λ → ∞ unless the orbit hits 0 exactly, which at most countably many η do), or "undecided".
    steps
        Shape (k,): steps that the proof took; the limit where undecided.
    """

    learning_rate: np.ndarray
    verdict: np.ndarray
    steps: np.ndarray

    def share(self, verdict: str) -> float:
        """Return the share of the interval's length that has this verdict (up to rounding)."""
        length = self.learning_rate[:, 1] - self.learning_rate[:, 0]
        return float(length[self.verdict == verdict].sum() / length.sum())

    def hull(self, verdict: str) -> tuple[float, float] | None:
        """Return the least and the largest η among the pieces with this verdict, or None."""
        chosen = self.learning_rate[self.verdict == verdict]
        return (float(chosen.min()), float(chosen.max())) if len(chosen) else None


def convergence(loss: str | losses.Loss, f0: Exact, ntk0: Exact, width: Exact, learning_rate: tuple[Exact, Exact], *,
                depth: int = 12, max_steps: int = 400, bits: int = 128, form: str = "mean value") -> Rates:
    r"""Divide an interval of η into pieces of proved convergence and proved divergence, and an undecided rest.

    On a piece H with midpoint μ, :math:`f_t(\eta) \in f_t(\mu) + f_t'(H)(H - \mu)` and the same for Λ, where the
    derivatives with respect to η follow their own recursion on balls. The piece converges when these balls are in the
    trap, and diverges when they are in the region of escape (see :func:`final_ntk`). Exponential and squared loss:
    where Λ > 4, Λ → ∞ unless the orbit hits 0; for f0 ≠ 0 every :math:`f_t` is analytic in η > 0 and tends to f0 as
    η → 0, so its zeros are isolated and there are countably many hits in all. Other pieces are halved, ``depth`` times.

    Parameters
    ----------
    loss, f0, ntk0, width
        As in :func:`final_ntk`.
    learning_rate
        0 < low < high, rounded to floats.
    depth, max_steps, bits
        How often a piece is halved; the steps of an orbit; the working precision.
    form
        ``"mean value"``, as above; ``"naive"``: the recursion on balls, η being one of them, for comparison.

    Raises
    ------
    InputError
        As :func:`final_ntk`, and for an interval out of order, another form, or depth < 0.
    """
    low, high = (float(arb(exact("learning_rate", end)).mid()) for end in learning_rate)
    if not 0 < low < high:
        raise InputError(f"learning_rate = {learning_rate}; allowed: 0 < low < high")
    if form not in FORMS or depth < 0 or max_steps < 1 or bits < 32:
        raise InputError(f"form = {form!r}, depth = {depth}, max_steps = {max_steps}, bits = {bits}; "
                         f"allowed: {', '.join(FORMS)}, depth ≥ 0, max_steps ≥ 1, bits ≥ 32")
    start = checked(loss, f0, ntk0, width, low)
    rows: list[tuple] = []
    with flint.ctx.workprec(bits):
        _halve(start, exact("width", width), low, high, depth, max_steps, FORMS[form], rows)
    return Rates(np.array([row[:2] for row in rows]), np.array([row[2] for row in rows]),
                 np.array([row[3] for row in rows]))


def _halve(start: Start, width, low: float, high: float, depth: int, max_steps: int, form, rows: list) -> None:
    verdict, steps = _decide(start, form(start, width, low, high), max_steps)
    middle = low + (high - low) / 2
    if verdict not in (NEARLY, UNDECIDED) or depth == 0 or not low < middle < high:
        rows.append((low, high, verdict, steps))
        return
    _halve(start, width, low, middle, depth - 1, max_steps, form, rows)
    _halve(start, width, middle, high, depth - 1, max_steps, form, rows)


def _decide(start: Start, states, max_steps: int) -> tuple[str, int]:
    """Follow the balls (κ, f, Λ) until a verdict holds for all of them."""
    above = None  # the step from which Λ > 4 on the whole piece
    for t, (kappa, f, scaled) in enumerate(states):
        if t > max_steps or not (f.is_finite() and scaled.is_finite()) or scaled.rad() > 1 + abs(scaled.mid()):
            break
        if trapped(start.loss, kappa, f, scaled):
            return CONVERGES, t
        if escape(start.loss, kappa, f, scaled):
            return DIVERGES, t
        if above is None and start.loss != "logistic" and start.f0 != 0 and scaled > 4:
            above = t
    return (UNDECIDED, max_steps) if above is None else (NEARLY, above)


def _mean_value_states(start: Start, width, low: float, high: float):
    """Yield κ, f_t and Λ_t for all η of a piece: centre plus derivative times the distance from the centre."""
    rate, m = arb(low).union(arb(high)), arb(width)
    centre = rate.mid()
    away = rate - centre
    ntk0 = start.scaled0 / start.rate
    kappa, kappa_centre, kappa_slope = rate**2 / m, centre**2 / m, 2 * rate / m
    f_centre, scaled_centre = arb(start.f0), centre * arb(ntk0)
    f_slope, scaled_slope = arb(0), arb(ntk0)
    while True:
        f, scaled = f_centre + f_slope * away, scaled_centre + scaled_slope * away
        yield kappa, f, scaled
        g, curvature = slope(start.loss, f)
        kg = kappa * g
        f_slope, scaled_slope = (
            (1 + kg * g + (2 * f * kg - scaled) * curvature) * f_slope - g * scaled_slope + f * g * g * kappa_slope,
            ((2 * scaled * kg - 4 * kappa * f) * curvature - 4 * kg) * f_slope + (1 + kg * g) * scaled_slope
            + g * (scaled * g - 4 * f) * kappa_slope)
        f_centre, scaled_centre = mean_value_step(start.loss, kappa_centre, f_centre, scaled_centre)


def _naive_states(start: Start, width, low: float, high: float):
    rate = arb(low).union(arb(high))
    kappa, f, scaled = rate**2 / arb(width), arb(start.f0), rate * arb(start.scaled0 / start.rate)
    while True:
        yield kappa, f, scaled
        f, scaled = step(start.loss, kappa, f, scaled)


FORMS = {"mean value": _mean_value_states, "naive": _naive_states}
