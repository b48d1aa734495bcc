"""The runs: complete, and what the theorems say of them."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.logistic_regression import experiment
from catapult.datasets import opposing
from catapult.runs import results
from catapult.theory import linear_predictor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def quick():
    return results.compute(experiment, experiment.Parameters.checked(scale="quick"))


def test_exits_keep_to_the_bound_and_the_projection_reaches_its_minimiser(quick):
    assert (quick.last_rise.max("share") <= quick.exit_bound).all()
    gap = np.abs(quick.mixed_along - quick.mixed_minimiser).values
    assert gap[20_000] < gap[2000] / 2 < gap[200] / 4  # the pull of the separable part fades
    assert quick.mixed_across[-1] > quick.mixed_across[1000] > quick.mixed_across[10]


def test_the_figure_of_wu_and_others_is_repeated(quick):
    assert quick.four_rises.values.tolist() == [0, 10, 8, 9]
    last = quick.isel(four_step=-1).four_risk
    assert (np.diff(last) < 0).all()


def test_risks_are_those_of_the_plain_loop():
    Z = opposing(0.1, [0.5])
    w = linear_predictor.descend("logistic", Z[0], np.zeros(2), 30.0, 50)
    np.testing.assert_allclose(experiment.risks(Z, np.array([30.0]), 50)[:, 0],
                               linear_predictor.risk("logistic", Z[0], w), rtol=1e-12)


def test_the_last_rise_is_read_off_as_it_says():
    risk = np.array([[1.0, 1.0], [2.0, 0.5], [0.5, 0.4], [0.1, 0.3]])
    assert experiment.last_rise(risk).tolist() == [1, 0]


def test_every_start_that_does_not_reach_the_minimum_is_counted(quick):
    assert ((quick.basin > 0.5) & (quick.basin < 1)).all()
    assert (np.abs(quick.multiplier) < 1).all()
    np.testing.assert_allclose(quick.proved_gamma, quick.gamma, atol=1e-5)
