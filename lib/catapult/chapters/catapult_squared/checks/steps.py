"""Checks of the recursion, of single steps and the lazy phase, and of descent against gradient flow."""

from __future__ import annotations

import math

import numpy as np

from catapult.companion.measurement import Measurement
from catapult.oracles import bisection, plane, predictor
from catapult.theory import squared_plane, two_layer

LAZY = 2.0  # ηλ0 up to which the loss falls
MILD = 2.0  # η²g²/m up to which a step takes D no higher
WINDOW = 2.0  # of f0²/(m λ0²): the relative width of the window above 2/λ0 in which the loss does not rise
NEURON = (1.44, 1.38)  # w1, w2 of one that ends sharper than gradient flow


def drawn(count: int, low: float, high: float, seed: int) -> np.ndarray:
    """Draw networks of widths 1 to 1000 with any feasible output and ηλ0 in a range: f0, λ0, m and η, (4, count)."""
    rng = np.random.default_rng(seed)
    width = np.floor(10 ** rng.uniform(0, 3, count))
    ntk0 = rng.uniform(0.5, 3, count)
    f0 = ntk0 * np.sqrt(width) / 2 * rng.uniform(-1, 1, count) ** 3
    return np.array([f0, ntk0, width, rng.uniform(low, high, count) / ntk0])


def recursion() -> Measurement:
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


def product_formula() -> Measurement:
    """Largest relative gap of λ_∞ to √(λ0² − 4f0²/m) Π|1 − η²g²/m|, three losses, random networks."""
    gaps = []
    for loss, high in (("exponential", 0.9), ("logistic", 12.0), ("squared", 3.0)):
        given = drawn(40, 0.3 * high, high, 41)
        f0, ntk0, width, rate = given[:, np.abs(given[0]) < (1 if loss == "exponential" else np.inf)]  # it converges
        networks = plane.Networks(f0, ntk0, width, rate)
        g = predictor.SLOPES[loss](networks.outputs(loss, 3000))
        D = two_layer.invariants(f0, ntk0, width, rate)[2]
        stated = np.sqrt(D) / rate * np.prod(np.abs(1 - rate**2 * g**2 / width), axis=0)
        gaps.append(np.abs(stated / networks.ntk - 1).max())
    return Measurement(np.max(gaps))


def _flow(networks: plane.Networks) -> np.ndarray:
    """Return λ where gradient flow from the weights of networks ends: Runge–Kutta on the squared loss.

    That of any loss with sign L' = sign f has the same orbits, at another speed.
    """
    w, root = networks.w, np.sqrt(networks.width)

    def field(x):
        return -((x[0] * x[1]).sum(-1) / root**2)[..., None] * x[::-1]

    h = 0.02
    for _ in range(4000):
        k1 = field(w)
        k2 = field(w + h / 2 * k1)
        k3 = field(w + h / 2 * k2)
        w = w + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(w + h * k3))
    return (w**2).sum((0, -1)) / root**2


def no_sharper_than_flow() -> Measurement:
    """Largest λ_∞ of descent over that of gradient flow, three losses, networks with κ g² ≤ 2 always.

    Random networks, and neurons under the squared loss whose first step has κ g² = 1.99 or 2.03 and ends next to
    f = 0: for these the bound is nearly reached, and beyond it broken. Effect: how many networks.
    """
    ends, square = [], np.array([1.99, 2.03])
    starts = {loss: drawn(40, 0.1 * high, high, 42)
              for loss, high in (("exponential", 0.9), ("logistic", 15.0), ("squared", 3.9))}
    neurons = [np.sqrt(square), 1 + square + 1e-3, np.ones(2), np.ones(2)]
    starts["squared"] = np.append(starts["squared"], neurons, axis=1)
    flow = _flow(plane.Networks(*np.concatenate([*starts.values()], axis=1)))
    for loss, given in starts.items():
        networks = plane.Networks(*given)
        f = networks.outputs(loss, 2000)
        with np.errstate(over="ignore", invalid="ignore"):
            mild = (networks.rate**2 * predictor.SLOPES[loss](f) ** 2 <= MILD * networks.width).all(axis=0)
        ends.append(np.where(mild & (np.abs(f[-1]) < 1e-3), networks.ntk, np.nan))
    ratios = np.concatenate(ends) / flow
    beyond = networks.ntk[-1] / flow[-1]
    return Measurement(np.nanmax(ratios), effect=np.isfinite(ratios).sum(),
                       conditions={"a first step with η²g²/m = 2.03 can end sharper than the flow": beyond > 1.01})


def sharper_than_flow() -> Measurement:
    """One neuron, w1 = 1.44, w2 = 1.38, η = 1: λ_∞ of gradient descent over that of gradient flow."""
    w1, w2 = NEURON
    neuron = plane.Networks(w1 * w2, w1**2 + w2**2, 1, 1)
    flow, f = _flow(neuron), neuron.outputs("squared", 3000)
    return Measurement(neuron.ntk / flow, effect=np.abs(f).max() ** 2,
                       conditions={"gradient descent converges": np.abs(f[-1]) < 1e-6})


def one_step_rule() -> Measurement:
    """Random networks, three losses: how many first steps break a rule on s = Λg/f: on |f|, on λ, on |a|, or the trap.

    Where λ changes by less than 10⁻¹² of it, which way is rounding. Effect: how many have s < a².
    """
    wrong, seen = 0, 0
    for loss in ("exponential", "logistic", "squared"):
        networks = plane.Networks(*drawn(1000, 0.2, 12.0, 48))
        f, ntk, g = networks.f, networks.ntk, predictor.SLOPES[loss](networks.f)
        s, square = networks.rate * ntk * g / f, networks.rate**2 * g**2 / networks.width
        networks.descend(loss)
        after, ntk_after = networks.f, networks.ntk
        after, change = np.abs(after), ntk_after / ntk - 1
        rises = (s > 2 + square) | (s < square)
        broken = [(after > np.abs(f)) != rises, (s <= 2) & ((after >= np.abs(f)) | (square > 1)),
                  s < 2 * np.sqrt(square) * (1 - 1e-12), (np.sign(change) != np.sign(s - 4)) & (np.abs(change) > 1e-12)]
        wrong += int(np.sum(broken) + np.isnan(after + s).sum())
        seen += int((s < square).sum())
    return Measurement(wrong, effect=seen, conditions={"some steps rise because s < a²": seen > 0})


def lazy_phase() -> Measurement:
    """Random networks, 0.05 ≤ ηλ0 ≤ 2, half of them at 2: the largest |f_{t+1}/f_t| at a step, less 1.

    While η|f_t|/√m > 10⁻⁴: far below, the fall is less than the rounding of w2·w1. The effect is 2 − ηλ_∞ over √2 a0,
    from ηλ0 = 2 and a0 = 0.01.
    """
    f0, ntk0, width, rate = drawn(400, 0.05, LAZY, 44)
    rate[::2] = (LAZY / ntk0)[::2]
    f = np.abs(plane.Networks(f0, ntk0, width, rate).outputs("squared", 300))
    live = (f * rate / np.sqrt(width))[:-1] > 1e-4
    end = plane.Networks(0.01, 2, 1, 1).descend("squared", 2000).ntk
    return Measurement(np.max(f[1:][live] / f[:-1][live] - 1), effect=(2 - end) / (math.sqrt(2) * 0.01))


def no_rise() -> Measurement:
    """The relative width of the window above 2/λ0 in which the loss never rises, over its law 2 f0²/(m λ0²).

    By bisection on first steps, widths 10⁵ to 10⁷, f0 from 0.3 to 1.5, λ0 from 0.5 to 3: the farthest from 1. In the
    middle of the window, and at widths from 10 on, no step raises the loss.
    """
    rng = np.random.default_rng(49)
    width = np.repeat(10.0 ** np.arange(1, 8), 10)
    f0, ntk0 = rng.uniform(0.3, 1.5, width.size), rng.uniform(0.5, 3, width.size)
    keep = ntk0**2 * width > 10 * f0**2  # the others never rise below the convergence edge
    width, f0, ntk0 = width[keep], f0[keep], ntk0[keep]
    low = bisection.threshold(lambda rate: np.abs(plane.Networks(f0, ntk0, width, rate).descend("squared").f) > f0,
                              1 / ntk0, 4 / ntk0)
    f = np.abs(plane.Networks(f0, ntk0, width, (2 / ntk0 + low) / 2).outputs("squared", 300))
    live = f[:-1] > 1e-9
    ratios = ((low * ntk0 / 2 - 1) / (WINDOW * f0**2 / (width * ntk0**2)))[width >= 1e5]
    return Measurement(ratios[np.argmax(np.abs(ratios - 1))], interval=(ratios.min(), ratios.max()), conditions={
        "in the middle of the window no step raises the loss": (f[1:][live] < f[:-1][live]).all()})


def first_rise() -> Measurement:
    """Largest relative gap between the learning rate at which the first step begins to rise and its closed form."""
    f0, ntk0, width, _ = drawn(200, 0.5, 1.0, 45)
    keep = ntk0**2 * width > 8.5 * f0**2  # the others never rise below the convergence edge
    width, f0, ntk0 = width[keep], np.abs(f0[keep]), ntk0[keep]
    stated = 4 / (ntk0 + np.sqrt(ntk0**2 - 8 * f0**2 / width))
    low = bisection.threshold(lambda rate: np.abs(plane.Networks(f0, ntk0, width, rate).descend("squared").f) > f0,
                              0.5 * stated, 4 / ntk0, 45)
    library = two_layer.critical_learning_rate("squared", f0, ntk0, width)
    return Measurement(np.max(np.abs([low / stated - 1, low / library - 1])))


def late_rise() -> Measurement:
    """The least ηλ0, bisected, at which some network of width 1 has a rise of |f| after a step without one.

    Less the library's root of the quintic. Effect: that ηλ0.
    """
    share = np.linspace(0.2, 1, 4000)  # 2|a|/Λ

    def rises_late(scaled):
        f = np.abs(plane.Networks(share * scaled / 2, scaled, 1, 1).outputs("squared", 12))
        rises = (f[1:] > f[:-1] * (1 + 1e-12)) & (f[:-1] > 1e-9)
        return (rises & np.logical_or.accumulate(~rises, axis=0)).any()

    low = bisection.threshold(rises_late, 3.0, 3.9, 20)
    return Measurement(low - squared_plane.LATE_RISE, effect=low, conditions={
        "some network rises late at each of 3.42, 3.6, 3.8 and 3.99": all(map(rises_late, (3.42, 3.6, 3.8, 3.99))),
        "none does at 2.2, 2.6, 3, 3.3": not any(map(rises_late, (2.2, 2.6, 3.0, 3.3)))})


def larger_is_flatter_while_lazy() -> Measurement:
    """Rays of networks, Λ0 ≤ 2: the largest rise of log λ_∞ from one learning rate to the next."""
    rays, rates = 25, 50
    slope = 2 + np.geomspace(1e-4, 100, rays)[:, None]  # λ0 √m / f0
    rate = np.linspace(LAZY / rates, LAZY, rates)  # λ0 = 1, m = 1
    ntk = plane.Networks(1 / slope, 1.0, 1, rate).descend("squared", 2000).ntk
    return Measurement(np.max(np.diff(np.log(ntk), axis=1)))


def lazy_leading_order() -> Measurement:
    """Widths 10⁶ and 10⁷, f0 = 0.3 and 1.5, λ0 = 0.5 and 3: the largest relative error of what λ loses.

    ηλ0 from 0.1 to 1.8.
    """
    f0, ntk0, width, scaled = np.meshgrid([0.3, 1.5], [0.5, 3.0], [1e6, 1e7], np.linspace(0.1, 1.8, 18))
    ntk = plane.Networks(f0, ntk0, width, scaled / ntk0).descend("squared", 3000).ntk
    return Measurement(np.max(np.abs((ntk0 - ntk) / _lazy_loss(f0, ntk0, width, scaled) - 1)))


def _lazy_loss(f0, ntk0, width, scaled):
    """Return what λ loses with Λ0 < 2, to leading order in 1/m."""
    return f0**2 / (width * ntk0) * (4 - scaled) / (2 - scaled)
