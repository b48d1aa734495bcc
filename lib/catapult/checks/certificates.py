"""Checks of chapter 7: certificates against computations that share nothing with them, in mpmath, numpy, fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np

from catapult.checks import Measurement
from catapult.experiments import certificates as experiment
from catapult.theory import certificates, two_layer


def _slope(loss: str):
    """g = L' on the balanced pair, in mpmath."""
    return {"exponential": mpmath.sinh, "logistic": lambda f: mpmath.tanh(f / 2) / 2, "squared": lambda f: f}[loss]


def _limit(loss: str, f0, ntk0, width, rate, steps: int = 4000):
    """λ_∞ by another route: two neurons' worth of weights, w1 ± w2, in 60 digits; None if far from settled."""
    with mpmath.workdps(60):
        root = mpmath.mpf(rate) / mpmath.sqrt(width)
        p, q = (mpmath.sqrt(mpmath.mpf(rate) * (mpmath.mpf(ntk0) + sign * 2 * mpmath.mpf(f0) / mpmath.sqrt(width)))
                for sign in (1, -1))
        for _ in range(steps):
            f = (p**2 - q**2) / (4 * root)
            if abs(f) < mpmath.mpf(10) ** -30:
                return (p**2 + q**2) / (2 * mpmath.mpf(rate))
            if abs(f) > 1e3:
                return mpmath.inf
            a = root * _slope(loss)(f)
            p, q = (1 - a) * p, (1 + a) * q
    return None


def certified_rates(scale: str) -> Measurement:
    """Both losses: the share of (w0, η) that is certified; 0 if a point of a certified box steps the other way.

    The points are drawn at random, and their step is taken with 40 digits.
    """
    shares, rng = [], np.random.default_rng(71)
    for loss, sides in experiment.RECTANGLES.items():
        found = certificates.one_step_boxes(loss, *sides, depth=8 if scale == "quick" else 10)
        shares.append(1 - found.share("undecided"))
        for i in rng.choice(len(found.boxes), 300):
            w, rate = (rng.uniform(*found.boxes[i, k:k + 2]) for k in (0, 2))
            with mpmath.workdps(40):
                rises = abs(w - rate * _slope(loss)(mpmath.mpf(w))) > w
            if w > 0 and found.verdict[i] != "undecided" and rises != (found.verdict[i] == "above"):
                return Measurement(0.0)
    return Measurement(np.min(shares))


def certified_cycle(scale: str) -> Measurement:
    """Logistic loss: an upper end of what is undecided, less 8; inf if an orbit does not end in the enclosure.

    Orbits of |w| are followed with numpy from random starts, at random rates up to 40, for 5,000 steps.
    """
    found = certificates.two_cycle((8, 10**6), depth=40 if scale != "quick" else 30)
    left = np.array(found.undecided)
    if not (left[1:, 0] == left[:-1, 1]).all():
        return Measurement(math.inf)
    rng = np.random.default_rng(72)
    rates, w = rng.uniform(8.5, 40, 200), rng.uniform(0.1, 20, 200)
    for _ in range(5000):
        w = np.abs(w - rates / 2 * np.tanh(w / 2))
    which = np.searchsorted(found.learning_rate[:, 1], rates)
    multiplier = rates / 4 / np.cosh(w / 2) ** 2 - 1
    inside = [(bounds[which, 0] - 1e-9 <= value) & (value <= bounds[which, 1] + 1e-9)
              for bounds, value in ((found.cycle, w), (found.multiplier, multiplier))]
    return Measurement(left.max() - 8 if np.all(inside) else math.inf)


def certified_window(scale: str) -> Measurement:
    """Exponential loss, m = 100, f0 = 1: the critical Λ less 2 f0/sinh f0, in units of κ; enclosed.

    The value is the one bisected on orbits in 60 digits; NaN, refused, if it is not in the enclosure, or if a piece
    above it is said to converge.
    """
    lazy = 1 / math.sinh(1)
    found = certificates.convergence("exponential", 1, 2, 100, (lazy, 1.05 * lazy),
                                     depth=12 if scale == "quick" else 18)
    low, high = found.hull("undecided")
    ends = [lazy, 1.05 * lazy]
    for _ in range(24):
        middle = sum(ends) / 2
        limit = _limit("exponential", 1, 2, 100, middle)
        ends[limit is not None and mpmath.isinf(limit)] = middle
    kappa = lazy**2 / 100
    right = low <= ends[0] <= ends[1] <= high and found.hull("converges")[1] <= ends[1]
    value = 2 * (ends[0] - lazy) / kappa if right else math.nan
    return Measurement(value, interval=(2 * (low - lazy) / kappa, 2 * (high - lazy) / kappa))


def _contradicted(verdict: str, limit) -> bool:
    """Whether an orbit's end, from :func:`_limit`, is not the one that is certified; None contradicts nothing."""
    if verdict == "undecided" or limit is None:
        return False
    return bool(mpmath.isinf(limit)) != verdict.startswith("diverges")


def certified_logistic(scale: str) -> Measurement:
    """Logistic loss, f0 = 1, λ0 = 2, m = 10: the certified share of 2 ≤ η ≤ 40 (effect: of it, proved to diverge).

    0 if orbits in 60 digits end otherwise: at random rates, and where a wide piece holds a convergent one.
    """
    found = certificates.convergence("logistic", 1, 2, 10, (2, 40), depth=9 if scale == "quick" else 12)
    for rate in np.random.default_rng(74).uniform(2, 40, 100):
        verdict = found.verdict[np.searchsorted(found.learning_rate[:, 1], rate)]
        if _contradicted(verdict, _limit("logistic", 1, 2, 10, rate)):
            return Measurement(0.0)
    given = "logistic", "-1.12", "21.2", 1
    (wide,) = certificates.convergence(*given, ("3.29", "3.38"), depth=0).verdict
    if _contradicted(wide, _limit(*given, "3.3657")):
        return Measurement(0.0)
    return Measurement(1 - found.share("undecided"), effect=found.share("diverges"))


def mean_value_gain(scale: str) -> Measurement:
    """How many times as much naive balls leave undecided: the least of intervals of η and of boxes of (f0, Λ0).

    Intervals: exponential loss, f0 = 1, λ0 = 2, m = 100, after 9 cuts; boxes: squared loss, κ = 1/100, after 6. 0 if
    orbits in 60 digits, from random points of what is decided, end otherwise. The effect is what naive balls leave of
    the boxes.
    """
    rng, shares = np.random.default_rng(75), []
    for form in ("mean value", "naive"):
        pieces = certificates.convergence("exponential", 1, 2, 100, ("0.7", "1.1"), depth=9, form=form)
        boxes = certificates.start_boxes("squared", "0.01", ("0.1", 2), ("0.5", 4), depth=6, form=form)
        shares.append([found.share("undecided") for found in (pieces, boxes)])
        orbits = [(verdict, ("exponential", 1, 2, 100, rng.uniform(*ends)))
                  for ends, verdict in zip(pieces.learning_rate, pieces.verdict, strict=True)]
        orbits += [(verdict, ("squared", rng.uniform(*box[:2]), 10 * rng.uniform(*box[2:]), 1, "0.1"))
                   for box, verdict in zip(boxes.boxes, boxes.verdict, strict=True)]
        decided = [orbit for orbit in orbits if orbit[0] != "undecided"]
        for i in rng.choice(len(decided), 40):
            verdict, given = decided[i]
            if _contradicted(verdict, _limit(*given)):
                return Measurement(0.0)
    ratios = np.divide(shares[1], shares[0])
    return Measurement(ratios.min(), effect=shares[1][1])


def certified_chaos(scale: str) -> Measurement:
    """p = 9/10, γ = 4 and p = 3/5, γ = 7: the least gap in a certified cycle of three; 0 where there is none.

    0 too if a cycle found by Newton's method with 50 digits does not pass through the enclosures.
    """
    gaps = []
    for fraction, gamma in experiment.PERIOD_THREE[:2]:
        found = certificates.period_three(fraction, gamma)
        if not isinstance(found, certificates.PeriodThree):
            return Measurement(0.0)
        with mpmath.workdps(50):
            p = mpmath.mpf(Fraction(fraction).numerator) / Fraction(fraction).denominator

            def step(w, p=p, gamma=gamma):
                return w - gamma / (p * (1 - p)) * (1 / (1 + mpmath.exp(-w)) - p)

            w = mpmath.findroot(lambda w, step=step: step(step(step(w))) - w, found.points[0].midpoint)
            for point in found.points:
                gaps.append(found.gap if point.lower <= w <= point.upper else 0.0)
                w = step(w)
    return Measurement(np.min(gaps))


def certified_kernels(scale: str) -> Measurement:
    """Random networks, widths 1 to 10⁴, all losses: how many final kernels or divergences stay undecided."""
    count = sum(isinstance(_enclosed(loss, given), certificates.Undecided) for loss, given in _networks(scale))
    return Measurement(count)


def float_agreement(scale: str) -> Measurement:
    """These networks, and some next to the chaos at ηλ0 = 4: the largest relative distance of λ_∞ from its enclosure.

    Infinite if one diverges and the other not. Enclosures wider than 10⁻¹² of it are left out, if they are one in fifty
    at most. The effect is the same for the product formula with 60 digits, on the orbits that settle in 4,000 steps: 0.
    """
    worst, digits, wide = 0.0, 0.0, 0
    networks = [*_networks(scale), *_near_chaos(scale)]
    for n, (loss, given) in enumerate(networks):
        found, (distance, _, _) = experiment.compare_with_enclosure(loss, given)
        if isinstance(found, certificates.Enclosure) and found.relative_width > two_layer.TRUSTED:
            wide += 1
        elif isinstance(found, certificates.Enclosure):
            worst = np.maximum(worst, distance)
            limit = _limit(loss, *given) if n % 12 == 0 else None
            if limit is not None:
                gaps = [float((found.lower - limit) / limit), float((limit - found.upper) / limit)]
                digits = np.max([digits, *gaps])
        elif isinstance(found, certificates.Diverges):
            worst = np.maximum(worst, 0.0 if math.isnan(two_layer.final_ntk(loss, *given)) else math.inf)
        else:
            worst = math.inf
    worst = np.maximum(worst, 1e9 * digits) if 50 * wide <= len(networks) else math.inf
    return Measurement(worst, effect=digits)


def rounding_estimate(scale: str) -> Measurement:
    """The same: the largest ratio of the distance of floats from the enclosure to the error that they estimate.

    Or the median of its inverse, if that is larger: an estimate can't be safe by being far too large. Both have a
    rounding of the result, 2⁻⁵³, as their least value. Estimates of 0.1 and more say that nothing is known: they are
    left out. The effect is the largest distance.
    """
    networks = [*_networks(scale), *_near_chaos(scale)]
    found = [experiment.compare_with_enclosure(*network)[1] for network in networks]
    _, distances, errors = np.array([one for one in found if one[2] < 0.1]).T
    distances = np.where(np.isnan(distances), np.inf, distances)  # floats that diverge where there is a limit
    ratios = np.maximum(distances, 2**-53) / np.maximum(errors, 2**-53)
    return Measurement(np.maximum(np.max(ratios), np.median(1 / ratios)), effect=np.max(distances))


def _near_chaos(scale: str):
    for given in experiment.networks_near_chaos(30 if scale == "quick" else 300, seed=73):
        yield "squared", given


def _networks(scale: str):
    for loss in experiment.ORBITS:
        for given in experiment.random_networks(loss, 20 if scale == "quick" else 300, seed=73):
            yield loss, given


def _enclosed(loss: str, given):
    return certificates.final_ntk(loss, *given, max_steps=20_000)


def sharper(scale: str) -> Measurement:
    """Squared loss, f0 = 1, λ0 = 2, m = 100: a proved lower bound on λ_∞(η2)/λ_∞(η1), η1 < η2, 2 < ηλ0 < 4.

    0 if the product formula with 60 digits does not lie in both enclosures.
    """
    first, second = experiment.search_sharper(1.0, 2.0, 100, np.linspace(1.01, 1.99, 197))
    found = certificates.sharper_at_larger_rate("squared", 1, 2, 100, first, second)
    if not (isinstance(found, certificates.Sharper) and 2 < 2 * first < 2 * second < 4):
        return Measurement(0.0)
    for rate, end in ((first, found.smaller), (second, found.larger)):
        limit = _limit("squared", 1, 2, 100, rate, steps=50_000)
        if limit is None or not mpmath.mpf(end.lower) <= limit <= mpmath.mpf(end.upper):
            return Measurement(0.0)
    return Measurement(found.gap + 1)


def bits_kept(scale: str) -> Measurement:
    """Three losses: the most bits that an orbit in mean value form loses in 200 steps (effect: least naive loss)."""
    bits, steps, lost = 512, 200, {"mean value": [], "naive": []}
    for form, losses in lost.items():
        for loss, rate in experiment.ORBITS.items():
            known = certificates.bits_left(loss, 1, 2, 100, rate, steps, bits=bits, form=form)
            losses.append(bits - known[-1] if len(known) == steps + 1 else math.inf)
    return Measurement(np.max(lost["mean value"]), effect=np.min(lost["naive"]))


def data_kinds(scale: str) -> Measurement:
    """The companion's small data sets: certificates of another kind than designed, or refuted by plain fractions."""
    designed = ("strictly non-separable", "separable", "non-separable", "separable", "strictly non-separable",
                "strictly non-separable")
    wrong = 0
    for (_, Z), kind in zip(experiment.data_sets().items(), designed, strict=True):
        found = certificates.separability(Z.tolist())
        rows = [[Fraction(x) for x in row] for row in Z.tolist()]
        if getattr(found, "kind", None) != kind:
            wrong += 1
        elif kind == "separable":
            w = [Fraction(int(x.p), int(x.q)) for x in found.direction]
            wrong += any(sum(x * y for x, y in zip(row, w, strict=True)) <= 0 for row in rows)
        else:
            weights = [Fraction(int(x.p), int(x.q)) for x in found.weights]
            products = [[weight * x for x in row] for weight, row in zip(weights, rows, strict=True)]
            sums = [sum(column) for column in zip(*products, strict=True)]
            full = np.linalg.matrix_rank(Z) == len(rows[0])
            strict = all(weight > 0 for weight in weights) and full
            valid = not any(sums) and any(weights) and all(weight >= 0 for weight in weights)
            wrong += not valid or strict != (kind != "non-separable")
    return Measurement(wrong)
