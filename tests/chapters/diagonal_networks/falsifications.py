"""Falsifications of the rows of the chapter on diagonal networks."""

from __future__ import annotations

import numpy as np

from catapult.chapters.diagonal_networks import checks, experiment, outcomes
from catapult.theory import diagonal
from falsifying import falsifies, replaced


@falsifies("moroshko-transition")
def neighbouring_losses(monkeypatch):
    """The smaller scale is looked at where the ratio is the same: the control in place of the effect."""
    monkeypatch.setattr(checks, "THIRD", checks.LARGE)


@falsifies("moroshko-ridiculous")
def a_smaller_scale(monkeypatch):
    """α = .316 in place of 1."""
    monkeypatch.setattr(checks, "ONE", experiment.SCALES[3])


@falsifies("moroshko-in-between")
def a_larger_scale(monkeypatch):
    """The reasonable scales reach to 3.16."""
    monkeypatch.setattr(checks, "ONE", experiment.SCALES[5])


@falsifies("ours-diagonal-law")
def another_constant(monkeypatch):
    """w = 2α² sinh(4.08 Zᵀν)."""
    replaced(monkeypatch, diagonal, "weights", lambda right, depth, start, y: right(depth, start, 1.02 * y))


@falsifies("ours-diagonal-digits")
def the_exponent_of_depth_three(monkeypatch):
    """Depth 3 in place of 2."""
    right = checks.table()
    monkeypatch.setattr(checks, "table", lambda: right.assign(
        decades_to_tenth=right.decades_to_tenth * right.scale.where(right.scale > 0.9, 1)))


@falsifies("ours-diagonal-memory")
def multipliers_that_fall_a_little_are_let_in(monkeypatch):
    """Draws with a multiplier that falls by half a per cent count as without."""
    right = checks.memory
    monkeypatch.setattr(checks, "memory", lambda: (np.where(right()[0] < 5e-3, 0, right()[0]), right()[1]))


@falsifies("ours-diagonal-memory")
def soft_margins(monkeypatch):
    """α = 1, where margins are not hard."""
    checks.memory.cache_clear()
    monkeypatch.setattr(checks, "FAR", 1.0)
    monkeypatch.setattr(checks, "memory", checks.memory.__wrapped__)


@falsifies("ours-diagonal-deep")
def depth_two(monkeypatch):
    """Depth 2 in place of 3."""
    right = checks.table()
    monkeypatch.setattr(checks, "table", lambda: right.assign_coords(depth=[3, 2]))


@falsifies("ours-diagonal-rate")
def half_the_rate(monkeypatch):
    """Half of 2/sharpness in place of twice."""
    monkeypatch.setattr(checks, "RATE", 0.5)


@falsifies("ours-diagonal-rate")
def a_larger_initialisation(monkeypatch):
    """α = 1 in place of .316."""
    right = outcomes.added
    monkeypatch.setattr(outcomes, "added", lambda results, depth, scale, after: right(results, depth, 1.0, after))
