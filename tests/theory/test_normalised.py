"""Square loss with a normalised predictor: equilibrium, memory and length at the end, each by a second way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from catapult.oracles import normalised as oracle
from catapult.theory import normalised, scale_invariant

RNG = np.random.default_rng(1)
Z, V = RNG.standard_normal((5, 9)), RNG.standard_normal(9)
V /= np.linalg.norm(V)


def test_the_equilibrium_is_where_the_loss_is_least_along_rho():
    outputs = RNG.uniform(0.2, 1, 7)
    found = minimize(lambda rho: ((rho * outputs - 1) ** 2).sum() + 0.3 * rho[0] ** 2, [1.0], tol=1e-12)
    assert normalised.equilibrium(outputs, 0.3) == pytest.approx(found.x[0], rel=1e-5)


def test_the_shortest_interpolating_predictor_is_that_of_a_quadratic_program():
    found = minimize(lambda w: w @ w / 2, np.zeros(9), jac=lambda w: w,
                     constraints={"type": "eq", "fun": lambda w: Z @ w - 1, "jac": lambda w: Z},
                     options={"ftol": 1e-14})
    np.testing.assert_allclose(normalised.least_norm(Z), found.x, atol=1e-6)


@pytest.mark.parametrize(("start", "decay"), [(0.3, 0.0), (2.0, 0.0), (2.0, 0.1)])
def test_the_unseen_part_is_remembered_as_the_law_says(start, decay):
    rho, v, decayed = oracle.flow(Z, start, V, decay, 5.0)
    assert np.linalg.norm(v) == pytest.approx(1, abs=1e-8)
    left = normalised.remembered(rho, start, decayed) * normalised.outside(Z, V)
    np.testing.assert_allclose(normalised.outside(Z, v), left, atol=1e-8)


@pytest.mark.parametrize("start", [0.1, 1.0, 3.0])
def test_the_length_at_the_end_is_that_of_the_flow(start):
    least, unseen = (np.linalg.norm(each) for each in (normalised.least_norm(Z), normalised.outside(Z, V)))
    rho, v, _ = oracle.flow(Z, start, V, 0.0, 200.0)
    np.testing.assert_allclose(Z @ (rho * v), 1, atol=1e-6)
    assert normalised.length_at_end(least, unseen, start) == pytest.approx(abs(rho), rel=1e-7)  # ρ may turn its sign


def test_the_flow_with_decay_ends_at_ridge_regression():
    rho, v, _ = oracle.flow(Z, 0.5, V, 0.2, 200.0)
    ridge = np.linalg.solve(Z.T @ Z + 0.2 * np.eye(9), Z.T @ np.ones(5))
    np.testing.assert_allclose(rho * v, ridge, atol=1e-6)
    np.testing.assert_allclose(oracle.plain(Z, V, 0.2, 200.0), ridge, atol=1e-9)


def test_the_plain_flow_is_that_of_small_steps():
    w, h = V.copy(), 1e-4
    for _ in range(2000):
        w = w - h * (2 * Z.T @ (Z @ w - 1) + 2 * 0.1 * w)
    np.testing.assert_allclose(oracle.plain(Z, V, 0.1, 0.2), w, atol=2e-3)


def test_a_scaled_weight_moves_as_at_the_effective_rate():
    def stepped(w, rate):
        w = torch.tensor(w, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(w[0] ** 2 * w[1] / (w @ w) ** 1.5, w)
        return (w - rate * slope).detach().numpy(), float(slope @ slope)

    w = np.array([1.0, 0.5])
    (near, slope), (far, _) = stepped(w, 0.3), stepped(3 * w, 2.7)
    np.testing.assert_allclose(far, 3 * near, rtol=1e-12)
    assert scale_invariant.effective_rate(0.3, w @ w) == pytest.approx(scale_invariant.effective_rate(2.7, 9 * w @ w))
    assert scale_invariant.length_after_step(w @ w, slope, 0.3, 0.0) == pytest.approx(near @ near)
