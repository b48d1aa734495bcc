"""Checks of the published figures: on the recorded table, with a slice and the plain loop where the digits are."""

from __future__ import annotations

import functools

import numpy as np
import scipy.stats
import xarray as xr

from catapult.chapters.published_figures import experiment, outcomes
from catapult.companion.measurement import Measurement
from catapult.datasets import DataMissing, sources
from catapult.oracles import predictor
from catapult.runs import recorded

PAPER = experiment.Parameters.checked(scale="paper")
SLICE = {"part": "digits", "number": -6}
SLICE_STEPS = 2**13
AGREE = 2e-6
"""How far a run that looks seldom at what hardly pulls may be from one that always looks, in units of log 2."""
LOOP_STEPS, LOOP_AGREE = 1000, 1e-9


@functools.cache
def table() -> xr.Dataset:
    """Return the recorded results."""
    return recorded.load(experiment, PAPER)


def at_hand() -> bool:
    """Return whether the digits that were recorded are here."""
    try:
        return sources.locate("mnist").kind != sources.SHIPPED
    except DataMissing:
        return False


@functools.cache
def slice_difference() -> float:
    """Return how far the recorded loss at η = 2^-6 is from a run in which every image is looked at at every step."""
    found = recorded.slice_difference(experiment, PAPER, SLICE, ("digits_loss",), steps=SLICE_STEPS,
                                      lazy_from=2 * SLICE_STEPS)
    return found["digits_loss"]


@functools.cache
def loop_difference() -> float:
    """Return how far the recorded loss at η = 1 is from the plain loop on pixels, over the first steps."""
    Z = experiment.signed_inputs(PAPER.source, "zero or eight", "[-1, 1]", PAPER.wu_samples, seed=0)
    loss = table().digits_loss.sel(digits_rate=1.0, step=slice(0, LOOP_STEPS))
    w = predictor.descend(Z, [1.0], LOOP_STEPS)[loss.step.values, 0]
    return float(np.abs(predictor.risk(Z, w) / loss.values - 1).max())


@functools.cache
def steps_apart() -> np.ndarray:
    """Return how many steps the recorded transition of the first draw is from that of the plain loop on pixels, by η.

    Within their range none. Far beyond, the oscillation makes rounding errors grow, and the time is one of several.
    """
    way = experiment.WAYS[outcomes.THEIR_WAY]
    Z = experiment.signed_inputs(PAPER.source, *way, PAPER.crawshaw_samples, seed=0)
    Z = Z / np.linalg.norm(Z, axis=1).max()
    kept = table().transition.sel(way=outcomes.THEIR_WAY).isel(seed=0)
    found = [len(experiment.descent(Z, rate, experiment.LONGEST, 2 / rate)[0]) - 1 for rate in kept.unit_rate.values]
    return np.abs(found - kept.values)


def _agreement() -> dict[str, bool]:
    return {"a slice computed again, every image at every step, is what was recorded": slice_difference() <= AGREE,
            "so is the plain loop on pixels": loop_difference() <= LOOP_AGREE} if at_hand() else {}


def _share(true: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Return a share of draws, and its exact 95 % interval."""
    found = scipy.stats.binomtest(int(true.sum()), len(true)).proportion_ci()
    return float(true.mean()), (found.low, found.high)


def which_rates_rise() -> Measurement:
    """Share of draws in which the loss rises at 2^-4, 2^-2 and 1, not at 2^-6; control: pixels in [0, 1]."""
    share, interval = _share(outcomes.rises_where_theirs_do(table()))
    control = outcomes.rises_where_theirs_do(table(), "[0, 1]").mean()
    return Measurement(share, effect=share, interval=interval, control=control, conditions=_agreement())


def larger_is_lower() -> Measurement:
    """Octaves of loss that four times the rate gains after 2^13 steps, mean over draws, the pair where it is least.

    Effect: the same after 2^20 steps of the first draw. Control: the largest gain of that draw at step 3.
    """
    gains = [outcomes.interval(pair) for pair in outcomes.octaves_gained(table())]
    least = gains[np.argmin([mean for mean, *_ in gains])]
    first = table().digits_loss.transpose("step", "digits_rate")
    gain_at = {step: -np.diff(np.log2(first.sel(step=step).values)) for step in (3, int(first.step[-1]))}
    return Measurement(least[0], effect=gain_at[int(first.step[-1])].min(), interval=least[1:],
                       conditions={**_agreement(), "in the oscillating phase the order is the other way round":
                                   bool(gain_at[3].max() < 0)})


def inverse_in_time() -> Measurement:
    """Exponent of t in the loss from step 2^16 to 2^20, the one farthest from −1; effect: the one farthest but one.

    Control: ηtLγ² in the end, at the largest rate on digits; 1 where L is 1/(γ²ηt).
    """
    found = np.concatenate([outcomes.time_exponent(table(), part) for part in experiment.OCTAVES])
    second, farthest = found[np.abs(found + 1).argsort()[-2:]]
    first = table().isel(seed=0).sel(pixels=outcomes.THEIR_PIXELS)
    level = (first.digits_rate * first.step[-1] * first.digits_loss.isel(step=-1) * first.margin**2).sel(digits_rate=1)
    return Measurement(farthest, effect=second, control=float(level), conditions={
        **_agreement(), "at the other seven it is within 0.03 of −1": bool(abs(second + 1) <= 0.03)})


def toy_ends() -> Measurement:
    """Largest distance of log2 of the toy data's last loss in single precision from the published one.

    Effect: of that in double precision. Control: of the digits, another draw in double precision.
    """
    ends = {name: np.abs(outcomes.end_over_theirs(table(), name)).max() for name in ("toy_single", "toy", "digits")}
    return Measurement(ends["toy_single"], effect=ends["toy"], control=ends["digits"], conditions={
        "in double precision they are another's": bool(ends["toy"] > 0.1)})


def stable_before_right() -> Measurement:
    """Share of draws with the last rise before all digits are right, and that the earlier, the larger the rate.

    Control: the share of draws in which this is so at η = 16, far above: the two come together there.
    """
    share, interval = _share(outcomes.stable_before_right(table()))
    apart = ~outcomes.right_before_stable(table())
    return Measurement(share, effect=share, interval=interval, control=apart.mean(), conditions=_agreement())


def exit_saturates() -> Measurement:
    """Exponent of η in the exit, η from 1 to 256, mean over draws; effect: the least ratio of the bound to the exit."""
    found = outcomes.exit_exponent(table())
    mean, *ends = outcomes.interval(found)
    over = (outcomes.wu_bound(table(), PAPER.wu_samples) / table().exit.where(table().exit > 0)).min()
    return Measurement(mean, effect=over, interval=tuple(ends), conditions=_agreement())


def transition_falls() -> Measurement:
    """Exponent of η in the first step with L ≤ 2/η, η from 16 to 512, mean over draws.

    Control: the same at rates from 1,024 on, where the perceptron takes over and nothing should depend on η.
    """
    mean, *ends = outcomes.interval(outcomes.transition_exponent(table()))
    level = outcomes.transition_exponent(table(), outcomes.LEVEL_RATES).mean()
    growing = outcomes.transition_exponent(table(), outcomes.GROWING_RATES)
    theirs = table().unit_rate.values <= outcomes.TRANSITION_RATES[1]
    same = {"the plain loop on pixels gives the same steps up to their largest rate":
            bool((steps_apart()[theirs] == 0).all())} if at_hand() else {}
    return Measurement(mean, effect=mean, interval=tuple(ends), control=level, conditions={
        **_agreement(), **same,
        "below their rates it grows, in every draw": bool((growing > 0.5).all()),
        "it was reached in every run": bool(table().transition.notnull().all())})


def transition_by_pixels() -> Measurement:
    """The same exponent on pixels in [0, 1], mean over draws; control: labels below five, pixels in [−1, 1]."""
    mean, *ends = outcomes.interval(outcomes.transition_exponent(table(), way="even, [0, 1]"))
    control = outcomes.transition_exponent(table(), way="below five, [-1, 1]").mean()
    return Measurement(mean, effect=mean, interval=tuple(ends), control=control, conditions=_agreement())
