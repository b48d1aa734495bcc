"""The dial: what is dropped leaves separable data, the subset is as large, and differences are paired by seed."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from catapult.chapters.cifar10 import comparison
from catapult.chapters.separability_dial import experiment as dial
from catapult.chapters.separability_dial import outcomes
from catapult.datasets import certify
from catapult.runs import results

QUICK = dial.Parameters.checked(scale="quick")


def test_the_matched_points_differ_in_separability_and_not_in_size():
    for seed in range(2):
        subset, dropped = (dial.problem_of(QUICK, point, seed) for point in dial.MATCHED)
        assert subset.X.shape == dropped.X.shape
        assert certify(subset.Z).kind == "strictly non-separable"
        assert certify(dropped.Z).kind == "separable"
        whole = dial.problem_of(QUICK, "20 components", seed)
        rows = {tuple(row) for row in whole.Z}
        assert {tuple(row) for row in subset.Z} < rows
        assert {tuple(row) for row in dropped.Z} < rows
        assert len(whole.y) == QUICK.samples
        np.testing.assert_array_equal(subset.X_test, whole.X_test)


def test_nothing_is_dropped_from_separable_data():
    Z = np.abs(np.random.default_rng(0).normal(size=(12, 3)))
    assert dial.without_errors(Z).all()


@pytest.mark.slow
def test_the_quick_dial_is_complete_and_certified():
    runs = results.compute(dial, QUICK)
    assert runs.point.values.tolist() == list(dial.MATCHED)
    assert set(runs.certificate.sel(point="errors dropped").values) == {"separable"}
    assert (runs.n.sel(point="errors dropped") == runs.n.sel(point="random subset")).all()
    alive = runs.phase.isin(comparison.ALIVE)
    assert (np.isfinite(runs.accuracy).all(("comparison", "tenth")) == alive).all()
    for activation in dial.ACTIVATIONS:
        for outcome in outcomes.OUTCOMES:
            mean, low, high = outcomes.effect(runs, activation, outcome)
            assert low <= mean <= high


def made_up(second: float) -> xr.Dataset:
    """Return two points, two seeds, in which every outcome of the second is higher by what is given, in points."""
    rng = np.random.default_rng(1)
    accuracy = rng.random((2, 1, 6, 3, 10)).repeat(2, 1)
    accuracy[:, 1, 3:] += second / 100  # rates above the stable one
    peak = np.ones((2, 2, 6))
    peak[:, 1] = 2.0**second
    sharpness = np.ones((2, 2, 6, 2))
    sharpness[:, 1] *= 2.0**second
    return xr.Dataset(
        {"accuracy": (("seed", "point", "multiple", "comparison", "tenth"), accuracy),
         "peak": (("seed", "point", "multiple"), peak),
         "sharpness": (("seed", "point", "multiple", "step"), sharpness),
         "learning_rate": (("seed", "point", "multiple"), np.full((2, 2, 6), 3.0)),
         "phase": (("seed", "point", "multiple"), np.full((2, 2, 6), "lazy"))},
        coords={"point": list(dial.MATCHED), "multiple": dial.MULTIPLES, "comparison": list(comparison.COMPARISONS),
                "step": [9, 10], "seed": [0, 1]}).expand_dims(activation=["linear"])


@pytest.mark.parametrize("outcome", outcomes.OUTCOMES)
def test_a_difference_is_that_of_the_second_point_less_the_first(outcome):
    assert outcomes.effect(made_up(3.0), "linear", outcome)[0] == pytest.approx(3.0, rel=1e-9)


def test_rates_that_one_point_does_not_survive_are_compared_at_neither():
    runs = made_up(0.0)
    runs.phase[0, 1, 0, 5] = "divergent"  # of the activation, seed and point given first: the largest rate
    runs.accuracy[:, :, 1, 5] += 0.3  # at the other point, the same rate would win
    for name in outcomes.GAINS:
        assert outcomes.effect(runs, "linear", f"gain, {name}")[0] == pytest.approx(0.0, abs=1e-9)
