r"""Convergence or divergence of two-layer networks for all learning rates of an interval, or all starts of a box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import flint
import numpy as np
from flint import arb

from catapult import losses
from catapult.parameters import InputError, whole
from catapult.theory.certificates._one_step import Boxes, divide
from catapult.theory.certificates._outcomes import MAX_BITS, Exact, covering, exact
from catapult.theory.certificates._two_layer import checked, escape, mean_value_step, name_of, slope, step, trapped

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
        0 < low < high; ends that are no floats are rounded outward.
    depth, max_steps, bits
        How often a piece is halved; the steps of an orbit; the working precision.
    form
        ``"mean value"``, as above; ``"naive"``: the recursion on balls, η being one of them, for comparison.

    Raises
    ------
    InputError
        As :func:`final_ntk`, and for an interval out of order, another form, or depth < 0.

    Examples
    --------
    >>> convergence("squared", 1, 1, 100, ("1/2", "3/2")).verdict.tolist()
    ['converges']
    """
    low, high = covering("learning_rate", learning_rate)
    _check(form, depth, max_steps, bits)
    start = checked(loss, f0, ntk0, width, low)
    ntk, m = start.scaled0 / start.rate, exact("width", width)

    def test(low: float, high: float) -> tuple[str, int]:
        return _decide(of_rates(start.loss, start.f0, ntk, m, low, high), FORMS[form], max_steps)

    rows: list[tuple] = []
    with flint.ctx.workprec(bits):
        _halve(test, low, high, depth, rows)
    return Rates(np.array([row[:2] for row in rows]), np.array([row[2] for row in rows]),
                 np.array([row[3] for row in rows]))


def start_boxes(loss: str | losses.Loss, kappa: Exact, f0: tuple[Exact, Exact], scaled0: tuple[Exact, Exact], *,
                depth: int = 5, max_steps: int = 400, bits: int = 128, form: str = "mean value") -> Boxes:
    r"""Divide a rectangle of starts (f0, Λ0) into boxes of proved convergence and proved divergence, and a rest.

    As :func:`convergence`, with the derivatives of :math:`(f_t, \Lambda_t)` with respect to both. "Diverges off a
    countable set" excepts countably many Λ0 for each f0 ≠ 0: :math:`f_t` is analytic in Λ0, and not 0 at Λ0 = 0, from
    where Λ falls and |f| rises. What is undecided is cut in four, ``depth`` times.

    Parameters
    ----------
    loss
        ``"exponential"``, ``"logistic"`` or ``"squared"``.
    kappa
        κ = η²/m > 0, exact.
    f0, scaled0
        The sides, low < high, f0 ≥ 0 (signs may be changed) and Λ0 > 0; ends that are no floats are rounded outward.
        Every start must be feasible: Λ0 ≥ 2 √κ f0.
    depth, max_steps, bits, form
        As in :func:`convergence`.

    Raises
    ------
    InputError
        For sides out of order or range, a start that no network has, another form.

    Examples
    --------
    >>> start_boxes("squared", "1/100", (0, 1), (1, "3/2"), depth=0).verdict.tolist()
    ['converges']
    """
    sides = *covering("f0", f0, zero=True), *covering("scaled0", scaled0)
    _check(form, depth, max_steps, bits)
    per_width, output, scaled = exact("kappa", kappa), exact("f0", sides[1]), exact("scaled0", sides[2])
    if not per_width > 0:
        raise InputError(f"kappa = {kappa!r}; allowed: > 0")
    if scaled * scaled < 4 * per_width * output * output:
        raise InputError(f"f0 = {f0}, scaled0 = {scaled0}: no network has f = {sides[1]:g} with Λ = {sides[2]:g}; "
                         "allowed: Λ ≥ 2 √κ f")
    name = name_of(loss)
    found: list[tuple] = []
    with flint.ctx.workprec(bits):
        divide(lambda box: _decide(of_starts(name, per_width, box), FORMS[form], max_steps)[0], sides, depth, found)
    return Boxes(np.array([box for box, _ in found]), np.array([verdict for _, verdict in found]))


def _check(form: str, depth: int, max_steps: int, bits: int) -> None:
    if form not in FORMS:
        raise InputError(f"form = {form!r}; allowed: {', '.join(FORMS)}")
    whole("depth", depth, 0)
    whole("max_steps", max_steps, 1)
    whole("bits", bits, 32, MAX_BITS)


def _halve(test, low: float, high: float, depth: int, rows: list) -> None:
    verdict, steps = test(low, high)
    middle = low + (high - low) / 2
    if verdict not in (NEARLY, UNDECIDED) or depth == 0 or not low < middle < high:
        rows.append((low, high, verdict, steps))
        return
    _halve(test, low, middle, depth - 1, rows)
    _halve(test, middle, high, depth - 1, rows)


@dataclass(frozen=True)
class Family:
    """Networks whose κ, f0 and Λ0 depend on parameters in a box.

    Attributes
    ----------
    loss
        Its name.
    start
        Balls for κ, f0 and Λ0 over the box.
    centre
        κ, f0 and Λ0 at the centre of the box.
    ways
        Of each parameter: the ball of its differences from the centre, and balls for the derivatives of κ, f0 and Λ0
        over the box.
    """

    loss: str
    start: tuple[arb, arb, arb]
    centre: tuple[arb, arb, arb]
    ways: tuple[tuple[arb, tuple[arb, arb, arb]], ...]


def of_rates(loss: str, f0, ntk0, width, low: float, high: float) -> Family:
    """One network's start at all η from low to high."""
    rate, m, f, ntk = arb(low).union(arb(high)), arb(width), arb(f0), arb(ntk0)
    middle = rate.mid()
    return Family(loss, (rate * rate / m, f, rate * ntk), (middle * middle / m, f, middle * ntk),
                  ((rate - middle, (2 * rate / m, arb(0), ntk)),))


def of_starts(loss: str, kappa, box: tuple[float, ...]) -> Family:
    """All (f0, Λ0) of a box, at one κ."""
    per_width, (f, scaled) = arb(kappa), (arb(box[i]).union(arb(box[i + 1])) for i in (0, 2))
    none, one = arb(0), arb(1)
    return Family(loss, (per_width, f, scaled), (per_width, f.mid(), scaled.mid()),
                  ((f - f.mid(), (none, one, none)), (scaled - scaled.mid(), (none, none, one))))


def _decide(family: Family, form, max_steps: int) -> tuple[str, int]:
    """Follow the balls (κ, f, Λ) until a verdict holds for all of them."""
    above = None  # the step from which Λ > 4 on the whole piece
    may_pass_four = family.loss != "logistic" and family.start[1] != 0  # of balls, != is a proof too
    for t, (kappa, f, scaled) in enumerate(form(family)):
        if t > max_steps or not (f.is_finite() and scaled.is_finite()) or scaled.rad() > 1 + abs(scaled.mid()):
            break
        if trapped(family.loss, kappa, f, scaled):
            return CONVERGES, t
        if escape(family.loss, kappa, f, scaled):
            return DIVERGES, t
        if above is None and may_pass_four and scaled > 4:
            above = t
    return (UNDECIDED, max_steps) if above is None else (NEARLY, above)


def mean_value_states(family: Family) -> Iterator[tuple[arb, arb, arb]]:
    """Yield κ, f_t and Λ_t of a whole family: those at the centre, plus derivatives times distances from it."""
    loss, (kappa, *_), (kappa_centre, f_centre, scaled_centre) = family.loss, family.start, family.centre
    away, slopes = [way[0] for way in family.ways], [way[1] for way in family.ways]
    while True:
        f, scaled = (sum((x * one[i] for x, one in zip(away, slopes, strict=True)), centre)
                     for i, centre in ((1, f_centre), (2, scaled_centre)))
        yield kappa, f, scaled
        g, curvature = slope(loss, f)
        kg = kappa * g
        f_by_f, f_by_kappa = 1 + kg * g + (2 * f * kg - scaled) * curvature, f * g * g
        scaled_by_f = (2 * scaled * kg - 4 * kappa * f) * curvature - 4 * kg
        scaled_by_scaled, scaled_by_kappa = 1 + kg * g, g * (scaled * g - 4 * f)
        slopes = [(dk, f_by_f * df - g * ds + f_by_kappa * dk,
                   scaled_by_f * df + scaled_by_scaled * ds + scaled_by_kappa * dk) for dk, df, ds in slopes]
        f_centre, scaled_centre = mean_value_step(loss, kappa_centre, f_centre, scaled_centre)


def naive_states(family: Family) -> Iterator[tuple[arb, arb, arb]]:
    """Yield κ, f_t and Λ_t for a whole family, each operation on balls."""
    kappa, f, scaled = family.start
    while True:
        yield kappa, f, scaled
        f, scaled = step(family.loss, kappa, f, scaled)


FORMS = {"mean value": mean_value_states, "naive": naive_states}
