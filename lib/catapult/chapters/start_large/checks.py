"""Checks of the chapter on starting large: all read recorded tables, and compute a slice of each again."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.start_large import experiment, outcomes
from catapult.chapters.start_large_patches import experiment as patches
from catapult.companion.measurement import Measurement
from catapult.datasets import DataMissing
from catapult.runs import recorded
from catapult.statistics import crossed_interval, mean_interval

PAPER = experiment.Parameters.checked(scale="paper")
SHARES = PAPER.shares
PATCHED = patches.Parameters(seeds=1)
MARKED = patches.Parameters(mark=0.9, seeds=2)
LARGER = patches.Parameters.checked({"mark": 0.9, "versions": "patched"}, scale="paper")
WITH_CONTROL = patches.Parameters.checked({"mark": 0.9, "seeds": 1}, scale="paper")
THEIRS = patches.Parameters.checked({"versions": "patched", "seeds": 2}, scale="paper")
"""Recorded on photographs: the authors' ζ, small size; nine times that; this nearer to the authors' size, three seeds,
patched, and the first with its untouched control; and there the authors' own."""
CHANCE = 0.16
"""Chance is a tenth; with two images of a class among twenty, 0.15 is one image more than a constant answer gets."""
LEARNED = 0.9
"""The share of the blank images from which the patch counts as learned."""
SMALL, LARGE, CONTROL, TWO = ("small", 3), ("large", 2), ("small", 2), ("large", 1)
"""The runs whose order of learning is compared: η = 1/2, 4, and 1/4, the control; and 2."""
FIRST = 8
"""The step at which it is seen who tests better at first."""
PATCH_SLICE = {"seed": 0, "version": "patched", "arm": "small"}
AGREE = 1e-3
"""How far a slice may be from what was recorded: single precision on another machine."""


@functools.cache
def table() -> xr.Dataset:
    """Return the recorded runs on two patterns, and on the control data."""
    return recorded.load(experiment, PAPER)


@functools.cache
def photographs() -> xr.Dataset:
    """Return the recorded runs on CIFAR-10 with a patch, and without, of one seed."""
    return recorded.load(patches, PATCHED)


def both() -> xr.Dataset:
    """Return the runs on data of both patterns."""
    return table().sel(data=outcomes.BOTH)


@functools.cache
def slice_difference() -> float:
    """Return the largest relative difference of the first losses of one cell, computed again."""
    train, _, network, _ = experiment.drawn(PAPER, outcomes.BOTH, 0)
    networks, rates = network.repeated(4), np.array(experiment.RATES["small"])
    kept = both().loss.sel(arm="small", seed=0)
    found = []
    for step in range(17):
        if step in kept.step:
            found.append(np.abs(networks.loss(train) / kept.sel(step=step).values - 1).max())
        networks = networks.stepped(train, rates, PAPER.decay)
    return float(np.max(found))


@functools.cache
def patch_slice_difference(values: patches.Parameters = PATCHED) -> float | None:
    """Return the same of the first steps on CIFAR-10; None where the photographs are not at hand."""
    try:
        found = recorded.slice_difference(patches, values, PATCH_SLICE, ("loss",), stop=4, final_samples=10)
    except DataMissing:
        return None
    return found["loss"]


def _conditions() -> dict[str, bool]:
    """Return what every statement on two patterns rests on."""
    return {"a slice computed again is what was recorded": slice_difference() <= AGREE}


def _patch_conditions(values: patches.Parameters = PATCHED) -> dict[str, bool]:
    found = patch_slice_difference(values)
    return {} if found is None else {"a slice computed again is what was recorded": found <= AGREE}


def order() -> Measurement:
    """By how much more of P is learned when Q is, at η = 4 than at 1/2, in points: the mean. Control: 1/4 for 4.

    A run that never learns Q counts with its last step; without those, and at η = 2, it has to be as much.
    """
    values = outcomes.order(both(), LARGE, SMALL)
    mean, *ends = outcomes.interval(values)
    control = outcomes.interval(outcomes.order(both(), CONTROL, SMALL))[0]
    holds = ~outcomes.without_q(both(), *LARGE)
    others = [values[holds].mean(), outcomes.order(both(), TWO, SMALL).mean()]
    return Measurement(np.min([mean, *others]), effect=mean, interval=tuple(ends), control=control, conditions={
        **_conditions(), "at η = 2 every run learns Q": not outcomes.without_q(both(), *TWO).any()})


def gain() -> Measurement:
    """Gain of tuned large rates on the whole, in points: the smaller of equal steps and equal time.

    Effect and interval: equal time. Control: the gain at equal time on data of P alone.
    """
    steps = outcomes.interval(outcomes.gain(both(), "large", outcomes.WHOLE, SHARES))
    mean, *ends = outcomes.interval(outcomes.gain_in_time(both(), "large", outcomes.WHOLE, SHARES))
    return Measurement(np.min([steps[0], mean]), effect=mean, interval=tuple(ends), control=control_gain()[0],
                       conditions={**_conditions(), **_control_conditions(),
                                   "at equal steps the interval lies above 0": steps[1] > 0})


def control_gain() -> outcomes.Interval:
    """Return the gain of tuned large rates at equal time on data of P alone, in points, with its interval."""
    runs = table().sel(data=outcomes.CONTROL)
    shares = outcomes.shares_of(outcomes.CONTROL, SHARES)
    return outcomes.interval(outcomes.gain_in_time(runs, "large", "P alone", shares))


def _control_conditions() -> dict[str, bool]:
    """Return what the control has to show, by construction: equal times are equal weights there."""
    return {"from data of P alone there is no gain at equal time": bool(np.abs(control_gain()).max() < 0.1)}


def where() -> Measurement:
    """Gain of tuned large rates on inputs with P alone, equal time, in points; effect and interval, the same.

    Control: the gain on P alone, equal time, from data that have no Q.
    """
    mean, *ends = outcomes.interval(outcomes.gain_in_time(both(), "large", "P alone", SHARES))
    others = [outcomes.interval(outcomes.gain_in_time(both(), "large", kind, SHARES))[2]
              for kind in ("Q alone", "both")]
    return Measurement(mean, effect=mean, interval=tuple(ends), control=control_gain()[0], conditions={
        **_conditions(), **_control_conditions(), "no other kind gains a tenth of a point": bool(np.max(others) < 0.1)})


def lead(step: int) -> outcomes.Interval:
    """Return by how much tuned large rates lead tuned small ones on the whole at a step, in points, with interval."""
    runs = both()
    ways = {arm: outcomes.on_the_way(runs, arm, outcomes.WHOLE, SHARES).sel(step=step) for arm in ("small", "large")}
    return outcomes.interval(100 * (ways["large"] - ways["small"]).values)


def first() -> Measurement:
    """Lead of tuned large rates on the whole after ``FIRST`` steps, in points; effect and interval, the same.

    Control: the lead just before annealing.
    """
    mean, *ends = lead(FIRST)
    end = lead(PAPER.steps + PAPER.settle)
    return Measurement(mean, effect=mean, interval=tuple(ends), control=lead(PAPER.steps)[0], conditions={
        **_conditions(), "at the end its interval lies above 0": end[1] > 0})


def noise() -> Measurement:
    """Gain of tuned noise at η = 1/2 on P alone, equal steps, in points; effect and interval, the same.

    Control: the gain of tuned large rates.
    """
    mean, *ends = outcomes.interval(outcomes.gain(both(), "noise", "P alone", SHARES))
    control = outcomes.interval(outcomes.gain(both(), "large", "P alone", SHARES))[0]
    return Measurement(mean, effect=mean, interval=tuple(ends), control=control, conditions=_conditions())


def patch_right() -> dict[str, float]:
    """Return the largest share of the twenty blank images with a patch that is right, over the steps, by arm."""
    return {arm: float(photographs().patch.sel(version="patched", arm=arm).max()) for arm in patches.ARMS}


def patch_costs(of: xr.Dataset | None = None) -> dict[str, float]:
    """Return what a patch costs in clean accuracy at the end, untouched less patched, in points, by arm."""
    final = 100 * (photographs() if of is None else of).final.mean(("part", "seed"))
    return {arm: float(final.sel(arm=arm, version="untouched") - final.sel(arm=arm, version="patched"))
            for arm in patches.ARMS}


def patch() -> Measurement:
    """Largest share of right answers on the patch alone at any time, either rate. Effect: clean accuracy at the end."""
    return Measurement(np.max(list(patch_right().values())), effect=photographs().final.mean(), conditions={
        **_patch_conditions(), "clean images are learned at either rate": bool(
            (photographs().final.mean("part") > 0.3).all())})


@functools.cache
def marked() -> xr.Dataset:
    """Return the recorded runs on CIFAR-10 with the larger ζ, of two seeds."""
    return recorded.load(patches, MARKED)


@functools.cache
def larger() -> xr.Dataset:
    """Return the recorded runs on CIFAR-10 with the larger ζ, nearer to the authors' size, of three seeds, patched."""
    return recorded.load(patches, LARGER)


@functools.cache
def with_control() -> xr.Dataset:
    """Return those of the first seed, untouched, too."""
    return recorded.load(patches, WITH_CONTROL)


@functools.cache
def theirs() -> xr.Dataset:
    """Return the recorded runs on CIFAR-10 with the authors' ζ, nearer to the authors' size, of two seeds, patched."""
    return recorded.load(patches, THEIRS)


def learned_at(arm: str, of: xr.Dataset | None = None) -> np.ndarray:
    """Return the first step that was looked at where the larger patch is learned, a number a seed of ``marked``."""
    runs = (marked() if of is None else of).sel(version="patched", arm=arm)
    return runs.step.where(runs.patch >= LEARNED).min("step").values


def patch_order() -> Measurement:
    """How many times as many steps the large rate takes to learn the larger patch: the lesser of two seeds.

    Effect: patch accuracy before annealing, small less large, in points, mean. Control: the largest share of right
    answers of the networks that never saw a patch.
    """
    before = 100 * marked().patch.sel(version="patched", step=MARKED.annealed_at).mean("seed")
    return Measurement(np.min(learned_at("large") / learned_at("small")), effect=before.sel(arm="small") - before.sel(
        arm="large"), control=marked().patch.sel(version="untouched").max(), conditions={
            **_patch_conditions(MARKED), "the large rate has learned it before it is lowered": bool(
                np.max(learned_at("large")) <= MARKED.annealed_at),
            "who never saw a patch does not know it": bool(marked().patch.sel(version="untouched").max() < 0.2)})


def larger_costs() -> dict[str, float]:
    """Return :func:`patch_costs` of the larger patch at the larger size, of the first seed."""
    return patch_costs(with_control())


def epochs_to_learn(arm: str) -> np.ndarray:
    """Return after how many epochs the larger patch is learned at the larger size, by seed."""
    return learned_at(arm, larger()) / LARGER.steps_per_epoch


def patch_larger() -> Measurement:
    """How many times as many steps the large rate takes to learn the larger patch, at the larger size: most of 3 seeds.

    Effect: what the patch costs the small rate in clean accuracy less what it costs the large one, in points, one seed.
    Control: the largest share of right answers of the networks that never saw a patch.
    """
    large, small = (epochs_to_learn(arm) for arm in ("large", "small"))
    costs, unseen = larger_costs(), with_control().patch.sel(version="untouched").max()
    return Measurement(np.max(large / small), effect=costs["small"] - costs["large"], control=unseen, conditions={
        **_patch_conditions(LARGER), "there are three seeds": len(large) == 3,
        "the large rate knows it after two epochs on each": bool((large == 2).all()),
        "the small one after six to eight": bool((small >= 6).all() and (small <= 8).all()),
        "in rate times steps the small one is sooner": bool((LARGER.small * small < LARGER.large * large).all()),
        "who never saw a patch does not know it": bool(unseen < 0.2),
        "it costs 17 and 19 points": [round(costs[arm]) for arm in ("small", "large")] == [17, 19]})


def patch_shares(arm: str) -> xr.DataArray:
    """Return the share of the blank images with the authors' patch that is right, larger size, by seed and step."""
    return theirs().patch.sel(version="patched", arm=arm).dropna("step", how="all")


def theirs_costs() -> xr.DataArray:
    """Return what the authors' patch costs in clean accuracy at the larger size, in points, by arm and part, seed 0.

    Its untouched control is that of the larger ζ, which it does not see.
    """
    untouched, patched = (runs.final.sel(version=version, seed=0) for runs, version in (
        (with_control(), "untouched"), (theirs(), "patched")))
    return 100 * (untouched - patched)


def patch_theirs() -> Measurement:
    """Largest share of right answers on the authors' patch alone at the large rate until it is lowered, of two seeds.

    Effect: that at the end, the lesser. Control: the largest of the networks that never saw a patch.
    """
    large, small = (patch_shares(arm) for arm in ("large", "small"))
    less = (theirs_costs().sel(arm="small") - theirs_costs().sel(arm="large")).values
    return Measurement(large.sel(step=slice(0, THEIRS.annealed_at)).max(), effect=large.isel(step=-1).min(),
                       control=with_control().patch.sel(version="untouched").max(), conditions={
        **_patch_conditions(THEIRS), "at the end the large rate knows it": bool((large.isel(step=-1) >= 0.5).all()),
        "the small rate is at chance as long": bool(small.sel(step=slice(0, THEIRS.annealed_at)).max() <= CHANCE),
        "and knows it at the end on the second seed alone": [bool(share >= 0.5) for share in small.isel(step=-1)] == [
            False, True],
        "it costs the small rate two or three points more, on the seed with a control": bool(
            mean_interval(less)[1] > 0 and 2 <= less.mean() <= 3)})


def patch_cost() -> Measurement:
    """What the larger patch costs the small rate in clean accuracy at the end, less what it costs the large, in points.

    Mean of two seeds; the interval carries the test images, too. Effect: what it costs the small rate.
    """
    final = 100 * marked().final
    costs = final.sel(version="untouched") - final.sel(version="patched")
    less = costs.sel(arm="small") - costs.sel(arm="large")
    mean, *interval = crossed_interval(less.transpose("seed", "part").values)
    return Measurement(abs(mean), effect=costs.sel(arm="small").mean(), interval=tuple(interval), conditions={
        **_patch_conditions(MARKED), "nothing is resolved": interval[0] < 0 < interval[1],
        "nor would a difference of 25 be": interval[1] - interval[0] > 50,
        "on each seed the small rate is less accurate, without a patch, too": bool(
            (final.mean("part").sel(arm="small") < final.mean("part").sel(arm="large")).all()),
        "the seeds disagree on which rate pays more": bool(less.mean("part").min() < 0 < less.mean("part").max()),
        "at either rate it costs ten points": bool((costs.mean(("part", "seed")) > 10).all())})
