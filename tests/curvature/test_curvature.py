"""Curvature against dense linear algebra: one table of losses × activations × depths."""

from __future__ import annotations

import math
import warnings
from itertools import product

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from catapult import curvature, losses
from catapult.datasets import Problem
from catapult.networks import ACTIVATIONS, Network
from catapult.parameters import InputError
from catapult.training import train

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # what it imports uses torch.jit
    from curvlinops import HessianLinearOperator

DEPTHS = {1: (4, 1), 2: (4, 5, 1), 3: (4, 5, 3, 1)}
CASES = list(product(losses.LOSSES, ACTIVATIONS, DEPTHS))
ROUNDING = {"rtol": 1e-11, "atol": 1e-12}  # float64, double backward through three layers


def data(n=9, d=4):
    generator = torch.Generator().manual_seed(5)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return X, torch.sign(torch.randn(n, generator=generator, dtype=torch.float64))


def case(loss, activation, depth, parametrization="ntk"):
    network = Network(DEPTHS[depth], activation, parametrization)
    return network, curvature.mean_loss(network, loss, *data()), network.initialise(0)


def noise(size):
    return torch.randn(size, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


@pytest.mark.parametrize(("loss", "activation", "depth"), CASES)
def test_sharpness_is_the_largest_eigenvalue_of_the_dense_hessian(loss, activation, depth):
    _, mean_loss, weights = case(loss, activation, depth)
    dense = torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, weights))[-1].item()
    value, vector = curvature.sharpness(mean_loss, weights)
    assert value == pytest.approx(dense, rel=1e-4)  # the tolerance that Lanczos is asked for
    assert vector.norm().item() == pytest.approx(1, rel=1e-12)
    hessian = curvature.hessian_vector_product(mean_loss, weights)
    assert (vector @ hessian(vector)).item() == pytest.approx(value, rel=1e-12)  # the Rayleigh quotient


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "activation", "depth"), CASES)
def test_hessian_vector_product_is_the_dense_product(loss, activation, depth):
    _, mean_loss, weights = case(loss, activation, depth)
    hessian = curvature.hessian_matrix(mean_loss, weights)
    vector = noise(len(hessian))
    product_with = curvature.hessian_vector_product(mean_loss, weights)
    torch.testing.assert_close(product_with(vector), hessian @ vector, **ROUNDING)


@pytest.mark.parametrize("loss", losses.LOSSES.values(), ids=lambda loss: loss.name)
def test_hessian_of_the_linear_predictor_is_the_closed_form_of_the_mean_loss(loss):
    network = Network((4, 1), parametrization="standard")
    X, y = data()
    [w] = network.initialise(1)
    expected = X.T @ (loss.curvature(y * (X @ w[0]))[:, None] * X) / len(X)
    mean_loss = curvature.mean_loss(network, loss, X, y)
    torch.testing.assert_close(curvature.hessian_matrix(mean_loss, [w]), expected, **ROUNDING)


@pytest.mark.parametrize("depth", [2, 3])
def test_hessian_of_a_network_is_the_central_difference_of_gradients(depth):
    _, mean_loss, weights = case("logistic", "tanh", depth)
    sizes, vector, h = [w.numel() for w in weights], noise(sum(w.numel() for w in weights)), 1e-5
    directions = [v.view_as(w) for v, w in zip(vector.split(sizes), weights, strict=True)]

    def gradient(step):
        moved = [(w + step * v).requires_grad_() for w, v in zip(weights, directions, strict=True)]
        return torch.cat([g.flatten() for g in torch.autograd.grad(mean_loss(moved), moved)])

    difference = (gradient(h) - gradient(-h)) / (2 * h)
    # The difference errs by h² ~ 1e-10 and by rounding/h ~ 1e-11.
    torch.testing.assert_close(curvature.hessian_vector_product(mean_loss, weights)(vector), difference,
                               rtol=1e-7, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_warm_and_cold_sharpness_agree_along_a_trajectory(activation):
    _, mean_loss, weights = case("logistic", activation, 3)
    vector = None
    for step in range(20):
        value, vector = curvature.sharpness(mean_loss, weights, vector, seed=step)
        dense = torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, weights))[-1].item()
        assert value == pytest.approx(dense, rel=1e-4)
        leaves = [w.requires_grad_() for w in weights]
        slopes = torch.autograd.grad(mean_loss(leaves), leaves)
        weights = [(w - 3 * g).detach() for w, g in zip(leaves, slopes, strict=True)]


def test_a_dead_network_has_sharpness_zero():
    network = Network((4, 5, 1), "relu")
    X, y = data()
    weights = [-torch.ones(5, 4, dtype=torch.float64), torch.ones(1, 5, dtype=torch.float64)]
    mean_loss = curvature.mean_loss(network, "logistic", X.abs(), y)
    assert curvature.sharpness(mean_loss, weights)[0] == 0


def test_weights_that_are_not_numbers_have_no_curvature():
    network, mean_loss, weights = case("logistic", "tanh", 2)
    weights[0][0, 0] = float("nan")
    assert math.isnan(curvature.sharpness(mean_loss, weights)[0])
    assert math.isnan(curvature.largest_ntk_eigenvalue(network, weights, data()[0]))


@pytest.mark.parametrize("parametrization", ["ntk", "standard"])
@pytest.mark.parametrize(("activation", "depth"), list(product(ACTIVATIONS, DEPTHS)))
def test_ntk_is_the_gram_matrix_of_the_gradients_of_the_outputs(activation, depth, parametrization):
    network, _, weights = case("logistic", activation, depth, parametrization)
    X, _ = data()
    rows = []
    for x in X:
        leaves = [w.clone().requires_grad_() for w in weights]
        gradients = torch.autograd.grad(network.forward(leaves, x[None]).sum(), leaves)
        rows.append(torch.cat([g.flatten() for g in gradients]))
    jacobian = torch.stack(rows)
    torch.testing.assert_close(curvature.ntk_matrix(network, weights, X), jacobian @ jacobian.T, **ROUNDING)
    top = torch.linalg.eigvalsh(jacobian @ jacobian.T)[-1].item() / len(X)
    # Residual tolerance 1e-7: the eigenvalue errs by its square over the gap.
    assert curvature.largest_ntk_eigenvalue(network, weights, X) == pytest.approx(top, rel=1e-10)


@pytest.mark.parametrize("width", [1, 3, 50])
def test_ntk_on_the_degenerate_pair_is_the_lambda_of_the_two_layer_theory(width):
    network = Network((1, width, 1))
    w1, w2 = network.initialise(4)
    X = torch.ones(2, 1, dtype=torch.float64)
    expected = ((w1**2).sum() + (w2**2).sum()).item() / width
    assert curvature.largest_ntk_eigenvalue(network, [w1, w2], X) == pytest.approx(expected, rel=1e-13)


def test_sharpness_is_the_ntk_eigenvalue_for_a_linear_predictor_with_squared_loss():
    network, mean_loss, weights = case("squared", "linear", 1)
    top = curvature.largest_ntk_eigenvalue(network, weights, data()[0])
    assert curvature.sharpness(mean_loss, weights, tolerance=1e-8)[0] == pytest.approx(top, rel=1e-10)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # what curvlinops imports uses it
@pytest.mark.parametrize(("loss", "activation", "outputs"), [
    ("squared", "tanh", 1), ("logistic", "relu", 1), ("logistic", "linear", 1), ("cross_entropy", "tanh", 3)])
def test_sharpness_is_that_of_curvlinops_and_scipy(loss, activation, outputs):
    """An independent oracle: another library's Hessian, of its own model, and another eigensolver."""
    X, y = data()
    network = Network((4, 5, 3, outputs), activation, "standard")
    weights = network.initialise(0)
    kind = {"linear": torch.nn.Identity, "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation]
    layers = [torch.nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=torch.float64) for W in weights]
    for layer, W in zip(layers, weights, strict=True):
        layer.weight.data = W.clone()
    model = torch.nn.Sequential(layers[0], kind(), layers[1], kind(), layers[2])
    # The means of (f − y)², twice ours, of log(1 + exp(−y f)) and of the cross-entropy.
    criterion, targets, factor = {
        "squared": (torch.nn.MSELoss(), y[:, None], 2),
        "logistic": (torch.nn.BCEWithLogitsLoss(), (y[:, None] + 1) / 2, 1),
        "cross_entropy": (torch.nn.CrossEntropyLoss(), torch.arange(len(y)) % 3, 1)}[loss]
    labels = targets if outputs > 1 else y
    hessian = HessianLinearOperator(model, criterion, list(model.parameters()), [(X, targets)], num_data=len(X))
    size = sum(W.numel() for W in weights)
    operator = LinearOperator((size, size), dtype=np.float64, matvec=lambda v: (
        hessian @ torch.tensor(v).reshape(-1)).detach().numpy())
    expected = eigsh(operator, k=1, which="LA", return_eigenvectors=False, tol=1e-10, v0=np.ones(size))[0] / factor
    by_autograd, _ = curvature.sharpness(curvature.mean_loss(network, loss, X, labels), weights, tolerance=1e-9)
    [by_hand], _ = curvature.sharpness_of_runs(network, loss, [W[None] for W in weights], X, labels, tolerance=1e-9)
    assert by_autograd == pytest.approx(expected, rel=1e-8)
    assert by_hand == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_ntk_of_several_outputs_is_the_gram_matrix_of_the_gradients_of_each(activation, depth):
    network = Network((*DEPTHS[depth][:-1], 3), activation)
    weights, (X, _) = network.initialise(0), data()
    jacobian = torch.autograd.functional.jacobian(lambda *W: network.forward(list(W), X), tuple(weights))
    jacobian = torch.cat([block.flatten(2).flatten(0, 1) for block in jacobian], 1)  # a row a sample and output
    torch.testing.assert_close(curvature.ntk_matrix(network, weights, X), jacobian @ jacobian.T, **ROUNDING)
    top = torch.linalg.eigvalsh(jacobian @ jacobian.T)[-1].item() / len(X)
    assert curvature.largest_ntk_eigenvalue(network, weights, X) == pytest.approx(top, rel=1e-10)


@pytest.mark.slow
def test_eigenvalues_at_both_ends_and_their_density_are_those_of_the_dense_hessian():
    _, mean_loss, weights = case("logistic", "tanh", 3)
    dense = torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, weights)).numpy()
    np.testing.assert_allclose(curvature.hessian_eigenvalues(mean_loss, weights, 4), dense[:-5:-1], rtol=1e-3)
    np.testing.assert_allclose(curvature.hessian_eigenvalues(mean_loss, weights, 2, "smallest"), dense[:2], rtol=1e-3)
    grid, width = np.linspace(dense[0] - 1, dense[-1] + 1, 201), 0.2
    exact = np.exp(-(((grid[:, None] - dense) / width) ** 2) / 2).mean(1) / (width * np.sqrt(2 * np.pi))
    found = curvature.hessian_density(mean_loss, weights, grid, width, probes=200)
    assert np.abs(found - exact).max() < 0.1 * exact.max()
    with pytest.raises(InputError, match="allowed: 'largest', 'smallest'"):
        curvature.hessian_eigenvalues(mean_loss, weights, 2, "median")


@pytest.mark.slow
def test_recorded_sharpness_follows_samples_that_overtake_each_other():
    """Orthogonal samples make the Hessian diagonal: its eigenvalues are ℓ''(u_i)|x_i|²/n, and its top changes hands."""
    n = 300
    norms = np.array([6.0, 5.0, *np.random.default_rng(0).uniform(0.05, 1, n - 2)])
    problem = Problem(np.diag(norms), np.ones(n), name="orthogonal")
    network = Network((n, 1), parametrization="standard")
    first = np.zeros((1, n))
    first[0, 0] = -6 / norms[0]  # sample 1 begins far on the wrong side, where the loss is straight, and turns later
    result = train(problem, network, [2.5], loss="logistic", steps=60, record=("loss", "sharpness"),
                   initial_weights=[first])
    w, exact = first[0].copy(), []
    for _ in range(61):
        u = norms * w
        exact.append((1 / (4 * np.cosh(u / 2) ** 2) * norms**2 / n).max())
        w += 2.5 * norms / (1 + np.exp(u)) / n
    assert max(exact) > 1.3 * min(exact)
    np.testing.assert_allclose(result.sharpness[0, 0], exact, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_recorded_sharpness_is_the_dense_eigenvalue_along_a_run_at_a_large_rate(activation):
    X, y = (tensor.numpy() for tensor in data(20, 8))
    network = Network((8, 12, 12, 1), activation)
    mean_loss = curvature.mean_loss(network, "logistic", *map(torch.tensor, (X, y)))
    weights = network.initialise(0)
    large = {"leaky": 2.5, "relu3": 1.5}.get(activation, 3)  # from 3 on these diverge
    eta = large / torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, weights))[-1].item()
    result = train(Problem(X, y), network, [eta], steps=25, record=("loss", "sharpness"))
    for step, recorded in enumerate(result.sharpness.values[0, 0]):
        if step % 3 == 0:
            dense = torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, weights))[-1].item()
            assert recorded == pytest.approx(dense, rel=1e-4)
        leaves = [W.requires_grad_() for W in weights]
        slopes = torch.autograd.grad(mean_loss(leaves), leaves)
        weights = [(W - eta * g).detach() for W, g in zip(leaves, slopes, strict=True)]
