"""Falsifications of the rows of the chapter on incremental learning."""

from __future__ import annotations

from catapult.chapters.incremental_learning import checks, outcomes, seconds
from catapult.theory import incremental
from falsifying import falsifies, replaced


@falsifies("gissin-shallow")
def three_layers(monkeypatch):
    """Depth 3 in place of 2."""
    monkeypatch.setattr(checks, "SHALLOW", 3)


@falsifies("gissin-shallow")
def a_time_that_is_off(monkeypatch):
    """The first value takes a tenth of a per cent longer."""
    replaced(monkeypatch, incremental, "time", lambda right, depth, target, *rest: right(depth, target, *rest) * (
        1.001 if target > 1 else 1))


@falsifies("gissin-deep")
def two_layers_are_deep(monkeypatch):
    """Depth 2 is put among the depths."""
    monkeypatch.setattr(checks, "DEPTHS", (2, 3, 4))


@falsifies("gissin-deep")
def targets_that_are_far_apart(monkeypatch):
    """r = 1.05 and 1.1, where the law has not set in."""
    monkeypatch.setattr(checks, "NEAR", 2.0)


@falsifies("gissin-four-settings")
def a_large_initialisation(monkeypatch):
    """From 1 in place of 10⁻³."""
    monkeypatch.setattr(checks, "CASE", "deep, from 1")


@falsifies("gissin-four-settings")
def at_depth_1_as_many_come_late(monkeypatch):
    """The control is removed: before the cut at 0 some values come late at depth 1, too."""
    replaced(monkeypatch, outcomes, "uncut", lambda right, results: abs(right(results)))


@falsifies("ours-incremental-routes")
def another_level(monkeypatch):
    """s is one per cent larger in the flow."""
    monkeypatch.setattr(incremental, "LEVELS", (0.2525, 0.75))


@falsifies("ours-incremental-nearer")
def the_ratio_of_the_flow(monkeypatch):
    """The growth rates of the flow, r."""
    monkeypatch.setattr(incremental, "ratio_of_steps", lambda r, multiple: r)


@falsifies("ours-incremental-nearer")
def another_rate(monkeypatch):
    """The rate is 5 % larger than said."""
    replaced(monkeypatch, incremental, "ratio_of_steps", lambda right, r, multiple: right(r, 1.05 * multiple))


@falsifies("ours-incremental-large-rate")
def rates_the_other_way_round(monkeypatch):
    """The slow rate over the large one."""
    replaced(monkeypatch, seconds, "factors", lambda right, found, pace: 1 / right(found, pace))


@falsifies("ours-incremental-large-rate")
def all_draws(monkeypatch):
    """Draws in which the large rate is the tuned one are counted."""
    replaced(monkeypatch, seconds, "above", lambda right, *given: right(*given) | True)
