"""Checks. Data are drawn here, not taken from the chapter, and constants are measured anew.

The closed forms that the rows state are functions of their own, or the library's, so that a test can falsify them.
"""

from __future__ import annotations

import math

import flint
import numpy as np
import scipy.optimize
import scipy.special

from catapult.companion.measurement import Measurement
from catapult.theory import linear_predictor as theory

# Signed inputs with one point of each sign: separable by (1, 0) with the small margin 0.1.
OPPOSED = np.array([[0.1, 1.0], [0.1, -1.0]])


def _trials(scale: str, quick: int) -> int:
    return quick if scale == "quick" else 10 * quick


def _logistic(Z, w) -> float:
    return float(np.logaddexp(0, -(Z @ w)).mean())


def _gradient(Z, w) -> np.ndarray:
    return -(Z / (1 + np.exp(Z @ w))[:, None]).mean(axis=0)


def _hessian(Z, w) -> np.ndarray:
    u = Z @ w
    return (Z / (2 + 2 * np.cosh(u))[:, None]).T @ Z / len(Z)


def smooth_descent(scale: str) -> Measurement:
    """Logistic risk, η < 2/β: the most by which a step misses the fall η(1 − ηβ/2)|∇L|², β as the library has it."""
    rng, worst, gap = np.random.default_rng(11), -np.inf, 0.0
    for _ in range(_trials(scale, 400)):
        Z = rng.standard_normal((rng.integers(2, 12), rng.integers(1, 5))) * rng.uniform(0.3, 3)
        beta = theory.smoothness(Z)
        rate, w = rng.uniform(0, 2 / beta), rng.standard_normal(Z.shape[1]) * rng.uniform(0, 5)
        slope = _gradient(Z, w)
        promised = rate * (1 - rate * beta / 2) * (slope @ slope)
        worst = np.maximum(worst, _logistic(Z, w - rate * slope) - _logistic(Z, w) + promised)
        gap = np.maximum(gap, abs(np.linalg.eigvalsh(_hessian(Z, 0 * w))[-1] / beta - 1))
    return Measurement(worst, conditions={"β is the largest curvature at w = 0, to 1e-12": gap <= 1e-12})


def exponential_curvature(scale: str) -> Measurement:
    """Exponential risk: the largest curvature at 50 times a random unit vector, over that at 0."""
    rng, ratios = np.random.default_rng(12), []
    for _ in range(_trials(scale, 50)):
        Z, w = rng.standard_normal((10, 3)), rng.standard_normal(3)
        far, near = (np.linalg.eigvalsh(theory.hessian("exponential", Z, size * w / np.linalg.norm(w)))[-1]
                     for size in (50, 0))
        ratios.append(far / near)
    return Measurement(np.max(ratios))


def exponential_descent(scale: str) -> Measurement:
    """Exponential risk, η = 0.999 · 2/(R² L(w0)): the largest rise of log L in any of 40 steps.

    Over random data, and over the degenerate pair, on which the bound is sharp as w0 → 0.
    """
    rng, worst = np.random.default_rng(13), -np.inf
    cases = [(np.array([[1.0], [-1.0]]), np.array([w0])) for w0 in (0.05, 0.3, 1.0)]
    for _ in range(_trials(scale, 60)):
        Z = rng.standard_normal((rng.integers(2, 12), rng.integers(1, 5)))
        cases.append((Z, rng.standard_normal(Z.shape[1]) * rng.uniform(0, 4)))
    for Z, w in cases:
        log_risk = [scipy.special.logsumexp(-Z @ w)]
        rate = 0.999 * theory.descent_bound(Z, np.exp(log_risk[0]) / len(Z))
        for _ in range(40):
            w = w - rate * theory.gradient("exponential", Z, w)
            if not np.isfinite(w).all():
                return Measurement(np.inf)
            log_risk.append(scipy.special.logsumexp(-Z @ w))
        worst = np.maximum(worst, np.diff(log_risk).max())
    return Measurement(worst)


BLOW_UP_RATE = "3"


def exponential_blow_up(scale: str) -> Measurement:
    """Exponential loss on the separable opposed points, η = 3 from (0, 1): log₁₀ of the risk after 3 steps.

    In ball arithmetic, whose exponents are unbounded.
    """
    with flint.ctx.workprec(256):
        first, second, rate = flint.arb(0), flint.arb(1), flint.arb(BLOW_UP_RATE)
        for _ in range(3):
            scale_factor = (-first / 10).exp()
            first, second = (first + rate / 10 * scale_factor * second.cosh(),
                             second - rate * scale_factor * second.sinh())
        log_risk = (-first / 10 + second.cosh().log()) / flint.arb(10).log()
        return Measurement(float(log_risk.lower()))


def slowest_growth(rate: float, margin: float) -> float:
    """What 1/L gains in a step at least, once L is small; just that, in the end, on data that are not degenerate."""
    return rate * margin**2


def any_learning_rate(scale: str) -> Measurement:
    """Logistic loss, separable data, η from 1 to 10⁴: the least growth of 1/L over the last half of the steps.

    In units of ηρ²Δt, ρ the margin of (1, 0, …), of the orbits with 10⁻¹² < L < 0.02 at the end: above, L is not small,
    and below, a step is too short for float64 to follow. The effect is the largest ηρ²t L at the end, of all.
    """
    steps, growth, finals = _trials(scale, 1000), [], []
    for Z, w0 in _separable():
        for rate in (1.0, 10.0, 100.0, 1e4):
            half, end = theory.risk("logistic", Z, theory.descend("logistic", Z, w0, rate, steps)[[steps // 2, -1]])
            unit = slowest_growth(rate, Z[:, 0].min())
            finals.append(end * unit * steps)
            if 1e-12 < end < 0.02:
                growth.append((1 / end - 1 / half) / (unit * (steps - steps // 2)))
    return Measurement(np.min(growth, initial=np.inf), effect=np.nanmax(finals), conditions={
        "no orbit overflows": np.isfinite(finals).all(),
        "every risk ends below 1.1/(ηρ²t)": (np.array(finals) < 1.1).all()})


def _separable():
    rng = np.random.default_rng(14)
    yield OPPOSED, np.array([0.0, 1.0])
    yield SUPPORTED[0], np.array([0.0, 1.0])
    for dimension in (2, 5):
        Z = rng.standard_normal((20, dimension))
        Z[:, 0] = 0.3 + np.abs(Z[:, 0])
        yield Z, rng.standard_normal(dimension)


def comparison_shift(rate: float, margin: float, radius: float) -> float:
    """The part of the comparison point w̄ that grows with η, over ŵ."""
    return rate * radius**2 / (2 * margin)


def average_risk(scale: str) -> Measurement:
    """Logistic loss, separable data: the largest ratio of the mean risk over N steps to its bound.

    Over four data sets, and over one point that is classified wrongly for N steps of a large η: there the bound is
    nearly reached.
    """
    cases = [(Z, w0, rate, steps) for Z, w0 in _separable() for rate in (0.5, 5.0, 50.0, 5e3)
             for steps in (30, _trials(scale, 300))]
    cases += [(np.array([[2.0]]), np.array([-2.0 * rate * steps]), rate, steps)
              for rate in (5e3, 1e5) for steps in (1, 20, 200)]
    ratios = []
    for Z, w0, rate, steps in cases:
        margin, radius = Z[:, 0].min(), np.linalg.norm(Z, axis=1).max()  # (1, 0, …) separates
        w = theory.descend("logistic", Z, w0, rate, steps - 1)
        shift = -w0
        shift[0] += np.log(steps) / margin + comparison_shift(rate, margin, radius)
        bound = 1 / steps + shift @ shift / (2 * rate * steps)
        ratios.append(theory.risk("logistic", Z, w).mean() / bound)
    return Measurement(np.max(ratios))


# Separable, with the largest margins along (1, 0) and near it, at two points each, which span the plane and both count.
SUPPORTED = (np.array([[0.5, 1.0], [0.5, -1.0]]), np.array([[0.5, 1.0], [1.0, -1.0], [2.0, 0.5]]))
# Two points of largest margin that span the plane, too, but (1, 0) is the first of them alone.
UNSUPPORTED = np.array([[1.0, 0.0], [1.0, 1.0]])


def drift(direction, margin: float) -> np.ndarray:
    """What w_t gains from t/2 to t in the limit."""
    return np.log(2) / margin * direction


def max_margin(scale: str) -> Measurement:
    """Logistic loss, separable data, η = 4, 10 and 100: the largest relative gap of w_t − w_{t/2} to its limit.

    ρ is the largest margin and ŵ the direction that has it, over a grid of directions. The effect is the largest angle
    between w_t and ŵ. The start is (0, 1), but 4 ŵ/ρ farther on at η = 100: else its oscillation ends at margins where
    w hardly moves. The control is the gap where a point of least margin has no part in ŵ.
    """
    gaps, sideways, turns = zip(*(_drifts(Z, _trials(scale, 4000)) for Z in (*SUPPORTED, UNSUPPORTED)), strict=True)
    return Measurement(np.max(gaps[:-1]), effect=np.max(turns[:-1]), control=gaps[-1], conditions={
        "at right angles to ŵ the weight rests, to 1e-3": np.max(sideways[:-1]) < 1e-3})


def _drifts(Z, steps: int) -> tuple[float, float, float]:
    """Return the relative gap of the drift to its limit, its part at right angles to ŵ, and the angle of w_t to ŵ."""
    rate = np.array([[4.0], [10.0], [100.0]])
    angles = np.linspace(-np.pi / 2, np.pi / 2, 200_001)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    margins = (directions @ Z.T).min(axis=1)
    best, margin = directions[margins.argmax()], margins.max()
    half = w = np.array([0.0, 1.0]) + np.outer([0, 0, 4], best / margin)
    for step in range(steps):
        half = w if step == steps // 2 else half
        w = w + rate / len(Z) * (1 / (1 + np.exp(w @ Z.T))) @ Z
    expected = drift(best, margin)
    gap = np.linalg.norm(w - half - expected, axis=1).max() / np.linalg.norm(expected)
    turn = np.arccos(np.minimum(w @ best / np.linalg.norm(w, axis=1), 1)).max()
    return gap, np.abs((w - half) @ [-best[1], best[0]]).max(), turn


def log_log_drift(scale: str) -> Measurement:
    """Logistic loss on (1, 0) and (1, 1) from 0: the gain of b + e^b over that of a, w = (a, b), from t/2 to t.

    The farthest from 1 of η = 0.1, 1 and 10. The effect is the least gain of b alone.
    """
    steps, ratios, gains = _trials(scale, 20_000), [], []
    for rate in (0.1, 1.0, 10.0):
        a = b = 0.0
        for step in range(steps):
            if step == steps // 2:
                half = a, b
            one, two = 1 / (1 + math.exp(a)), 1 / (1 + math.exp(a + b))
            a, b = a + rate / 2 * (one + two), b + rate / 2 * two
        gains.append(b - half[1])
        ratios.append((sideways_law(b) - sideways_law(half[1])) / (a - half[0]))
    return Measurement(ratios[np.argmax(np.abs(np.array(ratios) - 1))], effect=np.min(gains),
                       conditions={"b goes on growing": np.min(gains) > 0.02})


def sideways_law(b: float) -> float:
    """What grows as a does."""
    return b + math.exp(b)


TOY_RATES = (4.0, 8.0, 16.0, 32.0)  # of Wu et al.'s Figure 1: "small", then "large"


def toy_data(scale: str) -> Measurement:
    """Wu et al.'s toy data from 0: the largest relative gap of the growth of 1/L to ηρ² a step, ρ = 0.2, at last.

    From step 2¹² to 2¹³.

    The effect is the number of rises at the last rate.
    """
    Z, rates, steps = np.array([[1.0, 0.2], [-2.0, 0.2]] * 2), np.array(TOY_RATES), _trials(scale, 2**13)
    w, risks = np.zeros((4, 2)), [np.full(4, np.log(2))]
    for _ in range(steps):
        w = w + rates[:, None] / 4 * scipy.special.expit(-w @ Z.T) @ Z
        risks.append(np.logaddexp(0, -w @ Z.T).mean(axis=1))
    rises = (np.diff(risks, axis=0) > 0).sum(axis=0)
    growth = (1 / risks[-1] - 1 / risks[steps // 2]) / (steps - steps // 2)
    return Measurement(np.abs(growth / slowest_growth(rates, 0.2) - 1).max(), effect=rises[-1], conditions={
        "the risk never rises at the first rate": rises[0] == 0,
        "the risk rises at some step at each other rate": (rises[1:] > 0).all(),
        "at the end the larger rate has the smaller risk": (np.diff(risks[-1]) < 0).all()})


MARGIN = 0.05  # of the two points on which a risk that never rises is slow


def monotone_is_slow(scale: str) -> Measurement:
    """Two points with margin γ = 0.05, logistic loss from 0, the rates whose risk never rises: the least t L(w_t).

    40 rates from 0.01 to 1,000. The control is the same of the rates whose risk rises at some step.
    """
    rates, steps = np.geomspace(0.01, 1e3, 40), _trials(scale, 4000)
    Z = np.array([[MARGIN, np.sqrt(1 - MARGIN**2)], [MARGIN, -np.sqrt(1 - MARGIN**2) / 2]])
    w, risks = np.zeros((len(rates), 2)), []
    for _ in range(steps):
        w = w + rates[:, None] / 2 * scipy.special.expit(-w @ Z.T) @ Z
        risks.append(np.logaddexp(0, -w @ Z.T).mean(axis=1))
    risks = np.array(risks)
    falls = (np.diff(risks, axis=0, prepend=np.log(2)) <= 0).all(axis=0)
    least = (np.arange(1, steps + 1)[:, None] * risks).min(axis=0)
    return Measurement(np.min(least[falls], initial=np.inf), effect=np.max(rates[falls], initial=0),
                       control=np.min(least[~falls], initial=np.inf), conditions={
                           "some rates never raise the risk, others do": bool(falls.any() and not falls.all())})


LARGEST_STEP = 1.0  # of the theorem on any data


def any_data(scale: str) -> Measurement:
    """Both losses from 0, |z_i| ≤ 1: the largest ratio of R(w_t) − inf R to Ji and Telgarsky's bound.

    At constant η = 0.1 and 1, and at η_t = 1/√(t + 1). One column holds 0.9 twice and −0.9 once, so that v̄ is known;
    beside it, or alone, there are two points of margin γ = 0.3. The control has η = 20 instead of 1.
    """
    steps, column = _trials(scale, 200), [[0.0, 0.9], [0.0, 0.9], [0.0, -0.9]]
    pair = [[0.3, 0.5], [0.3, -0.5]]
    ratios, beyond = [], []
    for Z, share, margin in ((column, 1.0, np.inf), (column + pair, 0.6, 0.3), (pair, 0.0, 0.3)):
        for loss, offset, least in (("logistic", np.log(2) / 0.9, np.log(3) - 2 / 3 * np.log(2)),
                                    ("exponential", np.log(2) / 1.8, 2 * np.sqrt(2) / 3)):
            for factor in (0.1 * np.ones(steps), np.ones(steps), 1 / np.sqrt(np.arange(1, steps + 1))):
                ratios.append(_over_bound(loss, np.array(Z), factor * LARGEST_STEP, offset * (share > 0), margin,
                                          share * least))
        beyond.append(_over_bound("logistic", np.array(Z), 20 * np.ones(steps), np.log(2) / 0.9 * (share > 0), margin,
                                  share * (np.log(3) - 2 / 3 * np.log(2))))
    return Measurement(np.max(ratios), control=np.max(beyond))


def _over_bound(loss: str, Z, rates, offset: float, margin: float, infimum: float) -> float:
    """The largest (R(w_t) − inf R)/(e^|v̄|/t + (|v̄|² + ln² t/γ²)/(2 Σ_{j<t} η_j)), t ≥ 1, infinite after an overflow."""
    w, largest, total = np.zeros(2), 0.0, 0.0
    for t, rate in enumerate(rates, start=1):
        w = w - rate * theory.gradient(loss, Z, w)
        if not np.isfinite(w).all():
            return np.inf
        total += rate
        bound = np.exp(offset) / t + (offset**2 + np.log(t) ** 2 / margin**2) / (2 * total)
        largest = np.maximum(largest, (theory.risk(loss, Z, w) - infimum) / bound)
    return largest


def flat_far_away(scale: str) -> Measurement:
    """Logistic risk: the largest λ_min of the Hessian at w, times |w|²."""
    rng, largest = np.random.default_rng(15), 0.0
    pair = np.array([[1.0], [-1.0]])
    for size in np.linspace(0.01, 12, 2000):
        largest = np.maximum(largest, size**2 * _hessian(pair, np.array([size]))[0, 0])
    for _ in range(_trials(scale, 500)):
        dimension = rng.integers(1, 4)
        Z, w = rng.standard_normal((12, dimension)), rng.standard_normal(dimension) * rng.uniform(0, 8)
        largest = np.maximum(largest, w @ w * np.linalg.eigvalsh(_hessian(Z, w))[0])
    return Measurement(largest)


def promised_rise(rate: float, alpha: float, slope) -> float:
    """The rise η(αη/2 − 1)|∇L|²."""
    return rate * (alpha * rate / 2 - 1) * (slope @ slope)


def segment_ascent(scale: str) -> Measurement:
    """Logistic risk, η > 2/α with α a bound below on the segment: the most by which a step misses the proved rise.

    Every ℓ''(z_i·w) is least at an end of the segment, so α is taken of the Hessian with each at its least. Half of the
    data hold every input with both labels, with weights near 0, their minimiser: there the bound is nearly reached.
    """
    rng, worst, met = np.random.default_rng(16), -np.inf, 0
    while met < _trials(scale, 300):
        Z = rng.standard_normal((8, rng.integers(1, 4)))
        w = rng.standard_normal(Z.shape[1]) * 0.5
        if met % 2:
            Z, w = np.concatenate([Z, -Z]), w * 10 ** rng.uniform(-3, 0)
        rate = rng.uniform(1, 30)
        slope = _gradient(Z, w)
        after = w - rate * slope
        least = np.minimum(*(1 / (2 + 2 * np.cosh(Z @ end)) for end in (w, after)))
        alpha = np.linalg.eigvalsh((Z * least[:, None]).T @ Z / len(Z))[0]
        if rate * alpha > 2:
            met += 1
            worst = np.maximum(worst, _logistic(Z, w) + promised_rise(rate, alpha, slope) - _logistic(Z, after))
    return Measurement(worst)


def smooth_bound(w0):
    """2/β on the degenerate pair."""
    return 8.0 + 0 * w0


def convex_bound(w):
    """2/α on the degenerate pair, α the least curvature on [−w, w]."""
    return 8 * np.cosh(w / 2) ** 2


def thresholds_between(scale: str) -> Measurement:
    """Degenerate pair: the least relative gap in 8 < η_c(w0) < 8 cosh²(w0/2), η_c bisected on one step."""
    w0 = np.linspace(0.1, 10, _trials(scale, 100))
    low, high = np.full_like(w0, 1.0), np.full_like(w0, 100.0)
    for _ in range(60):
        middle = (low + high) / 2
        rises = np.abs(w0 - middle * np.tanh(w0 / 2) / 2) > w0
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
    return Measurement(np.min([low / smooth_bound(w0) - 1, convex_bound(w0) / low - 1]))


def clause_reach(scale: str) -> Measurement:
    """Degenerate pair: the largest w0 from which η > 8 cosh²(w/2) for some η, w the farther end of the step from 0.

    Bisected over w0, with 20,000 rates. The effect is the same number by Newton's method: where the condition and its
    derivative by η are equalities.
    """
    rates = np.geomspace(8, 200, _trials(scale, 20_000))
    low, high = 0.01, 5.0
    for _ in range(50):
        middle = (low + high) / 2
        end = np.maximum(middle, np.abs(middle - rates / 2 * np.tanh(middle / 2)))
        low, high = (middle, high) if (rates > convex_bound(end)).any() else (low, middle)

    def tangency(unknown):
        rate, w0 = unknown
        end, slope = rate / 2 * np.tanh(w0 / 2) - w0, np.tanh(w0 / 2) / 2
        return rate - convex_bound(end), 1 - 4 * np.sinh(end) * slope

    newton = scipy.optimize.fsolve(tangency, (10.0, 0.5), xtol=1e-12)[1]
    agree = abs(low - newton) < 1e-6
    return Measurement(low, effect=newton, conditions={"Newton's method finds the same, to 1e-6": agree})


def containment(scale: str) -> Measurement:
    """Logistic loss, strictly non-separable data: the largest |w_t|/R0, t ≥ 1, from |w0| ≤ R0, R0 the library's.

    Or, if that is larger, after many steps from 3 R0 and 30 R0. The data are random, in the plane and on the line, and
    2,000 times (1, 0) with (−1, ±1): there a step from just inside R0 ends just inside. The effect is the largest
    |w_t|/R0 after 250 steps on random data from inside: how much room the radius leaves.
    """
    rng, far, inside, late, outside = np.random.default_rng(17), np.random.default_rng(20), [], [], []
    for trial in range(_trials(scale, 4)):
        Z = rng.standard_normal((rng.integers(8, 20), 1 + (trial > 0))) + rng.standard_normal() * 0.2
        slope = theory.restoring_slope(Z)
        if slope < 1e-3:
            continue
        for rate in (0.5, 5.0, 50.0, 5e3):
            radius = theory.containment_radius(Z, rate)
            start = _directions(rng, 1, Z)[0] * radius * rng.choice([0.01, 1.0])
            norms = np.linalg.norm(theory.descend("logistic", Z, start, rate, 300), axis=1) / radius
            inside.append(norms[1:].max())
            late.append(norms[250:].max())
        if slope > 0.05:  # so that it does not take long to come in
            outside.append(_late_norm(Z, slope, _directions(far, 8, Z)))
    Z, rate = np.array([[1.0, 0.0]] * 2000 + [[-1.0, 1.0], [-1.0, -1.0]]), 1e6
    radius = theory.containment_radius(Z, rate)
    start = np.array([-12.0, np.sqrt(radius**2 - 144)])
    inside.append(np.linalg.norm(theory.descend("logistic", Z, start, rate, 1)[1]) / radius)
    return Measurement(np.nanmax(inside + outside), effect=np.nanmax(late),
                       conditions={"no orbit overflows": np.isfinite(inside).all()})


def _directions(rng, count: int, Z) -> np.ndarray:
    """Random unit vectors of the dimension of the data, one a row."""
    v = rng.standard_normal((count, Z.shape[1]))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def _late_norm(Z, slope: float, directions) -> float:
    """The largest |w|/R0 in 100 steps, after enough of them, from 3 R0 and 30 R0 at four learning rates.

    At |w| > R0 a step lowers |w|² by 2ηc(|w| − R0), so |w| needs about 30 R0/(ηc) steps to come in.
    """
    rate = np.tile([0.5, 5.0, 50.0, 5e3], 2)
    radius = np.array([theory.containment_radius(Z, one) for one in rate])
    w = directions * (radius * np.repeat([3, 30], 4))[:, None]
    steps, largest = int(40 * (radius / (rate * slope)).max()), 0.0
    for step in range(steps + 100):
        w = w + (rate / len(Z))[:, None] * scipy.special.expit(-w @ Z.T) @ Z
        if step >= steps:
            largest = np.maximum(largest, (np.linalg.norm(w, axis=1) / radius).max())
    return largest


def radius_constants(scale: str) -> Measurement:
    """The largest relative gap of the library's R0 to one whose q and c are minimised by brute force."""
    rng, gaps = np.random.default_rng(19), []
    u = np.linspace(0, 5, 100_001)
    q = (u / (1 + np.exp(u))).max()
    angles = np.linspace(0, 2 * np.pi, 20_000)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    while len(gaps) < _trials(scale, 20):
        Z = rng.standard_normal((rng.integers(6, 12), 2))
        c = np.maximum(0, -directions @ Z.T).mean(axis=1).min()
        if c > 0.02:
            rate = rng.uniform(0.1, 20)
            radius = (q + rate * np.linalg.norm(Z, axis=1).mean() ** 2 / 2) / c
            gaps.append(abs(theory.containment_radius(Z, rate) / radius - 1))
    return Measurement(np.max(gaps))
