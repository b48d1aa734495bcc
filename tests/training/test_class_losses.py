"""Training and curvature with the losses of several outputs: a plain loop with torch's losses against the engines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult import curvature, losses
from catapult.curvature import hessians
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.networks.convolutional import ConvolutionalNetwork
from catapult.training import train

K, N, STEPS = 3, 7, 6
NETWORKS = {"relu": Network((11, 6, 4, K), "relu"), "tanh": Network((11, 5, K), "tanh", "standard"),
            "linear": Network((11, 14, K)), "predictor": Network((11, K)),
            "convolutional": ConvolutionalNetwork((3, 3, 2), (4,), K, kernel=2, stride=1)}
TORCHS = {
    "cross_entropy": torch.nn.functional.cross_entropy,
    "squared": lambda f, y: ((f - torch.eye(K).to(f)[y]) ** 2).sum(1).mean() / 2,
    "huber": lambda f, y: K * torch.nn.functional.huber_loss(f, torch.eye(K).to(f)[y])}
CASES = pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in losses.CLASS_LOSSES for kind in NETWORKS])


def cloud(network):
    rng = np.random.default_rng(2)
    return Problem(2 * rng.normal(size=(N, network.inputs)), np.arange(N) % K, name="cloud")


def plain_loop(name, network, rate, batches):
    """Return the mean loss over all samples before each update and the weights at the end."""
    X, y, W, means = torch.tensor(cloud(network).X), torch.tensor(cloud(network).y).long(), network.initialise(1), []
    for batch in batches:
        W = [matrix.detach().requires_grad_() for matrix in W]
        f = network.forward_with_hidden(W, X)[0]
        means.append(TORCHS[name](f, y).item())
        slopes = torch.autograd.grad(TORCHS[name](f[batch], y[batch]), W)
        W = [w - rate * g for w, g in zip(W, slopes, strict=True)]
    f = network.forward_with_hidden(W, X)[0]
    return [*means, TORCHS[name](f, y).item()], [w.detach() for w in W]


@pytest.mark.parametrize("batch_size", [None, 3])
@CASES
def test_every_engine_follows_the_plain_loop(name, kind, batch_size):
    network = NETWORKS[kind]
    generator, batches = np.random.default_rng(1), [slice(None)] * STEPS
    if batch_size:
        orders = [generator.permutation(N) for _ in range(STEPS)]
        batches = [order[i:i + batch_size] for order in orders for i in range(0, N, batch_size)][:STEPS]
    means, W = plain_loop(name, network, 0.3, batches)
    assert max(means) < 2 * means[0]
    assert min(means) < means[0]
    for engine in ("reference", "convolutional" if kind == "convolutional" else "dense", "auto"):
        result = train(cloud(network), network, [0.1, 0.3], loss=name, seeds=(0, 1), steps=STEPS, engine=engine,
                       batch_size=batch_size, record=("loss", "weights")).isel(learning_rate=1, seed=1)
        np.testing.assert_allclose(result.loss, means, rtol=1e-10)
        np.testing.assert_allclose(result.weights, torch.cat([w.flatten() for w in W]), rtol=1e-9, atol=1e-11)
        assert result.attrs["loss"] == name


@CASES
def test_curvature_is_that_of_the_dense_hessian(name, kind):
    network, rate = NETWORKS[kind], 0.3
    X, y = torch.tensor(cloud(network).X), torch.tensor(cloud(network).y).long()
    W = plain_loop(name, network, rate, [slice(None)] * 3)[1]
    dense = curvature.hessian_matrix(lambda w: TORCHS[name](network.forward_with_hidden(w, X)[0], y), W)
    times, size = hessians.products(network, losses.get(name, K), [w[None] for w in W], X, y)
    columns = torch.stack([times(unit[None])[0] for unit in torch.eye(size, dtype=torch.float64)], 1)
    torch.testing.assert_close(columns, dense, rtol=1e-10, atol=1e-12)
    result = train(cloud(network), network, rate, loss=name, seeds=1, steps=3, record="sharpness", every=[3])
    top = torch.linalg.eigvalsh(dense)[-1].item()
    assert result.sharpness[0, 0, -1].item() == pytest.approx(top, rel=1e-4)  # the tolerance of Lanczos
