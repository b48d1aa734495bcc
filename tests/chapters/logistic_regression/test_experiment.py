"""The runs: complete, consistent between the two routes, and what the theorems say of them."""

from __future__ import annotations

import numpy as np
import pytest

from catapult import datasets
from catapult.chapters.logistic_regression import experiment
from catapult.datasets.decomposition import decompose
from catapult.parameters import InputError
from catapult.runs import results
from catapult.theory import linear_predictor

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


def test_exits_keep_to_the_bound_and_the_projection_reaches_its_minimiser(quick):
    assert (quick.last_rise.max("share") <= quick.exit_bound).all()
    assert (quick.exit_time >= 0).any()
    gap = np.abs(quick.mixed_along - quick.mixed_minimiser).values
    assert gap[20_000] < gap[2000] / 2 < gap[200] / 4  # the pull of the separable part fades
    assert quick.mixed_across[-1] > quick.mixed_across[1000] > quick.mixed_across[10]


def test_the_figure_of_wu_and_others_is_repeated(quick):
    assert quick.four_rises.values.tolist() == [0, 10, 8, 9]
    last = quick.isel(four_step=-1).four_risk
    assert (np.diff(last) < 0).all()


def test_networks_at_small_steps_beyond_their_lazy_end_are_no_farther_from_the_edge_than_the_pair(quick):
    small = (quick.step_size <= 0.5) & (quick.multiple >= 2.8) & quick.settled
    assert small.any()
    assert ((1 - quick.edge_ratio) / (3 / 16 * quick.step_size)).where(small).max() <= 1


def test_separable_clouds_protect_up_to_a_hundred_and_not_at_ten_thousand(quick):
    assert not quick.cloud_diverged.sel(cloud_kappa=slice(0, 100)).any()
    assert quick.cloud_diverged.sel(cloud_kappa=1e5).sum() >= 2


def test_risks_are_those_of_the_plain_loop():
    Z = experiment.opposing(0.1, [0.5])
    w = linear_predictor.descend("logistic", Z[0], np.zeros(2), 30.0, 50)
    np.testing.assert_allclose(experiment.risks(Z, np.array([30.0]), 50)[:, 0],
                               linear_predictor.risk("logistic", Z[0], w), rtol=1e-12)


def test_last_rise_and_exit_time_are_read_off_as_they_say():
    risk = np.array([[1.0, 1.0], [2.0, 0.5], [0.5, 0.4], [0.1, 0.3]])
    assert experiment.last_rise(risk).tolist() == [1, 0]
    assert experiment.exit_time(risk, np.array([0.5, 0.2])).tolist() == [2, -1]


def test_every_start_that_does_not_reach_the_minimum_is_counted(quick):
    assert ((quick.basin > 0.5) & (quick.basin < 1)).all()
    assert (np.abs(quick.multiplier) < 1).all()
    np.testing.assert_allclose(quick.proved_gamma, quick.gamma, atol=1e-5)


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


def test_newton_finds_the_minimiser():
    Z = datasets.overlapping_cloud(40, 3, 1.0, 0).Z
    assert np.abs(linear_predictor.gradient("logistic", Z, experiment.minimiser(Z))).max() < 1e-14
