"""The slow curve and the exit from the edge, against orbits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from catapult.parameters import InputError
from catapult.theory import two_layer


def test_orbits_of_the_logistic_loss_slide_along_the_slow_curve():
    width = 10**5
    for kappa, tolerance in ((1e-2, 2e-3), (1e-3, 2e-5)):  # what is left is of order κ²
        rate = math.sqrt(kappa * width)
        f, ntk = two_layer.iterate("logistic", 2.0, 12 / rate, width, rate, int(4 / kappa))
        on_it = slice(200, None)
        curve = two_layer.slow_ntk("logistic", f[on_it], width, rate)
        assert rate * np.abs(ntk[on_it] - curve).max() < tolerance


def test_the_slow_curve_ends_at_the_slide_law_and_is_even():
    assert two_layer.slow_ntk("logistic", 0.0, 1000, 5.0) == pytest.approx(two_layer.slide_ntk(1000, 5.0), rel=1e-8)
    assert two_layer.slow_ntk("exponential", 0.0, 1000, 1.0) == pytest.approx(2.003, rel=1e-8)
    values = two_layer.slow_ntk("logistic", [-3.0, 3.0], 10, 5.0)
    assert values[0] == values[1]
    assert np.isnan(two_layer.slow_ntk("squared", 1.0, 10, 1.0))


def test_beyond_its_window_the_exponential_loss_has_no_exit():
    assert np.isnan(two_layer.exit_ntk("exponential", 2.0031 / 1.0, 1000, 1.0))
    assert np.isfinite(two_layer.exit_ntk("exponential", 2.0029 / 1.0, 1000, 1.0))


def test_the_exit_of_a_loss_without_fourth_derivative_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"as of the squared loss; allowed: [^\n]*$"):
        two_layer.exit_ntk("squared", 3.0, 10**8, 1.0)


def test_the_exit_is_the_limit_of_orbits_and_not_only_near_them():
    # extrapolated to κ = 0, from κ and κ/2, orbits end where the formula says to five digits: C has no term in κ
    ends, width = [], 10**6
    for kappa in (2e-3, 1e-3):
        rate = math.sqrt(kappa * width)
        ntk0 = (8 + 5 * kappa) / rate
        ends.append((rate * two_layer.final_ntk("logistic", 1e-5, ntk0, width, rate) - 8) / kappa)
        stated = (rate * two_layer.exit_ntk("logistic", ntk0, width, rate) - 8) / kappa
    assert 2 * ends[1] - ends[0] == pytest.approx(stated, rel=1e-5)
