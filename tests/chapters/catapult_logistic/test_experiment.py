"""Networks and recursion agree, starts are those that are asked for, edges lie where proved."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.catapult_logistic import experiment
from catapult.theory import two_layer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results():
    return experiment.run(experiment.Parameters.checked(scale="quick"))


@pytest.mark.parametrize(("network", "recursion"), [
    ("network_loss", "loss"), ("network_scaled", "scaled"), ("plane_network_size", "plane_size"),
    ("plane_network_scaled", "plane_scaled")])
def test_networks_do_what_the_recursion_says(results, network, recursion):
    one, other = results[network].values, results[recursion].values
    there = np.isfinite(one) & np.isfinite(other) & (np.abs(other) > 1e-6) & (np.abs(other) < 1e3)
    assert there.sum() > 300
    assert one[there] == pytest.approx(other[there], rel=1e-5)


def test_networks_end_where_the_recursion_does(results):
    starts, ends = results.network_start.values, results.network_final.values
    expected = experiment.scaled_finals("logistic", experiment.Parameters.checked(scale="quick"), starts)
    assert np.isfinite(ends).sum() >= 10
    assert (np.isfinite(ends) == np.isfinite(expected)).all()
    assert ends == pytest.approx(expected, rel=1e-3, nan_ok=True)  # the last steps to the limit are missing


def test_final_kernels_are_below_the_edge(results):
    assert results.final.max() < 8


def test_the_slide_as_a_differential_equation_follows_the_orbit():
    one = experiment._orbits(experiment.Parameters(width=5000, steps=600)).sel(orbit=12.0)
    assert one.predicted_slide.values == pytest.approx(one.scaled.values, rel=0.01)  # κ = 0.007
    assert one.scaled[-1] < 8.5


def test_orbits_leave_the_cycle_in_both_directions(results):
    assert results.leaving_size.sel(beside=-1)[-1] < 1e-3
    assert not results.leaving_size.sel(beside=1)[-1] < 1e3


def test_rounding_holds_one_orbit_at_kappa_eight():
    near, far = (abs(two_layer.iterate("logistic", start, start, 8, 8.0, 4000)[0]) for start in (12.0, 40.0))
    assert near[-1] < 1e-3
    assert (far == 40).all()


def test_nothing_diverges_where_convergence_is_proved(results):
    assert results.edge_lowest.min() > 1
    assert (results.sixteen < 1).all()


def test_undecided_kernels_are_nan_and_do_not_raise():
    found = experiment.finals("squared", 1.0, 2.0, 100, np.array([0.5, 2.0]))  # chaotic at ηλ0 = 4
    assert np.isnan(found).tolist() == [False, True]
