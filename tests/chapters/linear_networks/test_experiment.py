"""The runs: complete, consistent between the two routes, and what the theorems say of them."""

from __future__ import annotations

import numpy as np
import pytest

from catapult import datasets
from catapult.chapters.linear_networks import experiment
from catapult.datasets.decomposition import decompose
from catapult.parameters import InputError
from catapult.runs import results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def quick():
    return results.compute(experiment, experiment.Parameters.checked(scale="quick"))


def test_trained_weights_and_the_recursion_end_equally_sharp(quick):
    own = quick.edge_ratio.isel(width=0, seed=0).sel(multiple=quick.trained_multiple)
    np.testing.assert_allclose(quick.trained_edge_ratio, own, rtol=1e-3)  # Lanczos' tolerance is 1e-4


def test_what_converged_is_stable_and_one_predictor(quick):
    assert quick.settled.sum() > 30
    assert quick.edge_ratio.max() <= 1
    assert quick.predictor_gap.where(quick.settled).max() < 1e-3
    spread = quick.test_accuracy.max(["width", "multiple"]) - quick.test_accuracy.min(["width", "multiple"])
    assert (spread <= 1 / 450).all()  # two test points of 900, of runs within 1e-3 of the minimiser


def test_nothing_converged_beyond_the_flattest_minimum(quick):
    rates = quick.unit.isel(width=0) * quick.multiple
    beyond = rates > 2 / quick.least_sharpness
    assert beyond.any()
    assert not (quick.settled.isel(width=0) & beyond.transpose(*quick.settled.isel(width=0).dims)).any()


def test_networks_at_small_steps_beyond_their_lazy_end_are_no_farther_from_the_edge_than_the_pair(quick):
    small = (quick.step_size <= 0.5) & (quick.multiple >= 2.8) & quick.settled
    assert small.any()
    assert ((1 - quick.edge_ratio) / (3 / 16 * quick.step_size)).where(small).max() <= 1


def test_separable_clouds_protect_up_to_a_hundred_and_not_at_ten_thousand(quick):
    assert not quick.cloud_diverged.sel(cloud_kappa=slice(0, 100)).any()
    assert quick.cloud_diverged.sel(cloud_kappa=1e5).sum() >= 2


def test_the_mixed_cloud_is_mixed_and_training_clouds_are_certified():
    parameters = experiment.Parameters.checked(scale="quick")
    parts = decompose(experiment.mixed_cloud(parameters, 0).Z)
    assert parts.kind == "mixed"
    assert (parts.separable.sum(), parts.rank) == (parameters.samples // 2, parameters.dimension // 2)
    problem = experiment.cloud(parameters, 0)
    assert datasets.certify(problem.Z).kind == "strictly non-separable"
    assert len(problem.y_test) == 9 * parameters.samples


def test_clouds_without_overlap_are_refused_in_one_line():
    parameters = experiment.Parameters(samples=40, dimension=40, separation=2.0)
    with pytest.raises(InputError, match=r"allowed: .*more"):
        experiment.cloud(parameters, 0)
