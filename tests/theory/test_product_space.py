"""The recursion in the product vector's space: the weights' own dynamics, seen from there."""

from __future__ import annotations

import numpy as np
import pytest

from catapult import datasets
from catapult.networks import Network
from catapult.oracles import predictor
from catapult.oracles.linear_networks import LinearNetworks
from catapult.parameters import InputError
from catapult.theory import product_space, two_layer
from catapult.training import train


def state_of(network, seed):
    first, second = (matrix.numpy() for matrix in network.initialise(seed))
    return product_space.start(first[None], second, float(np.prod(network.scales)))


@pytest.mark.parametrize("parametrization", ["ntk", "standard"])
@pytest.mark.parametrize("loss", ["logistic", "squared"])
def test_risks_are_those_of_trained_weights(parametrization, loss):
    problem = datasets.overlapping_cloud(30, 4, 1.0, 0)
    network = Network((4, 9, 1), parametrization=parametrization)
    rates = np.array([0.05, 0.2])
    trained = train(problem, network, rates, loss=loss, seeds=(3,), steps=40, engine="reference").isel(seed=0)
    state = product_space.repeated([state_of(network, 3)], 2)
    risks, _ = product_space.descend(loss, np.repeat(problem.Z[None], 2, axis=0), state, rates, 40)
    np.testing.assert_allclose(risks.T, trained.loss, rtol=1e-10)


def test_with_one_input_it_is_the_recursion_in_two_numbers():
    pair, network = datasets.degenerate_pair(), Network((1, 50, 1))
    state = state_of(network, 1)
    f0, ntk0 = state.product[0, 0], state.kernel[0, 0, 0]
    _, end = product_space.descend("logistic", pair.Z[None], state, np.array([9.0]), 30)
    f, ntk = two_layer.iterate("logistic", f0, ntk0, 50, 9.0, 30)
    assert end.product[0, 0] == pytest.approx(f[-1], rel=1e-9)
    assert end.kernel[0, 0, 0] == pytest.approx(ntk[-1], rel=1e-9)


def test_the_sharpness_at_a_minimum_is_that_of_the_whole_hessian():
    Z = datasets.overlapping_cloud(30, 3, 1.0, 1).Z
    networks = LinearNetworks.drawn((3, 6, 1), np.random.default_rng(2)).descend(Z, 3.0, 4000)
    assert np.abs(predictor.gradient(Z, networks.product)).max() < 1e-10
    state = product_space.start(networks.matrices[0], networks.matrices[1][:, 0], networks.scale)
    sharpness = product_space.sharpness_at_minimum("logistic", Z[None], state)
    assert sharpness == pytest.approx(networks.sharpness(Z), rel=1e-8)


def test_runs_that_overflow_are_nan_and_do_not_warn():
    problem, network = datasets.overlapping_cloud(30, 3, 1.0, 1), Network((3, 6, 1))
    state = product_space.repeated([state_of(network, 0)], 2)
    risks, end = product_space.descend("logistic", np.repeat(problem.Z[None], 2, axis=0), state,
                                       np.array([1.0, 500.0]), 200, 200)
    sharpness = product_space.sharpness_at_minimum("logistic", np.repeat(problem.Z[None], 2, axis=0), end)
    assert np.isfinite([risks[-1, 0], sharpness[0]]).all()
    assert np.isnan([risks[-1, 1], sharpness[1]]).all()


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="allowed: \\(R, m, d\\) and \\(R, m\\)"):
        product_space.start(np.ones((1, 3, 2)), np.ones((1, 2)), 1.0)
