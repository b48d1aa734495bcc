"""Data with one outlier: the design has the γ asked for, and the certificate can't be had where none is due."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from catapult.parameters import InputError
from catapult.theory import linear_predictor, outlier


@pytest.mark.parametrize("gamma", [1.05, 1.17, 1.33, 1.5, 1.77, 1.98])
def test_the_designed_data_have_a_certified_cycle_at_the_gamma_asked_for(gamma):
    data = outlier.design(gamma)
    proof = outlier.certify_cycle(data)
    assert float(proof.gamma) == pytest.approx(gamma, abs=1e-5)
    first, second = map(float, proof.points)
    assert first > 0 > second
    assert data.update(first) == pytest.approx(second, abs=1e-12)
    assert data.update(second) == pytest.approx(first, abs=1e-9)
    assert abs(float(proof.multiplier)) < 0.05


def test_slope_and_curvature_are_those_of_the_risk_of_the_data():
    data = outlier.design(1.5)
    w = np.array([-0.4, 0.0, 0.1, 1.2])
    for x in w:
        assert data.slope(x) == pytest.approx(linear_predictor.gradient("logistic", data.Z, [x])[0], rel=1e-12)
        assert data.curvature(x) == pytest.approx(linear_predictor.hessian("logistic", data.Z, [x])[0, 0], rel=1e-12)
    assert linear_predictor.gradient("logistic", data.Z, [data.minimiser()])[0] == pytest.approx(0, abs=1e-13)


def test_nothing_is_proved_for_an_orbit_that_goes_to_the_minimum():
    data = outlier.design(1.5)
    assert outlier.certify_cycle(data, start=data.minimiser() * 1.5) is None


def test_nothing_is_proved_below_one_over_lambda_or_without_the_right_outlier():
    data = outlier.design(1.5)
    assert outlier.certify_cycle(replace(data, learning_rate=data.learning_rate * Fraction(6, 10))) is None
    assert outlier.certify_cycle(replace(data, outlier=data.outlier // 4)) is None


def test_a_stable_cycle_on_one_side_of_zero_is_not_taken_for_one_across_it():
    data = outlier.OutlierData(114, 61, 27, Fraction(8387, 962))
    near = 0.006554586022689213
    assert data.update(data.update(near)) == pytest.approx(near, abs=1e-12)
    assert data.update(near) == pytest.approx(1.91476, abs=1e-5)
    assert outlier.certify_cycle(data, start=near) is None


def test_gamma_out_of_range_is_refused():
    for gamma in (1.0, 2.0):
        with pytest.raises(InputError, match=r"allowed: a number from 1\.05 to 1\.98"):
            outlier.design(gamma)
