"""Checks: what the weights of networks do against closed forms, in balls or many digits where it matters.

Weights are iterated here, never the recursion of :mod:`catapult.theory`; the library's closed forms are held to what is
measured. A network of width m is often one whose weights into and out of all but two hidden units are zero: gradient
descent leaves them zero, so that any width costs the same. The constants of the statements stand at the top.
"""

from __future__ import annotations

import math
from fractions import Fraction

import flint
import numpy as np

from catapult.companion.measurement import Measurement
from catapult.theory import certificates, linear_predictor, squared_plane, two_layer

INTEGERS = ((2, 1, 1, 0), (1, 2, 0, 1))  # w1, w2 of a network of width 4 with f0 = 2, λ0 = 3
LAZY = 2.0  # ηλ0 up to which the loss falls
MILD = 2.0  # η²g²/m up to which a step takes D no higher
WINDOW = 2.0  # of f0²/(m λ0²): the relative width of the window above 2/λ0 in which the loss does not rise
REFLECTED = 2 / 3  # of δ0², the second term of 2 − ηλ_∞, δ0 = ηλ0 − 2
REFLECTS = 1e12  # a width at which a0² is small against δ0³
NEURON = (1.44, 1.38)  # w1, w2 of one that ends sharper than gradient flow
LANDING = (Fraction(17, 10), Fraction(1))  # w1, w2 of one that lands on f = 0 in a step
PHASES = (1.0, 1.6)  # of orbits with ηλ0 = 3 that end apart, by |a| early on
PAIR = (Fraction(31, 20), Fraction(33, 20))  # learning rates at which the wide network with λ0 = 2 is certified
SLOPED = (2.05, 2.1)  # ηλ0 at which the law of the small amplitude is measured
LYAPUNOV = math.log(3)
GOLDEN = 2 * math.log((1 + math.sqrt(5)) / 2)


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
    """Largest λ_∞ of descent over that of gradient flow, three losses, networks with κ g² ≤ 2 always.

    Random networks, and neurons under the squared loss whose first step has κ g² = 1.99 or 2.03 and ends next to
    f = 0: for these the bound is nearly reached, and beyond it broken. Effect: how many networks.
    """
    starts, widths, ends = [], [], []
    for loss, high in (("exponential", 0.9), ("logistic", 15.0), ("squared", 3.9)):
        weights, width, rate = _random(_points(scale, 40), 0.1 * high, high, 42)
        if loss == "squared":
            square = np.array([1.99, 2.03])
            near = _weights(np.sqrt(square), 1 + square + 1e-3, 1.0)
            weights = np.concatenate([weights, near], axis=1)
            width, rate = np.append(width, [1, 1]), np.append(rate, [1, 1])
        f, ntk = _outputs(weights, width, rate, 2000, loss)
        with np.errstate(over="ignore", invalid="ignore"):
            mild = (rate**2 * linear_predictor.slope(loss, f) ** 2 <= MILD * width).all(axis=0)
            mild &= np.abs(f[-1]) < 1e-3
        starts, widths, ends = [*starts, weights[:, mild]], [*widths, width[mild]], [*ends, ntk[mild]]
    flow = _flow(np.concatenate([*starts, near], axis=1), np.concatenate([*widths, [1, 1]]))
    beyond = ntk[-1] / flow[-1]
    return Measurement(np.max(np.concatenate(ends) / flow[:-2]), effect=flow.size - 2,
                       conditions={"a first step with η²g²/m = 2.03 can end sharper than the flow": beyond > 1.01})


def sharper_than_flow(scale: str) -> Measurement:
    """One neuron, w1 = 1.44, w2 = 1.38, η = 1: λ_∞ of gradient descent over that of gradient flow."""
    weights = np.array(NEURON)[:, None, None]
    f, ntk = _outputs(weights, np.ones(1), np.ones(1), 3000)
    return Measurement((ntk / _flow(weights, np.ones(1)))[0], effect=np.abs(f).max() ** 2,
                       conditions={"gradient descent converges": np.abs(f[-1, 0]) < 1e-6})


def one_step_rule(scale: str) -> Measurement:
    """Random networks, three losses: how many first steps break a rule on s = Λg/f: on |f|, on λ, on |a|, or the trap.

    Where λ changes by less than 10⁻¹² of it, which way is rounding. Effect: how many have s < a².
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
    return Measurement(wrong, effect=seen, conditions={"some steps rise because s < a²": seen > 0})


def convergence_edge(scale: str) -> Measurement:
    """Random networks at 0.05 to 0.999 and at 1.001 to 1.5 of the stated edge: how many end otherwise than it says."""
    weights, width, _ = _random(_points(scale, 80), 0.5, 1.0, 43)
    edge = two_layer.convergence_edge("squared", *_measure(weights, width), width)
    wrong = 0
    for factor in (0.05, 0.5, 0.8, 0.95, 0.99, 0.999, 1.001, 1.01, 1.1, 1.5):
        f, ntk = _outputs(weights, width, factor * edge, 1500)
        scaled = factor * edge * ntk
        converged = (np.abs(f[-1]) * factor * edge / np.sqrt(width) < 2e-3) & (scaled < 2)
        wrong += int(np.sum(~converged if factor < 1 else ~((scaled > 1e6) | np.isnan(scaled))))
    return Measurement(wrong)


def critical_step(scale: str) -> Measurement:
    """½(u·v − y)², u and v in 1 to 3 dimensions: how many starts end otherwise than the stated critical step says.

    At 0.98 of it u·v → y; at 1.02 it does not. Effect: the share of starts where it is that of the minimum, 1/|y|.
    """
    rng, n = np.random.default_rng(40), _points(scale, 150)
    there = np.arange(3) < rng.integers(1, 4, n)[:, None]
    u, v = rng.standard_normal((2, n, 3)) * there * rng.uniform(0.3, 2, (n, 1))
    y = np.where(np.arange(n) % 10, rng.standard_normal(n), 0.0)
    stated = _critical_step(u, v, y)
    wrong = 0
    for factor in (0.98, 1.02):
        a, b, rate = u, v, (factor * stated)[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(4000):
                error = ((a * b).sum(1) - y)[:, None]
                a, b = a - rate * error * b, b - rate * error * a
            converged = np.abs((a * b).sum(1) - y) < 1e-3
        wrong += int(np.sum(converged != (factor < 1)))
    return Measurement(wrong, effect=np.mean(stated * np.abs(y) == 1))


def _critical_step(u, v, y):
    """Return min{1/|y|, 8/(N + √(N² − 16 y (u·v − y)))}, N = |u|² + |v|² (Liang and Montúfar, as recalled)."""
    size = (u**2 + v**2).sum(1)
    with np.errstate(divide="ignore"):
        return np.minimum(1 / np.abs(y), 8 / (size + np.sqrt(size**2 - 16 * y * ((u * v).sum(1) - y))))


def lazy_phase(scale: str) -> Measurement:
    """Random networks, 0.05 ≤ ηλ0 ≤ 2, half of them at 2: the largest |f_{t+1}/f_t| at a step, less 1.

    While η|f_t|/√m > 10⁻⁴: far below, the fall is less than the rounding of w2·w1. The effect is 2 − ηλ_∞ over √2 a0,
    from ηλ0 = 2 and a0 = 0.01.
    """
    weights, width, rate = _random(_points(scale, 400), 0.05, LAZY, 44)
    rate[::2] = (LAZY / _measure(weights, width)[1])[::2]
    f = np.abs(_outputs(weights, width, rate, 300)[0])
    live = (f * rate / np.sqrt(width))[:-1] > 1e-4
    end = _outputs(_weights(0.01, 2.0, 1.0), 1.0, np.array(1.0), 2000)[1]
    return Measurement(np.max(f[1:][live] / f[:-1][live] - 1), effect=(2 - end) / (math.sqrt(2) * 0.01))


def no_rise(scale: str) -> Measurement:
    """The relative width of the window above 2/λ0 in which the loss never rises, over its law 2 f0²/(m λ0²).

    By bisection on first steps, widths 10⁵ to 10⁷, f0 from 0.3 to 1.5, λ0 from 0.5 to 3: the farthest from 1. In the
    middle of the window, and at widths from 10 on, no step raises the loss.
    """
    rng = np.random.default_rng(49)
    width = np.repeat(10.0 ** np.arange(1, 8), _points(scale, 10))
    f0, ntk0 = rng.uniform(0.3, 1.5, width.size), rng.uniform(0.5, 3, width.size)
    keep = ntk0**2 * width > 10 * f0**2  # the others never rise below the convergence edge
    width, f0, ntk0 = width[keep], f0[keep], ntk0[keep]
    weights, low, high = _weights(f0, ntk0, width), 1 / ntk0, 4 / ntk0
    for _ in range(50):
        middle = (low + high) / 2
        rises = np.abs(_measure(_descend(weights, width, middle), width)[0]) > f0
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
    f = np.abs(_outputs(weights, width, (2 / ntk0 + low) / 2, 300)[0])
    live = f[:-1] > 1e-9
    ratios = ((low * ntk0 / 2 - 1) / (WINDOW * f0**2 / (width * ntk0**2)))[width >= 1e5]
    return Measurement(ratios[np.argmax(np.abs(ratios - 1))], interval=(ratios.min(), ratios.max()), conditions={
        "in the middle of the window no step raises the loss": (f[1:][live] < f[:-1][live]).all()})


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

    Less the library's root of the quintic. Effect: that ηλ0.
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
    return Measurement(low - squared_plane.LATE_RISE, effect=low, conditions={
        "some network rises late at each of 3.42, 3.6, 3.8 and 3.99": all(map(rises_late, (3.42, 3.6, 3.8, 3.99))),
        "none does at 2.2, 2.6, 3, 3.3": not any(map(rises_late, (2.2, 2.6, 3.0, 3.3)))})


def below_the_edge(scale: str) -> Measurement:
    """Random networks, 0.05 ≤ ηλ0 ≤ 3.95, some of them next to 2: the largest λ_∞ over 2/η."""
    weights, width, rate = _random(_points(scale, 1000), 0.05, 3.95, 46)
    near = np.linspace(1.9, 2.1, 50) / 2
    weights = np.concatenate([weights, _weights(np.full(50, 0.03), 2.0, 100.0)], axis=1)
    width, rate = np.append(width, np.full(50, 100.0)), np.append(rate, near)
    ratios = _outputs(weights, width, rate, 2000)[1] / two_layer.stability_edge("squared", rate)
    return Measurement(ratios.max(), conditions={"some end within one per cent of the edge": ratios.max() > 0.99})


def after_a_hit(scale: str) -> Measurement:
    """One neuron, w1 = 17/10, w2 = 1, η = 1, in fractions: ηλ after the step that makes f exactly 0."""
    w1, w2 = LANDING
    before = w1**2 + w2**2
    w1, w2 = w1 - w1 * w2 * w2, w2 - w1 * w2 * w1
    return Measurement(float(w1**2 + w2**2), effect=float(before), conditions={
        "the step lands on f = 0 exactly": w1 * w2 == 0, "it starts below the edge of convergence": before < 4})


def integer_network(scale: str) -> Measurement:
    """Width 4, integer weights, f0 = 2, λ0 = 3: a lower bound of λ_∞(5/4), where λ_∞(1) is exactly 0.

    The better of two enclosures, in balls: of the lengths of w1 ± w2 here, and the library's.
    """
    w1, w2 = (np.array([Fraction(entry) for entry in row]) for row in INTEGERS)
    for _ in range(2):
        f = (w1 * w2).sum() / 2
        w1, w2 = w1 - f / 2 * w2, w2 - f / 2 * w1
    other = _certified(2, 3, 4, Fraction(5, 4))
    library = certificates.final_ntk("squared", 2, 3, 4, Fraction(5, 4))
    low, high = np.maximum(other[0], library.lower), np.minimum(other[1], library.upper)
    return Measurement(low, interval=(low, np.maximum(low, high)), conditions={
        "at η = 1 all weights are exactly 0 after two steps": not w1.any() and not w2.any(),
        "the two enclosures overlap": low <= high})


def wide_pair(scale: str) -> Measurement:
    """Width 1000, f0 = 1, λ0 = 2: a lower bound of λ_∞ at ηλ0 = 3.3 less an upper bound at 3.1, in balls."""
    (_, high), (low, _) = (_certified(1, 2, 1000, rate) for rate in PAIR)
    library = [certificates.final_ntk("squared", 1, 2, 1000, rate) for rate in PAIR]
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
        for factor in PHASES:
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
    """Steps from the first peak at width 10⁴ to that at 10²⁰⁰ over what the library says, the farthest from 1.

    At ηλ0 = 2.4, 3 and 3.6, from f0 = 1, λ0 = 2; the lengths of w1 ± w2 are followed with 1,000 bits.
    """
    ratios = []
    for scaled in (2.4, 3.0, 3.6):
        steps = [_first_peak(scaled, exponent) for exponent in (4, 200)]
        stated = [squared_plane.time_to_peak(scaled / 2 * 10.0 ** (-exponent / 2), scaled) for exponent in (4, 200)]
        ratios.append((steps[1] - steps[0]) / (stated[1] - stated[0]))
    return Measurement(ratios[np.argmax(np.abs(np.array(ratios) - 1))], interval=(np.min(ratios), np.max(ratios)))


def _first_peak(scaled: float, exponent: int) -> int:
    """Return the step after which |f| first does not rise, width 10^exponent, f0 = 1, λ0 = 2."""
    with flint.ctx.workprec(1000):
        a = flint.arb(scaled) / 2 / flint.arb(10) ** (exponent // 2)
        p, q = (scaled + 2 * a).sqrt(), (scaled - 2 * a).sqrt()
        for step in range(5000):
            p, q = ((1 - a) * p).mid(), ((1 + a) * q).mid()
            before, a = a, (p * p - q * q) / 4
            if not abs(a) > abs(before):
                return step
    raise ArithmeticError("no peak in 5,000 steps")


def log_periodic(scale: str) -> Measurement:
    """ηλ0 = 2.5, 3, 3.4: the largest change of ηλ_∞ when the width grows by the stated period, widths from 10¹⁰ on.

    Or of its distance to the profile; the effect is how much ηλ_∞ varies within the period, at 3.4. Widths all over
    the period: up to ηλ0 = 2 + √2 no phase is left out.
    """
    gaps = []
    for scaled in (2.5, 3.0, 3.4):
        rate = np.array(scaled / 2)
        width = np.round(1e10 * _period(scaled) ** np.linspace(0, 1, _points(scale, 30)))
        limits = [rate * _outputs(_weights(1.0, 2.0, m), m, rate, 2000)[1] for m in (width, width * _period(scaled))]
        stated = squared_plane.profile(scaled, np.log(scaled / 2 / np.sqrt(width)) / math.log(scaled - 1))
        gaps.append(np.abs([limits[1] - limits[0], stated - limits[0]]).max())
    return Measurement(np.max(gaps), effect=np.ptp(limits[0]))


def _period(scaled: float) -> float:
    """Return the factor of the width after which λ_∞ is the same again."""
    return (scaled - 1) ** 2


def reflection(scale: str) -> Measurement:
    """(2 − δ0 − ηλ_∞)/δ0² of wide networks, δ0 = ηλ0 − 2, extrapolated to δ0 = 0, less the stated ⅔.

    From δ0 = 0.02 and 0.04; f0 = 0.01, 1 and 10 at width 10¹²: the farthest. Effect: the coefficient of δ0³.
    """
    f0, width = np.array([0.01, 1.0, 10.0]), REFLECTS
    values = []
    for beyond in (0.02, 0.04):
        rate = np.full(3, (2 + beyond) / 2)
        ntk = _outputs(_weights(f0, 2.0, width), width, rate, 2500 if beyond < 0.03 else 1500)[1]
        values.append((2 - beyond - rate * ntk) / beyond**2)
    gaps = 2 * values[0] - values[1] - REFLECTED
    return Measurement(gaps[np.argmax(np.abs(gaps))], effect=np.mean(values[1] - values[0]) / 0.02)


def amplitude(scale: str) -> Measurement:
    """The slope of log(amplitude · log r) of that oscillation in 1/log r, r = ηλ0 − 1, from 2.05 to 2.1.

    The effect is the common logarithm of the constant, at 2.05.
    """
    found, factors, gaps = [], [], []
    for scaled in SLOPED:
        limits = [_digits(scaled, phase) for phase in np.arange(8) / 8]
        with flint.ctx.workprec(1000):
            parts = [sum(limit * wave(flint.arb(k) / 4) for k, limit in enumerate(limits)) / 4
                     for wave in (flint.arb.cos_pi, flint.arb.sin_pi)]
            size, rate = float(sum(part * part for part in parts).log() / 2), math.log(scaled - 1)
        found.append((1 / rate, size + math.log(rate)))
        library = squared_plane.amplitude(scaled, digits=300)
        factors.append(squared_plane.amplitude_factor(scaled, library))
        gaps.append(abs(library - size))
    (x, y), (u, v) = found
    return Measurement((v - y) / (u - x), effect=factors[0] / math.log(10), conditions={
        "the library's logarithms of the amplitude agree within 10⁻⁶": np.max(gaps) <= 1e-6})


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


def _separation(steps: int, bits: int) -> float:
    """Return the growth rate at ηλ = 4 of a small change of the weights along the circle w1² + w2² = 4, η = 1."""
    with flint.ctx.workprec(bits):
        small = flint.arb(2) ** (-bits // 2)
        angle = flint.arb(flint.fmpq(3, 10))
        orbits = [[2 * (angle + change).cos(), 2 * (angle + change).sin()] for change in (0, small)]
        gaps = []
        for t in range(steps + 1):
            if t in (0, steps):
                gaps.append(abs(orbits[1][0] * orbits[1][1] - orbits[0][0] * orbits[0][1]))
            orbits = [[(w1 * (1 - w2 * w2)).mid(), (w2 * (1 - w1 * w1)).mid()] for w1, w2 in orbits]
        return float((gaps[1] / gaps[0]).log()) / steps


def _on_the_circle(count: int, steps: int):
    """Yield w1 and w2 of random neurons with ηλ = 4, η = 1, drawn back to that circle after every step."""
    angle = np.random.default_rng(47).uniform(0, 2 * np.pi, count)
    w1, w2 = 2 * np.cos(angle), 2 * np.sin(angle)
    for _ in range(steps):
        yield w1, w2
        w1, w2 = w1 * (1 - w2 * w2), w2 * (1 - w1 * w1)
        length = np.hypot(w1, w2) / 2  # rounding drives them off it
        w1, w2 = w1 / length, w2 / length


def lyapunov_exponent(scale: str) -> Measurement:
    """Exactly at ηλ0 = 4: the rate at which two nearby networks on that circle separate, less log 3."""
    rate = _separation(_points(scale, 1500), _points(scale, 9000))
    return Measurement(rate - LYAPUNOV, effect=rate)


def transverse_exponent(scale: str) -> Measurement:
    """The mean rate at which networks beside ηλ = 4 leave it, less the stated one. Effect: the rate."""
    rates = []
    for w1, w2 in _on_the_circle(_points(scale, 400), 500):
        w1, w2 = (w * math.sqrt(1 - 1e-6) for w in (w1, w2))
        after = (w1 * (1 - w2 * w2)) ** 2 + (w2 * (1 - w1 * w1)) ** 2
        rates.append(np.log((4 - after) / 4e-6).mean())
    rate = np.mean(rates)
    return Measurement(rate - GOLDEN, effect=rate)


def arcsine_law(scale: str) -> Measurement:
    """Orbits at ηλ0 = 4: the largest gap between the distribution of late a and the arcsine law on [−2, 2]."""
    a = np.sort(np.ravel([w1 * w2 for w1, w2 in _on_the_circle(_points(scale, 300), 400)][100:]))
    return Measurement(np.abs(np.arange(a.size) / a.size - _arcsine(a)).max())


def _arcsine(a):
    """Return the distribution function of the density 1/(π√(4 − a²))."""
    return 0.5 + np.arcsin(np.clip(a / 2, -1, 1)) / np.pi


def larger_is_flatter_while_lazy(scale: str) -> Measurement:
    """Rays of networks, Λ0 ≤ 2: the largest rise of log λ_∞ from one learning rate to the next."""
    rays, rates = (25, 50) if scale == "quick" else (400, 800)
    slope = 2 + np.geomspace(1e-4, 100, rays)[:, None]  # λ0 √m / f0
    rate = np.linspace(LAZY / rates, LAZY, rates)  # λ0 = 1, m = 1
    weights = np.broadcast_to(_weights(1 / slope, 1.0, 1.0), (2, rays, rates, 2))
    ntk = _outputs(weights, 1.0, rate, 2000)[1]
    return Measurement(np.max(np.diff(np.log(ntk), axis=1)))


def lazy_leading_order(scale: str) -> Measurement:
    """Widths 10⁶ and 10⁷, f0 = 0.3 and 1.5, λ0 = 0.5 and 3: the largest relative error of what λ loses.

    ηλ0 from 0.1 to 1.8.
    """
    f0, ntk0, width, scaled = np.meshgrid([0.3, 1.5], [0.5, 3.0], [1e6, 1e7], np.linspace(0.1, 1.8, 18))
    ntk = _outputs(_weights(f0, ntk0, width), width, scaled / ntk0, 3000)[1]
    return Measurement(np.max(np.abs((ntk0 - ntk) / _lazy_loss(f0, ntk0, width, scaled) - 1)))


def _lazy_loss(f0, ntk0, width, scaled):
    """Return what λ loses with Λ0 < 2, to leading order in 1/m."""
    return f0**2 / (width * ntk0) * (4 - scaled) / (2 - scaled)
