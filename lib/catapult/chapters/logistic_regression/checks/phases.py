"""Checks of the oscillating and the stable phase on separable data; Z is scaled to max|z| = 1 where a theorem asks."""

from __future__ import annotations

import functools
import math

import numpy as np

from catapult.chapters.logistic_regression.experiment import FOUR, FOUR_RATES, last_rise
from catapult.companion.measurement import Measurement
from catapult.datasets import opposing
from catapult.oracles import predictor

LOG2 = math.log(2)
OVERSHOOT = 8.92  # 32 max u σ(−u), rounded up
HARD_RATES = (1.0, 10.0, 1e3, 1e6)  # on the hard data, in units of n


def _unit(Z: np.ndarray, rho: float) -> tuple[np.ndarray, float]:
    """Scale to max|z| = 1; return the data and their margin."""
    longest = np.linalg.norm(Z, axis=1).max()
    return Z / longest, rho / longest


def _hard(points: int, gamma: float) -> np.ndarray:
    """The hard data of Crawshaw & Liu: (γ, −γ), and the others (γ, √(1 − γ²))."""
    return np.array([[gamma, -gamma], *[[gamma, math.sqrt(1 - gamma**2)]] * (points - 1)])


def _first(true: np.ndarray) -> np.ndarray:
    """Return the first row in which each column is true; len(true) if there is none."""
    return np.where(true.any(0), true.argmax(0), len(true))


def split_optimisation() -> Measurement:
    """Separable data, |z| ≤ 1: the largest excess of the left side of Lemma 7 over its right side, relative to that.

    u = u₁ + (η/2γ)ŵ with random u₁, from w0 = 0 and from starts far on the wrong side, where both sides are equal.
    """
    rng, worst = np.random.default_rng(67), -math.inf
    line = np.array([[1.0, 0.0]])  # one point of margin 1: the case of equality
    for Z, gamma in [(line, 1.0), *[_unit(opposing(rho, 0.5), rho) for rho in (0.3, 0.1)]]:
        direction, rates = np.array([1.0, 0.0]), np.geomspace(0.5, 512, 6)
        for _ in range(6):
            start = rng.choice([0.0, -2000.0]) * direction
            w = predictor.descend(Z, rates, 30, start)
            u1 = start + rng.standard_normal(2) * rng.choice([1e-3, 1.0, 30.0])
            u = u1 + rates[:, None] / (2 * gamma) * direction
            t = np.arange(1, 31)[:, None]
            square = ((w - u) ** 2).sum(-1) / (2 * rates)
            left = square[1:] / t + np.cumsum(predictor.risk(Z, w[:-1]), axis=0) / t
            right = predictor.risk(Z, u1) + square[0] / t
            worst = np.maximum(worst, ((left - right) / right).max())
    return Measurement(worst)


@functools.cache
def _two_phases() -> list[tuple]:
    """Opposing and hard data, |z| ≤ 1: margin, n, rates, risks and exponential risks (steps + 1, R)."""
    rates, out = 4.0 ** np.arange(-1, 7), []
    for Z, gamma in [(_hard(16, 0.2), 0.2), *[_unit(opposing(rho, share), rho) for rho in (0.3, 0.1)
                                             for share in (0.5, 0.9)]]:
        w = predictor.descend(Z, rates, 1500)
        out.append((gamma, len(Z), rates, predictor.risk(Z, w), np.exp(np.minimum(-w @ Z.T, 700)).mean(-1)))
    return out


def average_risk() -> Measurement:
    """Opposing points, η from 1/4 to 4,096: the largest ratio of the mean risk of the first t steps to Theorem 1's."""
    ratios = []
    for gamma, _, rates, risk, _ in _two_phases():
        t = np.arange(1, len(risk))[:, None]
        bound = (1 + np.log(gamma**2 * rates * t) ** 2 + rates**2 / 4) / (gamma**2 * rates * t)
        ratios.append((np.cumsum(risk[:-1], axis=0) / t / bound).max())
    return Measurement(np.max(ratios))


def oscillating_phase() -> Measurement:
    """Opposing and hard data, η from n to 4,096: the least ratio of 8.92 η/γ² to the exit or last rise, the later one.

    Effect: the same of Wu et al.'s τ, with F ≤ 1 at the exit.
    """
    ours, theirs = [], []
    for gamma, n, rates, risk, exponential in _two_phases():
        tau = 60 / gamma**2 * np.max([rates, np.full(rates.shape, np.maximum(n, math.e)),
                                      (rates + n) / rates * np.log((rates + n) / rates)], axis=0)
        late, rise = rates >= n, last_rise(risk)
        step = np.maximum(1, np.maximum(_first(risk * rates <= 1), rise))
        ours.append((OVERSHOOT * rates / gamma**2 / step)[late].min())
        theirs.append((tau / np.maximum(1, np.maximum(rise, _first((risk * rates <= 1) & (exponential <= 1))))).min())
    return Measurement(np.min(ours), effect=np.min(theirs))


def stable_phase() -> Measurement:
    """Opposing points, after the first s with L(w_s) ≤ 1/η: the largest ratio of the risk to Theorem 1's bound.

    Effect: the same of 8 log²2/(ηγ²(t − t₁)), where η ≥ n or all is right at once.
    """
    theirs, ours, falling = [], [], True
    for gamma, _, rates, risk, exponential in _two_phases():
        for i, rate in enumerate(rates):
            s = int(_first(risk[:, i:i + 1] * rate <= 1)[0])
            t = gamma**2 * rate * np.arange(1, len(risk) - s)
            theirs.append((risk[s + 1:, i] * t / (2 * exponential[s, i] + np.log(t) ** 2)).max())
            ours.append((risk[s + 1:, i] * t / (8 * LOG2**2)).max())
            falling &= bool((np.diff(risk[s:, i]) <= 0).all())
    return Measurement(np.max(theirs), effect=np.max(ours), conditions={"from s on the risk falls": falling})


def squared_budget() -> Measurement:
    """Opposing points, ρ = 0.1, η = ρ²T/10: exponent of T, from 800 to 6400, in the last risk."""
    budgets = np.array([800, 1600, 3200, 6400])
    Z, gamma = opposing(0.1, 0.5), 0.3
    w = predictor.descend(Z, 0.001 * budgets, 6400)
    ends = [predictor.risk(Z, w[T, i]) for i, T in enumerate(budgets)]
    Z, gamma = _unit(opposing(0.3, 0.5), 0.3)
    T = math.ceil(120 * math.e / gamma**2)
    risk = predictor.risk(Z, predictor.descend(Z, gamma**2 * T / 120, T)[:, 0])
    return Measurement(np.polyfit(np.log(budgets), np.log(ends), 1)[0], conditions={
        "Corollary 2 holds at its least budget": bool(risk[-1] <= 480 * math.log(gamma**4 * T**2) ** 2
                                                      / (gamma**4 * T**2)),
        "half of that budget suffices for L ≤ 1/η": bool((risk[:T // 2] <= 120 / (gamma**2 * T)).any())})


def never_rising() -> Measurement:
    """Theorem 3's points, γ = 0.03 and 0.09: the least t·L(w_t), t ≤ 3,000, over the rates at which L never rises.

    Effect: over those at which it does, for the γ for which that is larger.
    """
    monotone, rising = [], []
    for gamma in (0.03, 0.09):
        side = math.sqrt(1 - gamma**2)
        Z = np.array([[gamma, side], [gamma, -side / 2]])
        risk = predictor.risk(Z, predictor.descend(Z, np.geomspace(1, 4096, 25), 3000))
        least, never = (risk[1:] * np.arange(1, 3001)[:, None]).min(0), last_rise(risk) == 0
        monotone.append(least[never].min())
        rising.append(least[~never].min())
    return Measurement(np.min(monotone), effect=np.max(rising), conditions={
        "at both γ some rate at which the risk rises takes it below a hundredth of that":
            bool(np.max(rising) < np.min(monotone) / 100)})


def four_points() -> Measurement:
    """Wu et al.'s toy data, γ = 0.2: the largest relative distance of ηt·L(w_t) from 1/γ² at t = 2¹³, η = 4, 8, 16."""
    risk = predictor.risk(FOUR, predictor.descend(FOUR, FOUR_RATES, 2**13))
    rises = (risk[1:] > risk[:-1]).sum(0)
    level = (risk[-1] * FOUR_RATES * 2**13 * 0.2**2)[:3]
    return Measurement(np.abs(level - 1).max(), conditions={
        "the risk rises 0, 10, 8 and 9 times": rises.tolist() == [0, 10, 8, 9],
        "the larger the rate, the smaller the risk at 2⁶ … 2¹³ steps":
            bool((np.diff(risk[2 ** np.arange(6, 14)], axis=1) < 0).all())})


def phase_against_rate() -> Measurement:
    """Opposing points, 12 b, η from 1 to 2¹⁴: the last rise, longest over b and η, times ρ²: the largest over ρ.

    Effect: that of ρ = 0.1 in steps.
    """
    rates, worst = 2.0 ** np.arange(0, 14.5, 0.5), {}
    for rho in (0.3, 0.1, 0.05):
        longest = [last_rise(predictor.risk(Z, predictor.descend(Z, rates, int(1.2 / rho**2)))).max()
                   for Z in (opposing(rho, share) for share in np.linspace(0.05, 0.98, 12))]
        worst[rho] = np.max(longest)
    return Measurement(np.max([rho**2 * steps for rho, steps in worst.items()]), effect=worst[0.1])


def transition_in_the_plane() -> Measurement:
    """Planar data, η ≥ max(n, (32/γ²) log(256/γ²)): the first step with L ≤ 1/(8η), over n/γ + log(1/γ)/γ².

    The largest ratio over opposing and hard data and over η up to 10⁴ times that. Effect: the smallest.
    """
    ratios, after = [], []
    sets = [_unit(opposing(rho, share), rho) for rho in (0.3, 0.1) for share in (0.3, 0.6, 0.9, 0.95)]
    for Z, gamma in [*sets, *[(_hard(n, 0.1), 0.1) for n in (2, 8, 32)]]:
        order = len(Z) / gamma + math.log(1 / gamma) / gamma**2
        rates = np.maximum(len(Z), 32 / gamma**2 * math.log(256 / gamma**2)) * np.array([1, 1.5, 2, 4, 100, 1e4])
        steps = int(1.1 * order)
        risk = predictor.risk(Z, predictor.descend(Z, rates, steps))
        first = _first(8 * risk * rates <= 1)
        ratios.append(first / order)
        t = np.arange(steps + 1)[:, None]
        after.append((np.where(t > first, risk * rates * gamma**2 * (t - first), 0)).max())
    return Measurement(np.max(ratios), effect=np.min(ratios), conditions={
        "afterwards ηγ²(t − τ) L stays below 1": bool(np.max(after) <= 1)})


def wrong_for_long() -> Measurement:
    """Hard data, n = 16 and 128, γ = 0.3 and 0.1, η from n to 10⁶ n: the first step with all right, over n/(16γ).

    The smallest, the step T_p of the batch perceptron included; effect: the smallest where Crawshaw & Liu's Lemma 3.1
    has its hypotheses, γ ≤ 1/6, n ≥ 6 and η ≥ max(n, (32/γ²) log(3/γ)).
    """
    ratios, proved = [], {16: [], 128: []}
    for n in proved:
        for gamma in (0.3, 0.1):
            Z, rates = _hard(n, gamma), n * np.array(HARD_RATES)
            w = predictor.descend(Z, rates, int(1.2 * n / gamma) + 5)
            right = _first((w @ Z.T > 0).all(-1)) * 16 * gamma / n
            ratios += [*right, _batch_perceptron(Z) * 16 * gamma / n]
            if gamma <= 1 / 6 and n >= 6:
                proved[n] += [*right[rates >= np.maximum(n, 32 / gamma**2 * math.log(3 / gamma))]]
    return Measurement(np.min(ratios), effect=np.min([*proved[16], *proved[128]], initial=math.inf), conditions={
        "at both n some runs are of the lemma's": all(proved.values())})


def perceptron_exit() -> Measurement:
    """Separable data, η = 10⁸: on how many the exit is not the step T_p at which the batch perceptron stops.

    Effect: the largest T_p.
    """
    rng, wrong, longest, rate, within = np.random.default_rng(65), 0, 0, 1e8, []
    sets = [(opposing(rho, share), rho) for rho in (0.3, 0.1, 1 / 30) for share in (0.2, 0.35, 0.5, 0.65, 0.8, 0.95)]
    for _ in range(30):
        Z = rng.standard_normal((rng.integers(3, 8), 3))
        Z[:, 0] = rng.uniform(0.05, 0.2) + 0.1 * np.abs(Z[:, 0])
        sets.append((Z, Z[:, 0].min()))
    for Z, rho in sets:
        stop = _batch_perceptron(Z)
        w, t = rate * Z.sum(0) / (2 * len(Z)), 1
        square = (Z**2).sum(1).max()
        while t <= stop and (np.min(Z @ w) <= 0 or predictor.risk(Z, w) * rate * square > 1):
            w, t = w - rate * predictor.gradient(Z, w), t + 1
        wrong += t != stop
        within.append(stop <= len(Z) * square / rho**2)
        longest = np.maximum(longest, stop)
    return Measurement(wrong, effect=longest, conditions={"no perceptron needs more than nR²/ρ² steps": all(within)})


def _batch_perceptron(Z: np.ndarray) -> int:
    """The first step at which u_{t+1} = u_t + (1/n) Σ z_i over z_i·u_t < 0 stops, from u_1 = (1/2n) Σ z_i."""
    u, t = Z.sum(0) / (2 * len(Z)), 1
    while np.min(Z @ u) < 0:
        u, t = u + Z[Z @ u < 0].sum(0) / len(Z), t + 1
    return t
