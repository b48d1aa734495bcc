"""The experiment: descent against the library's, measures of collapse by hand, the equilibrium of the last layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult.chapters.square_loss_normalisation import checks, collapse, experiment
from catapult.chapters.square_loss_normalisation.descent import follow
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.theory import normalised
from catapult.training import train

RNG = np.random.default_rng(0)
X, y = RNG.standard_normal((20, 5)), np.arange(20) % 4


@pytest.mark.parametrize("normalisation", [None, "batch"])
def test_runs_side_by_side_are_those_of_the_library(normalisation):
    network = Network((5, 7, 4), "relu", "standard", normalisation)
    start, rates, decays = network.initialise(2), np.array([0.1, 0.02]), np.array([0.0, 0.05])
    stacked = [torch.stack([W, 2 * W]) for W in start]
    *_, last = follow(network, torch.tensor(X), torch.tensor(y), stacked, rates, decays, steps=30, momentum=0.9)
    for r, factor in enumerate((1, 2)):
        found = train(Problem(X, y), network, [rates[r]], loss="squared", steps=30, record="weights", momentum=0.9,
                      weight_decay=decays[r], initial_weights=[factor * W for W in start])
        vector = torch.cat([W[r].detach().flatten() for W in last])
        np.testing.assert_allclose(vector.numpy(), found.weights.values.ravel(), rtol=1e-9, atol=1e-12)


def test_minibatches_are_an_epoch_without_replacement():
    network = Network((5, 4), "relu", "standard")
    W = [matrix[None] for matrix in network.initialise(0)]
    *_, whole = follow(network, torch.tensor(X), torch.tensor(y), W, np.array([1e-7]), np.zeros(1), steps=1)
    one = (whole[0] - W[0]).detach().clone()
    *_, parts = follow(network, torch.tensor(X), torch.tensor(y), W, np.array([1e-7]), np.zeros(1), steps=4,
                       batch_size=5)
    torch.testing.assert_close((parts[0] - W[0]).detach(), 4 * one, rtol=1e-5, atol=1e-14)


def test_a_collapsed_network_has_no_measure_left():
    K, each = 4, 5
    labels = np.arange(K * each) % K
    simplex = np.eye(K) - 1 / K
    found = collapse.measures(simplex[labels], simplex[labels], 3 * simplex, labels)
    assert all(found[name] == pytest.approx(0, abs=1e-9) for name in collapse.MEASURES)
    noisy = simplex[labels] + 0.1 * RNG.standard_normal((K * each, K))
    assert collapse.measures(noisy, noisy, simplex, labels)["nc1"] > 0.01


def test_nc1_is_a_ratio_of_variances():
    features = np.array([[1.5], [0.5], [-0.5], [-1.5]])  # within 1/4, between 1
    found = collapse.measures(features, features, np.array([[1.0], [-1.0]]), np.array([0, 0, 1, 1]))
    assert found["nc1"] == pytest.approx(0.25 / 1 / 2)
    assert found["nc2"] == pytest.approx(0)


def test_the_last_layers_equilibrium_is_that_of_the_theory():
    given = Problem(X, y, X, y)
    network = Network((5, 7, 4), "relu", "standard", "batch")
    W = network.initialise(1)
    f = network.forward(W, torch.tensor(X)).numpy() / float(W[-1].norm())
    own, others = f[np.arange(20), y], (f**2).sum()
    found = experiment.measured(network, W, given, 0.01)
    assert found["at_equilibrium"] == pytest.approx(float(W[-1].norm()) * (20 * 0.01 + others) / own.sum())
    assert normalised.equilibrium(np.array([2.0]), 0.5) == pytest.approx(2 / 4.5)


def test_the_two_ways_to_the_length_at_the_end_agree():
    assert checks.closed(1, 2.0) == pytest.approx(checks.integrated(1, 2.0), rel=1e-6)


@pytest.mark.slow
def test_a_cell_at_a_few_steps_and_its_join():
    values = experiment.Parameters.checked({"parts": "networks", "seeds": 1, "steps": experiment.EARLY + 1})
    whole = experiment.join(values, [experiment.cell(values, **cell) for cell in experiment.cells(values)])
    assert dict(whole.sizes) == {"normalisation": 2, "seed": 1, "decay": 2, "scale": 3}
    assert (whole.excess.sel(normalisation="batch") >= 1).all()
    kept = checks.table().early_loss.sel(seed=[0])
    np.testing.assert_allclose(whole.early_loss, kept, rtol=1e-6)
