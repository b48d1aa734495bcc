"""The closed tables of losses, activations and data sets: what one more member gets right, and what it is refused.

The members added here are not in the library. Each is added as CONTRIBUTING says, and nothing else is touched.
"""

from __future__ import annotations

import dataclasses
import itertools
import re

import numpy as np
import pytest
import torch

from catapult import curvature, datasets, losses
from catapult.curvature import hessians
from catapult.networks import Network, activations
from catapult.networks.convolutional import ConvolutionalNetwork
from catapult.parameters import InputError
from catapult.theory import certificates, linear_predictor, two_layer
from catapult.training import train
from covering import rest_slow

# A loss: pseudo-Huber, ℓ(u) = √(1 + (1 − u)²) − 1.


def _root(u):
    return (1 + (1 - u) ** 2) ** 0.5


PSEUDO_HUBER = losses.Loss("pseudo-huber", lambda u: _root(u) - 1, lambda u: (u - 1) / _root(u),
                           lambda u: _root(u) ** -3.0, 8**-0.5)


@pytest.fixture
def pseudo_huber(monkeypatch):
    monkeypatch.setitem(losses.LOSSES, "pseudo-huber", PSEUDO_HUBER)
    return "pseudo-huber"


def test_the_predictor_with_another_loss_follows_its_definition(pseudo_huber):
    g = (1 / np.sqrt(2) + 3 / np.sqrt(10)) / 2
    assert linear_predictor.slope(pseudo_huber, 2) == pytest.approx(g, rel=1e-15)
    assert round(float(linear_predictor.critical_learning_rate(pseudo_huber, 2)), 2) == round(4 / g, 2) == 4.83
    for factor, falls in ((0.999, True), (1.001, False)):
        w = linear_predictor.iterate(pseudo_huber, 2.0, factor * 4 / g, 1)
        risk = linear_predictor.risk(pseudo_huber, np.array([[1.0], [-1.0]]), w[:, None])
        assert (risk[1] < risk[0]) == falls


def test_the_critical_rate_of_another_loss_is_continuous_at_0(pseudo_huber):
    w = np.array([0.0, 5e-324, 0.99e-5, 1.01e-5, 1e-4])
    assert linear_predictor.critical_learning_rate(pseudo_huber, w) == pytest.approx(2 * 8**0.5, rel=1e-8)
    assert linear_predictor.cycle_multiplier(pseudo_huber, w) == pytest.approx(1, abs=1e-7)


def test_a_two_layer_network_with_another_loss_is_the_recursion(pseudo_huber):
    w1, w2 = (matrix.numpy().ravel() for matrix in Network((1, 30, 1)).initialise(3))
    f0, ntk0 = w1 @ w2 / 30**0.5, (w1 @ w1 + w2 @ w2) / 30
    critical = float(two_layer.critical_learning_rate(pseudo_huber, f0, ntk0, 30))
    assert two_layer.stability_edge(pseudo_huber, 0.5) == pytest.approx(4 * 8**0.5)
    for factor, rises in ((0.999, False), (1.001, True)):
        run = train(datasets.degenerate_pair(), Network((1, 30, 1)), factor * critical, loss=pseudo_huber, seeds=3,
                    steps=8, record=("loss", "ntk", "sharpness")).isel(learning_rate=0, seed=0)
        f, ntk = two_layer.iterate(pseudo_huber, f0, ntk0, 30, factor * critical, 8)
        mean = (PSEUDO_HUBER.value(f) + PSEUDO_HUBER.value(-f)) / 2
        assert run.loss.values == pytest.approx(mean, rel=1e-10)
        assert run.ntk.values == pytest.approx(ntk, rel=1e-10)
        assert (run.loss[1] > run.loss[0]) == rises


@pytest.mark.parametrize(("call", "lacks"), [
    (lambda loss: linear_predictor.excess_risk(loss, 1.0), "excess on the degenerate pair"),
    (lambda loss: linear_predictor.two_cycle(loss, 9.0), "a solution for its two-cycle"),
    (lambda loss: linear_predictor.predicted_phase(loss, 1.0, 9.0), "a theorem on its phases"),
    (lambda loss: linear_predictor.phase_map(loss, 1.0, 9.0, 100), "a compiled slope"),
    (lambda loss: two_layer.convergence_edge(loss, 1.0, 2.0, 100), "a proved edge of convergence"),
    (lambda loss: two_layer.exit_ntk(loss, 9.0, 100, 1.0), "fourth on the degenerate pair"),
    (lambda loss: two_layer.final_ntk(loss, 1.0, 2.0, 100, 1.0), "a compiled slope"),
    (lambda loss: two_layer.phase_map(loss, 1.0, 2.0, 100, 1.0), "a compiled slope"),
    (lambda loss: certificates.final_ntk(loss, 1, 2, 100, 1), "balls for its slope"),
    (lambda loss: certificates.bits_left(loss, 1, 2, 100, 1, 3), "balls for its slope"),
    (lambda loss: certificates.convergence(loss, 1, 2, 100, (1, 2)), "balls for its slope"),
    (lambda loss: certificates.start_boxes(loss, "0.01", ("0.1", 2), ("0.5", 4)), "balls for its slope"),
    (lambda loss: certificates.one_step_boxes(loss, (1, 2), (1, 2)), "a critical rate that varies with w"),
])
def test_what_another_loss_lacks_is_refused_by_name(pseudo_huber, call, lacks):
    line = re.escape(f"loss = 'pseudo-huber': lacks {lacks}") + r".*; losses that have it: exponential, logistic\b.*$"
    with pytest.raises(InputError, match=line):
        call(pseudo_huber)


def test_what_another_loss_gives_is_used(monkeypatch):
    given = dataclasses.replace(PSEUDO_HUBER, pair=losses.Pair(excess=lambda f: 7 * f, fourth=-3.0))
    monkeypatch.setitem(losses.LOSSES, "pseudo-huber", given)
    assert linear_predictor.excess_risk("pseudo-huber", -2.0) == 14
    h, kappa = 8**-0.5, 0.01
    expected = 2 / h + two_layer.exit_distance(9.0 - 2 / h, kappa, h, -3.0)
    assert two_layer.exit_ntk("pseudo-huber", 9.0, 100, 1.0) == pytest.approx(expected, rel=1e-14)


def test_a_loss_with_the_name_of_another_is_not_taken_for_it():
    impostor = dataclasses.replace(PSEUDO_HUBER, name="logistic")
    assert linear_predictor.slope(impostor, 2) == linear_predictor.slope(PSEUDO_HUBER, 2)
    with pytest.raises(InputError, match="loss = 'logistic': lacks a proved edge"):
        two_layer.convergence_edge(impostor, 1.0, 2.0, 100)


ALL = pytest.mark.parametrize("loss", losses.LOSSES.values(), ids=lambda loss: loss.name)


def giving(quantity):
    """Run a test on the losses of the library that give a quantity on the pair: a loss need not."""
    return pytest.mark.parametrize("loss", [loss for loss in losses.LOSSES.values()
                                            if getattr(loss.pair, quantity) is not None], ids=lambda loss: loss.name)


@ALL
@pytest.mark.parametrize("quantity", losses.DERIVED)
def test_closed_forms_on_the_pair_are_what_the_loss_defines(loss, quantity):
    f = np.geomspace(1e-3, 12, 40)
    derived = dataclasses.replace(loss, pair=losses.Pair()).on_pair(quantity)
    assert loss.on_pair(quantity)(f) == pytest.approx(derived(f), rel=1e-11)  # ℓ'(f) − ℓ'(−f) cancels
    assert loss.on_pair(quantity)(np.zeros(1)) == pytest.approx(derived(np.zeros(1)), rel=1e-15)


@giving("excess")
def test_excess_and_minimum_on_the_pair_are_what_the_loss_defines(loss):
    f = np.linspace(0, 12, 40)
    assert loss.on_pair("excess")(f) + loss.minimum == pytest.approx((loss.value(f) + loss.value(-f)) / 2, rel=1e-14)


@giving("fourth")
def test_the_fourth_derivative_is_that_of_the_loss(loss):
    derivative = u = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    derivative = loss.curvature(u)
    for _ in range(2):
        if not derivative.requires_grad:  # of a constant
            derivative = 0 * u
        [derivative] = torch.autograd.grad(derivative.sum(), u, create_graph=True)
    assert derivative.item() == loss.on_pair("fourth")


# Activations: those of the library that are not linear, and two that are not in it.

ELU = activations.Activation("elu", torch.nn.functional.elu, lambda h: 1 + h.clamp(max=0),
                             lambda h: torch.where(h < 0, 1 + h, 0))
SQUARE = activations.Activation("square", lambda z: z.relu() ** 2, lambda h: 2 * h.sqrt(),
                                lambda h: 2 * (h > 0).to(h), dies=True)
NETWORKS = {"dense": lambda name: Network((4, 5, 3, 1), name), "several outputs": lambda name: Network((4, 5, 2), name),
            "convolutional": lambda name: ConvolutionalNetwork((7, 8, 2), (3, 2), activation=name),
            "standard": lambda name: Network((4, 6, 1), name, "standard")}


NEW = {"elu": ELU, "square": SQUARE}
NAMES = ["softplus", "leaky", "relu3", *NEW]


@pytest.fixture(params=NAMES)
def activation(request, monkeypatch):
    if request.param in NEW:
        monkeypatch.setitem(activations.ACTIVATIONS, request.param, NEW[request.param])
    return request.param


def noisy(network, n=9):
    """Return inputs and labels for a network."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, n)
    return datasets.Problem(rng.normal(size=(n, network.inputs)), y if network.outputs > 1 else 2.0 * y - 1, None, None,
                            "noise")


def tensors(network, problem):
    y = torch.tensor(problem.y)
    return torch.tensor(problem.X), y.long() if network.outputs > 1 else y


def plain_loop(network, problem, rate, steps):
    """Return weights and mean losses of gradient descent as a user of PyTorch writes it, outputs by the definition."""
    X, y = tensors(network, problem)
    loss, W, means = losses.get("logistic", network.outputs), network.initialise(0), []
    for step in range(steps + 1):
        W = [matrix.detach().requires_grad_() for matrix in W]
        mean = loss.of(network.forward_with_hidden(W, X)[0], y).mean()
        means.append(mean.item())
        if step < steps:
            W = [w - rate * g for w, g in zip(W, torch.autograd.grad(mean, W), strict=True)]
    return [matrix.detach() for matrix in W], means


@pytest.mark.parametrize(("activation", "kind"), rest_slow(list(itertools.product(NAMES, NETWORKS))),
                         indirect=["activation"])
def test_training_and_curvature_with_another_activation_are_those_of_autograd(activation, kind):
    network = NETWORKS[kind](activation)
    problem, steps = noisy(network), 6
    X, y = tensors(network, problem)
    mean_loss = curvature.mean_loss(network, "logistic", X, y)
    rate = 1.5 / torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, network.initialise(0)))[-1].item()
    W, means = plain_loop(network, problem, rate, steps)
    flat = torch.cat([matrix.flatten() for matrix in W])
    J = torch.autograd.functional.jacobian(
        lambda v: network.forward_with_hidden(curvature._unflat(v, W), X)[0].flatten(), flat)
    for engine in ("reference", "convolutional" if kind == "convolutional" else "dense"):
        run = train(problem, network, rate, steps=steps, engine=engine, record=("loss", "sharpness", "ntk")).isel(
            learning_rate=0, seed=0)
        assert run.loss.values == pytest.approx(means, rel=1e-10)
        top = torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, W))[-1].item()
        assert run.sharpness.values[-1] == pytest.approx(top, rel=2e-4)  # the tolerance of Lanczos
        assert run.ntk.values[-1] == pytest.approx(torch.linalg.eigvalsh(J @ J.mT)[-1].item() / len(X), rel=1e-9)
    torch.testing.assert_close(curvature.ntk_matrix(network, W, X), J @ J.mT, rtol=1e-10, atol=1e-12)
    times, size = hessians.products(network, losses.get("logistic", network.outputs), [w[None] for w in W], X, y)
    columns = [times(unit[None])[0] for unit in torch.eye(size, dtype=torch.float64)]
    torch.testing.assert_close(torch.stack(columns, 1), curvature.hessian_matrix(mean_loss, W), rtol=1e-10, atol=1e-11)


def test_minibatches_with_another_activation_are_the_same_in_every_engine(activation):
    for kind, engine in (("dense", "dense"), ("convolutional", "convolutional")):
        network = NETWORKS[kind](activation)
        runs = [train(noisy(network), network, [1e-3, 1e-2], seeds=(0, 1), steps=5, batch_size=4, engine=name,
                      record=("loss", "weight_norm")) for name in ("reference", engine)]
        for name in ("loss", "weight_norm"):
            assert runs[1][name].values == pytest.approx(runs[0][name].values, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["slope", "bend"])
def test_a_wrong_derivative_of_an_activation_is_seen(monkeypatch, quantity):
    right = activations.ACTIVATIONS["softplus"]
    wrong = dataclasses.replace(right, **{quantity: lambda h: 1.02 * getattr(right, quantity)(h)})
    monkeypatch.setitem(activations.ACTIVATIONS, "softplus", wrong)
    with pytest.raises(AssertionError):
        test_training_and_curvature_with_another_activation_are_those_of_autograd("softplus", "dense")


def test_a_network_is_dead_where_its_activation_can_die(activation):
    network = Network((1, 2, 1), activation)
    weights = [torch.tensor([[-1.0], [-2.0]]), torch.tensor([[0.0, 0.0]])]
    problem = datasets.Problem(np.array([[1.0], [2.0]]), np.array([1.0, -1.0]), None, None, "two points")
    run = train(problem, network, 1e-9, steps=3, initial_weights=weights, record=("zero_fraction",), engine="reference")
    assert (run.phase.item() == "dead") == (activation in ("relu3", "square"))


@pytest.mark.parametrize("lacks", ["slope", "bend"])
def test_an_activation_without_a_derivative_is_refused(lacks):
    with pytest.raises(InputError, match=f"^activation = 'half': lacks its {lacks}; activations that have it: lin"):
        activations.Activation(**{"name": "half", "value": torch.relu, "slope": torch.sign, "bend": activations.zero,
                                  lacks: None})
