"""The runs: legs join to one run, ends cost what is said of them, cells are whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult.chapters.annealing import experiment as annealing
from catapult.chapters.annealing import policies, rates
from catapult.parameters import InputError
from catapult.runs import results
from catapult.training import train
from catapult.training.schedules import POLICIES

QUICK = annealing.Parameters.checked(scale="quick")


@pytest.fixture(scope="module")
def legs():
    problem = annealing.problem_of(QUICK, "non-separable", 0)
    network = annealing.network(QUICK, problem, "relu")
    return rates.Legs(problem, network, 0, rates.stable_rate(network, "logistic", problem, 0), None, "float64")


def test_two_legs_are_one_run(legs):
    first, _ = legs.go(1.5, 7)
    second, _ = legs.go(0.5, 5, first)
    whole = train(legs.problem, legs.network, legs.unit * 1.5, seeds=(0,), steps=12, record="weights",
                  schedule=lambda step, steps: 1.0 if step < 7 else 1 / 3)
    np.testing.assert_allclose(np.concatenate([W.ravel() for W in second]), whole.weights.values.ravel(), rtol=1e-9)


def test_a_lost_run_has_no_further_legs(legs):
    weights, recorded = legs.go(1e6, 5)
    assert weights is None
    assert recorded.phase.item() in ("divergent", "dead")
    assert legs.go(1.0, 5, weights) == (None, None)


def test_the_judge_counts_as_a_plain_loop_does(legs):
    weights, _ = legs.go(1.0, 5)
    accuracy, loss = rates.Judge(legs.problem, legs.network, "float64")(weights)
    W1, W2 = weights
    f = [float(W2[0] @ np.maximum(W1 @ x / len(x) ** 0.5, 0)) / len(W1) ** 0.5 for x in legs.problem.X_test]
    right = np.array([value * label > 0 for value, label in zip(f, legs.problem.y_test, strict=True)])
    np.testing.assert_allclose(accuracy, [part.mean() for part in np.array_split(right, 10)], rtol=1e-12)
    f = [float(W2[0] @ np.maximum(W1 @ x / len(x) ** 0.5, 0)) / len(W1) ** 0.5 for x in legs.problem.X]
    assert loss == pytest.approx(np.mean(np.log1p(np.exp(-legs.problem.y * np.array(f)))), rel=1e-9)


def test_ends_are_those_of_plain_runs(legs, monkeypatch):
    """Steps and rates of each end at 2 η_crit, T = 24, S = 15, smallest rate 1/4: by hand."""
    found = rates.followed(legs.problem, legs.network, [0.25, 2.0], 0, steps=24, settle=15, dtype="float64")
    judge = rates.Judge(legs.problem, legs.network, "float64")

    def plain(*pieces):
        schedule = np.concatenate([[multiple] * count for multiple, count in pieces]) / 2
        run = train(legs.problem, legs.network, 2 * legs.unit, seeds=(0,), steps=len(schedule), record="weights",
                    schedule=lambda step, steps: schedule[step])
        return legs.network.matrices(run.weights.values.ravel())

    ends = {"throughout, equal steps": plain((2, 39)), "annealed, equal steps": plain((2, 24), (0.25, 15)),
            "averaged, equal steps": [np.mean(each, 0) for each in zip(
                *[plain((2, 24 + 3 * k)) for k in range(1, 6)], strict=True)],
            "throughout, equal time": plain((2, 12 + 2)), "annealed, equal time": plain((2, 12), (0.25, 15))}
    assert tuple(ends) == rates.ENDS
    for end, weights in ends.items():
        at = found.sel(multiple=2.0, end=end)
        accuracy, loss = judge(weights)
        assert float(at.train_loss) == pytest.approx(loss, rel=1e-6), end
        np.testing.assert_allclose(at.accuracy, accuracy, rtol=1e-6)


@pytest.mark.slow
def test_the_quick_cells_are_whole_and_certified():
    runs = results.compute(annealing, QUICK)
    assert runs.model.values.tolist() == list(annealing.MODELS)
    assert (runs.certificate == "strictly non-separable").all()
    alive = np.isfinite(runs.accuracy).all(("end", "tenth"))
    assert alive.sel(multiple=slice(0, 1.01)).all()
    assert not (alive & ~runs.phase.isin(rates.ALIVE)).any()


@pytest.mark.slow
def test_the_policies_are_trained_from_every_rate():
    one = annealing.cell(QUICK, "policies", 0)
    assert one.policy.values.tolist() == list(POLICIES)
    assert one.policy_accuracy.shape == (1, 13, len(annealing.K0), 10)
    assert one.policy_rate.sel(policy="fix").item() == 1
    there = np.isfinite(one.policy_accuracy).all("tenth")
    assert there.isel(k0=0).all()
    confidence = one.policy_measure.sel(measure="confidence").where(there)
    assert float(confidence.min()) > 0.5
    assert float(confidence.max()) < 1
    assert one.policy_curve.policy_step.values[-1] == 2 * QUICK.steps
    curve = one.policy_curve.isel(policy_step=-1)
    validation = one.policy_accuracy.isel(tenth=slice(None, policies.VALIDATION)).mean("tenth")
    np.testing.assert_allclose(curve.where(there), validation.where(there), rtol=1e-5)


@pytest.mark.parametrize("given", [{"batch_size": 300}, {"settle": 12}, {"parts": "none"}, {"data_set": "cifar"}])
def test_wrong_parameters_are_refused(given):
    with pytest.raises(InputError, match=next(iter(given))):
        annealing.Parameters.checked(given, scale="quick")


def test_later_legs_draw_minibatches_of_their_own():
    problem = annealing.problem_of(QUICK, "non-separable", 0)
    network = annealing.network(QUICK, problem, "relu")
    legs = rates.Legs(problem, network, 0, 5.0, 32, "float64")
    start = network.initialise(0)
    ends = [torch.tensor(legs.go(1.0, 3, start, leg=leg)[0][0]) for leg in (1, 1, 2)]
    assert torch.equal(ends[0], ends[1])
    assert not torch.allclose(ends[0], ends[2])
