"""Falsifications of the rows of chapter logistic-regression."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from catapult.chapters.logistic_regression.checks import cycles, parts, phases
from catapult.oracles import predictor
from catapult.theory import outlier
from falsifying import falsifies, replaced, scaled


def uncached(monkeypatch):
    """Let the cached runs be computed again, and keep what is computed from other tests."""
    monkeypatch.setattr(phases, "_two_phases", phases._two_phases.__wrapped__)


def other_rates(monkeypatch, change):
    """Let the predictor descend at other learning rates than it is told."""
    replaced(monkeypatch, predictor, "descend", lambda follow, Z, rates, *rest, **named: follow(
        Z, change(np.asarray(rates)), *rest, **named))


# The decomposition.


@falsifies("ji-decomposition")
def a_point_two_per_cent_off_its_line(monkeypatch):
    """One of two opposite points is 2 % too long in one coordinate, in what is decomposed but not in the program."""
    decompose = parts.decompose

    def nearly(Z):
        factors = np.ones_like(Z)
        factors[0, 0] = 1.02
        return decompose(Z * factors)

    monkeypatch.setattr(parts, "decompose", nearly)


@falsifies("ji-decomposition")
def margin_not_of_the_nearest_point(monkeypatch):
    """The point of the convex hull is 2 % of the way off the nearest one."""
    replaced(monkeypatch, predictor, "nearest_of_hull",
             lambda nearest, points: 0.98 * nearest(points) + 0.02 * points[0])


@falsifies("ji-strong-convexity")
def a_loss_that_bends_less(monkeypatch):
    """The second derivative of the loss is 2 % smaller than the bound supposes."""
    scaled(monkeypatch, predictor, "hessian", 0.98)


@falsifies("ji-risk")
def rates_above_one(monkeypatch):
    """The hypothesis η ≤ 1 is dropped: the largest rate is 200."""
    monkeypatch.setattr(parts, "RATE", 200.0)


@falsifies("ji-risk")
def another_margin(monkeypatch):
    """The margin of the separable part is 2 % larger in the bound than it is."""
    replaced(monkeypatch, predictor, "nearest_of_hull", lambda nearest, points: 1.02 * nearest(points))


def farther(monkeypatch, factor):
    """Let the minimiser within E be farther from 0 than it is."""
    planar = parts._planar
    monkeypatch.setattr(parts, "_planar", lambda rng: [factor * x if i == 2 else x for i, x in enumerate(planar(rng))])


@falsifies("ours-offset-constant")
def an_offset_two_per_cent_farther(monkeypatch):
    """The minimiser within E is taken to be 2 % farther from 0 than it is."""
    farther(monkeypatch, 1.02)


@falsifies("ji-offset")
def an_offset_six_per_cent_farther(monkeypatch):
    """The minimiser within E is taken to be 6 % farther from 0 than it is."""
    farther(monkeypatch, 1.06)


@falsifies("ours-offset-constant")
def rate_above_two_over_beta(monkeypatch):
    """The rate is 2.3/β."""
    other_rates(monkeypatch, lambda rates: 2.3 / 1.9 * rates)


# Separable data.


@falsifies("wu-split")
def a_shorter_second_part(monkeypatch):
    """The second part of u is 2 % too short, by a margin 2 % too large."""
    other_rates(monkeypatch, lambda rates: 1.02 * rates)


@falsifies("wu-average-risk", "wu-oscillating-phase", "wu-stable-phase")
def margins_two_per_cent_too_large(monkeypatch):
    """The margin that enters the bounds is 2 % larger than that of the data."""
    uncached(monkeypatch)
    replaced(monkeypatch, phases, "_two_phases", lambda runs: [(1.02 * gamma, *rest) for gamma, *rest in runs()])


@falsifies("wu-oscillating-phase")
def a_bound_two_per_cent_shorter(monkeypatch):
    """The constant 8.92 is 2 % too small."""
    scaled(monkeypatch, phases, "OVERSHOOT", 0.98)


@falsifies("wu-stable-phase")
def stable_too_early(monkeypatch):
    """The stable phase is taken to begin at a risk of 4/η."""
    uncached(monkeypatch)
    replaced(monkeypatch, phases, "_first", lambda first, true: np.maximum(0, first(true) - 2))


@falsifies("wu-squared-budget")
def a_rate_that_does_not_grow_enough(monkeypatch):
    """The learning rate grows like T^0.9."""
    other_rates(monkeypatch, lambda rates: 0.8 * (rates / 0.8) ** 0.9)


@falsifies("wu-lower-bound")
def rising_rates_too(monkeypatch):
    """The hypothesis that the risk never rises is dropped: rises by less than tenfold are not seen."""
    last = phases.last_rise
    monkeypatch.setattr(phases, "last_rise", lambda risk: np.where((risk[1:] < 10 * risk[:-1]).all(0), 0, last(risk)))


@falsifies("wu-lower-bound")
def rises_that_gain_nothing(monkeypatch):
    """No risk passes below 0.63/t, whether it rises or not."""
    replaced(monkeypatch, predictor, "risk", lambda risk, Z, w: np.maximum(risk(Z, w), 0.63 / np.maximum(
        np.arange(len(w)), 1)[:, None]))


@falsifies("wu-figure-one")
def another_rate(monkeypatch):
    """The learning rates are 2 % smaller."""
    other_rates(monkeypatch, lambda rates: 0.98 * rates)


@falsifies("crawshaw-transition")
def rates_below_the_threshold(monkeypatch):
    """The learning rates begin at a hundredth of the theorem's."""
    other_rates(monkeypatch, lambda rates: 0.01 * rates)


@falsifies("crawshaw-hard-data")
def a_point_a_little_less_wrong(monkeypatch):
    """The lone point is (γ, −0.97γ)."""
    replaced(monkeypatch, phases, "_hard", lambda hard, points, gamma: hard(points, gamma) * np.where(
        np.arange(points)[:, None] == 0, [1, 0.97], 1))


@falsifies("crawshaw-hard-data")
def no_rate_that_the_lemma_speaks_of(monkeypatch):
    """All rates are below the lemma's: nothing is seen of what is proved."""
    monkeypatch.setattr(phases, "HARD_RATES", (1.0, 10.0))


@falsifies("ours-phase-length")
def smaller_margins(monkeypatch):
    """The margin is 2 % smaller than ρ."""
    replaced(monkeypatch, phases, "opposing", lambda opposing, rho, share: opposing(0.98 * rho, share))


@falsifies("ours-perceptron-exit")
def another_first_step(monkeypatch):
    """The perceptron sees the first coordinate 1 % too large."""
    perceptron = phases._batch_perceptron
    monkeypatch.setattr(phases, "_batch_perceptron", lambda Z: perceptron(Z * [1.01, *[1.0] * (Z.shape[1] - 1)]))


# Cycles.


@falsifies("meng-global-convergence")
def rate_above_one_over_lambda(monkeypatch):
    """The rate is 1.05/λ, at which one of the data sets has a cycle."""
    scaled(monkeypatch, cycles, "SAFE", 1.05)


@falsifies("meng-stable-cycle")
def rates_above_two_over_lambda(monkeypatch):
    """The learning rates are 2 % larger: one of them is above 2/λ."""
    replaced(monkeypatch, outlier, "design", lambda design, gamma: replace(
        design(gamma), learning_rate=design(gamma).learning_rate * Fraction(102, 100)))


@falsifies("mulayoff-flip")
def another_criterion(monkeypatch):
    """The 3 of the criterion is 3.06."""
    scaled(monkeypatch, cycles, "FLIP", 1.02)


@falsifies("ours-no-cycle")
def rate_above_the_critical_one(monkeypatch):
    """The learning rate is 8.15, where there is a cycle of two."""
    replaced(monkeypatch, cycles.flint, "arb", lambda arb, *x: arb("8.15") if x == ("7.99",) else arb(*x))
