"""The settings: gradients against differences, values by hand, the rule for rates, active and second values."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.incremental_learning import checks, experiment, outcomes, seconds
from catapult.chapters.incremental_learning.settings import SETTINGS, Setting
from catapult.theory import incremental


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("depth", [1, None])
def test_gradients_are_those_of_differences(name, depth):
    build, own = SETTINGS[name]
    setting = build(depth or own, 0.3, 5)
    u = setting.start + 0.1 * np.random.default_rng(0).standard_normal(setting.start.shape)
    along, h = np.random.default_rng(1).standard_normal(u.shape), 1e-6
    slope = (setting.loss(u + h * along) - setting.loss(u - h * along)) / (2 * h)
    assert slope == pytest.approx(float((setting.gradient(u) * along).sum()), rel=1e-5)


def test_values_at_the_start_are_all_as_said():
    for name in ("matrix sensing", "quadratic network"):
        build, depth = SETTINGS[name]
        np.testing.assert_allclose(build(depth, 1e-3, 0).values(build(depth, 1e-3, 0).start), 1e-3, rtol=1e-9)


def test_values_of_a_convolution_are_amplitudes_of_the_predictor():
    setting = SETTINGS["convolutional"][0](2, 1.0, 3)
    one, two = setting.start
    d = len(one)
    w = [sum(one[j] * two[(i - j) % d] for j in range(d)) for i in range(d)]
    np.testing.assert_allclose(setting.values(setting.start), np.abs(np.fft.rfft(w)), atol=1e-12)


def test_active_values_are_counted():
    assert experiment.active(np.array([2.0, 2.0, 2.0, 0.0])) == pytest.approx(3)
    assert experiment.active(np.array([4.0, 2.0, 1.0])) == pytest.approx(49 / 21)


def bowl(curvature: float) -> Setting:
    return Setting(np.array([[1.0, 2.0]]), lambda u: curvature * float((u**2).sum()) / 2, lambda u: curvature * u,
                   lambda u: np.abs(u[0]))


def test_the_rule_takes_the_largest_rates():
    found = experiment.trained(bowl(1.0))
    assert found.learning_rate.sel(pace="tuned") == pytest.approx(2**0.5)  # 2 is the edge
    assert found.learning_rate.sel(pace="large") == pytest.approx(2**0.5)
    assert found.learning_rate.sel(pace="slow") == pytest.approx(2**0.5 / 4)
    assert found.half.values == pytest.approx(9 / 5)


def test_a_run_that_does_not_get_there_is_none():
    assert experiment.descend(bowl(1.0), 2.5) is None
    assert experiment.descend(bowl(1.0), 1e-6, most=50) is None


def test_late_is_what_comes_after_half_and_never_negative():
    late = outcomes.late(checks.table().assign(half=0 * checks.table().half + 1, end=0 * checks.table().end + 2))
    assert (late == 0.5).all()
    late = outcomes.late(checks.table().assign(half=0 * checks.table().half + 3, end=0 * checks.table().end + 2))
    assert (late == 0).all()
    fewer = outcomes.uncut(checks.table()).sel(case="depth 1", pace="tuned").mean("draw")
    assert (fewer < 0).all()


def test_the_second_value_is_that_of_the_toy_model():
    targets, start, multiple = np.array([2.0, 1.0]), 1e-4, 0.7
    toy = Setting(np.full((1, 2), start**0.5), lambda w: 0.5 * float(((w**2 - targets) ** 2).sum()),
                  lambda w: 2 * w * (w**2 - targets), lambda w: w[0] ** 2)
    expected = incremental.log_second_of_steps(2, 2.0, multiple, np.log(start))
    assert np.log(seconds.second(toy, multiple / 4, (2.0, 1.0))) == pytest.approx(expected, abs=1e-9)


def test_second_values_are_near_where_a_slow_run_has_its_own():
    """By the recorded curve of the largest values, interpolated."""
    name = "matrix sensing"
    curve = checks.table().curve.sel(setting=name, case="deep", draw=0).values.astype(float)
    found = np.interp(3.0, curve[:, 0][:np.argmax(curve[:, 0] > 3) + 1], curve[:, 1][:np.argmax(curve[:, 0] > 3) + 1])
    again = seconds.seconds(checks.table().isel(draw=[0]), name, 1e-3).sel(pace="slow")
    assert float(again[0]) == pytest.approx(found / 2, rel=0.15)
