"""Networks: parametrisations, initialisation, forward passes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult.networks import Network
from catapult.networks.activations import ACTIVATIONS
from catapult.parameters import InputError

X = torch.randn(7, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
ROUNDING = {"rtol": 1e-12, "atol": 1e-13}  # float64, sums of a few dozen terms


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_both_parametrisations_are_the_same_function_at_initialisation(activation):
    outputs = []
    for parametrization in ("ntk", "standard"):
        network = Network((6, 5, 4, 1), activation, parametrization)
        outputs.append(network.forward(network.initialise(3), X))
    torch.testing.assert_close(*outputs, **ROUNDING)


def test_the_forward_pass_is_the_formula():
    network = Network((6, 5, 1), "tanh")
    W1, W2 = network.initialise(0)
    expected = 5**-0.5 * W2 @ torch.tanh(6**-0.5 * W1 @ X.T)
    torch.testing.assert_close(network.forward([W1, W2], X), expected[0], **ROUNDING)


@pytest.mark.parametrize("widths", [(6, 1), (6, 5, 1), (6, 5, 4, 1)])
def test_a_linear_network_contracted_from_the_output_side_is_the_same_function(widths):
    network = Network(widths)
    weights = network.initialise(0)
    layer_by_layer, _ = network.forward_with_hidden(weights, X)
    torch.testing.assert_close(network.forward(weights, X), layer_by_layer, **ROUNDING)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_stacked_weights_give_stacked_outputs(activation):
    network = Network((6, 5, 4, 1), activation)
    runs = [network.initialise(seed) for seed in range(3)]
    stacked = network.forward([torch.stack(matrices) for matrices in zip(*runs, strict=True)], X)
    torch.testing.assert_close(stacked, torch.stack([network.forward(run, X) for run in runs]), **ROUNDING)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_several_outputs_keep_their_axis(activation):
    network = Network((6, 5, 3), activation)
    assert network.forward(network.initialise(0), X).shape == (7, 3)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(6, 1), (6, 5, 4, 1), (6, 5, 3)])
def test_an_offset_stands_for_inputs_that_are_not_shown(widths, activation):
    whole = Network(widths, activation, "standard")
    part = Network((4, *widths[1:]), activation, "standard")
    W = whole.initialise(0)
    outputs = part.forward([W[0][:, :4], *W[1:]], X[:, :4], X[:, 4:] @ W[0][:, 4:].T)
    torch.testing.assert_close(outputs, whole.forward(W, X), **ROUNDING)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bend_is_the_second_derivative_of_the_activation(activation):
    network = Network((1, 1), activation)
    z = torch.tensor([[-30.0], [-1.5], [0.2], [0.7], [25.0]], dtype=torch.float64, requires_grad=True)
    [slope] = torch.autograd.grad((network.activate(z) + 0 * z**2).sum(), z, create_graph=True)
    [second] = torch.autograd.grad(slope.sum(), z)
    bend = network.bend(network.activate(z).detach())
    assert (bend is None) == (activation in ("linear", "relu", "leaky"))
    torch.testing.assert_close(torch.zeros_like(second) if bend is None else bend, second, rtol=1e-12, atol=1e-13)


def test_the_activations_of_one_sign_are_their_formulas():
    z = torch.tensor([-2.0, -1e-9, 0.0, 0.5, 3.0], dtype=torch.float64)
    leaky, relu3 = (ACTIVATIONS[name].value(z) for name in ("leaky", "relu3"))
    assert leaky.tolist() == pytest.approx([-0.2, -1e-10, 0, 0.5, 3], rel=1e-15)
    assert relu3.tolist() == [0, 0, 0, 0.125, 27]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_that_overwrites_is_the_same_function(activation):
    z = torch.linspace(-40, 40, 81, dtype=torch.float64)
    member = ACTIVATIONS[activation]
    assert torch.equal(member.over(z.clone()), member.value(z))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_says_whether_it_is_linear_and_whether_it_dies(activation):
    z, member = torch.linspace(-5, 5, 11, dtype=torch.float64), ACTIVATIONS[activation]
    assert torch.equal(member.value(z), z) == member.is_linear
    assert (member.value(z[:5]) == 0).all() == member.dies


def test_softplus_neither_overflows_nor_loses_its_tail():
    for dtype, far, tiny in ((torch.float64, 1e4, 1e-300), (torch.float32, 1e3, 1e-30)):
        z = torch.tensor([-far, -0.95 * abs(np.log(tiny)), far], dtype=dtype)
        h = ACTIVATIONS["softplus"].value(z)
        assert h[0] == 0
        assert tiny < h[1] < tiny**0.9
        assert h[2] == far
        assert ACTIVATIONS["softplus"].slope(h)[1:].tolist() == [h[1].item(), 1]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_slope_is_the_derivative_of_the_activation(activation):
    network = Network((1, 1, 1), activation, "standard")
    z = torch.tensor([[-1.5], [0.0], [0.7]], dtype=torch.float64, requires_grad=True)
    one = torch.ones(1, 1, dtype=torch.float64)
    _, [hidden] = network.forward_with_hidden([one, one], z)
    derivative = torch.autograd.grad(hidden.sum(), z)[0]
    torch.testing.assert_close(network.slope(hidden.detach()).expand(3, 1), derivative, **ROUNDING)


def test_one_seed_gives_the_same_weights_for_every_dtype():
    network = Network((6, 5, 1))
    for single, double in zip(network.initialise(2, "float32"), network.initialise(2), strict=True):
        torch.testing.assert_close(single, double.float(), rtol=0, atol=0)


def test_weights_are_drawn_with_the_stated_variance():
    # 40,000 entries: the standard error of the variance is 0.7 %; 4 % is more than five of them.
    for parametrization, variance in (("ntk", 1.0), ("standard", 1 / 200)):
        first = Network((200, 200, 1), "relu", parametrization).initialise(0)[0]
        assert first.var().item() == pytest.approx(variance, rel=0.04)


def test_different_seeds_differ():
    network = Network((6, 5, 1))
    assert not torch.equal(network.initialise(0)[0], network.initialise(1)[0])


@pytest.mark.parametrize(("arguments", "message"), [
    (((5,),), "at least two whole numbers"),
    (((5, 0, 1),), "at least two whole numbers"),
    (((5, 2.5, 1),), "at least two whole numbers"),
    (((5, True),), "at least two whole numbers"),
    ((("a", 1),), r"widths = \('a', 1\): allowed: at least two whole numbers ≥ 1"),
    (((float("inf"), 1),), "at least two whole numbers"),
    ((5,), "widths = 5: allowed: at least two whole numbers"),
    (((5, 1), "rely"), r"activation = 'rely' \(did you mean 'relu'\?\); allowed: linear, relu, leaky, relu3, sof"),
    (((5, 1), "relu", "nkt"), r"parametrization = 'nkt' \(did you mean 'ntk'\?\); allowed: ntk, standard"),
])
def test_wrong_networks_are_refused_in_one_line(arguments, message):
    with pytest.raises(InputError, match=message):
        Network(*arguments)
