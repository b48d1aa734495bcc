"""Diagonal networks: the laws of the weights, the flow against explicit steps, the program against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from catapult.oracles import diagonal as oracle
from catapult.parameters import InputError
from catapult.theory import _diagonal, diagonal

Z = np.random.default_rng(5).standard_normal((4, 9)) + np.array([0.6] * 2 + [0] * 7)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_weights_obey_their_equation(depth):
    start, y, h = np.array([[0.7] * 3, [-0.6] * 3]), np.array([0.1, -0.05, 0.02]), 1e-6
    slope = (diagonal.weights(depth, start, y + h) - diagonal.weights(depth, start, y - h)) / (2 * h)
    u = diagonal.weights(depth, start, y)
    np.testing.assert_allclose(slope, depth * u ** (depth - 1) * [[1.0], [-1.0]], rtol=1e-7)
    np.testing.assert_allclose(diagonal.weights(depth, start, 0 * y), start)


def test_depth_two_is_a_hyperbolic_sine():
    y = np.array([0.3, -1.2])
    w = diagonal.predictor(2, diagonal.weights(2, diagonal.start_at(0.4), y))
    np.testing.assert_allclose(w, 2 * 0.4**2 * np.sinh(4 * y), rtol=1e-12)


def test_beyond_its_end_a_deep_weight_is_no_number():
    assert np.isnan(diagonal.weights(3, diagonal.start_at(1.0), np.array([0.34]))[0]).all()


@pytest.mark.parametrize(("depth", "scale"), [(1, 1.0), (2, 1.0), (2, 0.2), (3, 0.8), (4, 1.0)])
def test_the_flow_is_that_of_explicit_steps(depth, scale):
    found = diagonal.flow(Z, depth, diagonal.start_at(scale), np.array([0.5, 1.0]))
    np.testing.assert_allclose(found.w[1], oracle.flow(Z, depth, scale, 1.0, steps_each=800), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(diagonal.log_loss(Z, found.w), -np.log(10) * np.array([0.5, 1.0]), rtol=1e-5)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_jacobian_is_that_of_the_velocity(depth):
    start, nu = np.full((2, 9), 0.8), np.array([0.02, 0.03, 0.01, 0.0])
    columns = [(_diagonal.velocity(Z, depth, start, nu + e) - _diagonal.velocity(Z, depth, start, nu - e)) / 2e-6
               for e in 1e-6 * np.eye(4)]
    exact = _diagonal.jacobian(Z, depth, start, nu)
    np.testing.assert_allclose(exact, np.array(columns).T, rtol=1e-5, atol=1e-7 * np.abs(exact).max())


def test_a_tighter_tolerance_changes_little():
    rough, fine = (diagonal.flow(Z, 3, diagonal.start_at(0.1), np.array([1.0, 1000.0]), tolerance).w
                   for tolerance in (1e-8, 1e-10))
    np.testing.assert_allclose(rough, fine, rtol=1e-4, atol=1e-5 * np.abs(fine).max())


@pytest.mark.parametrize("ratio", [0.1, 3.0, 100.0])
def test_the_program_at_depth_two_is_solved(ratio):
    solved = diagonal.program(Z, 2, ratio)
    assert solved.gap < 1e-9
    assert solved.violation < 1e-9

    def objective(w):
        return (w * np.arcsinh(w / 2) - np.sqrt(w**2 + 4)).sum() / 4

    plain = minimize(objective, solved.w + 0.01 * ratio, constraints={"type": "ineq", "fun": lambda w: Z @ w - ratio},
                     method="SLSQP", options={"ftol": 1e-14, "maxiter": 500})
    assert objective(solved.w) == pytest.approx(plain.fun, rel=1e-6)


def test_the_limits_of_the_program_are_the_two_margins():
    for ratio, least in ((1e-3, diagonal.least_l2(Z)), (1e8, diagonal.least_l1(Z))):
        w = diagonal.program(Z, 3, ratio).w / ratio
        np.testing.assert_allclose(w, least, atol=2e-3 * np.abs(least).max())


def test_losses_out_of_order_are_refused():
    with pytest.raises(InputError, match="decades"):
        diagonal.flow(Z, 2, diagonal.start_at(1.0), np.array([2.0, 1.0]))
