"""The chapter on diagonal networks: measures by hand, descent against a plain loop, sharpness against differences."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.diagonal_networks import checks, experiment, outcomes
from catapult.oracles import diagonal as oracle
from catapult.parameters import InputError
from catapult.theory import diagonal

Z = experiment.signed_inputs(experiment.Parameters(), 3)


def test_excesses_are_zero_at_their_own_solution_and_positive_at_the_other():
    excess = experiment.Excess(Z)
    assert excess.l1(excess.rich) == pytest.approx(0, abs=1e-9)
    assert excess.l2(excess.kernel) == pytest.approx(0, abs=1e-9)
    assert excess.l1(excess.kernel) > 0.1
    assert excess.l2(excess.rich) > 0.1
    assert excess.l1(7 * excess.kernel) == pytest.approx(float(excess.l1(excess.kernel)))
    assert np.isnan(excess.l1(-excess.kernel))


def test_the_distance_from_a_path_is_that_from_its_legs():
    excess = experiment.Excess(np.eye(2, 3))
    path = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 2.0]])
    unit = np.linalg.norm(excess.kernel)
    assert excess.distance(np.array([[1.0, 1.0, 1.0]]), path) == pytest.approx(0)
    assert excess.distance(np.array([[1.0, 1.0, 5.0]]), path) == pytest.approx(3 / unit)


def test_where_the_excess_first_is_low_enough():
    l1 = np.full(len(experiment.DECADES), 1.0)
    l1[10:] = 0.0
    assert experiment.first_below(l1, 0.5) == pytest.approx(np.sqrt(experiment.DECADES[9] * experiment.DECADES[10]))
    l1[9] = np.nan
    assert experiment.first_below(l1, 0.5) == pytest.approx(experiment.DECADES[10])
    assert np.isnan(experiment.first_below(0 * l1 + 1, 0.5))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_descent_is_that_of_a_plain_loop(depth):
    rate = 1.5 * 2 / experiment.sharpness(Z, depth, 0.5)
    u, taken = experiment.descend(Z, depth, 0.5, np.array([rate]))
    plain, steps = oracle.descent(Z, depth, 0.5, rate, experiment.HANDED_OVER)
    assert steps == taken[0]
    np.testing.assert_allclose(u[0], plain, rtol=1e-9)


def test_a_run_that_diverges_is_lost_and_one_beside_it_is_not():
    other = experiment.signed_inputs(experiment.Parameters(), 1)
    rates = np.array([1.0, 8.0]) * 2 / experiment.sharpness(other, 2, 0.3162)
    u, _ = experiment.descend(other, 2, 0.3162, rates)
    assert np.isfinite(u[0]).all()
    assert np.isnan(u[1]).all()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_sharpness_is_that_of_the_loss(depth):
    d, h = Z.shape[1], 1e-4

    def slope(u):
        u = u.reshape(2, d)
        push = np.exp(-Z @ (u[0] ** depth - u[1] ** depth)) @ Z / len(Z)
        return -depth * (u ** (depth - 1) * np.stack([push, -push])).ravel()

    start = np.full(2 * d, 0.7)
    hessian = np.array([(slope(start + h * e) - slope(start - h * e)) / (2 * h) for e in np.eye(2 * d)])
    assert experiment.sharpness(Z, depth, 0.7) == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-6)


def test_at_depth_two_each_step_shrinks_the_product_of_the_weights():
    rate = 1.0
    slopes = np.exp(-Z @ np.zeros(Z.shape[1])) @ Z / len(Z)
    u = np.stack([0.3 * (1 + 2 * rate * slopes), 0.3 * (1 - 2 * rate * slopes)])
    np.testing.assert_allclose(u.prod(axis=0), 0.09 * (1 - 4 * rate**2 * slopes**2), rtol=1e-12)


def test_the_middle_of_draws_counts_those_that_never_get_there():
    values = checks.table().kernel_l1.copy(data=[*range(1, 19), np.nan, np.nan])
    assert outcomes.middle(values) == (10.5, 6, 15)


def test_flow_after_descent_goes_on_from_its_weights():
    excess = experiment.Excess(Z)
    u, _ = experiment.descend(Z, 2, 0.5, np.array([0.1]))
    found = experiment.followed_on(Z, 2, u[0], excess)
    assert found[0] == pytest.approx(float(excess.l1(diagonal.predictor(2, u[0]))))
    gentle = excess.l1(diagonal.flow(Z, 2, diagonal.start_at(0.5), np.array([10.0])).w)[0]
    assert found[1] == pytest.approx(gentle, rel=0.05)


def test_fewer_dimensions_than_points_are_refused():
    with pytest.raises(InputError, match="dimension"):
        experiment.Parameters.checked({"dimension": 8})
