"""The losses: derivatives, values on the degenerate pair, stability far out; numpy and torch alike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from catapult import losses
from catapult.parameters import InputError

ALL = pytest.mark.parametrize("loss", losses.LOSSES.values(), ids=lambda loss: loss.name)
MARGINS = np.linspace(-4, 4, 17)


@ALL
def test_slope_and_curvature_are_the_derivatives(loss):
    u = torch.tensor(MARGINS, requires_grad=True)
    slope = torch.autograd.grad(loss.value(u).sum(), u, create_graph=True)[0]
    curvature = torch.autograd.grad(slope.sum(), u)[0]
    torch.testing.assert_close(loss.slope(u), slope, rtol=1e-13, atol=1e-15)  # float64 rounding
    torch.testing.assert_close(loss.curvature(u).detach(), curvature, rtol=1e-13, atol=1e-15)


@ALL
def test_curvature_at_zero_is_h(loss):
    assert loss.curvature(np.zeros(1))[0] == loss.curvature_at_zero


@ALL
def test_numpy_and_torch_agree(loss):
    for function in (loss.value, loss.slope, loss.curvature):
        result = function(MARGINS)
        assert isinstance(result, np.ndarray)
        np.testing.assert_allclose(result, function(torch.tensor(MARGINS)).numpy(), rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize(("name", "closed_form"), [
    ("exponential", np.cosh),
    ("logistic", lambda f: np.log(2 * np.cosh(f / 2))),
    ("squared", lambda f: 0.5 + f**2 / 2),
])
def test_mean_loss_on_the_degenerate_pair_is_the_closed_form(name, closed_form):
    loss = losses.get(name)
    mean = (loss.value(MARGINS) + loss.value(-MARGINS)) / 2
    np.testing.assert_allclose(mean, closed_form(MARGINS), rtol=1e-14)


def test_squared_loss_of_the_margin_is_the_squared_error():
    f, y = np.array([0.3, -2.0]), np.array([1.0, -1.0])
    np.testing.assert_allclose(losses.squared.value(y * f), (f - y) ** 2 / 2, rtol=1e-15)


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_logistic_loss_neither_overflows_nor_loses_its_tail(convert):
    u = convert(np.array([-1e4, 1e4, 700.0]))
    assert losses.logistic.value(u)[0] == 1e4
    assert losses.logistic.value(u)[1] == 0
    assert losses.logistic.value(u)[2] > 0
    assert losses.logistic.slope(u)[0] == -1
    assert losses.logistic.curvature(u)[0] == 0


def test_unknown_loss_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match=r"'logistc' \(did you mean 'logistic'\?\); known: exponential, "):
        losses.get("logistc")


def test_a_loss_passes_through_get():
    assert losses.get(losses.squared) is losses.squared


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_second_derivative_by_autograd_is_finite_at_any_margin(dtype):
    u = torch.tensor([-1e4, -800.0, -90.0, 0.0, 90.0, 711.0, 1e4], dtype=dtype, requires_grad=True)
    (slope,) = torch.autograd.grad(losses.logistic.value(u).sum(), u, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), u)
    expected = losses.logistic.curvature(u.detach())
    assert torch.allclose(slope.detach(), losses.logistic.slope(u.detach()), rtol=1e-5)
    assert torch.allclose(curvature, expected, rtol=1e-5, atol=1e-30)


def classes(k, n=7):
    """Return outputs (2, n, k) of two runs and class numbers (n,)."""
    generator = torch.Generator().manual_seed(k)
    f = 3 * torch.randn(2, n, k, generator=generator, dtype=torch.float64)
    return f, torch.randint(k, (n,), generator=generator)


TORCHS = {  # of outputs (n, k) and class numbers, a value a sample
    "cross_entropy": lambda f, y: torch.nn.functional.cross_entropy(f, y, reduction="none"),
    "squared": lambda f, y: torch.nn.functional.mse_loss(f, one_hot(f, y), reduction="none").sum(1) / 2,
    "huber": lambda f, y: torch.nn.functional.huber_loss(f, one_hot(f, y), reduction="none", delta=1.0).sum(1)}


def one_hot(f, y):
    return torch.nn.functional.one_hot(y, f.shape[1]).to(f)


@pytest.mark.parametrize("name", losses.CLASS_LOSSES)
@pytest.mark.parametrize("k", [2, 5])
def test_losses_of_classes_and_their_derivatives_are_those_of_torch(name, k):
    (f, y), loss = classes(k), losses.get(name, k)
    f[0, 0, (y[0] + 1) % k] = 0  # a residual of 0, where |r| has no derivative
    f.requires_grad_()
    value = TORCHS[name](f.flatten(0, 1), y.repeat(2)).view(2, -1)
    torch.testing.assert_close(loss.of(f, y), value, rtol=1e-13, atol=1e-15)  # float64 rounding
    [gradient] = torch.autograd.grad(value.sum(), f, create_graph=True)
    torch.testing.assert_close(loss.gradient(f, y), gradient, rtol=1e-13, atol=1e-15)
    change = torch.randn(f.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for slope in (gradient, torch.autograd.grad(loss.of(f, y).sum(), f, create_graph=True)[0]):
        [second] = torch.autograd.grad((slope * change).sum(), f)
        torch.testing.assert_close(loss.second(f, y, change).detach(), second, rtol=1e-12, atol=1e-14)
    assert torch.equal(loss.correct(f, y), f.argmax(-1) == y)
    assert loss.name == name


def test_huber_is_square_within_one_and_straight_beyond():
    f = torch.tensor([[[0.5, 3.0, -4.0]]], dtype=torch.float64)  # class 1: residuals 1/2, 2, −4
    assert losses.huber.of(f, torch.tensor([1])).item() == 1 / 8 + 3 / 2 + 7 / 2
    assert losses.huber.gradient(f, torch.tensor([1])).tolist() == [[[0.5, 1, -1]]]


def test_cross_entropy_of_two_classes_is_the_logistic_loss_of_the_difference():
    f, y = classes(2)
    margin = (2 * y - 1) * (f[..., 1] - f[..., 0])
    torch.testing.assert_close(losses.cross_entropy.of(f, y), losses.logistic.value(margin), rtol=1e-12, atol=1e-14)
    assert torch.equal(losses.cross_entropy.correct(f, y), margin > 0)


@ALL
def test_a_loss_of_outputs_and_labels_is_that_of_the_margin(loss):
    f, y = torch.linspace(-4, 4, 17, dtype=torch.float64, requires_grad=True), torch.tensor([1.0, -1.0]).repeat(9)[:17]
    torch.testing.assert_close(loss.of(f, y), loss.value(y * f))
    [gradient] = torch.autograd.grad(loss.of(f, y).sum(), f, create_graph=True)
    torch.testing.assert_close(loss.gradient(f, y), gradient, rtol=1e-13, atol=1e-15)
    [second] = torch.autograd.grad(gradient.sum(), f)
    torch.testing.assert_close(loss.second(f, y, torch.full_like(f, 2.0)).detach(), 2 * second, rtol=1e-13, atol=1e-15)


def test_the_number_of_outputs_says_which_loss_a_name_means():
    assert losses.get("cross_entropy", 3) is losses.get("logistic", 3) is losses.cross_entropy
    assert losses.get(losses.logistic, 3) is losses.cross_entropy
    assert losses.get("squared", 3) is losses.get(losses.squared, 3) is losses.squared_one_hot
    assert losses.get("squared") is losses.get(losses.squared_one_hot) is losses.squared
    assert losses.get(losses.huber, 3) is losses.get("huber", 3) is losses.huber
    impostor = dataclasses.replace(losses.exponential, name="squared")
    for loss, outputs, line in (
            ("exponential", 3, "loss = 'exponential'; allowed for 3 outputs: cross_entropy, squared, huber"),
            (impostor, 3, "loss = 'squared'; allowed for 3 outputs: cross_entropy, squared, huber"),
            ("cross_entropy", 1, "loss = 'cross_entropy'; allowed for one output: exponential, logistic, squared"),
            (losses.huber, 1, "loss = 'huber'; allowed for one output: exponential, logistic, squared"),
            ("hubr", 3, r"loss: no loss is called 'hubr' \(did you mean 'huber'\?\); known: cross_entropy, squ")):
        with pytest.raises(InputError, match=f"^{line}"):
            losses.get(loss, outputs)
