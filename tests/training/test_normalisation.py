"""Normalisation, momentum and weight decay: torch's layers and optimiser, in a plain loop, against the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult import curvature
from catapult.curvature import hessians
from catapult.datasets import Problem
from catapult.losses import get
from catapult.networks import Network
from catapult.networks.convolutional import ConvolutionalNetwork
from catapult.parameters import InputError
from catapult.training import QUANTITIES, train

N, D, STEPS = 7, 11, 5
WIDTHS = [(D, 6, 5, 1), (D, 6, 3), (D, 4, 1)]
ACTIVATE = {"linear": lambda z: z, "relu": torch.relu, "tanh": torch.tanh}
# More dimensions than samples; two linear layers: what moves in few directions where there is nothing of this.
CASES = pytest.mark.parametrize(("widths", "activation", "normalisation"), [
    (WIDTHS[0], "tanh", "batch"), (WIDTHS[1], "relu", "batch"), (WIDTHS[2], "linear", "batch"),
    (WIDTHS[0], "relu", "layer"), (WIDTHS[1], "tanh", "layer"), (WIDTHS[2], "linear", "layer")])


def cloud(outputs):
    rng = np.random.default_rng(4)
    y, y_test = ((np.arange(n) % outputs if outputs > 1 else np.resize([1.0, -1], n)) for n in (N, 40))
    return Problem(rng.normal(size=(N, D)), y, rng.normal(size=(40, D)), y_test, name="cloud")


class Model(torch.nn.Module):
    """The network as a user of PyTorch writes it, with torch's normalisation; BatchNorm1d keeps the last statistics."""

    def __init__(self, network, weights):
        super().__init__()
        self.network, self.W = network, torch.nn.ParameterList([W.clone() for W in weights])
        kind = {"batch": lambda m: torch.nn.BatchNorm1d(m, eps=1e-5, momentum=1.0, affine=False),
                "layer": lambda m: torch.nn.LayerNorm(m, eps=1e-5, elementwise_affine=False),
                None: lambda m: torch.nn.Identity()}[network.normalisation]
        self.norms = torch.nn.ModuleList([kind(m).double() for m in network.widths[1:-1]])

    def forward(self, a):
        for norm, scale, W in zip(self.norms, self.network.scales, self.W, strict=False):
            a = ACTIVATE[self.network.activation](norm(scale * (a @ W.T)))
        return (self.network.scales[-1] * (a @ self.W[-1].T)).squeeze(-1)


def mean_loss(f, y):
    return (torch.nn.functional.cross_entropy(f, y.long()) if f.ndim == 2
            else torch.nn.functional.softplus(-y * f).mean())


def plain_loop(network, rates, batches, momentum=0.0, weight_decay=0.0, seed=1):
    """Train the model by torch.optim.SGD; return it and the loss over all samples before each update."""
    data = cloud(network.outputs)
    X, y, model, losses = torch.tensor(data.X), torch.tensor(data.y), Model(network, network.initialise(seed)), []
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0, momentum=momentum, weight_decay=weight_decay)
    for rate, batch in zip(rates, batches, strict=True):
        losses.append(mean_loss(model(X), y).item())
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        mean_loss(model(X[batch]), y[batch]).backward()
        optimiser.step()
    return model, [*losses, mean_loss(model(X), y).item()]


def minibatches(size, seed=1):
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(N) for _ in range(STEPS)]
    return [order[i:i + size] for order in orders for i in range(0, N, size)][:STEPS]


def assert_same(result, model, losses, network):
    np.testing.assert_allclose(result.loss, losses, rtol=1e-10)
    for W, expected in zip(network.matrices(result.weights.values), model.W, strict=True):
        np.testing.assert_allclose(W, expected.detach(), rtol=1e-9, atol=1e-12)
    norm = torch.cat([W.detach().flatten() for W in model.W]).norm().item()
    assert result.weight_norm.values[-1] == pytest.approx(norm, rel=1e-12)
    data = cloud(network.outputs)
    with torch.no_grad():
        model(torch.tensor(data.X))  # the statistics of the training set ...
        for norm in model.norms if network.normalisation == "batch" else []:
            norm.running_var *= (N - 1) / N  # torch trains with the variance over n, and keeps that over n − 1
        f = model.eval()(torch.tensor(data.X_test))  # ... for the test set
    right = f.argmax(1).numpy() == data.y_test if f.ndim == 2 else f.numpy() * data.y_test > 0
    assert result.test_accuracy.values[-1] == right.mean()
    assert 0 < right.mean() < 1


@pytest.mark.parametrize("batch_size", [None, 3])
@CASES
def test_a_normalised_network_is_trained_as_with_the_layers_of_torch(widths, activation, normalisation, batch_size):
    network = Network(widths, activation, "standard", normalisation)
    batches = minibatches(batch_size) if batch_size else [slice(None)] * STEPS
    if any(len(b) == 1 for b in batches if batch_size) and normalisation == "batch":
        batches, batch_size = minibatches(4), 4  # torch refuses a variance of one sample
    result = train(cloud(widths[-1]), network, [0.1, 0.4], seeds=(0, 1), steps=STEPS, batch_size=batch_size,
                   record=("loss", "weights", "weight_norm", "test_accuracy"))
    assert result.attrs["engine"] == "reference"
    assert_same(result.isel(learning_rate=1, seed=1), *plain_loop(network, [0.4] * STEPS, batches), network)


@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.9, 0.0), (0.0, 0.1), (0.5, 0.02)])
@pytest.mark.parametrize(("widths", "activation", "normalisation", "batch_size"), [
    (WIDTHS[2], "linear", None, None), (WIDTHS[0], "relu", None, 3), (WIDTHS[1], "tanh", "batch", None)])
def test_momentum_and_weight_decay_are_those_of_torch(widths, activation, normalisation, batch_size, momentum,
                                                      weight_decay):
    network = Network(widths, activation, "ntk", normalisation)
    result = train(cloud(widths[-1]), network, 1.5, seeds=1, steps=STEPS, batch_size=batch_size, schedule="cosine",
                   momentum=momentum, weight_decay=weight_decay, record=("loss", "weights", "weight_norm",
                                                                         "test_accuracy"))
    rates = [1.5 * (1 + np.cos(np.pi * step / STEPS)) / 2 for step in range(STEPS)]
    batches = minibatches(batch_size) if batch_size else [slice(None)] * STEPS
    assert result.attrs["engine"] == "reference"
    assert_same(result[{"learning_rate": 0, "seed": 0}],
                *plain_loop(network, rates, batches, momentum, weight_decay), network)


def test_convolutional_networks_have_momentum_and_weight_decay_too():
    network = ConvolutionalNetwork((1, 1, D), (4,), activation="tanh", kernel=1)
    dense = Network((D, 4, 1), "tanh")
    call = {"steps": 6, "momentum": 0.8, "weight_decay": 0.1, "record": ("loss", "weight_norm")}
    ours, theirs = (train(cloud(1), kind, 0.7, **call) for kind in (network, dense))
    for name in ("loss", "weight_norm"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-12)


@pytest.mark.slow
@CASES
def test_curvature_of_a_normalised_network_is_that_of_dense_matrices(widths, activation, normalisation):
    network = Network(widths, activation, "ntk", normalisation)
    model, _ = plain_loop(network, [0.5] * 3, [slice(None)] * 3)
    data, names, W = cloud(widths[-1]), [name for name, _ in model.named_parameters()], [w.detach() for w in model.W]
    X, y, flat = torch.tensor(data.X), torch.tensor(data.y), torch.cat([w.flatten() for w in W])

    def outputs(vector):
        return torch.func.functional_call(model, dict(zip(names, network.matrices(vector), strict=True)), X)

    model.norms.requires_grad_(False)
    for norm in model.norms:
        norm.track_running_stats, norm.running_mean, norm.running_var = False, None, None  # of the batch, as it trained
    H = torch.autograd.functional.hessian(lambda vector: mean_loss(outputs(vector), y), flat)
    J = torch.autograd.functional.jacobian(lambda vector: outputs(vector).flatten(), flat)
    result = train(data, network, 0.5, seeds=1, steps=3, every=[3], record=("sharpness", "ntk", "eigenvalues"))
    largest = torch.linalg.eigvalsh(H).numpy()[::-1]
    assert result.sharpness[0, 0, -1].item() == pytest.approx(largest[0], rel=1e-4)  # the tolerance of Lanczos
    np.testing.assert_allclose(result.eigenvalues[0, 0, -1], largest[:5], rtol=1e-3, atol=1e-6 * largest[0])
    assert result.ntk[0, 0, -1].item() == pytest.approx(torch.linalg.eigvalsh(J @ J.T)[-1].item() / N, rel=1e-9)
    torch.testing.assert_close(curvature.ntk_matrix(network, W, X), J @ J.T, rtol=1e-9, atol=1e-11)
    times, size = hessians.products(network, get("logistic", network.outputs), [w[None] for w in W], X,
                                    y.long() if network.outputs > 1 else y)
    torch.testing.assert_close(torch.stack([times(unit[None])[0] for unit in torch.eye(size).double()]), H, rtol=1e-9,
                               atol=1e-11)


@pytest.mark.slow
def test_every_quantity_of_a_normalised_network_is_recorded():
    network = Network((D, 4, 3), "relu", normalisation="batch")
    result = train(cloud(3), network, 0.1, steps=1, record=tuple(QUANTITIES), momentum=0.5, weight_decay=0.01)
    for name in QUANTITIES:
        assert np.isfinite(result[name]).all()


@pytest.mark.parametrize("engine", ["dense", "linear", "convolutional"])
@pytest.mark.parametrize(("change", "lacks"), [
    ({"momentum": 0.5}, "momentum"), ({"weight_decay": 0.5}, "weight decay"), ("batch", "batch normalisation"),
    ("layer", "layer normalisation")])
def test_fast_engines_refuse_what_they_lack_in_one_line(engine, change, lacks):
    network = Network((D, 4, 1), normalisation=change if isinstance(change, str) else None)
    if engine == "convolutional":
        if isinstance(change, str):
            return  # convolutional networks have no normalisation to be given
        network = ConvolutionalNetwork((1, 1, D), (4,), kernel=1)
    with pytest.raises(InputError, match=f"^engine = '{engine}': lacks {lacks}; allowed: auto, reference$"):
        train(cloud(1), network, 0.1, steps=1, engine=engine, **({} if isinstance(change, str) else change))


def predictor(**options):
    return train(cloud(1), Network((D, 1)), 0.1, steps=1, **options)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: Network((3, 4, 1), normalisation="bach"),
     r"normalisation = 'bach' \(did you mean 'batch'\?\); allowed: None, batch, layer$"),
    (lambda: Network((3, 1), normalisation="batch"), "normalisation = 'batch' needs a hidden layer, and the network "),
    (lambda: predictor(momentum=1.0), "momentum = 1.0; allowed: a number from 0 to below 1"),
    (lambda: predictor(momentum="x"), "momentum = 'x'; allowed: a number from 0 to"),
    (lambda: predictor(weight_decay=-1), "weight_decay = -1; allowed: a finite num"),
    (lambda: predictor(weight_decay=np.inf), "weight_decay = inf; allowed: a fin"),
])
def test_wrong_wishes_are_refused_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
