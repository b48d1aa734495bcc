"""Checks of chapter 4: what the weights of networks do against closed forms, in balls or many digits where it matters.

Weights are iterated here, never the recursion of :mod:`catapult.theory`; the library's closed forms are held to what is
measured. A network of width m is often one whose weights into and out of all but two hidden units are zero: gradient
descent leaves them zero, so that any width costs the same.
"""

from __future__ import annotations

import math
from fractions import Fraction

import flint
import numpy as np

from catapult.checks import Measurement
from catapult.theory import certificates, linear_predictor, squared_plane, two_layer

INTEGERS = ((2, 1, 1, 0), (1, 2, 0, 1))  # w1, w2 of a network of width 4 with f0 = 2, λ0 = 3


def _points(scale: str, quick: int) -> int:
    return quick if scale == "quick" else 10 * quick


def _weights(f0, ntk0, width) -> np.ndarray:
    """Return w1 and w2, shape (2, …, 2): the entries that are not zero of a network with this output and kernel."""
    f0, ntk0, width = np.broadcast_arrays(f0, ntk0, width)
    plus, minus = (np.sqrt(np.maximum(width * ntk0 + sign * 2 * np.sqrt(width) * f0, 0)) for sign in (1, -1))
    return np.stack([np.stack([plus, minus], -1), np.stack([plus, -minus], -1)]) / 2


def _measure(weights, width):
    """Return f and λ of networks with weights of shape (2, …, entries)."""
    return (weights[0] * weights[1]).sum(-1) / np.sqrt(width), (weights**2).sum((0, -1)) / width


def _descend(weights, width, rate, loss: str = "squared"):
    """Return the weights after one step of gradient descent on L(f)."""
    g = linear_predictor.slope(loss, _measure(weights, width)[0])
    return weights - (rate * g / np.sqrt(width))[..., None] * weights[::-1]


def _outputs(weights, width, rate, steps: int, loss: str = "squared"):
    """Return f_t, t = 0 … steps, and the last λ."""
    outputs = []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            outputs.append(_measure(weights, width)[0])
            weights = _descend(weights, width, rate, loss)
        f, ntk = _measure(weights, width)
    return np.array([*outputs, f]), ntk


def _random(count: int, low: float, high: float, seed: int):
    """Draw networks of widths 1 to 1000 with any feasible output and ηλ0 in a range: weights, width, η."""
    rng = np.random.default_rng(seed)
    width = np.floor(10 ** rng.uniform(0, 3, count))
    ntk0 = rng.uniform(0.5, 3, count)
    f0 = ntk0 * np.sqrt(width) / 2 * rng.uniform(-1, 1, count) ** 3
    return _weights(f0, ntk0, width), width, rng.uniform(low, high, count) / ntk0


def recursion(scale: str) -> Measurement:
    """Largest relative gap of f and λ between networks under autograd, on the sample (1, 0), and the recursion."""
    import torch

    gaps = []
    for width in (1, 3, 50, 1000):
        for scaled in (1.0, 3.3):
            w1, w2 = (torch.randn(width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
                      .requires_grad_() for seed in (width, width + 1))
            found, rate = [], None
            for _ in range(11):
                f = w1 @ w2 / width**0.5
                slopes = torch.autograd.grad(f, (w1, w2), retain_graph=True)
                found.append((f.item(), sum((slope @ slope).item() for slope in slopes)))
                rate = rate or scaled / found[0][1]
                for weight, slope in zip((w1, w2), torch.autograd.grad(f**2 / 2, (w1, w2)), strict=True):
                    weight.data -= rate * slope
            stated = np.array(two_layer.iterate("squared", *found[0], width, rate, 10)).T
            scales = np.abs(np.array(found)).max(axis=0)
            gaps.append(np.abs((stated - found) / scales).max())
    return Measurement(np.max(gaps))


def product_formula(scale: str) -> Measurement:
    """Largest relative gap of λ_∞ to √(λ0² − 4f0²/m) Π|1 − η²g²/m|, three losses, random networks."""
    gaps = []
    for loss, high in (("exponential", 0.9), ("logistic", 12.0), ("squared", 3.0)):
        weights, width, rate = _random(_points(scale, 40), 0.3 * high, high, 41)
        f0, ntk0 = _measure(weights, width)
        if loss == "exponential":  # stay where it converges
            keep = np.abs(f0) < 1
            weights, width, rate, f0, ntk0 = weights[:, keep], width[keep], rate[keep], f0[keep], ntk0[keep]
        f, ntk = _outputs(weights, width, rate, 3000, loss)
        g = linear_predictor.slope(loss, f)
        D = two_layer.invariants(f0, ntk0, width, rate)[2]
        stated = np.sqrt(D) / rate * np.prod(np.abs(1 - rate**2 * g**2 / width), axis=0)
        gaps.append(np.abs(stated / ntk - 1).max())
    return Measurement(np.max(gaps))


def _flow(weights, width, steps: int = 4000):
    """Return λ where gradient flow ends: Runge–Kutta of the weights on the squared loss.

    That of any loss with sign L' = sign f has the same orbits, at another speed.
    """
    def field(x):
        return -(_measure(x, width)[0] / np.sqrt(width))[..., None] * x[::-1]

    h = 0.02
    for _ in range(steps):
        k1 = field(weights)
        k2 = field(weights + h / 2 * k1)
        k3 = field(weights + h / 2 * k2)
        weights = weights + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(weights + h * k3))
    return _measure(weights, width)[1]


def no_sharper_than_flow(scale: str) -> Measurement:
    """Largest λ_∞ of descent over that of gradient flow, three losses, random networks with κ g² ≤ 2 always."""
    starts, widths, ends = [], [], []
    for loss, high in (("exponential", 0.9), ("logistic", 15.0), ("squared", 3.9)):
        weights, width, rate = _random(_points(scale, 60), 0.1 * high, high, 42)
        f, ntk = _outputs(weights, width, rate, 3000, loss)
        with np.errstate(over="ignore", invalid="ignore"):
            mild = (rate**2 * linear_predictor.slope(loss, f) ** 2 <= 2 * width).all(axis=0) & (np.abs(f[-1]) < 1e-3)
        starts, widths, ends = [*starts, weights[:, mild]], [*widths, width[mild]], [*ends, ntk[mild]]
    flow = _flow(np.concatenate(starts, axis=1), np.concatenate(widths))
    return Measurement(np.max(np.concatenate(ends) / flow), effect=flow.size)


def sharper_than_flow(scale: str) -> Measurement:
    """One neuron, w1 = 1.44, w2 = 1.38, η = 1: λ_∞ of gradient descent over that of gradient flow."""
    weights = np.array([[[1.44]], [[1.38]]])
    f, ntk = _outputs(weights, np.ones(1), np.ones(1), 3000)
    return Measurement((ntk / _flow(weights, np.ones(1)))[0], effect=np.abs(f).max() ** 2)


def one_step_rule(scale: str) -> Measurement:
    """Random networks, three losses: how many first steps break a rule on s = Λg/f: on |f|, on λ, on |a|, or the trap.

    Where λ changes by less than 10⁻¹² of it, which way is rounding.
    """
    wrong, seen = 0, 0
    for loss in ("exponential", "logistic", "squared"):
        weights, width, rate = _random(_points(scale, 1000), 0.2, 12.0, 48)
        f, ntk = _measure(weights, width)
        g = linear_predictor.slope(loss, f)
        s, square = rate * ntk * g / f, rate**2 * g**2 / width
        after, ntk_after = _measure(_descend(weights, width, rate, loss), width)
        after, change = np.abs(after), ntk_after / ntk - 1
        rises = (s > 2 + square) | (s < square)
        broken = [(after > np.abs(f)) != rises, (s <= 2) & ((after >= np.abs(f)) | (square > 1)),
                  s < 2 * np.sqrt(square) * (1 - 1e-12), (np.sign(change) != np.sign(s - 4)) & (np.abs(change) > 1e-12)]
        wrong += int(np.sum(broken) + np.isnan(after + s).sum())
        seen += int((s < square).sum())
    return Measurement(wrong, effect=seen)


def convergence_edge(scale: str) -> Measurement:
    """Random networks, ηλ0 from 0.05 to 3.9 and from 4.1 to 6: how many end otherwise than the edge says."""
    wrong = 0
    for low, high in ((0.05, 3.9), (4.1, 6.0)):
        weights, width, rate = _random(_points(scale, 200), low, high, 43)
        f0, ntk0 = _measure(weights, width)
        f, ntk = _outputs(weights, width, rate, 2000)
        below = rate < two_layer.convergence_edge("squared", f0, ntk0, width)
        converged = (np.abs(f[-1]) * rate / np.sqrt(width) < 2e-3) & (rate * ntk < 2)
        wrong += int(np.sum(np.where(below, ~converged, ~((rate * ntk > 1e6) | np.isnan(ntk)))))
        wrong += int(np.sum(below != (high < 4)))
    return Measurement(wrong)


def lazy_phase(scale: str) -> Measurement:
    """Random networks, 0.05 ≤ ηλ0 ≤ 2, half of them at 2: the largest |f_{t+1}/f_t| at a step, less 1.

    While η|f_t|/√m > 10⁻⁴: far below, the fall is less than the rounding of w2·w1. The effect is 2 − ηλ_∞ over √2 a0,
    from ηλ0 = 2 and a0 = 0.01.
    """
    weights, width, rate = _random(_points(scale, 400), 0.05, 2.0, 44)
    rate[::2] = (2 / _measure(weights, width)[1])[::2]
    f = np.abs(_outputs(weights, width, rate, 300)[0])
    live = (f * rate / np.sqrt(width))[:-1] > 1e-4
    end = _outputs(_weights(0.01, 2.0, 1.0), 1.0, np.array(1.0), 2000)[1]
    return Measurement(np.max(f[1:][live] / f[:-1][live] - 1), effect=(2 - end) / (math.sqrt(2) * 0.01))


def no_rise(scale: str) -> Measurement:
    """Networks of widths 10 to 10⁶ halfway from 2/λ0 to η_c: the largest |f_{t+1}/f_t|, less 1, while |f_t| > 10⁻⁹.

    The effect is that of the network of integers, of width 4, at ηλ0 = 2.4.
    """
    width = np.repeat(10.0 ** np.arange(1, 7), _points(scale, 10))
    f0 = np.random.default_rng(49).uniform(0.3, 1.5, width.size)
    halfway = (2 / 2.0 + two_layer.critical_learning_rate("squared", f0, 2.0, width)) / 2
    rises = []
    for weights, m, rate in ((_weights(f0, 2.0, width), width, halfway), (np.array(INTEGERS, float), 4.0, 0.8)):
        f = np.abs(_outputs(weights, m, np.array(rate), 300)[0])
        live = f[:-1] > 1e-9
        rises.append(np.max(f[1:][live] / f[:-1][live] - 1))
    return Measurement(np.max(rises), effect=rises[1])


def first_rise(scale: str) -> Measurement:
    """Largest relative gap between the learning rate at which the first step begins to rise and its closed form."""
    weights, width, _ = _random(_points(scale, 200), 0.5, 1.0, 45)
    f0, ntk0 = _measure(weights, width)
    keep = ntk0**2 * width > 8.5 * f0**2  # the others never rise below the convergence edge
    weights, width, f0, ntk0 = weights[:, keep], width[keep], np.abs(f0[keep]), ntk0[keep]
    stated = 4 / (ntk0 + np.sqrt(ntk0**2 - 8 * f0**2 / width))
    low, high = 0.5 * stated, 4 / ntk0
    for _ in range(45):
        middle = (low + high) / 2
        rises = np.abs(_measure(_descend(weights, width, middle), width)[0]) > f0
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
    library = two_layer.critical_learning_rate("squared", f0, ntk0, width)
    return Measurement(np.max(np.abs([low / stated - 1, low / library - 1])))


def late_rise(scale: str) -> Measurement:
    """The least ηλ0, bisected, at which some network of width 1 has a rise of |f| after a step without one.

    0 if the library's root of the quintic is 10⁻⁵ or more away.
    """
    share = np.linspace(0.2, 1, _points(scale, 4000))  # 2|a|/Λ

    def rises_late(scaled):
        f = np.abs(_outputs(_weights(share * scaled / 2, scaled, 1.0), 1.0, np.ones(1), 12)[0])
        rises = (f[1:] > f[:-1] * (1 + 1e-12)) & (f[:-1] > 1e-9)
        return (rises & np.logical_or.accumulate(~rises, axis=0)).any()

    low, high = 3.0, 3.9
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if rises_late(middle) else (middle, high)
    library = squared_plane.LATE_RISE
    return Measurement(low if abs(low - library) < 1e-5 else 0.0, effect=low - library)


def below_the_edge(scale: str) -> Measurement:
    """Random networks, 0.05 ≤ ηλ0 ≤ 3.95: the largest λ_∞ over 2/η."""
    weights, width, rate = _random(_points(scale, 1000), 0.05, 3.95, 46)
    ntk = _outputs(weights, width, rate, 2000)[1]
    return Measurement(np.max(ntk / two_layer.stability_edge("squared", rate)))


def after_a_hit(scale: str) -> Measurement:
    """One neuron, w1 = 17/10, w2 = 1, η = 1, in fractions: ηλ after the step that makes f exactly 0."""
    w1, w2 = Fraction(17, 10), Fraction(1)
    before = w1**2 + w2**2
    w1, w2 = w1 - w1 * w2 * w2, w2 - w1 * w2 * w1
    if w1 * w2 != 0 or before >= 4:
        return Measurement(0.0)
    return Measurement(float(w1**2 + w2**2), effect=float(before))


def integer_network(scale: str) -> Measurement:
    """Width 4, integer weights, f0 = 2, λ0 = 3: a lower bound of λ_∞(5/4) − λ_∞(1), the second exactly 0."""
    w1, w2 = (np.array([Fraction(entry) for entry in row]) for row in INTEGERS)
    for _ in range(2):
        f = (w1 * w2).sum() / 2
        w1, w2 = w1 - f / 2 * w2, w2 - f / 2 * w1
    left = float((w1**2).sum() + (w2**2).sum()) / 4
    other = _certified(2, 3, 4, Fraction(5, 4))
    library = certificates.final_ntk("squared", 2, 3, 4, Fraction(5, 4))
    low = np.maximum(other[0], library.lower)
    return Measurement(low - left if low <= np.minimum(other[1], library.upper) else 0.0, effect=left)


def wide_pair(scale: str) -> Measurement:
    """Width 1000, f0 = 1, λ0 = 2: a lower bound of λ_∞ at ηλ0 = 3.3 less an upper bound at 3.1, in balls."""
    (_, high), (low, _) = (_certified(1, 2, 1000, Fraction(scaled, 20)) for scaled in (31, 33))
    library = [certificates.final_ntk("squared", 1, 2, 1000, Fraction(scaled, 20)) for scaled in (31, 33)]
    return Measurement(np.minimum(low - high, library[1].lower - library[0].upper), effect=low / high)


def _certified(f0, ntk0, width, rate, bits: int = 2000) -> tuple[float, float]:
    """Return bounds on λ_∞ from balls of |w1 ± w2|²·η/m, which a step multiplies by (1 ∓ a)². See _enclose."""
    with flint.ctx.workprec(bits):
        rate = flint.arb(flint.fmpq(rate.numerator, rate.denominator))
        a, scaled = rate * f0 / flint.arb(width).sqrt(), rate * ntk0
        low, high = _enclose(scaled + 2 * a, scaled - 2 * a)
        return float((low / rate).lower()), float((high / rate).upper())


def _enclose(p, q, steps: int = 5000):
    """Return bounds on Λ_∞ from balls p and q, which are followed until a is tiny and Λ below 2, both for certain.

    Then |a_{s+1}| ≤ ρ|a_s| with ρ = max(Λ − 1, 1 + a² − Λ/2) < 1 as long as Λ_s ≥ Λ/2, which a loss of at most
    4 Σ a² < Λ/2 keeps true; and √(pq) is multiplied by at least 1 − Σ a².
    """
    for _ in range(steps):
        a, scaled = (p - q) / 4, (p + q) / 2
        ratio = (scaled - 1).max(1 + a * a - scaled / 2)
        if ratio < 1 and a * a < 1e-30:
            total = a * a / (1 - ratio * ratio)
            if 8 * total < scaled:
                root = (p * q).sqrt()
                return root * (1 - total), root
        p, q = (1 - a) * (1 - a) * p, (1 + a) * (1 + a) * q
    raise ArithmeticError("undecided")


def no_limit(scale: str) -> Measurement:
    """ηλ0 = 3, m → ∞: the certified gap between two limit points of ηλ_∞, in balls. See thm-sq-profile.

    The orbits of all wide networks come with |a| = α into 3 − α²/2 ≤ Λ ≤ 3, for every small α that their width
    allows: two boxes with α = 2⁻²⁰ and 1.6 · 2⁻²⁰ (each ± 10⁻⁹ of it) are followed to the end.
    """
    limits = []
    with flint.ctx.workprec(300):
        for factor in (1.0, 1.6):
            alpha = flint.arb(factor) / 2**20
            a, scaled = alpha * flint.arb(1, 1e-9), 3 - alpha * alpha * flint.arb(0.25, 0.2501)
            for _ in range(400):
                a, scaled = a * (1 + a * a - scaled), scaled - a * a * (4 - scaled)
            ratio = (scaled - 1).max(1 + a * a - scaled / 2)
            lost = 4 * a * a / (1 - ratio * ratio)
            if not (ratio < 1 and 2 * lost < scaled):
                raise ArithmeticError("undecided")
            limits.append((scaled - lost).union(scaled))
    return Measurement(float(abs(limits[0] - limits[1]).lower()))


def time_to_peak(scale: str) -> Measurement:
    """Steps to the first peak at widths 10⁴ and 10²⁴: the largest relative error of ½ log m / log(ηλ0 − 1)."""
    errors = []
    for scaled in (2.4, 3.0, 3.6):
        times = []
        for width in (1e4, 1e24):
            f = np.abs(_outputs(_weights(1.0, 2.0, width), width, np.array(scaled / 2), 400)[0])
            times.append(int(np.argmax(f[1:] <= f[:-1])))
        errors.append((times[1] - times[0]) / (0.5 * math.log(1e20) / math.log(scaled - 1)) - 1)
        errors.append(squared_plane.time_to_peak(scaled / 2 / 1e12, scaled) / times[1] - 1)
    return Measurement(np.max(np.abs(errors)))


def log_periodic(scale: str) -> Measurement:
    """ηλ0 = 3.4: the largest change of ηλ_∞ when the width grows by (ηλ0 − 1)², widths from 10¹⁰ on.

    Or of its distance to the profile; the effect is how much ηλ_∞ varies within the period.
    """
    scaled = 3.4
    rate = np.array(scaled / 2)
    width = np.round(1e10 * (scaled - 1) ** (2 * np.linspace(0, 1, _points(scale, 50))))
    limits = [rate * _outputs(_weights(1.0, 2.0, m), m, rate, 4000)[1] for m in (width, width * (scaled - 1) ** 2)]
    stated = squared_plane.profile(scaled, np.log(scaled / 2 / np.sqrt(width)) / math.log(scaled - 1))
    gaps = np.abs([limits[1] - limits[0], stated - limits[0]])
    return Measurement(np.max(gaps), effect=np.ptp(limits[0]))


def amplitude(scale: str) -> Measurement:
    """The slope of log(amplitude · log r) of that oscillation in 1/log r, r = ηλ0 − 1, from 2.05 to 2.1.

    The effect is the common logarithm of the constant, at 2.05.
    """
    found, factors = [], []
    for scaled in (2.05, 2.1):
        limits = [_digits(scaled, phase) for phase in np.arange(8) / 8]
        with flint.ctx.workprec(1000):
            parts = [sum(limit * wave(flint.arb(k) / 4) for k, limit in enumerate(limits)) / 4
                     for wave in (flint.arb.cos_pi, flint.arb.sin_pi)]
            size, rate = float(sum(part * part for part in parts).log() / 2), math.log(scaled - 1)
        found.append((1 / rate, size + math.log(rate)))
        library = squared_plane.amplitude(scaled, digits=300)
        factors.append(squared_plane.amplitude_factor(scaled, library))
        if not abs(library - size) <= 1e-6:
            return Measurement(0.0)
    (x, y), (u, v) = found
    return Measurement((v - y) / (u - x), effect=factors[0] / math.log(10))


def _digits(scaled: float, phase: float, bits: int = 1000):
    """Return ηλ_∞ to about 110 digits: the lengths P, Q of w1 ± w2 from a = 10⁻⁶⁰ (Λ0 − 1)^phase."""
    with flint.ctx.workprec(bits):
        scaled = flint.arb(scaled)
        a = flint.arb(10) ** -60 * (scaled - 1) ** flint.arb(phase)
        p, q = (scaled + 2 * a).sqrt(), (scaled - 2 * a).sqrt()
        while True:
            a = (p * p - q * q) / 4
            if p * p + q * q < 4 and abs(a) < 1e-60:
                return (p * q) * (1 - a * a / (p * q * (2 - p * q)))
            p, q = ((1 - a) * p).mid(), ((1 + a) * q).mid()


def _chaotic(steps: int, bits: int):
    """Return growth rates at ηλ = 4 of two small changes of the weights: along Λ = 4, and off it.

    Weights of one neuron, η = 1, on the circle w1² + w2² = 4; the changes are so small that they stay so.
    """
    with flint.ctx.workprec(bits):
        small = flint.arb(2) ** (-bits // 2)
        angle = flint.arb(flint.fmpq(3, 10))
        orbits = [[2 * angle.cos(), 2 * angle.sin()], [2 * (angle + small).cos(), 2 * (angle + small).sin()],
                  [(2 + small) * angle.cos(), (2 + small) * angle.sin()]]
        gaps = []
        for t in range(steps + 1):
            if t in (0, steps):
                outputs, levels = zip(*((w1 * w2, w1 * w1 + w2 * w2) for w1, w2 in orbits), strict=True)
                gaps.append((abs(outputs[1] - outputs[0]), abs(levels[2] - levels[0])))
            orbits = [[(w1 * (1 - w2 * w2)).mid(), (w2 * (1 - w1 * w1)).mid()] for w1, w2 in orbits]
        return [float((after / before).log()) / steps for before, after in zip(*gaps, strict=True)]


def lyapunov_exponent(scale: str) -> Measurement:
    """Exactly at ηλ0 = 4: the rate at which two nearby networks on that circle separate."""
    return Measurement(_chaotic(_points(scale, 1500), _points(scale, 9000))[0], effect=math.log(3))


def transverse_exponent(scale: str) -> Measurement:
    """The rate at which a network leaves ηλ = 4."""
    golden = 2 * math.log((1 + math.sqrt(5)) / 2)
    return Measurement(_chaotic(_points(scale, 1500), _points(scale, 9000))[1], effect=golden)


def arcsine_law(scale: str) -> Measurement:
    """Orbits at ηλ0 = 4: the largest gap between the distribution of late a and the arcsine law on [−2, 2].

    Random neurons, η = 1, drawn back to the circle w1² + w2² = 4 after every step, as rounding drives them off it.
    """
    angle = np.random.default_rng(47).uniform(0, 2 * np.pi, _points(scale, 300))
    w1, w2, late = 2 * np.cos(angle), 2 * np.sin(angle), []
    for t in range(400):
        w1, w2 = w1 * (1 - w2 * w2), w2 * (1 - w1 * w1)
        length = np.hypot(w1, w2) / 2
        w1, w2 = w1 / length, w2 / length
        if t >= 100:
            late.append(w1 * w2)
    a = np.sort(np.ravel(late))
    stated = 0.5 + np.arcsin(np.clip(a / 2, -1, 1)) / np.pi
    return Measurement(np.abs(np.arange(a.size) / a.size - stated).max())


def larger_is_flatter_while_lazy(scale: str) -> Measurement:
    """Rays of networks, Λ0 ≤ 2: the largest rise of log λ_∞ from one learning rate to the next."""
    rays, rates = (25, 50) if scale == "quick" else (400, 800)
    slope = 2 + np.geomspace(1e-4, 100, rays)[:, None]  # λ0 √m / f0
    rate = np.linspace(2 / rates, 2, rates)  # λ0 = 1, m = 1
    weights = np.broadcast_to(_weights(1 / slope, 1.0, 1.0), (2, rays, rates, 2))
    ntk = _outputs(weights, 1.0, rate, 2000)[1]
    return Measurement(np.max(np.diff(np.log(ntk), axis=1)))


def lazy_leading_order(scale: str) -> Measurement:
    """Width 10⁶, f0 = 1, λ0 = 2: the largest relative error of what λ loses, ηλ0 from 0.1 to 1.8."""
    scaled, width = np.linspace(0.1, 1.8, 18), 1e6
    rate = scaled / 2
    ntk = _outputs(_weights(np.ones_like(rate), 2.0, width), width, rate, 3000)[1]
    stated = (4 - scaled) / (2 - scaled) / (width * 2)
    return Measurement(np.max(np.abs((2 - ntk) / stated - 1)))
