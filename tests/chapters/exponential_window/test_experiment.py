"""Networks and recursion agree, runs end where the recursion does, the window lies between two edges."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.catapult_logistic import experiment as catapult_logistic
from catapult.chapters.exponential_window import checks, experiment
from catapult.theory import two_layer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results():
    return experiment.run(experiment.Parameters.checked(scale="quick"))


@pytest.mark.parametrize(("network", "recursion", "least"), [
    ("window_network_loss", "window_loss", 50), ("window_network_scaled", "window_scaled", 100),
    ("plane_network_size", "plane_size", 300), ("plane_network_scaled", "plane_scaled", 300)])
def test_networks_do_what_the_recursion_says(results, network, recursion, least):
    one, other = results[network].values, results[recursion].values
    there = np.isfinite(one) & np.isfinite(other) & (np.abs(other) > 1e-6) & (np.abs(other) < 1e3)
    assert there.sum() > least
    assert one[there] == pytest.approx(other[there], rel=1e-5)


def test_networks_end_where_the_recursion_does(results):
    starts, ends = results.network_start.values, results.network_final.values
    expected = catapult_logistic.scaled_finals("exponential", experiment.Parameters.checked(scale="quick"), starts)
    assert np.isfinite(ends).sum() >= 8
    assert (np.isfinite(ends) == np.isfinite(expected)).all()
    assert ends == pytest.approx(expected, rel=1e-3, nan_ok=True)  # the last steps to the limit are missing
    assert results.final.max() < 2


def test_the_window_is_the_difference_of_two_edges(results):
    parameters = experiment.Parameters.checked(scale="quick")
    lazy, critical = experiment._window_of_widths(parameters, np.array([200.0]))
    for factor, first, label in ((0.999, lazy, "lazy"), (1.001, lazy, "catapult"), (0.999, critical, "catapult"),
                                 (1.001, critical, "divergent")):
        assert two_layer.phase_map("exponential", parameters.f0, parameters.ntk0, 200, factor * first[0]) == label
    relative = results.window_relative * results.window_width
    assert relative.values[2:] == pytest.approx(relative.values[-1], rel=0.1)


def test_the_spread_of_outputs_in_the_checks_is_that_of_drawn_ones():
    f0 = np.random.default_rng(2).standard_normal(400_000)
    rates = f0 / np.sinh(f0)
    assert rates.std() / rates.mean() == pytest.approx(checks._spread_of_outputs(), rel=0.005)
