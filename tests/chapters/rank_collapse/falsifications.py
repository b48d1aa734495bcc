"""Falsifications of the rows of the chapter on collapse of rank."""

from __future__ import annotations

from catapult.chapters.rank_collapse import checks, outcomes, sharpness
from catapult.theory import rank
from falsifying import falsifies, replaced


@falsifies("kumar-rank-falls")
def from_the_fiftieth_fit_on(monkeypatch):
    """What is lost is counted from fit 50 on."""
    monkeypatch.setattr(outcomes, "lost", lambda srank: -outcomes.change(srank))


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
    monkeypatch.setattr(checks, "EXACT", "with penalty")


@falsifies("kumar-control")
def exact_values_in_place_of_the_penalty(monkeypatch):
    """What is compared with own targets has exact iterates: its return is better."""
    monkeypatch.setattr(checks, "PENALISED", "value iteration")


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


@falsifies("ours-rank-descent")
def beyond_the_edge(monkeypatch):
    """Rate 5 is put among the stable ones."""
    monkeypatch.setattr(checks, "STABLE", ("descent 0.3", "descent 5"))


@falsifies("ours-rank-descent")
def a_sharper_start(monkeypatch):
    """The starts are twice as sharp: rate 3 is beyond 2/sharpness."""
    replaced(monkeypatch, sharpness, "at_start", lambda right, seeds: 2 * right(seeds))
