"""Checks: certificates against computations that share nothing with them: points, and plain orbits."""

from __future__ import annotations

import math
from fractions import Fraction

import flint
import mpmath
import numpy as np

from catapult.chapters.certificates import experiment
from catapult.companion.measurement import Measurement
from catapult.oracles import balls, predictor
from catapult.theory import certificates, two_layer


def _holds(found: certificates.Enclosure, limit) -> bool:
    """Whether a plain orbit's limit lies in an enclosure, up to a rounding of it, 10⁻¹⁶."""
    if limit is None or limit == math.inf:
        return False
    with flint.ctx.workprec(400):
        slack = abs(limit) * 1e-16
        return bool(found.lower - slack <= limit <= found.upper + slack)


def certified_rates() -> Measurement:
    """Both losses: the least share of a rectangle of (w0, η) on which the side of the critical rate is proved."""
    shares, rng, right, curve = [], np.random.default_rng(71), True, True
    for loss, sides in experiment.RECTANGLES.items():
        found = certificates.one_step_boxes(loss, *sides, depth=8)
        shares.append(1 - found.share("undecided"))
        boxes, decided = found.boxes, found.verdict != "undecided"
        for i in rng.choice(len(boxes), 300):
            w, rate = (rng.uniform(*boxes[i, k:k + 2]) for k in (0, 2))
            with mpmath.workdps(40):
                rises = abs(predictor.move(loss, mpmath.mpf(w), rate, mpmath)) > w
            right &= not decided[i] or rises == (found.verdict[i] == "above")
        for w in rng.uniform(*sides[0], 300):
            rate = 2 * w / predictor.SLOPES[loss](w)
            curve &= not (decided & (boxes[:, 0] < w) & (w < boxes[:, 1])
                          & (boxes[:, 2] < rate * (1 - 1e-9)) & (rate * (1 + 1e-9) < boxes[:, 3])).any()
    return Measurement(np.min(shares), conditions={
        "at random points of certified boxes a step of 40 digits goes the way that is certified": right,
        "no certified box holds a point of the curve η = 2w/g(w)": curve})


def certified_cycle() -> Measurement:
    """Logistic loss: the upper end of what is not certified between 8 and 10⁶, less 8."""
    ends, least = (8, 10**6), (-1, 1)
    found = certificates.two_cycle(ends, multiplier=least, depth=30)
    pieces, inside = found.learning_rate, found.certified
    left = pieces[~inside].max(initial=8.0)
    stable = (found.multiplier[inside] >= least[0]).all() and (found.multiplier[inside] <= least[1]).all()
    held, narrow = True, True
    for i in np.random.default_rng(72).choice(np.flatnonzero(inside), 60):
        with mpmath.workdps(40):
            cycle = [_cycle(rate) for rate in pieces[i]]
            multiplier = [rate / 4 / mpmath.cosh(w / 2) ** 2 - 1 for rate, w in zip(pieces[i], cycle, strict=True)]
            for bounds, values in ((found.cycle[i], cycle), (found.multiplier[i], multiplier[::-1])):
                held &= bounds[0] <= values[0] <= values[1] <= bounds[1]
                narrow &= bounds[1] - bounds[0] <= 3 * (values[1] - values[0]) + 1e-12
    return Measurement(left - 8, conditions={
        "the pieces cover the rates from 8 to 10⁶": _cover(pieces, *ends),
        "each enclosure of the multiplier lies between −1 and 1": stable,
        "the enclosures hold cycle and multiplier, of 40 digits, at both ends of 60 pieces": held,
        "they are at most three times as wide as the piece makes necessary": narrow})


def _cycle(rate: float):
    """w* > 0 with η tanh(w*/2) = 4w*, bisected in mpmath."""
    return mpmath.findroot(lambda w: rate * mpmath.tanh(w / 2) - 4 * w, (mpmath.sqrt((rate - 8) / rate), rate / 3),
                           solver="anderson", tol=mpmath.mpf(10) ** -60, maxsteps=500)


def certified_window() -> Measurement:
    """Exponential loss, m = 100, f0 = 1: the critical ηλ0 less 2 f0/sinh f0, in units of κ = η²/m, at η = sinh⁻¹(1).

    The value is bisected on plain orbits of 400 bits; the interval is what intervals of η prove.
    """
    width, lazy = 100, 1 / math.sinh(1)
    kappa = lazy**2 / 100
    found = certificates.convergence("exponential", 1, 2, width, (lazy, 1.05 * lazy),
                                     depth=12)
    low, high = found.hull("undecided")
    ends = [lazy, 1.05 * lazy]
    for _ in range(24):
        middle = sum(ends) / 2
        ends[balls.limit("exponential", 1, 2, 100, middle, 4000) == math.inf] = middle
    f, _ = two_layer.iterate("exponential", 1, 2, 100, lazy * (1 - 1e-12), 200)
    beyond = found.verdict[found.learning_rate[:, 0] >= high]
    return Measurement(2 * (ends[0] - lazy) / kappa, interval=(2 * (low - lazy) / kappa, 2 * (high - lazy) / kappa),
                       conditions={
        "the pieces cover the interval": _cover(found.learning_rate, lazy, 1.05 * lazy),
        "at the lower end |f| falls at every step": bool((np.diff(np.abs(f)) <= 0).all()),
        "the critical rate of the orbits lies in what is undecided": low <= ends[0] <= ends[1] <= high,
        "below it every piece is proved to converge":
            (found.verdict[found.learning_rate[:, 1] <= low] == "converges").all(),
        "above it every piece is proved to diverge, but for hits":
            bool(len(beyond)) and all(verdict.startswith("diverges") for verdict in beyond)})


def _cover(pieces: np.ndarray, low: float, high: float) -> bool:
    return bool(pieces[0, 0] == low and pieces[-1, 1] == high and (pieces[1:, 0] == pieces[:-1, 1]).all())


def _contradicted(verdict: str, limit) -> bool:
    """Whether an orbit's end, from :func:`balls.limit`, is not the one that is certified; None contradicts nothing."""
    if verdict == "undecided" or limit is None:
        return False
    return (limit == math.inf) != verdict.startswith("diverges")


def certified_logistic() -> Measurement:
    """Logistic loss, f0 = 1, λ0 = 2, m = 10: the certified share of 2 ≤ η ≤ 40 (effect: of it, proved to diverge)."""
    found = certificates.convergence("logistic", 1, 2, 10, (2, 40), depth=9)
    ends = []
    for rate in np.random.default_rng(74).uniform(2, 40, 200):
        verdict = found.verdict[np.searchsorted(found.learning_rate[:, 1], rate)]
        ends.append((verdict, balls.limit("logistic", 1, 2, 10, rate, 2000)))
    # intervals so wide that they hold a convergent orbit among divergent ones
    given = "logistic", "-1.12", "21.2", 1
    wide = certificates.convergence(*given, ("3.29", "3.38"), depth=0).verdict[0], balls.limit(*given, "3.3657")
    return Measurement(1 - found.share("undecided"), effect=found.share("diverges"), conditions={
        "the pieces cover the rates from 2 to 40": _cover(found.learning_rate, 2, 40),
        "200 plain orbits of 400 bits end as certified": not any(_contradicted(*end) for end in ends),
        "a wide piece with a convergent orbit is not said to diverge": not _contradicted(*wide)})


def certified_chaos() -> Measurement:
    """p = 9/10, γ = 4 and p = 3/5, γ = 7: the least gap between two points of a certified cycle of length three."""
    gaps, held, narrow = [], True, True
    for fraction, gamma in experiment.PERIOD_THREE[:2]:
        found = certificates.period_three(fraction, gamma)
        if not isinstance(found, certificates.PeriodThree):
            return Measurement(0.0, conditions={f"a cycle of three is certified at p = {fraction}, γ = {gamma}": False})
        gaps.append(found.gap)
        with mpmath.workdps(50):
            p = mpmath.mpf(Fraction(fraction).numerator) / Fraction(fraction).denominator

            def step(w, p=p, gamma=gamma):
                return predictor.move_labels(p, w, gamma / (p * (1 - p)), mpmath)

            w = mpmath.findroot(lambda w, step=step: step(step(step(w))) - w, found.points[0].midpoint)
            for point in found.points:
                held &= point.lower <= w <= point.upper
                narrow &= point.upper - point.lower < 1e-3
                w = step(w)
    return Measurement(np.min(gaps), conditions={
        "a cycle found by Newton's method with 50 digits passes through the enclosures": held,
        "each enclosure is narrower than 10⁻³": narrow})


def certified_kernels() -> Measurement:
    """Random networks, widths 1 to 10⁴, all losses: the share neither enclosed within 10⁻¹² nor proved to diverge."""
    missed, compared, held, apart, finite = 0, 0, True, True, True
    networks = list(_networks())
    for loss, given in networks:
        found, limit = certificates.final_ntk(loss, *given, max_steps=20_000), balls.limit(loss, *given)
        missed += isinstance(found, certificates.Undecided)
        if isinstance(found, certificates.Enclosure):
            missed += not found.relative_width <= 1e-12
            finite &= found.relative_width <= 1e-4
            held &= limit is None or _holds(found, limit)
        if isinstance(found, certificates.Diverges):
            apart &= limit == math.inf
        compared += limit is not None
    return Measurement(missed / len(networks), conditions={
        "every enclosure holds the limit of a plain orbit of 400 bits": held,
        "no enclosure is wider than 10⁻⁴ of it": finite,
        "the plain orbits of what is proved to diverge pass |f| = 10³": apart,
        "49 of 50 plain orbits end, to be compared": 50 * compared >= 49 * len(networks)})


def _networks():
    for loss in experiment.ORBITS:
        for given in experiment.random_networks(loss, 20, seed=73):
            yield loss, given


def sharper() -> Measurement:
    """Squared loss, f0 = 1, λ0 = 2, m = 100: a proved lower bound on λ_∞(η2)/λ_∞(η1), η1 < η2, 2 < ηλ0 < 4."""
    first, second = experiment.search_sharper(1.0, 2.0, 100, np.linspace(1.01, 1.99, 197))
    if not first < second:
        return Measurement(0.0, conditions={"some larger rate ends sharper": False})
    found = certificates.sharper_at_larger_rate("squared", 1, 2, 100, first, second)
    if not isinstance(found, certificates.Sharper):
        return Measurement(0.0, conditions={"a pair of rates is certified": False})
    held = [_holds(end, balls.limit("squared", 1, 2, 100, rate))
            for rate, end in ((first, found.smaller), (second, found.larger))]
    return Measurement(found.gap + 1, conditions={
        "both rates lie in the catapult phase, the smaller first": 2 < 2 * first < 2 * second < 4,
        "the enclosures hold the limits of plain orbits of 400 bits": all(held),
        "they are narrower than 10⁻¹² of them":
            all(end.relative_width < 1e-12 for end in (found.smaller, found.larger))})
