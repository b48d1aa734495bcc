"""Schedules: pure functions of step and steps, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.datasets import degenerate_pair
from catapult.networks import Network
from catapult.parameters import InputError
from catapult.training import schedules, train


@pytest.mark.parametrize("name", [*schedules.FALLING, "cosine", "anneal"])
@pytest.mark.parametrize("steps", [1, 7, 100])
def test_what_falls_starts_at_one_and_never_rises(name, steps):
    values = schedules.factors(name, steps)
    assert values.shape == (steps,)
    assert values[0] == 1
    assert (np.diff(values) <= 0).all()
    assert (values >= 0).all()


def test_no_schedule_is_fix():
    np.testing.assert_array_equal(schedules.factors(None, 5), 1)


def by_hand(name, t, T, k0, k1, length, gamma, p):
    """The table of Wu et al. (2019), as it stands there: η(t) = |k0 − k1| g(t) + min(k0, k1), l and 1/γ in steps."""
    tri, sine = 2 / np.pi * abs(np.arcsin(np.sin(np.pi * t / (2 * length)))), abs(np.sin(np.pi * t / (2 * length)))
    g = {"fix": 1, "step": gamma ** np.floor(t / length), "nstep": gamma ** (1 * (t >= T / 2) + (t >= 3 * T / 4)),
         "exp": gamma**t, "inv": (1 + gamma * t) ** -p, "poly": (1 - t / T) ** p, "tri": tri,
         "tri2": tri / 2 ** np.floor(t / (2 * length)), "triexp": gamma**t * tri, "sin": sine,
         "sin2": sine / 2 ** np.floor(t / (2 * length)), "sinexp": gamma**t * sine,
         "cos": (1 + np.cos(2 * np.pi * t / length)) / 2}[name]
    return abs(k0 - k1) * g + min(k0, k1)


T, LENGTH, GAMMA, POWER, K0, K1 = 48, 6, 0.93, 1.7, 0.5, 2.0
IN_SHARES = {
    "fix": schedules.Fix(), "step": schedules.Step(LENGTH / T, GAMMA), "nstep": schedules.NStep((0.5, 0.75), GAMMA),
    "exp": schedules.Exp(GAMMA**T), "inv": schedules.Inv(GAMMA * T, POWER), "poly": schedules.Poly(POWER),
    **{name: kind(LENGTH / T, K0 / K1) for name, kind in (
        ("tri", schedules.Tri), ("tri2", schedules.Tri2), ("sin", schedules.Sin), ("sin2", schedules.Sin2),
        ("cos", schedules.Cos))},
    **{name: kind(LENGTH / T, K0 / K1, GAMMA**T) for name, kind in (
        ("triexp", schedules.TriExp), ("sinexp", schedules.SinExp))}}


def distance(name, **wrong):
    """Return how far a policy is from the paper's formula, which ``wrong`` changes."""
    low = K0 if name in schedules.CYCLIC else 0.0
    values = K1 * schedules.factors(IN_SHARES[name], T)
    return np.abs(values - by_hand(name, np.arange(T), T, **({
        "k0": K1, "k1": low, "length": LENGTH, "gamma": GAMMA, "p": POWER} | wrong))).max()


@pytest.mark.parametrize("name", schedules.POLICIES)
def test_a_policy_is_that_of_the_table(name):
    assert distance(name) < 1e-12


@pytest.mark.parametrize(("name", "wrong"), [
    *[(name, {"length": LENGTH + 1}) for name in ("step", "tri", "tri2", "triexp", "sin", "sin2", "sinexp", "cos")],
    *[(name, {"gamma": 1.02 * GAMMA}) for name in ("step", "nstep", "exp", "inv", "triexp", "sinexp")],
    *[(name, {"p": 1.02 * POWER}) for name in ("inv", "poly")], ("cos", {"length": 2 * LENGTH}),
    *[(name, {"k1": 1.02 * K0}) for name in schedules.CYCLIC]])
def test_another_policy_is_told_apart(name, wrong):
    """A period off by one step, a constant by two per cent; and the published code's COS, with the period 2l."""
    assert distance(name, **wrong) > 2e-3


def test_policies_at_chosen_steps_of_a_run_of_eight():
    """l = 2 of T = 8, γ^T = 1/16, floor 0, by hand; 2/7 of 8 is rounded to 2 as well."""
    half, root = 0.5, 0.5**0.5
    expected = {
        schedules.Step(0.25, 0.1): [1, 1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001],
        schedules.Exp(1 / 16): [1, root, half, half * root, half**2, half**2 * root, half**3, half**3 * root],
        schedules.Inv(8.0, 1.0): [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 1 / 7, 1 / 8],
        schedules.Poly(2.0): [1, 49 / 64, 36 / 64, 25 / 64, 16 / 64, 9 / 64, 4 / 64, 1 / 64],
        schedules.Tri(0.25): [0, half, 1, half, 0, half, 1, half],
        schedules.Tri2(0.25): [0, half, 1, half, 0, half / 2, 1 / 2, half / 2],
        schedules.Sin(0.25): [0, root, 1, root, 0, root, 1, root],
        schedules.TriExp(0.25, 0.0, 1 / 16): [0, half * root, half, half**2 * root, 0, half**3 * root, half**3,
                                              half**4 * root],
        schedules.Cos(0.5): [1, half, 0, half, 1, half, 0, half],
        schedules.Cos(): [1, 0, 1, 0, 1, 0, 1, 0]}
    for policy, values in expected.items():
        np.testing.assert_allclose(schedules.factors(policy, 8), values, rtol=1e-12, atol=1e-15, err_msg=str(policy))


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_a_schedule_depends_on_step_and_steps_alone(name):
    """Read backwards and twice, and whatever was read before: no counter is kept."""
    schedule = schedules.SCHEDULES[name]
    forwards = [schedule(step, 60) for step in range(60)]
    assert [schedule(step, 60) for step in reversed(range(60))] == forwards[::-1]
    assert all(0 <= value <= 1 for value in forwards)
    assert "0x" not in str(schedule)  # the name in the results of a run is the same in every process


@pytest.mark.parametrize("name", schedules.CYCLIC)
def test_what_rises_and_falls_ends_low_in_a_run_of_seven_periods_and_a_half(name):
    assert schedules.SCHEDULES[name](1679, 1680) < 0.01


def test_cosine_is_cos_of_twice_the_run():
    np.testing.assert_allclose(schedules.factors("cosine", 20), schedules.factors(schedules.Cos(2.0), 20), atol=1e-15)


def test_nstep_drops_at_its_fractions():
    values = schedules.factors(schedules.NStep(at=(0.5, 0.8), gamma=0.1), 10)
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
    ("cosin", r"'cosin' \(did you mean 'cosine'\?\); allowed: None, fix, step, nstep, exp, inv, "),
    (3, "schedule = 3; allowed: None"),
    (lambda step, steps: 1 - step, "factor -1.0 at step 2; allowed: finite and ≥ 0"),
    (lambda step, steps: float("nan"), "factor nan at step 0"),
])
def test_wrong_schedules_are_refused_in_one_line(schedule, message):
    with pytest.raises(InputError, match=message):
        schedules.factors(schedule, 5)
