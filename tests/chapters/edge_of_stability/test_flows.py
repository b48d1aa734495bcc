"""The Chebyshev task against autograd, its flows against each other, and the formula of the central flow."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult.chapters.edge_of_stability import experiment, flows, outcomes
from catapult.chapters.edge_of_stability.polynomial import Fit
from formulas import Formulas

FIT = Fit(6)
formulas = Formulas("edge-of-stability")


def mean_loss(w):
    weights = [torch.as_tensor(matrix) for matrix in FIT.matrices(w.detach().numpy()[None])]
    first = 0
    for number, matrix in enumerate(weights):
        weights[number] = w[first:first + matrix.numel()].view(matrix.shape[1:])
        first += matrix.numel()
    outputs = FIT.network.forward(weights, torch.as_tensor(FIT.x))
    return ((outputs - torch.as_tensor(FIT.y)) ** 2).mean() / 2


def autograd(w):
    """Return loss, gradient and dense Hessian of one run, all by autograd."""
    at = torch.as_tensor(w).requires_grad_()
    return (mean_loss(at).item(), torch.autograd.grad(mean_loss(at), at)[0].numpy(),
            torch.autograd.functional.hessian(mean_loss, at).numpy())


def test_loss_gradient_hessian_and_sharpness_are_those_of_autograd():
    w = FIT.start([3, 4])
    losses, gradients = FIT.slope(w)
    values, vectors = FIT.sharpness(w)
    for run in range(2):
        loss, gradient, H = autograd(w[run])
        assert losses[run] == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(gradients[run], gradient, atol=1e-12)
        np.testing.assert_allclose(FIT.hessian(w[run]), H, atol=1e-8)
        assert values[run] == pytest.approx(np.linalg.eigvalsh(H)[-1], rel=2e-3)
        np.testing.assert_allclose(FIT.product(w, vectors)[run], H @ vectors[run], atol=1e-7)
    assert FIT.y[[0, -1]] == pytest.approx([1, 1])


def test_the_bend_is_the_gradient_of_the_sharpness():
    w = FIT.start([3])
    v = np.linalg.eigh(autograd(w[0])[2])[1][:, -1:].T
    towards = np.random.default_rng(0).normal(size=w.shape[1])
    towards /= np.linalg.norm(towards)
    ends = [np.linalg.eigvalsh(autograd(w[0] + sign * 1e-4 * towards)[2])[-1] for sign in (1, -1)]
    assert FIT.bend(w, v)[0] @ towards == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-4)


def test_descent_at_a_small_rate_and_both_methods_are_gradient_flow():
    w, times = FIT.start([3]), np.linspace(0, 4, 3)
    flow = flows.gradient_flow(FIT, w[0], times)
    np.testing.assert_allclose(flow, flows.gradient_flow(FIT, w[0], times, "LSODA"), atol=1e-3)
    _, descended = experiment.descend(FIT, w, 1e-3, times)
    np.testing.assert_allclose(flow, descended[:, 0], atol=2e-3)


def starting_at_the_edge(times):
    """Return weights, a rate at which they are at the edge, and gradient flow, which goes beyond."""
    for seed in range(20):
        w = FIT.start([seed])
        flow, S = flows.gradient_flow(FIT, w[0], times), FIT.sharpness(w)[0][0]
        if FIT.sharpness(flow[-1:])[0][0] > 1.03 * S:
            return w, 2 / S, flow
    raise AssertionError("no seed of twenty sharpens")


@pytest.mark.slow
@formulas("eq-edge-central")
def test_the_central_flow_holds_the_sharpness_where_gradient_flow_raises_it():
    times = np.linspace(0, 3, 4)
    w, rate, _ = starting_at_the_edge(times)
    held, S, variance = flows.central(FIT, w, rate, times, 0.01)
    other, T, pushed = flows.projected(FIT, w, rate, times, 0.01)
    assert FIT.sharpness(held[-1])[0][0] * rate / 2 == pytest.approx(1, abs=2e-3)
    np.testing.assert_allclose(held[-1], other[-1], atol=2e-3 * np.linalg.norm(held[-1] - w))
    assert S[-1, 0] == pytest.approx(T[-1, 0], rel=2e-3)
    assert pushed[1:].mean() > 0
    assert variance[1:].mean() == pytest.approx(pushed[1:].mean(), rel=0.2)


def test_every_formula_is_checked():
    formulas.assert_complete(at_least=1)


def test_rises_counts_pairs_by_lag():
    losses = np.array([3.0, 2.0, 2.5, 1.0, 1.5])
    np.testing.assert_allclose(experiment.rises(losses, [1, 2, 9]), [0.5, 0, np.nan])


def test_the_edge_is_the_second_half_from_the_first_crossing():
    assert outcomes.at_edge(np.array([0.5, 0.9, 1.5, 2.0, 1.0, 1.2])) == pytest.approx(1.1)
    assert np.isnan(outcomes.at_edge(np.array([0.5, 0.9])))
    assert outcomes.crossing(np.array([0.5, 0.9])) == 2
