"""Two patterns and the network of two branches: drawn as said, stepped as autograd's plain loop does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult.chapters.start_large.patterns import KINDS, SLOPE, Branches, Patterns

PATTERNS = Patterns(dimension=7, margin=0.3, common=5.0, offset=2.0)
RNG = np.random.default_rng


def few(count=30, seed=1):
    rng = RNG(seed)
    sample = PATTERNS.drawn(rng, rng.integers(0, 3, count))
    return sample, Branches.drawn(rng, 6, PATTERNS.dimension, 0.3, "float64")


def test_inputs_have_the_pattern_of_their_kind_with_its_margin():
    sample = PATTERNS.drawn(RNG(0), np.repeat([0, 1, 2], 4000))
    has_p, has_q = np.repeat([True, False, True], 4000), np.repeat([False, True, True], 4000)
    assert ((np.abs(sample.x1).max(1) > 0) == has_p).all()
    assert ((np.abs(sample.x2).max(1) > 0) == has_q).all()
    signed = (sample.y * sample.x1[:, 0])[has_p] * np.sqrt(PATTERNS.dimension)
    assert signed.min() == pytest.approx(PATTERNS.margin, abs=1e-3)
    density, tail = np.exp(-PATTERNS.margin**2 / 2) / np.sqrt(2 * np.pi), 1 - 0.61791
    assert signed.mean() == pytest.approx(density / tail, abs=0.02)  # of a normal number above a margin
    assert (sample.x1[has_p, 1:] ** 2).mean() * PATTERNS.dimension == pytest.approx(1, abs=0.02)
    assert abs(sample.y.mean()) < 0.03


def test_q_is_three_rays_and_no_line_through_the_origin_tells_them_apart():
    sample = PATTERNS.drawn(RNG(0), np.full(900, KINDS.index("Q alone")))
    slope = sample.x2[:, 1] / sample.x2[:, 0]
    assert set(np.round(slope[sample.y > 0], 9)) == {0.0}
    assert set(np.round(slope[sample.y < 0], 9)) == {-0.4, 0.4}
    assert 0 < sample.x2[:, 0].min() < sample.x2[:, 0].max() < PATTERNS.common


def embedded(sample, weights):
    """Return x2 and V in seven dimensions, in which z and ζ are any two orthogonal directions."""
    plane = np.linalg.qr(RNG(5).standard_normal((7, 2)))[0].T
    return sample.x2 @ plane, weights @ plane


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_are_those_of_autograd_on_inputs_of_all_dimensions(decay):
    sample, network = few()
    x2, V = embedded(sample, network.V[0])
    weights = [torch.tensor(each, requires_grad=True) for each in (network.W[0], V)]
    x1, x2, y, a = (torch.tensor(each) for each in (sample.x1, x2, sample.y, network.a))

    def outputs():
        return sum(torch.nn.functional.leaky_relu(x @ w.T, SLOPE) @ a for w, x in zip(weights, (x1, x2), strict=True))

    rates = np.array([0.1, 1.7])
    networks = network.repeated(2)
    for _ in range(25):
        networks = networks.stepped(sample, rates, decay)
        objective = torch.nn.functional.softplus(-y * outputs()).mean() + decay / 2 * sum((w**2).sum() for w in weights)
        gradients = torch.autograd.grad(objective, weights)
        with torch.no_grad():
            for w, gradient in zip(weights, gradients, strict=True):
                w -= rates[1] * gradient
    f = outputs().detach().numpy()
    np.testing.assert_allclose(networks.outputs(sample)[1], f, rtol=1e-9)
    assert np.abs(networks.outputs(sample)[0] - f).max() > 1e-3
    assert networks.loss(sample)[1] == pytest.approx(np.log1p(np.exp(-sample.y * f)).mean())
    assert networks.accuracy(sample)[1] == (sample.y * f > 0).mean()


def test_noise_is_added_to_the_gradient_and_not_to_the_step():
    sample, network = few()
    rate, deviation = 0.25, 3.0
    plain = network.stepped(sample, np.array([rate]), 0.0)
    noisy = network.stepped(sample, np.array([rate]), 0.0, np.array([deviation]), RNG(2))
    normal = RNG(2).standard_normal(network.W.shape)
    np.testing.assert_allclose(noisy.W, plain.W - rate * deviation * normal, rtol=1e-12)
    assert np.abs(noisy.V - plain.V).min() > 0


def test_the_sharpness_is_the_largest_eigenvalue_of_the_dense_hessian():
    sample, network = few()
    a, y = torch.tensor(network.a), torch.tensor(sample.y)
    sizes = [network.W[0].size, network.V[0].size]

    def loss(flat):
        W, V = (part.reshape(6, -1) for part in flat.split(sizes))
        f = sum(torch.nn.functional.leaky_relu(torch.tensor(x) @ w.T, SLOPE) @ a
                for w, x in ((W, sample.x1), (V, sample.x2)))
        return torch.nn.functional.softplus(-y * f).mean()

    flat = torch.tensor(np.concatenate([network.W[0].ravel(), network.V[0].ravel()]))
    dense = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat))[-1].item()
    assert network.sharpness(sample) == pytest.approx(dense, rel=1e-10)
