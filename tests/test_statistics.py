"""The interval over seeds covers as often as it says, and counts only the seeds that are there."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.statistics import crossed_interval, mean_interval


def test_interval_covers_the_mean_of_normal_values_95_times_in_100():
    draws = np.random.default_rng(0).normal(2.0, 3.0, size=(20_000, 5))
    _, low, high = mean_interval(draws)
    covered = np.mean((low <= 2.0) & (high >= 2.0))
    assert covered == pytest.approx(0.95, abs=0.006)  # four standard deviations of 20,000 trials


def test_missing_seeds_do_not_count():
    values = np.array([[1.0, 2.0, np.nan, 4.0], [np.nan, np.nan, np.nan, 5.0], [np.nan] * 4])
    mean, low, high = mean_interval(values)
    expected = mean_interval(np.array([[1.0, 2.0, 4.0]]))
    assert (mean[0], low[0], high[0]) == pytest.approx([part[0] for part in expected])
    assert mean[1] == 5.0
    assert np.isnan([low[1], high[1], mean[2], low[2], high[2]]).all()


def test_an_infinite_value_is_there():
    mean, low, high = mean_interval([1.0, np.inf, 3.0])
    assert mean == np.inf
    assert np.isnan([low, high]).all()


@pytest.mark.slow
def test_crossed_interval_carries_the_error_of_seeds_and_of_parts():
    rng = np.random.default_rng(1)
    seeds, parts, noise = rng.normal(size=(2000, 10, 1)), rng.normal(size=(2000, 1, 9)), rng.normal(size=(2000, 10, 9))
    for on_seeds, on_parts in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        ends = np.array([crossed_interval(table)[1:] for table in on_seeds * seeds + on_parts * parts + 0.3 * noise])
        covered = np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0))
        assert 0.93 <= covered <= 0.98
