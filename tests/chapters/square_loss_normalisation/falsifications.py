"""Falsifications of the rows of the chapter on the square loss with normalisation."""

from __future__ import annotations

import functools

import xarray as xr

from catapult.chapters.square_loss_normalisation import checks, experiment, outcomes
from catapult.theory import normalised, scale_invariant
from falsifying import falsifies, replaced


def swapped(monkeypatch, quantity: str, one: dict, other: dict):
    """Put the values of one case and scale where those of another belong in the table."""
    wrong = checks.table().copy(deep=True)
    wrong[quantity].loc[one] = checks.table()[quantity].sel(other).values
    monkeypatch.setattr(checks, "table", lambda: wrong)
    monkeypatch.setattr(checks, "slice_difference", lambda: 0.0)


@falsifies("poggio-minimum-norm")
def no_decay(monkeypatch):
    """λ = 0."""
    monkeypatch.setattr(checks, "DECAYED", 0.0)


@falsifies("poggio-minimum-norm")
def too_short(monkeypatch):
    """λt = 0.5 at the end in place of 10."""
    monkeypatch.setattr(experiment, "LAST", 0.5)
    monkeypatch.setattr(checks, "linear", functools.partial(checks.linear.__wrapped__))


@falsifies("poggio-minimum-norm-networks")
def normalisation_alone_forgets_nothing(monkeypatch):
    """Normalisation without decay in place of both."""
    monkeypatch.setattr(checks, "CASE", outcomes.NORMALISED)


@falsifies("poggio-margin")
def runs_that_do_not_interpolate(monkeypatch):
    """The small start is replaced by one with decay, which is far from interpolation."""
    swapped(monkeypatch, "margin", {**outcomes.NEITHER, "scale": outcomes.SMALL},
            {**outcomes.DECAY, "scale": outcomes.SMALL})


@falsifies("poggio-singular")
def no_normalisation(monkeypatch):
    """Without normalisation."""
    monkeypatch.setattr(checks, "NORMALISATION", None)


@falsifies("poggio-singular")
def layer_normalisation(monkeypatch):
    """Layer normalisation, which the scale of a single unit changes."""
    monkeypatch.setattr(checks, "NORMALISATION", "layer")


@falsifies("poggio-small-start")
def with_decay(monkeypatch):
    """With decay, which forgets the start."""
    monkeypatch.setattr(checks, "SPARSE", outcomes.DECAY)


@falsifies("poggio-collapse")
def normalisation_without_decay(monkeypatch):
    """Normalisation without decay in place of both."""
    monkeypatch.setattr(checks, "CASE", outcomes.NORMALISED)


@falsifies("poggio-orthogonal")
def a_decay_that_is_off(monkeypatch):
    """λ is two per cent larger in the law."""
    replaced(monkeypatch, scale_invariant, "length_after_step",
             lambda right, squared, slope, rate, decay: right(squared, slope, rate, 1.02 * decay))


@falsifies("poggio-orthogonal")
def without_normalisation(monkeypatch):
    """Without normalisation the gradient is not orthogonal."""
    monkeypatch.setattr(checks, "NORMALISATION", None)


@falsifies("ours-normalised-memory")
def a_memory_that_is_off(monkeypatch):
    """ρ at the start is two per cent larger in the law."""
    replaced(monkeypatch, normalised, "remembered", lambda right, rho, start, *rest: right(rho, 1.02 * start, *rest))
    monkeypatch.setattr(checks, "linear", functools.partial(checks.linear.__wrapped__))


@falsifies("ours-normalised-edge")
def only_decay(monkeypatch):
    """Without normalisation, with decay."""
    monkeypatch.setattr(checks, "CASE", outcomes.DECAY)


@falsifies("ours-normalised-edge")
def a_rate_below_those_sampled(monkeypatch):
    """A rate a quarter of the smallest: ηλt falls short of what the lengths need to shrink."""
    monkeypatch.setattr(experiment, "EDGE_RATES", (0.01,))
    found = experiment.edge(experiment.Parameters.checked({"edge_steps": 1200}), 0)
    wrong = xr.concat([found.expand_dims(seed=[seed]) for seed in (0, 1)], "seed")
    monkeypatch.setattr(checks, "table", lambda: wrong)
    monkeypatch.setattr(checks, "slice_difference", lambda: 0.0)


@falsifies("ours-square-accuracy")
def a_large_start(monkeypatch):
    """Without both the start is large, too."""
    monkeypatch.setattr(checks, "START", outcomes.LARGE)


@falsifies("ours-square-accuracy-pairs")
def the_other_pair(monkeypatch):
    """Digits in place of automobiles and dogs."""
    monkeypatch.setattr(checks, "PAIR", "digits")
