"""Schedules: pure functions of step and steps, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.datasets import degenerate_pair
from catapult.networks import Network
from catapult.parameters import InputError
from catapult.training import schedules, train


@pytest.mark.parametrize("name", schedules.SCHEDULES)
@pytest.mark.parametrize("steps", [1, 7, 100])
def test_a_schedule_starts_at_one_and_never_rises(name, steps):
    values = schedules.factors(name, steps)
    assert values.shape == (steps,)
    assert values[0] == 1
    assert (np.diff(values) <= 0).all()
    assert (values >= 0).all()


def test_no_schedule_is_constant():
    np.testing.assert_array_equal(schedules.factors(None, 5), 1)


def test_step_drops_at_its_fractions():
    values = schedules.factors(schedules.Step(at=(0.5, 0.8), drop=0.1), 10)
    np.testing.assert_allclose(values, [1] * 5 + [0.1] * 3 + [0.01] * 2, rtol=1e-15)


def test_cosine_is_half_way_down_in_the_middle():
    assert schedules.Cosine(final=0.2)(50, 100) == pytest.approx(0.6, rel=1e-12)


def test_anneal_is_large_then_small():
    anneal = schedules.Anneal(hold=0.5, final=0.01)
    assert anneal(49, 100) == anneal(50, 100) == 1
    assert anneal(75, 100) == pytest.approx(0.1, rel=1e-12)
    assert anneal(100, 100) == pytest.approx(0.01, rel=1e-12)


def test_any_function_will_do():
    values = schedules.factors(lambda step, steps: step / steps, 4)
    np.testing.assert_array_equal(values, [0, 0.25, 0.5, 0.75])


@pytest.mark.parametrize("engine", ["reference", "dense"])
def test_each_update_takes_the_factor_of_its_own_step(engine):
    """The predictor on the degenerate pair, by its map w − η c_t g(w), where no two factors are equal."""
    w, expected = 2.0, []
    for step in range(8):
        expected.append(np.log(2 * np.cosh(w / 2)))
        w -= 3.0 / (1 + step) * np.tanh(w / 2) / 2
    result = train(degenerate_pair(), Network((1, 1)), 3.0, steps=7, schedule=lambda step, steps: 1 / (1 + step),
                   initial_weights=[[[2.0]]], engine=engine)
    np.testing.assert_allclose(result.loss[0, 0], expected, rtol=1e-12)


@pytest.mark.parametrize(("schedule", "message"), [
    ("cosin", r"'cosin' \(did you mean 'cosine'\?\); allowed: None, constant, step, cosine, anneal"),
    (3, "schedule = 3; allowed: None"),
    (lambda step, steps: 1 - step, "factor -1.0 at step 2; allowed: finite and ≥ 0"),
    (lambda step, steps: float("nan"), "factor nan at step 0"),
])
def test_wrong_schedules_are_refused_in_one_line(schedule, message):
    with pytest.raises(InputError, match=message):
        schedules.factors(schedule, 5)
