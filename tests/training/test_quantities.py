"""Quantities with a shape of their own: eigenvalues, singular values of features, values by class, weights."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from catapult import curvature
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.networks.convolutional import ConvolutionalNetwork
from catapult.parameters import InputError
from catapult.training import train
from covering import rest_slow

SHAPED = ("eigenvalues", "feature_singular_values", "class_loss", "class_accuracy", "weights")
# Linear networks of two layers move in few directions; with one output they are wide, too: fewer features than units.
NETWORKS = {"relu": Network((8, 6, 4, 1), "relu"), "tanh, three outputs": Network((8, 6, 3), "tanh", "standard"),
            "linear, wide": Network((8, 12, 1)), "linear, wide, three outputs": Network((8, 13, 3)),
            "predictor": Network((8, 1)), "convolutional": ConvolutionalNetwork((2, 2, 2), (3,), kernel=1, stride=1)}
CASES = [(kind, engine) for kind, network in NETWORKS.items() for engine in (
    ["reference", "convolutional"] if kind == "convolutional" else ["reference", "dense", "linear"])
    if engine != "linear" or (network.activation == "linear" and network.outputs == 1 and network.depth > 1)]
CASES = [*((*case, 5) for case in CASES), *((*case, 11) for case in CASES if case[0].startswith("linear"))]


def problem(network, n=5):
    """Fewer samples than dimensions, unless n says otherwise: engines see few directions."""
    rng = np.random.default_rng(n)
    y = rng.permutation(np.arange(n) % 3) if network.outputs > 1 else rng.permutation(np.resize([1.0, -1, -1], n))
    return Problem(rng.normal(size=(n, 8)), y, name="noise")


def by_hand(network, data, rate, steps, seed):
    """Return weights, last features, losses and correctness of each sample before each update: plain autograd."""
    X, y = torch.tensor(data.X), torch.tensor(data.y)
    y, W, seen = y.long() if network.outputs > 1 else y, network.initialise(seed), []
    for _ in range(steps + 1):
        W = [matrix.detach().requires_grad_() for matrix in W]
        f, hidden = network.forward_with_hidden(W, X)
        each = (torch.nn.functional.cross_entropy(f, y, reduction="none") if network.outputs > 1
                else torch.nn.functional.softplus(-y * f))
        right = f.argmax(1) == y if network.outputs > 1 else y * f > 0
        slopes = torch.autograd.grad(each.mean(), W)
        seen.append(([w.detach() for w in W], [h.detach() for h in hidden], each.detach().numpy(), right.numpy()))
        W = [w - rate * g for w, g in zip(W, slopes, strict=True)]
    return seen


@pytest.mark.parametrize(("kind", "engine", "n"), CASES)
def test_features_classes_and_weights_are_those_of_plain_autograd(kind, engine, n):
    network, rate, steps = NETWORKS[kind], 0.7, 4
    data = problem(network, n)
    record = ["class_loss", "class_accuracy", "weights", *(["feature_singular_values"] if network.depth > 1 else [])]
    result = train(data, network, [0.1, rate], seeds=(0, 3), steps=steps, record=record, every=2,
                   engine=engine).isel(learning_rate=1, seed=1)
    seen = by_hand(network, data, rate, steps, 3)
    for step in (0, 2, 4):
        _, hidden, each, right = seen[step]
        if hidden:
            singular = np.linalg.svd(hidden[-1].flatten(1).numpy() / n**0.5, compute_uv=False)
            np.testing.assert_allclose(result.feature_singular_values.sel(step=step), singular, rtol=1e-9, atol=1e-12)
        for c in range(network.outputs) if network.outputs > 1 else (-1, 1):
            at = {"step": step, "class": c}
            assert result.class_loss.sel(at).item() == pytest.approx(each[data.y == c].mean(), rel=1e-11)
            assert result.class_accuracy.sel(at).item() == right[data.y == c].mean()
    assert result.weights.ndim == 1
    for matrix, expected in zip(network.matrices(result.weights.values), seen[-1][0], strict=True):
        np.testing.assert_allclose(matrix, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "engine", "n"), rest_slow(CASES))
def test_eigenvalues_are_those_of_the_dense_hessian_of_all_weights(kind, engine, n):
    network, rate = NETWORKS[kind], 0.7
    data = problem(network, n)
    result = train(data, network, rate, seeds=3, steps=3, record={"eigenvalues": 6}, every=3, engine=engine)
    y = torch.tensor(data.y)
    mean_loss = curvature.mean_loss(network, "logistic", torch.tensor(data.X), y.long() if network.outputs > 1 else y)
    for found, (W, *_) in zip(result.eigenvalues.values[0, 0], by_hand(network, data, rate, 3, 3)[::3], strict=True):
        dense = torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, W)).numpy()[::-1]
        # The tolerance of Lanczos: a thousandth of each, or a millionth of the largest in size.
        np.testing.assert_allclose(found, dense[:6], rtol=1e-3, atol=1e-6 * abs(dense).max())


@pytest.mark.slow
def test_each_has_its_own_dimension_after_that_of_the_step():
    network = Network((8, 6, 3), "relu")
    result = train(problem(network), network, [0.1, 1.0], seeds=(0, 1, 2), steps=3, record=("loss", *SHAPED))
    grid = {"learning_rate": 2, "seed": 3, "step": 4}
    assert dict(result.eigenvalues.sizes) == {**grid, "eigenvalue": 5}
    assert dict(result.feature_singular_values.sizes) == {**grid, "singular_value": 5}  # 5 samples, 6 units
    assert dict(result.class_loss.sizes) == {**grid, "class": 3}
    assert dict(result.weights.sizes) == {"learning_rate": 2, "seed": 3, "weight": 8 * 6 + 6 * 3}
    assert result["class"].values.tolist() == [0, 1, 2]
    alone = train(problem(network), network, 1.0, steps=3, record="weights")
    assert alone.step.values.tolist() == [3]
    assert alone.weights[0, 0].equals(result.weights[1, 0].assign_coords(learning_rate=1.0))


def test_training_goes_on_from_the_weights_that_were_recorded():
    network = Network((8, 6, 1), "tanh")
    whole, first = (train(problem(network), network, 0.5, steps=steps, record=("loss", "weights")) for steps in (7, 4))
    second = train(problem(network), network, 0.5, steps=3, record=("loss", "weights"),
                   initial_weights=network.matrices(first.weights[0, 0].values))
    np.testing.assert_allclose(second.loss[0, 0], whole.loss[0, 0, 4:], rtol=1e-12)
    np.testing.assert_allclose(second.weights, whole.weights, rtol=1e-12)


def test_of_a_run_that_diverged_no_weights_are_left():
    network = Network((8, 6, 1))
    result = train(problem(network), network, [0.1, 1e9], steps=3, record="weights")
    assert result.weights.notnull().all("weight").values.ravel().tolist() == [True, False]


def test_a_class_without_samples_has_no_loss():
    network = Network((8, 4, 3), "relu")
    data = problem(network)
    result = train(Problem(data.X, data.y % 2), network, 0.1, steps=1, record="class_loss")
    assert result.class_loss[0, 0, 0].isnull().values.tolist() == [False, False, True]


@pytest.mark.parametrize(("record", "every", "message"), [
    ("feature_singular_values", 1, r"record: feature_singular_values needs a hidden layer, and the network has none"),
    ({"eigenvalues": 9}, 1, "record: eigenvalues = 9; allowed: up to the 8 that there are"),
    ({"eigenvalues": 0}, 1, "record: eigenvalues = 0; allowed: a whole number ≥ 1"),
    ({"loss": 2}, 1, "record: loss = 2; allowed: None, for all that there is of it"),
    ({"weights": 2}, 1, "record: weights = 2; allowed: None, for all that there is of it"),
    ({"eigenvalue": 2}, 1, r"nothing is called 'eigenvalue' \(did you mean 'eigenvalues'\?\)"),
    ("weights", {"weights": 2}, "every: weights are kept at the last step only"),
])
def test_wrong_wishes_are_refused_in_one_line(record, every, message):
    network = Network((8, 1))
    with pytest.raises(InputError, match=message) as caught:
        train(problem(network), network, 0.1, steps=3, record=record, every=every)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("vector", [np.zeros(7), np.zeros((8, 1)), "weights"])
def test_a_vector_that_is_not_all_weights_makes_no_matrices(vector):
    with pytest.raises(InputError, match=r"vector: .*; allowed: \(8,\), all weights of Network"):
        Network((8, 1)).matrices(vector)


def test_tenths_of_the_test_set_are_consecutive():
    rng = np.random.default_rng(2)
    data = problem(NETWORKS["relu"])
    X_test, y_test = rng.normal(size=(23, 8)), rng.choice([-1.0, 1.0], size=23)
    data = Problem(data.X, data.y, X_test, y_test)
    result = train(data, NETWORKS["relu"], 0.7, seeds=3, steps=2, record=("tenth_accuracy", "weights"), every=2)
    W = [torch.tensor(matrix) for matrix in NETWORKS["relu"].matrices(result.weights.values[0, 0])]
    right = (NETWORKS["relu"].forward(W, torch.tensor(X_test)).numpy() * y_test > 0)
    starts = [0, 3, 6, 9, 11, 13, 15, 17, 19, 21, 23]  # 23 = 3 · 3 + 7 · 2
    expected = [right[a:b].mean() for a, b in itertools.pairwise(starts)]
    np.testing.assert_allclose(result.tenth_accuracy.sel(step=2).values[0, 0], expected)
