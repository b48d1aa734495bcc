"""Checks of one step and of where runs end: critical rates, final kernels."""

from __future__ import annotations

import flint
import numpy as np

from catapult.chapters.catapult_squared.networks import drawn
from catapult.companion.measurement import Measurement
from catapult.oracles import balls, plane, predictor
from catapult.theory import two_layer

TURNS = 4.0  # of s = Λg/f: the kernel rises above it
PAIR = (50, 54)  # learning rates of the certified pair, m = 1000
SHARPER = (1196.746, 1216.553)  # the same with m = 10⁶
OFF_HITS = 0.02  # of the period of log m, at κ = 7: widths nearer than this to hits are left out


def kernel_turns() -> Measurement:
    """Two losses: steps of random feasible networks that raise the kernel where s < 4 or lower it where s > 4.

    States within 10⁻⁶ of s = 4 are left out. Effect: the least share of states with s > 4.
    """
    rng, n, wrong, shares = np.random.default_rng(50), 20_000, 0, []
    width, kappa = rng.integers(1, 1000, n), np.exp(rng.uniform(-7, 4, n))
    f0 = rng.uniform(0.1, 5, n) * rng.choice([-1, 1], n)
    ntk0 = 2 * np.abs(f0) / np.sqrt(width) * np.exp(rng.exponential(1, n))
    for loss in ("logistic", "exponential"):
        s = np.sqrt(kappa * width) * ntk0 * predictor.SLOPES[loss](f0) / f0
        rises = plane.Networks(f0, ntk0, width, np.sqrt(kappa * width)).descend(loss).ntk > ntk0
        wrong += int(((rises != (s > TURNS)) & (np.abs(s / TURNS - 1) > 1e-6)).sum())
        shares.append((s > TURNS).mean())
    return Measurement(wrong, effect=np.min(shares), conditions={"both sides are seen": 0.05 < np.min(shares) < 0.95})


def logistic_catapult() -> Measurement:
    """Logistic loss, m = 500: share of runs beyond the critical rate that rise, converge and lose over 1 % of λ."""
    f0, ntk0 = drawn(500, 10, 51)
    critical = two_layer.critical_learning_rate("logistic", f0, ntk0, 500)
    rates = np.array([1.02, 1.5, 3.0, 6.0])[:, None] * critical
    networks = plane.Networks(f0, ntk0, 500, rates)
    rises = np.abs(networks.descend("logistic").f) > np.abs(f0)
    networks.descend("logistic", 4000)
    ends = (np.abs(networks.f) < 1e-3) & (networks.ntk < 0.99 * ntk0)
    return Measurement((rises & ends).mean())


def final_kernel() -> Measurement:
    """Both losses, m = 500: the largest λ_∞ of a convergent network over the stability edge (effect: exponential)."""
    f0, ntk0 = drawn(500, 10, 52)
    largest = {}
    for loss, scaled in (("logistic", np.linspace(6, 30, 25)), ("exponential", np.linspace(1.5, 2.2, 71))):
        rates = scaled[:, None] / ntk0
        networks = plane.Networks(f0, ntk0, 500, rates).descend(loss, 4000)
        converges = np.abs(networks.f) < 1e-3
        largest[loss] = (networks.ntk / two_layer.stability_edge(loss, rates))[converges].max()
    values = np.array([*largest.values()])
    return Measurement(values.max(), effect=largest["exponential"], conditions={
        "with either loss some network comes within two per cent of the edge": values.min() > 0.98})


def kernel_after_a_hit() -> Measurement:
    """Logistic loss: a lower bound on ηλ after a step from f0 = 10 onto f = 0, in balls. Effect: η."""
    with flint.ctx.workprec(balls.BITS):
        f0, kappa = flint.arb(10), flint.arb(1) / 100
        rate = (4 * kappa).sqrt()
        network = balls.Network("logistic", f0, _hitting(f0, kappa) / rate, 4, rate).step()
        on_zero = bool(abs(network.f) < flint.arb(10) ** -60)
    return Measurement(float(network.scaled.lower()), effect=float(rate.mid()), conditions={
        "f = 0 within 10⁻⁶⁰": on_zero})


def _hitting(f, kappa):
    """Return the Λ0 from which a step lands on f = 0, in balls, logistic loss."""
    g = (f / 2).tanh() / 2
    return f / g * (1 + kappa * g * g)


def not_always_flatter() -> Measurement:
    """Logistic loss, m = 1000, f0 = 1, λ0 = 2: a proved lower bound of λ_∞ at η = 54 over λ_∞ at η = 50."""
    flat, sharp = (balls.enclosed("logistic", 1, 2, 1000, rate) for rate in PAIR)
    return Measurement(sharp[0] / flat[1], interval=(sharp[0] / flat[1], sharp[1] / flat[0]))


def first_sharper() -> Measurement:
    """Logistic loss, m = 10⁶, f0 = 0.7, λ0 = 2: a proved lower bound of λ_∞ at η = 1216.553 over λ_∞ at 1196.746.

    Interval: the least κ, on a grid in steps of 0.01, at which the next larger η ends sharper, over four starts with
    f0 from 0.3 to 1.5, at the widths 10¹² and 10⁴.
    """
    flat, sharp = (balls.enclosed("logistic", 0.7, 2, 10**6, rate) for rate in SHARPER)
    kappa, f0 = np.arange(0.9, 2.6, 0.01), np.array([0.3, 0.7, 1.0, 1.5])
    least = []
    for width in (1e4, 1e6, 1e8, 1e12):
        networks = plane.Networks(f0[:, None], 2.0, width, np.sqrt(kappa * width)).descend("logistic", 300)
        rises = np.diff(networks.ntk) > 1e-9 * networks.ntk[:, :-1]
        least.append(np.where(rises, kappa[:-1], np.inf).min())
    return Measurement(sharp[0] / flat[1], interval=(least[-1], least[0]), conditions={
        "the least κ at which a larger rate ends sharper falls with the width": (np.diff(least) < 0).all()})


def logistic_log_periodic() -> Measurement:
    """Logistic loss, κ = 1.5, 3, 6: the largest relative change of √m λ_∞ when the width grows by the stated period.

    From width 10¹³, f0 = 0.7 and 1.5, λ0 = 2 and 5; and κ = 7, f0 = 2, λ0 = 2, where the hits that land at ηλ ≥ 8 are
    near the share 0.8525 of the period: no width is taken there. Effect: how much √m λ_∞ varies within the period at
    κ = 3, over its largest value.
    """
    gaps, phases = [], np.append(np.linspace(0, 1, 12), 0.8525)
    for kappa, f0, ntk0 in ((7.0, [2.0], [2.0]), *((kappa, [0.7, 1.5], [2.0, 5.0]) for kappa in (1.5, 6.0, 3.0))):
        f0, ntk0 = np.array(f0)[:, None], np.array(ntk0)[:, None]
        off = phases[np.abs(phases - 0.8525) > OFF_HITS] if kappa == 7 else phases
        ends = []
        for periods in (off, off + 1):
            width = np.round(1e13 * _period(kappa) ** periods)
            networks = plane.Networks(f0, ntk0, width, np.sqrt(kappa * width)).descend("logistic", 300)
            ends.append(np.sqrt(width) * networks.ntk)
        gaps.append(np.abs(ends[1] - ends[0]).max() / ends[0].max())
    return Measurement(np.max(gaps), effect=(np.ptp(ends[0], axis=1) / ends[0].max(axis=1)).min(),
                       conditions={"all have converged": (np.abs(networks.f) < 1e-3).all()})


def _period(kappa: float) -> float:
    """Return the factor of the width after which √m λ_∞ of wide networks is the same again, logistic loss."""
    return abs(1 - kappa / 4) ** -4
