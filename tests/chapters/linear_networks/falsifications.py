"""Falsifications of the rows of chapter linear-networks."""

from __future__ import annotations

import numpy as np

from catapult.chapters.linear_networks.checks import depth, selection, separable
from catapult.oracles import predictor
from catapult.oracles.linear_networks import LinearNetworks
from catapult.theory import product_space
from falsifying import falsifies, replaced, scaled


def uncached(monkeypatch):
    """Let every cached run be computed again, and keep what is computed from other tests."""
    for module, name in ((selection, "_ends"), (selection, "_by_width"), (separable, "_separable_ends")):
        monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)


@falsifies("ours-one-predictor")
def another_minimiser(monkeypatch):
    """The minimiser is 2 % off in its first coordinate."""
    replaced(monkeypatch, predictor, "minimiser", lambda best, Z: best(Z) * [1.02, *[1.0] * (Z.shape[1] - 1)])


@falsifies("ours-edge-selection")
def a_narrower_gap(monkeypatch):
    """The 3/16 of the degenerate pair is 2 % too small."""
    scaled(monkeypatch, selection, "PAIR_GAP", 0.98)


@falsifies("ours-edge-selection")
def clouds_farther_inside(monkeypatch):
    """On clouds, not on the pair, the distance to the edge is 1.6 times what it is."""
    replaced(monkeypatch, selection, "_gaps", lambda gaps, Z, width: gaps(Z, width) * (1.6 if len(Z) > 2 else 1))


@falsifies("ours-edge-range")
def a_width_between(monkeypatch):
    """The wide networks have width 400."""
    uncached(monkeypatch)
    monkeypatch.setattr(selection, "WIDE", 400)


@falsifies("ours-edge-fold")
def a_fold_two_per_cent_higher(monkeypatch):
    """The cycle disappears at an ηλ 2 % larger."""
    scaled(monkeypatch, predictor, "fold", 1.02)


@falsifies("ours-product-recursion")
def another_rate_of_the_recursion(monkeypatch):
    """The recursion has a learning rate 1 % smaller."""
    replaced(monkeypatch, product_space, "step", lambda step, state, slope, rate: step(state, slope, 0.99 * rate))


@falsifies("ours-separable-divergence")
def a_smaller_step(monkeypatch):
    """κ is 11 instead of 14."""
    replaced(monkeypatch, LinearNetworks, "descend", lambda descend, self, Z, rate, *rest: descend(
        self, Z, (11 / 14) ** 0.5 * rate, *rest))


@falsifies("ours-separable-onset")
def kappa_above_eight(monkeypatch):
    """κ is 2.5 % above 8."""
    scaled(monkeypatch, separable, "ONSET", 1.025)


@falsifies("ours-separable-edge")
def far_larger_rates(monkeypatch):
    """The rates are 40 and 100 times 2/sharpness, where networks diverge."""
    uncached(monkeypatch)
    monkeypatch.setattr(separable, "REACH", np.array([40.0, 100.0]))


@falsifies("ours-separable-kernel")
def a_larger_kernel(monkeypatch):
    """The bound is 2.04 s|v|."""
    uncached(monkeypatch)
    scaled(monkeypatch, separable, "KERNEL", 1.02)


@falsifies("ours-separable-kernel")
def too_few_steps(monkeypatch):
    """The networks are followed for 20 steps only."""
    uncached(monkeypatch)
    monkeypatch.setattr(separable, "AFTER", 20)


@falsifies("ours-one-direction")
def two_directions(monkeypatch):
    """The points lie off their line, on both sides of it."""
    monkeypatch.setattr(separable, "TILT", 0.95)


@falsifies("ours-depth-edge")
def narrow_networks(monkeypatch):
    """The networks have width 5."""
    monkeypatch.setattr(depth, "NARROW", 5)


@falsifies("ours-depth-edge")
def rates_two_per_cent_smaller(monkeypatch):
    """Every learning rate is 2 % smaller, so 2.04 units are 2."""
    replaced(monkeypatch, depth, "_deep_divergence", lambda divergence, hidden, multiple, *rest, **named: divergence(
        hidden, 0.98 * multiple, *rest, **named))


@falsifies("ours-logistic-one-layer")
def rates_beyond_the_boundary(monkeypatch):
    """Called safe is η² ≤ 9m instead of η² ≤ 8m."""
    monkeypatch.setattr(depth, "BOUNDARY", 9.0)


@falsifies("ours-logistic-depth")
def five_units(monkeypatch):
    """The rate is 5 units instead of 6."""
    replaced(monkeypatch, depth, "_deep_divergence", lambda divergence, hidden, multiple, *rest, **named: divergence(
        hidden, 5 / 6 * multiple, *rest, **named))
