"""Every displayed formula of the chapter on incremental learning."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from catapult.theory import incremental
from formulas import Formulas

formula = Formulas("incremental-learning")


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=4)


@formula("eq-il-flow")
def test_the_flow_of_a_value_is_that_of_its_weight():
    w, target, N = sympy.symbols("w target N", positive=True)
    sigma = w**N
    loss = (sigma - target) ** 2 / 2
    slope = sigma.diff(w) * -loss.diff(w)
    assert sympy.simplify(slope - N**2 * sigma ** (2 - 2 / N) * (target - sigma)) == 0


@formula("eq-il-two")
def test_the_threshold_at_depth_two():
    r, s, f = 1.3, 0.2, 0.7
    log = incremental.log_threshold(2, r, (s, f))
    exact = (r * np.log(s / (1 - s)) - np.log(f * r / (1 - f))) / (r - 1)
    assert log == pytest.approx(exact, rel=1e-2)
    start = np.exp(log)
    assert np.log(f / (1 - f)) - np.log(start / (r - start)) == pytest.approx(
        r * (np.log(s / (1 - s)) - np.log(start / (1 - start))), rel=1e-9)


@formula("eq-il-deep")
def test_the_threshold_beyond():
    for depth in (3, 4):
        p, r = 1 - 2 / depth, 1.01
        c = r ** (-1 - p) * incremental.finite_part(depth, 0.75) - incremental.finite_part(depth, 0.25)
        assert incremental.log_threshold(depth, r) == pytest.approx(np.log((r - 1) / (p * c * r)) / p, abs=2e-3)


@formula("eq-il-steps")
def test_the_exponent_of_steps():
    growth = np.log([1 + 2 * 0.25 * 2, 1 + 2 * 0.25 * 1])  # η = 1/4, r = 2
    assert incremental.ratio_of_steps(2.0, 1.0) == pytest.approx(growth[0] / growth[1])
    one, other = (incremental.log_second_of_steps(2, 2.0, 1.0, start) for start in (-60.0, -600.0))
    assert (one - other) / 540 == pytest.approx(1 - growth[1] / growth[0], rel=1e-3)
