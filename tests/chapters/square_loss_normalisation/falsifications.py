"""Falsifications of the rows of the chapter on the square loss with normalisation."""

from __future__ import annotations

import functools

import xarray as xr

from catapult.chapters.square_loss_batches import outcomes as batches
from catapult.chapters.square_loss_normalisation import experiment, outcomes
from catapult.chapters.square_loss_normalisation.checks import networks, predictor
from catapult.theory import normalised, scale_invariant
from falsifying import falsifies, replaced


def swapped(monkeypatch, quantity: str, one: dict, other: dict):
    """Put the values of one case and scale where those of another belong in the table."""
    wrong = networks.table().copy(deep=True)
    wrong[quantity].loc[one] = networks.table()[quantity].sel(other).values
    monkeypatch.setattr(networks, "table", lambda: wrong)
    monkeypatch.setattr(networks, "slice_difference", lambda: 0.0)


@falsifies("poggio-minimum-norm")
def no_decay(monkeypatch):
    """λ = 0."""
    monkeypatch.setattr(predictor, "DECAYED", 0.0)


@falsifies("poggio-minimum-norm")
def too_short(monkeypatch):
    """λt = 0.5 at the end in place of 10."""
    monkeypatch.setattr(experiment, "LAST", 0.5)
    monkeypatch.setattr(predictor, "linear", functools.partial(predictor.linear.__wrapped__))


@falsifies("poggio-minimum-norm")
def points_that_are_not_small(monkeypatch):
    """Points as they are in place of a fifth as large: normalisation alone leaves a third."""
    monkeypatch.setattr(predictor, "SMALLER", 1.0)


@falsifies("poggio-minimum-norm")
def points_that_are_not_large(monkeypatch):
    """Points as they are in place of three times as large: with decay nothing is left."""
    monkeypatch.setattr(predictor, "LARGER", 1.0)


@falsifies("poggio-minimum-norm-networks")
def normalisation_alone_forgets_nothing(monkeypatch):
    """Normalisation without decay in place of both."""
    monkeypatch.setattr(networks, "CASE", outcomes.NORMALISED)


@falsifies("poggio-margin")
def runs_that_do_not_interpolate(monkeypatch):
    """The small start is replaced by one with decay, which is far from interpolation."""
    swapped(monkeypatch, "margin", {**outcomes.NEITHER, "scale": outcomes.SMALL},
            {**outcomes.DECAY, "scale": outcomes.SMALL})


@falsifies("poggio-singular")
def no_normalisation(monkeypatch):
    """Without normalisation."""
    monkeypatch.setattr(networks, "NORMALISATION", None)


@falsifies("poggio-singular")
def layer_normalisation(monkeypatch):
    """Layer normalisation, which the scale of a single unit changes."""
    monkeypatch.setattr(networks, "NORMALISATION", "layer")


@falsifies("poggio-small-start")
def with_decay(monkeypatch):
    """With decay, which forgets the start."""
    monkeypatch.setattr(networks, "SPARSE", outcomes.DECAY)


@falsifies("poggio-collapse")
def normalisation_without_decay(monkeypatch):
    """Normalisation without decay in place of both."""
    monkeypatch.setattr(networks, "CASE", outcomes.NORMALISED)


@falsifies("poggio-collapse")
def a_quarter_of_the_start(monkeypatch):
    """Normalisation alone from a quarter of the start in place of a tenth."""
    at = {**outcomes.NORMALISED, "scale": outcomes.SMALL}
    with_tenth(monkeypatch, tenth_nc1=(outcomes.NORMALISED, batches.of_minibatches().nc1.sel(at)))


def with_tenth(monkeypatch, **values: tuple[dict, xr.DataArray]):
    """Put other values into the table of batches."""
    wrong = batches.table().copy(deep=True)
    for name, (where, numbers) in values.items():
        wrong[name].loc[where] = numbers.values
    of_digits(monkeypatch, wrong)


def of_digits(monkeypatch, wrong: xr.Dataset):
    """Put another table in the place of that of digits; that of photographs stays."""
    replaced(monkeypatch, batches, "table", lambda right, data_set="digits": wrong if data_set == "digits" else
             right(data_set))


@falsifies("ours-collapse-full-batches")
def minibatches_with_both(monkeypatch):
    """With both, minibatches of 50 in place of full batches, from the usual start."""
    at = {**outcomes.BOTH, "scale": outcomes.LARGE}
    with_tenth(monkeypatch, nc1=(at, batches.of_minibatches().nc1.sel(at)))


@falsifies("ours-collapse-full-batches")
def decay_alone(monkeypatch):
    """Decay alone in place of both."""
    monkeypatch.setattr(batches, "BOTH", outcomes.DECAY)


@falsifies("ours-collapse-full-batches")
def seeds_that_were_seen_twice(monkeypatch):
    """The three seeds that had not been seen are as those that had: alone they resolve more."""
    wrong = batches.table().copy(deep=True)
    wrong["nc1"].loc[{"seed": [3, 4, 5]}] = batches.table().nc1.sel(seed=[0, 1, 2]).values
    of_digits(monkeypatch, wrong)


@falsifies("ours-collapse-full-batches")
def aligned_from_one_start(monkeypatch):
    """From a quarter NC3 is nearer with both than with decay alone."""
    at = {**outcomes.BOTH, "scale": outcomes.SMALL}
    with_tenth(monkeypatch, nc3=(at, 0.8 * batches.table().nc3.sel(at)))


@falsifies("ours-collapse-full-batches")
def photographs_that_are_digits(monkeypatch):
    """The table of digits in the place of that of photographs."""
    monkeypatch.setattr(networks, "PAIR", "digits")


@falsifies("ours-normalised-batches")
def batches_that_are_not_full(monkeypatch):
    """Minibatches of 100 in place of all 200 images, from the usual start."""
    at = {**outcomes.BOTH, "scale": outcomes.LARGE}
    with_tenth(monkeypatch, excess=(at, batches.table().size_excess.sel(size=100, start=outcomes.LARGE)))


@falsifies("ours-normalised-batches")
def full_batches_without_decay(monkeypatch):
    """Normalisation without decay in place of both."""
    monkeypatch.setattr(batches, "BOTH", outcomes.NORMALISED)


@falsifies("ours-normalised-batches")
def a_bound_that_is_off(monkeypatch):
    """A tenth more of norm from every start."""
    wrong = batches.table().copy(deep=True)
    wrong["excess"] = wrong.excess * 1.1
    of_digits(monkeypatch, wrong)


@falsifies("ours-normalised-batches")
def full_batches_that_help_without_decay(monkeypatch):
    """Without decay full batches bring the norm down by a third: to what minibatches have, and less."""
    wrong = batches.table().copy(deep=True)
    wrong["excess"] = wrong.excess.where(wrong.decay > 0, wrong.excess / 1.5)
    of_digits(monkeypatch, wrong)


@falsifies("ours-normalised-batches")
def large_batches_that_have_settled(monkeypatch):
    """With batches of 100 the norm after a half of the steps is what it is at the end."""
    wrong = batches.table().copy(deep=True)
    wrong["size_excess_at"] = wrong.size_excess_at.where(wrong["size"] < 100, wrong.size_excess_at.isel(time=-1))
    of_digits(monkeypatch, wrong)


@falsifies("poggio-orthogonal")
def a_decay_that_is_off(monkeypatch):
    """λ is two per cent larger in the law."""
    replaced(monkeypatch, scale_invariant, "length_after_step",
             lambda right, squared, slope, rate, decay: right(squared, slope, rate, 1.02 * decay))


@falsifies("poggio-orthogonal")
def without_normalisation(monkeypatch):
    """Without normalisation the gradient is not orthogonal."""
    monkeypatch.setattr(networks, "NORMALISATION", None)


@falsifies("ours-normalised-memory")
def a_memory_that_is_off(monkeypatch):
    """ρ at the start is two per cent larger in the law."""
    replaced(monkeypatch, normalised, "remembered", lambda right, rho, start, *rest: right(rho, 1.02 * start, *rest))
    monkeypatch.setattr(predictor, "linear", functools.partial(predictor.linear.__wrapped__))


@falsifies("ours-normalised-edge")
def only_decay(monkeypatch):
    """Without normalisation, with decay."""
    monkeypatch.setattr(networks, "CASE", outcomes.DECAY)


@falsifies("ours-normalised-edge")
def a_rate_below_those_sampled(monkeypatch):
    """A rate a quarter of the smallest: ηλt falls short of what the lengths need to shrink."""
    monkeypatch.setattr(experiment, "EDGE_RATES", (0.01,))
    found = experiment.edge(experiment.Parameters.checked({"edge_steps": 1200}), 0)
    wrong = xr.concat([found.expand_dims(seed=[seed]) for seed in (0, 1)], "seed")
    monkeypatch.setattr(networks, "table", lambda: wrong)
    monkeypatch.setattr(networks, "slice_difference", lambda: 0.0)


@falsifies("ours-normalised-edge")
def half_the_rate_given_time(monkeypatch):
    """Half of the smallest rate is seen after three times as many steps only."""
    monkeypatch.setattr(batches, "SHORT", batches.LONG)


@falsifies("ours-normalised-edge")
def half_the_rate_not_given_time(monkeypatch):
    """Half of the smallest rate is seen after as many steps only."""
    monkeypatch.setattr(batches, "LONG", batches.SHORT)


@falsifies("ours-square-accuracy")
def a_large_start(monkeypatch):
    """Without both the start is large, too."""
    monkeypatch.setattr(networks, "START", outcomes.LARGE)


@falsifies("ours-square-accuracy-pairs")
def the_other_pair(monkeypatch):
    """Digits in place of automobiles and dogs."""
    monkeypatch.setattr(networks, "PAIR", "digits")
