"""The convolutional room: a cell is a plain loop over PyTorch's convolutions, and the images stay non-separable."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult.chapters.cifar10 import comparison
from catapult.chapters.cifar10_convolution import experiment as convolution
from catapult.datasets import Problem, certify
from catapult.training.recording import TENTHS

VALUES = convolution.Parameters(samples=32, components=8, test_samples=40, channels=1, stride=4, steps=16, settle=4,
                                octaves_down=1, seeds=2, dtype="float64")


@pytest.fixture
def noise(monkeypatch):
    """Random images in the place of photographs, with more test images than are asked for."""
    rng = np.random.default_rng(6)
    whole = Problem(rng.normal(size=(32, 3072)), rng.choice([-1.0, 1.0], 32), rng.normal(size=(50, 3072)),
                    rng.choice([-1.0, 1.0], 50), "noise")
    monkeypatch.setattr(convolution.cifar10, "two_classes", lambda *_, **__: whole)
    convolution._drawn.cache_clear()
    return whole


def test_projected_images_are_separated_just_if_their_coordinates_are(noise):
    problem, coordinates = convolution.projected(noise, 8)
    assert problem.X.shape == noise.X.shape
    assert np.linalg.matrix_rank(problem.X) == coordinates.shape[1] == 8
    assert np.sum(problem.X**2) / len(problem.X) == pytest.approx(problem.dimension)
    np.testing.assert_allclose(problem.X @ problem.X.T, coordinates @ coordinates.T, atol=1e-9)  # one up to a rotation
    # A linear predictor of the images is one of the coordinates, also on the test images.
    w = np.random.default_rng(0).normal(size=3072)
    v = np.linalg.lstsq(coordinates, problem.X @ w, rcond=None)[0]
    np.testing.assert_allclose(coordinates @ v, problem.X @ w, atol=1e-9)
    _, _, directions = np.linalg.svd(problem.X, full_matrices=False)
    np.testing.assert_allclose(problem.X_test @ directions[:8].T @ directions[:8], problem.X_test, atol=1e-9)
    assert certify(problem.y[:, None] * coordinates).kind == "strictly non-separable"
    assert certify(noise.Z).kind == "separable"


def plain(problem, network, rate, rates_after, steps):
    """Return losses, test accuracies by tenth, and sharpnesses of every step, by PyTorch's own convolutions."""
    X, X_test = (torch.tensor(inputs).reshape(-1, 32, 32, 3).permute(0, 3, 1, 2)
                 for inputs in (problem.X, problem.X_test))
    y, y_test = torch.tensor(problem.y), torch.tensor(problem.y_test)
    weights = network.initialise(4)
    sizes = [W.numel() for W in weights]

    def outputs(vector, images):
        first, second, last = (piece.view_as(W) for piece, W in zip(vector.split(sizes), weights, strict=True))
        for matrix in (first, second):
            filters = matrix.reshape(len(matrix), 3, 3, -1).permute(0, 3, 1, 2) / matrix.shape[1]**0.5
            images = torch.relu(torch.nn.functional.conv2d(images, filters, stride=4))
        return images.permute(0, 2, 3, 1).flatten(1) @ last[0] / last.shape[1]**0.5

    def risk(vector):
        return torch.nn.functional.softplus(-y * outputs(vector, X)).mean()

    vector = torch.cat([W.flatten() for W in weights])
    losses, accuracies, sharpnesses = [], [], []
    for step in range(steps + 1):
        losses.append(risk(vector).item())
        right = (outputs(vector, X_test) * y_test > 0).double()
        accuracies.append([part.mean().item() for part in right.tensor_split(TENTHS)])
        sharpnesses.append(torch.linalg.eigvalsh(torch.autograd.functional.hessian(risk, vector))[-1].item())
        vector = vector - rate * (1 if step < rates_after[0] else rates_after[1]) * torch.func.grad(risk)(vector)
    return np.array(losses), np.array(accuracies), np.array(sharpnesses)


@pytest.mark.slow
def test_a_cell_is_a_plain_loop_with_the_dense_hessian(noise):
    run = convolution.cell(VALUES, "non-separable", 4).sel(version="non-separable", seed=4, activation="relu")
    problem, _ = convolution.problem_of(VALUES, "non-separable", 4)
    assert len(problem.X_test) == VALUES.test_samples
    network, (multiple,) = convolution.network(VALUES, "relu"), [m for m in VALUES.multiples if 1.3 < m < 1.5]
    _, _, start = plain(problem, network, 1.0, (1, 1), 0)
    rate = 2 / start[0] * multiple
    run = run.sel(multiple=multiple)
    assert run.learning_rate == pytest.approx(rate, rel=1e-3)
    losses, accuracies, sharpnesses = plain(problem, network, float(run.learning_rate), (
        16, VALUES.multiples[0] / multiple), 20)
    at = run.loss.dropna("step").step.values
    np.testing.assert_allclose(run.loss.dropna("step"), losses[at], rtol=1e-5)
    np.testing.assert_allclose(comparison.final_sharpness(run), sharpnesses[15:17].mean(), rtol=1e-3)
    for name, step in (("equal steps", 16), ("annealed", 20), ("equal time", round(16 / multiple))):
        np.testing.assert_allclose(run.accuracy.sel(comparison=name), accuracies[step], rtol=1e-6)
    assert run.peak == pytest.approx(losses.max() / losses[0], rel=1e-5)


def test_the_recorded_sizes_are_two_small_convolutions():
    network = convolution.network(convolution.Parameters(), "relu")
    assert network.maps == ((32, 32, 3), (10, 10, 16), (3, 3, 32))
    assert convolution.cells(convolution.Parameters())[:3] == [
        {"version": "non-separable", "seed": 0}, {"version": "separable", "seed": 0},
        {"version": "non-separable", "seed": 1}]
