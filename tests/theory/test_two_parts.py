"""Two-layer linear networks on mixed data: the compiled loop, the effective rate, the scale at the edge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult import curvature
from catapult.chapters.mixed_edge import experiment
from catapult.networks import Network
from catapult.oracles import predictor
from catapult.parameters import InputError
from catapult.theory import two_parts


def drawn(n, d, m, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal((m, d)), rng.standard_normal(m)


def test_the_loop_is_gradient_descent_on_all_weights():
    Z, first, second = drawn(7, 3, 11)
    found = two_parts.follow(Z, first, second, 2.5, [0, 1, 2, 30])
    W, w = (torch.tensor(one, requires_grad=True) for one in (first, second))
    total, expected = np.zeros(3), {}
    for step in range(31):
        v = (W.T @ w).detach().numpy() / 11**0.5
        expected[step] = (v, float(w.detach() @ w.detach()) / 11, total.copy())
        total -= predictor.gradient(Z, v)
        torch.nn.functional.softplus(-torch.tensor(Z) @ W.T @ w / 11**0.5).mean().backward()
        with torch.no_grad():
            for one in (W, w):
                one -= 2.5 * one.grad
                one.grad = None
    for name, part in (("predictor", 0), ("scale", 1), ("pull", 2)):
        np.testing.assert_allclose(found[name], [expected[step][part] for step in found.step.values], rtol=1e-10)


def test_a_linear_predictor_has_the_rate_that_it_is_given():
    """The second layer is so large that it stands still: ηx is the rate of a linear predictor."""
    Z, first, _ = drawn(7, 3, 5)
    run = two_parts.follow(Z, first * 1e-5, 1e5 * np.ones(5), 1e-10, [0, 10, 40])
    np.testing.assert_allclose(two_parts.effective_rate(run, np.array([1.0, 2.0, 0.5])), 1.0, rtol=1e-4)


def test_the_scale_of_the_edge_against_the_hessian_of_a_balanced_network():
    """A network with W₁ = w₂ v*ᵀ √m/|w₂|² is balanced and has the product v*; at x* its Hessian is at the edge."""
    rng = np.random.default_rng(3)
    Z = np.vstack([signs * rng.standard_normal((30, 3)) for signs in (1, -1)]) + 0.3
    minimum, m = predictor.minimiser(Z), 4
    for rate in (2.0, 8.0):
        x = two_parts.edge_scale(predictor.hessian(Z, minimum), minimum, rate, m)
        second = rng.standard_normal(m)
        second *= np.sqrt(m * x) / np.linalg.norm(second)
        first = np.outer(second, minimum) * np.sqrt(m) / (second @ second)
        assert experiment.sharpness(Z, first, second) == pytest.approx(2 / rate, rel=1e-9)
        loss = curvature.mean_loss(Network((3, m, 1)), "logistic", torch.tensor(Z), torch.ones(len(Z)).double())
        scaled = [torch.tensor(first) * np.sqrt(3), torch.tensor(second[None])]  # the engine divides by √d
        whole = curvature.hessian_matrix(loss, scaled).numpy()
        whole[:3 * m] *= np.sqrt(3)
        whole[:, :3 * m] *= np.sqrt(3)
        assert np.linalg.eigvalsh(whole)[-1] == pytest.approx(2 / rate, rel=1e-9)


@pytest.mark.parametrize("dimension", [1, 3])
def test_there_is_a_scale_up_to_the_edge_of_the_flattest_minimum(dimension):
    rng = np.random.default_rng(dimension)
    for width in (1, 30):
        H, minimum = np.cov(rng.standard_normal((dimension, 9))).reshape(dimension, -1), rng.standard_normal(dimension)
        whole = [np.linalg.eigvals(H @ (x * np.eye(dimension) + np.outer(minimum, minimum) / (width * x))).real.max()
                 for x in np.geomspace(1e-4, 1e3, 20_001)]
        flattest = min(whole)
        if dimension == 1:
            assert 2 / flattest == pytest.approx(np.sqrt(width) / (H[0, 0] * abs(minimum[0])), rel=1e-6)
        for rate, exists in ((1.98 / flattest, True), (2.02 / flattest, False)):
            assert np.isfinite(two_parts.edge_scale(H, minimum, rate, width)) == exists


def test_beyond_every_scale_there_is_none():
    assert np.isnan(two_parts.edge_scale(np.eye(1), np.array([3.0]), 10.0, 1))
    assert two_parts.edge_scale(np.eye(1), np.array([0.0]), 10.0, 1) == pytest.approx(0.2)


@pytest.mark.parametrize(("rate", "records", "width"), [(0, [0], 2), (np.inf, [0], 2), (1, [1, 1], 2), (1, [-1], 2),
                                                         (1, [], 2), (1, [0], 3)])
def test_what_is_out_of_range_is_refused(rate, records, width):
    with pytest.raises(InputError, match="allowed"):
        two_parts.follow(np.eye(2), np.eye(2), np.ones(width), rate, records)
