"""Every displayed formula of the chapter on the square loss with normalisation."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch

from catapult.chapters.square_loss_normalisation import collapse
from catapult.networks import Network
from catapult.oracles import normalised as oracle
from catapult.theory import normalised, scale_invariant
from formulas import Formulas

formula = Formulas("square-loss-normalisation")


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=4)


@formula("eq-sn-equilibrium")
def test_the_equilibrium_of_rho_and_its_flow():
    rho, decay, a, b = sympy.symbols("rho lambda a b", positive=True)
    loss = (rho * a - 1) ** 2 + (rho * b - 1) ** 2 + decay * rho**2
    found = (a + b) / (decay + a**2 + b**2)
    assert sympy.simplify(-loss.diff(rho) - 2 * (a + b - rho * (decay + a**2 + b**2))) == 0
    assert sympy.simplify(loss.diff(rho).subs(rho, found)) == 0
    number = float(found.subs({a: 0.5, b: 2, decay: 0.1}))
    assert normalised.equilibrium(np.array([0.5, 2.0]), 0.1) == pytest.approx(number)


@formula("eq-sn-memory")
def test_the_memory_of_the_start():
    rng = np.random.default_rng(4)
    Z, v = rng.standard_normal((4, 7)), rng.standard_normal(7)
    v /= np.linalg.norm(v)
    rho, end, decayed = oracle.flow(Z, 1.5, v, 0.05, 3.0)
    law = np.exp(-(rho**2 - 1.5**2) / 2 - 2 * decayed) * normalised.outside(Z, v)
    np.testing.assert_allclose(normalised.outside(Z, end), law, atol=1e-8)


@formula("eq-sn-excess")
def test_the_least_norm_is_a_bound_and_nearly_reached():
    n, m, K = 40, 10, 5
    y, network = np.arange(n) % K, Network((8, 48, m, K), "relu", "standard", "batch")
    X, W = torch.tensor(np.random.default_rng(2).standard_normal((n, 8))), network.initialise(1)
    outputs, (first, hidden) = network.forward_with_hidden(W, X)
    assert float((hidden**2).mean()) <= 1
    assert collapse.excess(outputs.numpy(), W[-1].numpy()) >= 1
    assert np.linalg.matrix_rank(first.numpy()) == n  # as many units as points: any preactivations can be had
    unit_of = np.arange(m) % K
    codes = torch.tensor((y[:, None] == unit_of) * 1.0)
    W[1] = torch.linalg.lstsq(first, codes).solution.T.contiguous()
    W[2] = torch.tensor((unit_of == np.arange(K)[:, None]) / ((m / K) * (K - 1) ** 0.5))
    outputs, _ = network.forward_with_hidden(W, X)
    np.testing.assert_allclose(outputs.numpy(), np.eye(K)[y], atol=1e-3)
    assert float(W[2].norm()) == pytest.approx(K / (m * (K - 1)) ** 0.5)
    assert collapse.excess(outputs.numpy(), W[2].numpy()) == pytest.approx((K / (K - 1)) ** 0.5, rel=1e-3)


@formula("eq-sn-step")
def test_the_length_after_a_step():
    w, g = np.array([2.0, 1.0]), np.array([-0.5, 1.0])  # orthogonal
    after = w - 0.3 * (g + 0.1 * w)
    assert scale_invariant.length_after_step(w @ w, g @ g, 0.3, 0.1) == pytest.approx(after @ after)


@pytest.mark.parametrize(("normalisation", "out"), [("batch", 0.0), (None, -1.0)])
def test_outputs_have_a_zero_direction_a_unit_with_normalisation_and_without(normalisation, out):
    network = Network((4, 5, 3), "relu", "standard", normalisation)
    X, W = torch.tensor(np.random.default_rng(3).standard_normal((30, 4))), network.initialise(0)
    first, last = torch.autograd.functional.jacobian(lambda *W: network.forward(list(W), X), tuple(W))
    for unit in range(5):  # along the weights into it, and against those out of it
        change = first[:, :, unit] @ W[0][unit] + out * last[:, :, :, unit] @ W[1][:, unit]
        assert float(change.abs().max()) < 1e-4
        assert float((first[:, :, unit] @ W[0][unit]).abs().max()) < 1e-4 or normalisation is None
