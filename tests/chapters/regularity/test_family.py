"""The family's runs by second routes: plain loops, the engine, a Hessian by differences; members are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.regularity import checks, experiment, family, outcomes
from catapult.datasets import degenerate_pair
from catapult.networks import Network
from catapult.parameters import InputError
from catapult.training import train

MEMBERS = {**family.MEMBERS, "order 4": family.power(4.0), "quartic": family.quartic(1.2),
           "order 0.5": family.power(0.5)}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_has_the_derivatives_that_it_names(name):
    member, h = MEMBERS[name], 1e-3
    at = member.minimiser
    assert float(member.value(np.float64(at))) == pytest.approx(0, abs=1e-15)
    assert float(member.slope(np.float64(at))) == pytest.approx(0, abs=1e-15)
    points = np.linspace(-4, 4, 9)
    assert (member.value(points + h) - member.value(points - h)) / (2 * h) == pytest.approx(
        member.slope(points), rel=1e-4, abs=1e-5)
    assert (member.slope(points + h) - member.slope(points - h)) / (2 * h) == pytest.approx(
        member.curvature(points), rel=1e-4, abs=1e-5)
    bends = [float(member.curvature(np.float64(at + shift))) for shift in (-h, 0, h)]
    assert bends[1] == pytest.approx(member.second, rel=1e-12)
    assert (bends[2] - bends[0]) / (2 * h) == pytest.approx(member.third, abs=1e-5)
    assert (bends[2] - 2 * bends[1] + bends[0]) / h**2 == pytest.approx(member.fourth, abs=1e-4)
    far = [float(member.value(np.float64(at + shift))) for shift in (1e6, 2e6)]
    assert np.log2(far[1] / far[0]) == pytest.approx(member.order, abs=2e-3)
    steepest = np.abs(member.slope(np.linspace(-1e3, 1e3, 400_001))).max()
    if np.isfinite(member.steepest):
        assert steepest == pytest.approx(float(member.steepest), rel=1e-4)
    else:
        assert steepest > 30


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "member", "factor"), [
    ("squared", family.power(2.0, 0.0), 1.0), ("logistic", family.cross_entropy(0.5), 1.0)])
def test_runs_are_those_of_the_engine_on_a_network_of_one_unit(loss, member, factor):
    """On the balanced pair a network of one hidden unit minimises F(xy), but for the minimum of the loss."""
    start, rate = (2.1, 0.3), 0.55
    trained = train(degenerate_pair(), Network((1, 1, 1), parametrization="standard"), rate, loss=loss, steps=60,
                    initial_weights=[[[start[0]]], [[start[1]]]], record=("loss", "weights", "sharpness"), every=1)
    found = family.follow(member, *start, rate, 60)
    assert sorted([float(found.x), float(found.y)]) == pytest.approx(sorted(trained.weights.values.ravel()), rel=1e-9)
    excess = trained.loss.values.ravel() - {"squared": 0.5, "logistic": np.log(2)}[loss]
    assert float(found.mean) == pytest.approx(excess[:-1].mean(), rel=1e-9)
    assert float(found.peak) == pytest.approx(excess.max() / excess[0], rel=1e-9)
    assert float(family.sharpness(member, *start)) == pytest.approx(float(trained.sharpness[0, 0, 0]), rel=1e-6)


@pytest.mark.parametrize("name", MEMBERS)
def test_the_largest_eigenvalue_is_that_of_the_hessian_by_differences(name):
    member, h = MEMBERS[name], 1e-4
    for point in ((1.3, -0.4), (2.0, 0.5), (0.2, 0.9)):
        def gradient(u, v):
            return np.array([v, u]) * member.slope(np.float64(u * v))
        u, v = point
        hessian = np.array([gradient(u + h, v) - gradient(u - h, v),
                            gradient(u, v + h) - gradient(u, v - h)]) / (2 * h)
        assert float(family.sharpness(member, u, v)) == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-6)


@pytest.mark.slow
def test_what_is_seen_in_a_run_is_what_a_plain_loop_sees():
    values = experiment.Parameters.checked(scale="quick")
    results = experiment.run(values)
    xs, ys = experiment.starts(values)
    for place, growth, octave in ((0, 1.0, 1.0), (3, 1.5, 0.5), (5, 2.0, 0.5), (7, 3.0, 0.25)):
        x, y = xs[place], ys[place]
        n0, d0 = x * x + y * y, x * x - y * y
        rate, lowest, rise, first = 2 / n0 * 2**octave, np.inf, 0.0, None
        for _ in range(values.steps + 1):
            sigma = x * y - values.target
            loss = ((1 + sigma**2) ** (growth / 2) - 1) / growth
            first = loss if first is None else first
            lowest, rise = min(lowest, loss), max(rise, (loss - min(lowest, loss)) / first)
            if x * x + y * y > 1e8:
                break
            a = rate * sigma * (1 + sigma**2) ** (growth / 2 - 1)
            last, x, y = (x, y), x - a * y, y - a * x
        at = results.isel(start=place).sel(growth=growth, octave=octave)
        x, y = last
        settled = bool(abs(x * y - values.target) < 1e-6)
        assert bool(at.converged) == settled, (growth, octave)
        assert bool(at.rises) == (rise > 1e-3)
        if settled:
            assert float(at.kept) == pytest.approx(abs((x * x - y * y) / d0), rel=1e-6)
            assert float(at.scaled) == pytest.approx(rate * (x * x + y * y), rel=1e-6)


@pytest.mark.slow
def test_onsets_and_windows_by_hand():
    results = experiment.run(experiment.Parameters.checked({"starts": 3, "grid": 3}, scale="quick"))
    results.rises[:] = False
    results.rises[0, 1, 10:14] = True
    results.converged[:] = True
    results.converged[0, 1, 13:] = False
    assert outcomes.window(results).sel(growth=1).values.tolist() == [0, 0.75, 0]
    onsets = outcomes.onsets(results)
    assert float(onsets["rise"][1]) == experiment.OCTAVES[10]
    assert np.isnan(onsets["rise"][0])
    assert float(onsets["loss"][1]) == experiment.OCTAVES[13]


@pytest.mark.parametrize("given", [{"x0": 1.0, "y0": -1.0}, {"x0": 1.0, "y0": 0.5}, {"target": 0.0}, {"starts": 1}])
def test_a_start_at_the_minimum_or_in_balance_is_refused(given):
    with pytest.raises(InputError):
        experiment.Parameters.checked(given)


@pytest.mark.slow
def test_a_run_rests_at_the_edge_or_leaves_it_by_the_sign_of_product_stability():
    assert [float(np.sign(family.product_stability(member))) for member in (
        family.power(1.9), family.power(2.1), family.quartic(2.9), family.quartic(3.1),
        family.cross_entropy(0.99))] == [1, -1, 1, -1, 1]
    assert checks.product_stability().control > checks.REST
