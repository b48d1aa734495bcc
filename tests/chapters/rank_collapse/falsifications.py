"""Falsifications of the rows of the chapter on collapse of rank."""

from __future__ import annotations

import numpy as np

from catapult.chapters.rank_collapse import checks, experiment, outcomes
from catapult.chapters.rank_collapse.grid import walled
from catapult.theory import rank
from falsifying import falsifies, replaced


def in_place_of_exact(monkeypatch, other: str):
    """Put what another arm loses where exact iterates belong; in other sizes and settings they stay."""
    replaced(monkeypatch, checks, "_lost", lambda right, arm, data=checks.ALL: right(
        other if arm == "value iteration" else arm, data))


@falsifies("kumar-rank-falls")
def from_the_fiftieth_fit_on(monkeypatch):
    """What is lost is counted from fit 50 on."""
    monkeypatch.setattr(outcomes, "lost", lambda srank: -outcomes.change(srank))


@falsifies("kumar-rank-falls")
def only_the_first_ten(monkeypatch):
    """The new ten seeds gain what they lose."""
    replaced(monkeypatch, outcomes, "lost", lambda right, srank: right(srank).where(srank.seed < 12, -right(srank)))


@falsifies("kumar-rank-falls")
def values_that_count_are_larger(monkeypatch):
    """Only the largest singular values are counted: no more of these at the end."""
    monkeypatch.setattr(checks, "ABOVE", 20.0)


@falsifies("kumar-rank-falls")
def layers_that_are_not_narrow(monkeypatch):
    """Layers of 128 in place of 24."""
    monkeypatch.setattr(checks, "NARROW", "layers of 128")


@falsifies("kumar-rank-falls")
def the_control_loses_less(monkeypatch):
    """Q* in place of exact iterates: it takes no more than own targets."""
    monkeypatch.setattr(checks, "EXACT", "best values")


def changed(by: float):
    """Return what takes so much from srank, which has whole numbers from 1 on, from fit 50 on."""
    return lambda right, over_fits: right(over_fits) - by * (over_fits.isel(fit=0, drop=True) >= 1)


@falsifies("kumar-rank-falls", "kumar-performance")
def the_rank_falls_late_too(monkeypatch):
    """From fit 50 on srank falls by one more; returns, which are below 1 at the start, do not."""
    replaced(monkeypatch, outcomes, "change", changed(1.0))


@falsifies("kumar-performance")
def from_the_fifth_fit_on(monkeypatch):
    """The change is counted from fit 5 on, when the reward has not reached most states."""
    replaced(monkeypatch, outcomes, "change", lambda right, over_fits: right(over_fits, 5))


@falsifies("kumar-bootstrapping")
def targets_that_stand_still(monkeypatch):
    """The control has Q* from the start: the targets do not move as own ones do."""
    monkeypatch.setattr(checks, "EXACT", "best values")


@falsifies("kumar-bootstrapping")
def the_rank_is_kept_by_the_control(monkeypatch):
    """The control has the penalty."""
    in_place_of_exact(monkeypatch, "with penalty")


@falsifies("kumar-bootstrapping")
def less_with_a_part_of_srank_itself_alone(monkeypatch):
    """With a part of nine tenths every srank is 1."""
    monkeypatch.setattr(checks, "COARSE", 0.9)


@falsifies("kumar-bootstrapping")
def another_networks_targets_keep_rank(monkeypatch):
    """The control has the penalty: it is told apart from own targets."""
    checks.slice_difference()
    monkeypatch.setattr(checks, "ANOTHER", "with penalty")


@falsifies("kumar-bootstrapping")
def what_stands_still_moves(monkeypatch):
    """Exact iterates in place of Q*."""
    monkeypatch.setattr(checks, "STILL", "value iteration")


@falsifies("kumar-bootstrapping")
def the_ten_that_resolve_it(monkeypatch):
    """The new ten in place of the first."""
    monkeypatch.setattr(outcomes, "FIRST_TEN", outcomes.NEW_TEN)


@falsifies("kumar-bootstrapping")
def what_is_resolved_with_wide_layers(monkeypatch):
    """The larger grid in place of wider layers."""
    monkeypatch.setattr(checks, "WIDE", "101 states")


@falsifies("kumar-control", "ours-rank-exact-more")
def another_networks_targets_do_it_too(monkeypatch):
    """Exact iterates in place of another network's targets: they raise returns, and take rank."""
    checks.slice_difference()
    monkeypatch.setattr(checks, "ANOTHER", "value iteration")


@falsifies("kumar-control")
def the_reward_is_seen_by_chance(monkeypatch):
    """Pairs into the reward are drawn as all others are: in one seed none is seen."""
    monkeypatch.setattr(experiment, "seen", lambda share, seeds, side=8: np.array([
        np.random.default_rng([seed, 9]).random(walled(side).rewards.shape) < share for seed in seeds]))


@falsifies("kumar-control")
def a_control_that_does_it_too(monkeypatch):
    """Exact iterates in place of the penalty repeat in one ten only."""
    monkeypatch.setattr(checks, "PENALISED", "value iteration")


@falsifies("kumar-bootstrapping")
def without_the_larger_grid(monkeypatch):
    """The larger size is one of wider layers, where nothing is resolved."""
    monkeypatch.setattr(checks, "LARGER", "layers of 128")


@falsifies("ours-rank-exact-more")
def fewer_pairs_from_a_wide_start(monkeypatch):
    """Of the settings the wide start is asked, from which little rank goes."""
    monkeypatch.setattr(checks, "FEWER", "wide start")


@falsifies("ours-rank-exact-more")
def on_all_pairs(monkeypatch):
    """All pairs in place of nine tenths: the first ten do not say it."""
    monkeypatch.setattr(checks, "PART", "all pairs")


@falsifies("ours-rank-exact-more")
def an_arm_with_own_targets(monkeypatch):
    """Another network's targets in place of exact iterates."""
    in_place_of_exact(monkeypatch, "of another network")


@falsifies("ours-rank-distilled")
def fewer_fits(monkeypatch):
    """Twenty fits in place of fifty."""
    monkeypatch.setattr(checks, "FITS", (1, 2, 5, 10, 20))


@falsifies("ours-rank-distilled")
def rewards(monkeypatch):
    """The targets have rewards."""
    monkeypatch.setattr(rank, "distilled", rank.rewarded)


@falsifies("ours-rank-floor")
def three_fits(monkeypatch):
    """Three fits in place of a thousand: the floor is not reached."""
    monkeypatch.setattr(checks, "LONG", 3)


@falsifies("ours-rank-floor")
def eigenvalues_that_are_off(monkeypatch):
    """Eigenvalues two per cent larger than those of the floor."""
    replaced(monkeypatch, rank, "rewarded", lambda right, eigenvalues, fits: right(1.02 * eigenvalues, fits))


@falsifies("ours-rank-rates")
def descent_in_place_of_adam(monkeypatch):
    """Rates 3 and 0.3 of plain descent, a factor of ten as well."""
    monkeypatch.setattr(checks, "SLOW", "descent 0.3")
    monkeypatch.setattr(checks, "FAST", "descent 3")


def scattered(monkeypatch, plan: str, by: float):
    """Add a number, and take it away, from one seed to the next, to what is lost at a setting: the mean stays."""
    replaced(monkeypatch, checks, "_lost_in_settings", lambda right: right() + by * (right().plan == plan) * (
        1 - 2 * (right().seed % 2)))


@falsifies("ours-rank-rates")
def seeds_that_scatter(monkeypatch):
    """At the larger rate seeds scatter by six to either side."""
    scattered(monkeypatch, "Adam 0.003", 6.0)


@falsifies("ours-rank-descent")
def seeds_that_scatter_below_the_edge(monkeypatch):
    """At a rate of 3 seeds scatter by four to either side: the mean is as it was."""
    scattered(monkeypatch, "descent 3", 4.0)


@falsifies("ours-rank-rates")
def the_same_part(monkeypatch):
    """What is said not to be resolved has the part of srank itself."""
    monkeypatch.setattr(checks, "COARSE", 0.01)


@falsifies("ours-rank-descent")
def beyond_the_edge(monkeypatch):
    """Rate 5 is put among the stable ones."""
    monkeypatch.setattr(checks, "STABLE", ("descent 0.3", "descent 5"))


@falsifies("ours-rank-descent")
def a_sharper_start(monkeypatch):
    """The starts are twice as sharp: rate 3 is beyond 2/sharpness."""
    replaced(monkeypatch, checks, "edges", lambda right: right() / 2)


@falsifies("ours-rank-descent")
def no_more_steps(monkeypatch):
    """The longer fits have 50 steps as the others have: they are not finished."""
    checks.table("all")
    monkeypatch.setattr(experiment, "LONGER", "descent 3")
