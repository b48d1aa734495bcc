"""Runs followed in pieces are the runs; Runge and Kutta's step is of fourth order; every part has its shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult import curvature
from catapult.chapters.edge_of_stability_images import experiment
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.training import train

VALUES = experiment.Parameters(samples=100, width=4, steps=20, every=7, seeds=2)


def small():
    rng = np.random.default_rng(0)
    network = Network((6, 4, 4, 10), "tanh", "standard")
    return (Problem(rng.normal(size=(100, 6)), rng.integers(0, 10, 100)), network,
            [matrix.float() for matrix in network.initialise(3)])


@pytest.mark.slow
def test_a_run_followed_in_pieces_is_the_run():
    problem, network, weights = small()
    of = experiment.Curvature(problem, network, "squared", 0)
    losses, seen = experiment.descended(VALUES, problem, network, weights, "squared", 0.1, 0, of.sharpness)
    whole = train(problem, network, 0.1, loss="squared", steps=20, record=("loss", "sharpness"), dtype="float32",
                  initial_weights=weights).isel(learning_rate=0, seed=0)
    np.testing.assert_allclose(losses, whole.loss, rtol=1e-5)
    np.testing.assert_allclose(seen, whole.sharpness[::7], rtol=2e-2)


def test_the_step_of_runge_and_kutta_is_that_of_the_exponential_to_fourth_order():
    error = [abs(float(experiment.runge_kutta(lambda w: w, [torch.ones(1, dtype=torch.float64)], h)[0]) - np.exp(-h))
             for h in (0.2, 0.1)]
    assert error[0] / error[1] == pytest.approx(32, rel=0.1)


def test_the_eigenvalues_are_those_of_the_dense_hessian():
    problem, network, weights = small()
    found = experiment.Curvature(problem, network, "cross_entropy", 0).eigenvalues(weights, 0)
    X, y = torch.tensor(problem.X), torch.tensor(problem.y).long()
    H = curvature.hessian_matrix(curvature.mean_loss(network, "cross_entropy", X, y), [w.double() for w in weights])
    np.testing.assert_allclose(found, np.linalg.eigvalsh(H.numpy())[:-5:-1], rtol=2e-2)


def test_batch_sharpness_of_all_samples_is_the_curvature_along_the_gradient():
    problem, network, weights = small()
    found = experiment.Curvature(problem, network, "squared", 0).along_gradients(weights, 100, 0)
    X, y = torch.tensor(problem.X), torch.tensor(problem.y).long()
    loss, W = curvature.mean_loss(network, "squared", X, y), [w.double().requires_grad_() for w in weights]
    g = torch.cat([each.ravel() for each in torch.autograd.grad(loss(W), W)])
    H = curvature.hessian_matrix(loss, [w.detach() for w in W])
    assert found == pytest.approx(float(g @ H @ g / (g @ g)), rel=1e-4)


@pytest.mark.parametrize(("part", "sizes"), [("batches", {"batch": 3, "look": 3}),
                                             ("spectrum", {"look": 3, "eigenvalue": 4})])
def test_parts_have_their_shapes(part, sizes):
    problem, network, weights = small()
    found = experiment.PARTS[part](VALUES, problem, network, weights, "squared", 0)
    assert dict(found.sizes) == sizes
    assert np.isfinite(found[next(iter(found.data_vars))]).any()


def test_a_seed_more_is_cells_more_and_none_other():
    few, more = (experiment.cells(experiment.Parameters(seeds=seeds)) for seeds in (2, 3))
    assert all(cell in more for cell in few)
    assert len(more) - len(few) == 6
