"""The chapter's runs on digits: complete, certified, and the same as single runs from the plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from catapult.chapters.mnist import checks
from catapult.chapters.mnist import experiment as mnist
from catapult.chapters.mnist_sweep import experiment as mnist_sweep
from catapult.networks import Network
from catapult.runs import results
from catapult.training import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def quick():
    return results.compute(mnist, mnist.Parameters.checked(scale="quick"))


def test_certificates_carry_the_name_of_their_version(quick):
    assert set(quick.certificate.sel(version="separable").values) == {"separable"}
    assert set(quick.certificate.sel(version="non-separable").values) == {"strictly non-separable"}


def test_what_did_not_diverge_has_a_sharpness_and_an_accuracy(quick):
    alive = quick.phase != "divergent"
    for name in ("sharpness_end", "zero_fraction"):
        assert np.isfinite(quick[name].where(alive)).sum() == alive.sum()
    assert np.isfinite(quick.test_accuracy.isel(step=-1).where(alive)).sum() == alive.sum()


def test_unit_of_the_learning_rate_is_two_over_the_sharpness(quick):
    unit = quick.learning_rate / quick.multiple
    # The tolerance is that of the sharpness.
    np.testing.assert_allclose(unit, (2 / quick.sharpness_start).transpose(*unit.dims), rtol=1e-4)


def test_equal_time_is_read_at_the_same_time_for_all_rates(quick):
    too_slow = quick.assign_coords(multiple=quick.multiple / 2)
    reached = mnist.accuracy_at_equal_time(too_slow).notnull().any(("version", "activation", "seed"))
    assert (reached[too_slow.multiple < 0.249]).sum() == 0
    assert bool(reached.sel(multiple=0.25, method="nearest"))
    accuracy = mnist.accuracy_at_equal_time(quick)
    quarter = quick.test_accuracy.isel(step=-1).sel(multiple=0.25, method="nearest")
    np.testing.assert_array_equal(accuracy.sel(multiple=0.25, method="nearest"), quarter)
    assert accuracy.where(quick.phase == "divergent").notnull().sum() == 0


def test_one_run_is_that_of_the_plain_loop():
    values = mnist_sweep.Parameters.checked({"steps": 25, "samples": 32, "width": 8}, scale="quick")
    run = mnist_sweep.run(values)
    problem = mnist_sweep.two_digits(values, values.features, values.components, values.label_noise, 0)
    plain = train(problem, Network((20, 8, 1)), [values.learning_rate], seeds=(0,), steps=25,
                  record=("loss", "test_accuracy"), engine="reference").isel(learning_rate=0, seed=0)
    np.testing.assert_allclose(run.loss, plain.loss, rtol=1e-10)
    assert run.test_accuracy.isel(step=-1) == plain.test_accuracy.isel(step=-1)


def test_accuracy_steps_fall_by_octaves_from_the_last():
    steps = mnist_sweep.accuracy_steps(1000)
    assert (steps[0], steps[1], steps[-1]) == (0, 1, 1000)
    assert {500, 250, 125} <= set(steps)
    ratios = np.divide(steps[12:], steps[11:-1])
    np.testing.assert_allclose(ratios, 2 ** (1 / 3), rtol=0.05)


@pytest.mark.parametrize("rates", [17, 25])
def test_equal_time_is_exact_on_the_grid_of_the_chapter(rates):
    values = mnist.Parameters(rates=rates, samples=32, width=8)
    multiples = np.geomspace(values.lowest, values.highest, values.rates)
    wanted = values.steps * 0.25 / multiples[multiples >= 0.249]
    run = mnist.trained(values, "separable", "linear", 0, multiples[:1])
    recorded = run.test_accuracy.dropna("step", how="all").step.values
    assert np.abs(recorded[:, None] - wanted).min(0).max() <= 0.5


def test_single_precision_ends_where_double_precision_does_at_small_rates():
    # One rate an octave, seven of them up to the critical one.
    few = {"seeds": 2, "steps": 60, "samples": 64, "lowest": 1 / 64, "highest": 2.0, "rates": 8}
    single, double = (
        results.compute(mnist, mnist.Parameters.checked({**few, "dtype": dtype}, scale="quick"))
        for dtype in ("float32", "float64"))
    assert (single.attrs["dtype"], double.attrs["dtype"]) == ("float32", "float64")
    for name in ("loss", "sharpness_end"):
        there, here = (runs[name].sel(multiple=slice(0, 0.5)) for runs in (single, double))
        assert not np.array_equal(there, here)
        np.testing.assert_allclose(there, here, rtol=1e-3)  # ReLU masks that flip a step earlier or later
    xr.testing.assert_equal(single.phase.sel(multiple=slice(0, 1)), double.phase.sel(multiple=slice(0, 1)))


def test_both_sides_of_the_critical_rate_choose_among_equally_many():
    multiples = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
    best = np.array([0.9, 0.5, 0.6, 0.7, 0.8, 0.9])  # the best of all, at the smallest rate, is not compared
    runs = xr.Dataset({"test_accuracy": (("seed", "multiple", "step"), np.tile(best[:, None], (2, 1, 1))),
                       "phase": (("seed", "multiple"), [["lazy"] * 6, ["lazy"] * 5 + ["divergent"]])},
                      coords={"multiple": multiples})
    gain, above, below = checks.gains(runs)
    assert (above.tolist(), below.tolist()) == ([2.0, 4.0], [0.5, 1.0])
    np.testing.assert_allclose(gain, 0.8 - 0.6)
    np.testing.assert_allclose(checks.gains(runs, over="mean")[0], 0.75 - 0.55)
    few = runs.isel(multiple=slice(2, None))  # one rate at or below: the nearest above stands against it
    gain, above, below = checks.gains(few)
    assert (above.tolist(), below.tolist()) == ([2.0], [1.0])
    np.testing.assert_allclose(gain, 0.7 - 0.6)
    gain, above, below = checks.gains(runs.isel(multiple=slice(0, 3)))
    assert len(above) == len(below) == 0
    assert gain.isnull().all()
