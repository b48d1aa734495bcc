"""The toy model of incremental learning: times, thresholds and laws, each by a second way."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.oracles import incremental as oracle
from catapult.theory import incremental


def test_at_depth_two_the_time_is_elementary():
    found = incremental.time(2, 3.0, 2.0, np.log(1e-5))
    assert found == pytest.approx((np.log(2.0 / 1.0) - np.log(1e-5 / (3 - 1e-5))) / 12, rel=1e-10)


@pytest.mark.parametrize("depth", [3, 4])
def test_the_time_is_that_of_small_steps(depth):
    sigma, t, h = 0.01, 0.0, 1e-4
    while sigma < 1.0:
        middle = sigma + h / 2 * depth**2 * sigma ** (2 - 2 / depth) * (2 - sigma)
        sigma, t = sigma + h * depth**2 * middle ** (2 - 2 / depth) * (2 - middle), t + h
    assert incremental.time(depth, 2.0, sigma, np.log(0.01)) == pytest.approx(t, rel=1e-4)


@pytest.mark.parametrize("depth", [2, 3, 6])
def test_at_the_threshold_the_second_is_at_s(depth):
    start = np.exp(incremental.log_threshold(depth, 1.6))
    assert oracle.second_when_first(depth, 1.6, start, 0.75) == pytest.approx(0.25, rel=1e-5)


@pytest.mark.parametrize(("depth", "first"), [(2, 2.0), (3, 1.1), (4, 1.1), (6, 1.1)])
def test_the_law_is_the_limit(depth, first):
    ratios = 1 + (first - 1) / np.array([1, 2, 4])
    gaps = [abs(incremental.log_threshold(depth, r) - incremental.log_law(depth, r)) for r in ratios]
    assert gaps[2] < 0.02
    assert gaps[0] > gaps[1] > gaps[2]


@pytest.mark.parametrize("depth", [3, 5])
def test_the_finite_part_is_the_limit_of_its_definition(depth):
    p, x = 1 - 2 / depth, 1e-9
    whole = incremental.time(depth, 1.0, 0.6, np.log(x)) * depth**2
    assert incremental.finite_part(depth, 0.6) == pytest.approx(whole - x**-p / p, abs=1e-2)


@pytest.mark.slow
def test_small_steps_are_the_flow():
    start = np.log(1e-6)
    steps = np.exp(incremental.log_second_of_steps(3, 2.0, 0.002, start))
    assert steps == pytest.approx(oracle.second_when_first(3, 2.0, 1e-6, 0.75), rel=0.01)


def test_the_ratio_of_steps_tends_to_that_of_the_flow():
    assert incremental.ratio_of_steps(3.0, 1e-9) == pytest.approx(3.0)
    assert incremental.ratio_of_steps(3.0, 1.0) == pytest.approx(np.log(2) / np.log(4 / 3))


def test_one_layer_comes_nearer_by_the_same_factor():
    found = incremental.descend(1, [3.0, 1.0], 0.1, np.log(0.01), 20)
    expected = np.array([3.0, 1.0]) * (1 - 0.9 ** np.arange(21)[:, None]) + 0.01 * 0.9 ** np.arange(21)[:, None]
    assert np.allclose(found, expected)
