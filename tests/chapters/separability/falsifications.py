"""Falsifications of the rows of chapter separability."""

from __future__ import annotations

import numpy as np

from catapult.chapters.separability.checks import bounded, descent, separable
from catapult.oracles import predictor
from catapult.theory import linear_predictor as theory
from falsifying import falsifies, replaced, scaled


@falsifies("huang-smooth-descent")
def smoothness_two_per_cent_smaller(monkeypatch):
    """β is 0.98 times what it is."""
    scaled(monkeypatch, theory, "smoothness", 0.98)


@falsifies("huang-smooth-descent")
def smoothness_two_per_cent_larger(monkeypatch):
    """β is 1.02 times what it is, so no longer the curvature at 0."""
    scaled(monkeypatch, theory, "smoothness", 1.02)


@falsifies("tempting-exponential-smooth")
def curvature_of_the_logistic_loss(monkeypatch):
    """The curvature is that of the logistic loss, which is bounded."""
    replaced(monkeypatch, theory, "hessian", lambda hessian, loss, Z, w: hessian("logistic", Z, w))


@falsifies("huang-exponential-descent")
def bound_two_per_cent_larger(monkeypatch):
    """The bound on the learning rate is 1.02 times what it is."""
    scaled(monkeypatch, theory, "descent_bound", 1.02)


@falsifies("huang-exponential-descent")
def mean_size_instead_of_the_largest(monkeypatch):
    """R is the mean of |z_i|."""
    monkeypatch.setattr(theory, "descent_bound",
                        lambda Z, risk: 2 / (np.linalg.norm(Z, axis=1).mean() ** 2 * risk))


@falsifies("wu-exponential-blows-up")
def rate_below_the_bound(monkeypatch):
    """η = 1.28, just below 2/(R² L(w0)), where the risk falls."""
    monkeypatch.setattr(descent, "BLOW_UP_RATE", "1.28")


def stall(monkeypatch, level):
    """Let orbits rest once their risk is below a level."""
    descend = predictor.descend

    def stalling(Z, *given):
        w = descend(Z, *given)
        below = predictor.risk(Z, w[:, 0]) < level
        if below.any():
            w[below.argmax():] = w[below.argmax()]
        return w

    monkeypatch.setattr(predictor, "descend", stalling)


def exponential(monkeypatch):
    """Let gradient descent be that of the exponential loss."""
    replaced(monkeypatch, predictor, "descend", lambda descend, *given: descend(*given, loss="exponential"))


@falsifies("wu-any-learning-rate")
def stalls(monkeypatch):
    """Every orbit rests once its risk is below 0.09."""
    stall(monkeypatch, 0.09)


@falsifies("wu-any-learning-rate")
def slower_than_one_over_t(monkeypatch):
    """From step 100 on, step t is shortened by 100/t: the risk tends to 0, but like 1/log t."""
    replaced(monkeypatch, predictor, "descend", lambda descend, Z, rate, steps, w0: descend(
        Z, rate, steps, w0, np.minimum(1, 100 / np.arange(1, steps + 1))))


@falsifies("wu-any-learning-rate")
def stalls_low(monkeypatch):
    """Every orbit rests once its risk is below 0.0005."""
    stall(monkeypatch, 0.0005)


@falsifies("wu-any-learning-rate")
def growth_two_per_cent_faster(monkeypatch):
    """1/L gains at least 1.02 ηρ² a step."""
    scaled(monkeypatch, separable, "slowest_growth", 1.02)


@falsifies("wu-any-learning-rate")
def a_point_with_both_labels(monkeypatch):
    """The data are not separable: the first point comes with the other label, too."""
    pairs = [(np.vstack([Z, -Z[:1]]), w0) for Z, w0 in separable._separable()]
    monkeypatch.setattr(separable, "_separable", lambda: iter(pairs))


@falsifies("wu-any-learning-rate", "ours-average-risk")
def exponential_loss(monkeypatch):
    """The loss is the exponential one, at whose large rates the weights overflow."""
    exponential(monkeypatch)
    replaced(monkeypatch, predictor, "risk", lambda risk, Z, w: np.nan_to_num(risk(Z, w, "exponential"), nan=np.inf))


@falsifies("ours-average-risk")
def comparison_point_two_per_cent_nearer(monkeypatch):
    """The part of w̄ that grows with η is 0.98 times what it is."""
    scaled(monkeypatch, separable, "comparison_shift", 0.98)


@falsifies("wu-max-margin")
def drift_two_per_cent_off(monkeypatch):
    """The drift is 1.02 times log 2/ρ."""
    scaled(monkeypatch, separable, "drift", 1.02)


@falsifies("wu-max-margin")
def a_point_without_weight(monkeypatch):
    """A point of least margin has no part in ŵ, though all span the plane."""
    monkeypatch.setattr(separable, "SUPPORTED", (separable.UNSUPPORTED,))


@falsifies("ours-log-log-drift")
def law_two_per_cent_off(monkeypatch):
    """b + 1.02 e^b grows as much as a."""
    monkeypatch.setattr(separable, "sideways_law", lambda b: b + 1.02 * np.exp(b))


@falsifies("ji-any-data")
def rates_above_one(monkeypatch):
    """Learning rates up to 20 instead of 1."""
    monkeypatch.setattr(bounded, "LARGEST_STEP", 20.0)


@falsifies("tempting-strong-convexity")
def curvature_two_per_cent_larger(monkeypatch):
    """The curvature is 1.02 times what it is, and so the constant."""
    scaled(monkeypatch, predictor, "hessian", 1.02)


@falsifies("tempting-strong-convexity")
def curvature_of_the_squared_loss(monkeypatch):
    """The curvature is that of the squared loss: an α exists."""
    monkeypatch.setattr(predictor, "hessian", lambda Z, w: Z.T @ Z / len(Z))


@falsifies("huang-segment-ascent")
def promised_two_per_cent_more(monkeypatch):
    """The rise is promised with 1.02 α."""
    promised = descent.promised_rise
    monkeypatch.setattr(descent, "promised_rise", lambda rate, alpha, slope: promised(rate, 1.02 * alpha, slope))


@falsifies("ours-threshold-between")
def smooth_bound_two_per_cent_larger(monkeypatch):
    """2/β is 8.16."""
    scaled(monkeypatch, descent, "smooth_bound", 1.02)


@falsifies("ours-threshold-between", "ours-clause-reach")
def convex_bound_two_per_cent_smaller(monkeypatch):
    """2/α is 0.98 times 8 cosh²(w/2)."""
    scaled(monkeypatch, descent, "convex_bound", 0.98)


@falsifies("ours-clause-reach")
def convex_bound_two_per_cent_larger(monkeypatch):
    """2/α is 1.02 times 8 cosh²(w/2)."""
    scaled(monkeypatch, descent, "convex_bound", 1.02)


@falsifies("ours-no-explosion", "ours-radius")
def radius_two_per_cent_smaller(monkeypatch):
    """R0 is 0.98 times what it is."""
    scaled(monkeypatch, theory, "containment_radius", 0.98)


@falsifies("ours-no-explosion")
def exponential_loss_in_the_ball(monkeypatch):
    """The loss is the exponential one, whose weights explode."""
    exponential(monkeypatch)


@falsifies("ours-no-explosion")
def no_pull_from_outside(monkeypatch):
    """Far out nothing pulls inwards: the slope is next to 0."""
    monkeypatch.setattr(predictor.scipy.special, "expit", lambda u: np.full_like(u, 1e-6))


@falsifies("ours-radius")
def overshoot_two_per_cent_larger(monkeypatch):
    """q is 1.02 times W(1/e)."""
    monkeypatch.setattr(theory, "OVERSHOOT", 1.02 * theory.OVERSHOOT)


@falsifies("ours-radius")
def directions_along_the_inputs(monkeypatch):
    """c is the least over the directions of the inputs instead of those at right angles to them."""
    def slope(Z):
        v = np.concatenate([Z, -Z]) / np.tile(np.linalg.norm(Z, axis=1), 2)[:, None]
        return np.maximum(0, -v @ Z.T).mean(axis=1).min()

    monkeypatch.setattr(theory, "restoring_slope", slope)
