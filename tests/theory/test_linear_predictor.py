"""The linear predictor: closed forms against slow, obvious computations."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from catapult import datasets
from catapult.parameters import InputError
from catapult.theory import _kernels
from catapult.theory import linear_predictor as theory

LOSSES = ("exponential", "logistic", "squared")
LIMITS = {"exponential": 2.0, "logistic": 8.0, "squared": 2.0}
# A few roundings in float64.
TIGHT = 1e-14


def exact_critical(loss, w):
    w = mpmath.mpf(w)
    return {"exponential": lambda: 2 * w / mpmath.sinh(w), "logistic": lambda: 4 * w / mpmath.tanh(w / 2),
            "squared": lambda: mpmath.mpf(2)}[loss]()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("w0", [1e-9, 1e-4, 0.3, 2.0, 7.5, 30.0, 300.0])
def test_critical_rate_is_the_closed_form_of_either_sign(loss, w0):
    exact = float(exact_critical(loss, w0))
    assert theory.critical_learning_rate(loss, w0) == pytest.approx(exact, rel=TIGHT)
    assert theory.critical_learning_rate(loss, -w0) == theory.critical_learning_rate(loss, w0)


@pytest.mark.parametrize("loss", LOSSES)
def test_critical_rate_at_zero_is_two_over_the_curvature(loss):
    assert theory.critical_learning_rate(loss, 0.0) == LIMITS[loss]
    assert theory.critical_learning_rate(loss, 5e-324) == LIMITS[loss]


def test_critical_rate_keeps_the_shape_of_its_argument():
    assert theory.critical_learning_rate("logistic", np.ones((2, 3))).shape == (2, 3)
    assert np.ndim(theory.critical_learning_rate("squared", 1.0)) == 0


def test_critical_rate_underflows_to_zero_and_overflows_to_infinity_without_a_warning():
    assert theory.critical_learning_rate("exponential", 1e308) == 0
    assert theory.critical_learning_rate("logistic", 1.7e308) == math.inf


@pytest.mark.parametrize("w0", [math.nan, math.inf])
def test_a_weight_that_is_not_finite_is_refused(w0):
    with pytest.raises(InputError, match="w0 holds NaN or infinity; allowed: finite numbers"):
        theory.critical_learning_rate("logistic", w0)
    with pytest.raises(InputError, match="w0"):
        theory.iterate("logistic", w0, 1.0, 3)


def test_an_unknown_loss_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match="did you mean 'logistic'"):
        theory.critical_learning_rate("logstic", 1.0)


@pytest.mark.parametrize("loss", LOSSES)
def test_iterate_is_gradient_descent_on_the_degenerate_pair(loss):
    Z = datasets.degenerate_pair().Z
    slow = theory.descend(loss, Z, [0.7], 1.1, 20)[:, 0]
    # 20 steps of maps whose slope stays below 1 near the orbit
    assert theory.iterate(loss, 0.7, 1.1, 20) == pytest.approx(slow, abs=1e-12)


def test_iterate_broadcasts_starts_against_learning_rates():
    w = theory.iterate("logistic", [[1.0], [2.0]], [3.0, 9.0, 12.0], 5)
    assert w.shape == (6, 2, 3)
    assert w[:, 1, 2] == pytest.approx(theory.iterate("logistic", 2.0, 12.0, 5), rel=TIGHT)


def test_blow_up_is_infinite_with_alternating_sign_and_no_warning():
    w = theory.iterate("exponential", 3.0, 2.5, 8)
    assert np.isinf(w[-3:]).all()
    assert w[-1] == -w[-2] == w[-3]


PAIR = np.array([[1.0], [-1.0]])
GAP = [[math.nan, 1.0], [1.0, -1.0], [-1.0, 0.0]]


@pytest.mark.parametrize(("call", "message"), [
    *((call, "Z holds NaN or infinity; allowed: finite numbers") for call in (
        lambda: theory.risk("logistic", GAP, [0.0, 1.0]), lambda: theory.gradient("logistic", GAP, [0.0, 1.0]),
        lambda: theory.hessian("logistic", GAP, [0.0, 1.0]), lambda: theory.descend("logistic", GAP, [0.0, 1.0], 1, 2),
        lambda: theory.smoothness(GAP), lambda: theory.descent_bound([[math.inf]], 1.0),
        lambda: theory.restoring_slope(GAP), lambda: theory.containment_radius(GAP, 1.0))),
    (lambda: theory.smoothness([1.0, 2.0]), r"Z has shape \(2,\); allowed: \(n, d\)"),
    (lambda: theory.smoothness(np.ones((0, 2))), r"Z has shape \(0, 2\); allowed: \(n, d\)"),
    (lambda: theory.smoothness("Z"), "Z is not an array of numbers"),
    (lambda: theory.descent_bound(PAIR, 0.0), "initial_risk = 0; allowed: > 0 and finite"),
    (lambda: theory.containment_radius(PAIR, -1.0), "learning_rate = -1; allowed: > 0 and finite"),
    (lambda: theory.descend("logistic", PAIR, [math.nan], 1.0, 2), "w0 holds NaN"),
    (lambda: theory.descend("logistic", PAIR, [1.0], math.inf, 2), "learning_rate holds NaN or infinity"),
    (lambda: theory.descend("logistic", PAIR, [1.0], 1.0, -2), "steps = -2; allowed: a whole number ≥ 0"),
    (lambda: theory.iterate("logistic", 1.0, 1.0, -1), "steps = -1; allowed: a whole number ≥ 0"),
    (lambda: theory.two_cycle("logistic", math.nan), "learning_rate holds NaN or infinity"),
    (lambda: theory.predicted_phase("exponential", 1, -1), "learning_rate = -1; allowed: > 0 and finite"),
    (lambda: theory.observed_phase("exponential", 1, [2, 0], 10), "learning_rate = 0; allowed: > 0 and finite"),
    (lambda: theory.phase_map("logistic", 1, 0, 10), "learning_rate = 0; allowed: > 0 and finite"),
    (lambda: theory.predicted_phase("exponential", -710.5, 1e-307), r"\|w0\| = 710.5; allowed with the exp.* most 700"),
    (lambda: theory.observed_phase("exponential", 701, 1, 10), r"\|w0\| = 701; allowed"),
    (lambda: theory.phase_map("exponential", [1, 701], 1, 10), r"\|w0\| = 701; allowed"),
    (lambda: theory.observed_phase("logistic", 1, 1, -5), "steps = -5; allowed: a whole number ≥ 1"),
    (lambda: theory.phase_map("logistic", 1, 1, 0), "steps = 0; allowed: a whole number ≥ 1"),
    (lambda: theory.chaos_onset(1.0), "label_fraction = 1.0; allowed: above 0 and below 1"),
    (lambda: theory.chaos_onset(math.nan), "label_fraction = nan; allowed"),
    (lambda: theory.imbalanced_attractor([9.0], 0, 5, 5), "label_fraction = 0; allowed"),
    (lambda: theory.imbalanced_attractor([9.0], 0.5, 5, 0), "kept = 0; allowed: a whole number ≥ 1")])
def test_wrong_input_is_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_phases_up_to_the_largest_weight_of_the_exponential_loss_are_those_predicted():
    case = "exponential", -700.0, np.array([0.5, 2.0]) * theory.critical_learning_rate("exponential", 700.0)
    for phase in (theory.predicted_phase(*case), theory.phase_map(*case, 2000), theory.observed_phase(*case, 2000)):
        assert phase.tolist() == ["converges", "diverges"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("w", [1e-12, 1e-3, 1.0, 3.999999, 4.000001, 50.0])
def test_excess_risk_does_not_cancel(loss, w):
    with mpmath.workdps(60):
        x = mpmath.mpf(w)
        exact = {"exponential": mpmath.cosh(x) - 1, "logistic": mpmath.log(mpmath.cosh(x / 2)),
                 "squared": x**2 / 2}[loss]
    assert theory.excess_risk(loss, w) == pytest.approx(float(exact), rel=TIGHT)


def test_excess_risk_is_infinite_where_it_overflows():
    assert theory.excess_risk("exponential", -2000.0) == math.inf
    assert theory.excess_risk("logistic", 1e308) == pytest.approx(5e307)


@pytest.mark.parametrize(("loss", "rates"), [("logistic", [8.01, 9.0, 20.0, 300.0, 1e6]),
                                             ("exponential", [1e-200, 1e-3, 0.4, 1.5, 1.99])])
def test_two_cycle_inverts_the_critical_rate(loss, rates):
    cycle = theory.two_cycle(loss, rates)
    # near the end of the range w* is small and the inverse is ill-conditioned: see the docstring
    assert theory.critical_learning_rate(loss, cycle) == pytest.approx(rates, rel=1e-12)


def test_two_cycle_of_the_exponential_loss_is_found_up_to_both_ends_of_its_range():
    for rate in (5e-324, 1e-310, 0.3, 1.9999, 2 - 1e-4, 2 - 6e-5, 2 - 5e-5, 2 - 1e-9, np.nextafter(2, 0)):
        cycle = theory.two_cycle("exponential", rate)
        with mpmath.workdps(60):
            target = mpmath.log(2 / mpmath.mpf(rate))
            exact = mpmath.findroot(lambda w, t=target: mpmath.log(mpmath.sinh(w) / w) - t, mpmath.mpf(float(cycle)))
        assert cycle == pytest.approx(float(exact), rel=1e-11), rate


def test_two_cycle_is_nan_where_there_is_none():
    assert np.isnan(theory.two_cycle("logistic", [1.0, 8.0])).all()
    assert np.isnan(theory.two_cycle("exponential", [0.0, 2.0, 5.0])).all()
    assert np.isnan(theory.two_cycle("squared", 3.0))


@pytest.mark.parametrize(("loss", "rate"), [("logistic", 9.0), ("logistic", 30.0), ("exponential", 0.7)])
def test_multiplier_is_the_slope_of_the_map_at_the_cycle(loss, rate):
    cycle, gap = theory.two_cycle(loss, rate), 1e-6
    rise = -(theory.update(loss, cycle + gap, rate) - theory.update(loss, cycle - gap, rate)) / (2 * gap)
    assert theory.cycle_multiplier(loss, cycle) == pytest.approx(rise, abs=1e-8)  # gap² and rounding/gap


def test_multiplier_at_zero_is_one():
    assert [theory.cycle_multiplier(loss, 0.0) for loss in LOSSES] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("loss", LOSSES)
def test_observed_phases_are_the_predicted_ones_away_from_the_curves(loss):
    w0 = np.array([0.2, 1.0, 3.0, 6.0])
    factors = np.array([[0.3], [0.8], [1.3], [1.8]])
    rates = factors * theory.critical_learning_rate(loss, w0)
    assert (theory.observed_phase(loss, w0, rates, 3000) == theory.predicted_phase(loss, w0, rates)).all()


def test_slow_convergence_is_not_taken_for_oscillation():
    assert theory.observed_phase("exponential", 0.1, 1e-4, 100) == "converges"


def test_smoothness_is_the_largest_eigenvalue_of_the_hessian_at_zero():
    Z = np.random.default_rng(0).standard_normal((9, 4))
    hessian = theory.hessian("logistic", Z, np.zeros(4))
    assert theory.smoothness(Z) == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-12)


def test_gradient_and_hessian_are_the_differences_of_risk_and_gradient():
    rng = np.random.default_rng(1)
    Z, w, v, gap = rng.standard_normal((9, 3)), rng.standard_normal(3), rng.standard_normal(3), 1e-5
    for loss in LOSSES:
        slope = (theory.risk(loss, Z, w + gap * v) - theory.risk(loss, Z, w - gap * v)) / (2 * gap)
        assert theory.gradient(loss, Z, w) @ v == pytest.approx(slope, rel=1e-6)
        turn = (theory.gradient(loss, Z, w + gap * v) - theory.gradient(loss, Z, w - gap * v)) / (2 * gap)
        assert theory.hessian(loss, Z, w) @ v == pytest.approx(turn, rel=1e-6)


def test_descent_after_a_blow_up_is_nan():
    w = theory.descend("exponential", [[0.1, 1.0], [0.1, -1.0]], (0.0, 1.0), 3.0, 8)
    assert np.isfinite(w[:3]).all()
    assert np.isnan(w[5:]).all()


@pytest.mark.parametrize("dimension", [1, 2])
def test_restoring_slope_is_the_least_mean_over_all_directions(dimension):
    Z = np.random.default_rng(2).standard_normal((15, 2))[:, :dimension]
    angles = np.linspace(0, 2 * np.pi, 100_001)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    if dimension == 1:
        directions = np.array([[1.0], [-1.0]])
    slow = np.maximum(0, -directions @ Z.T).mean(axis=1).min()
    # the grid of directions misses the minimum by at most the step of the angle times the mean |z|
    assert theory.restoring_slope(Z) == pytest.approx(slow, abs=1e-4)
    assert theory.restoring_slope(Z) <= slow + 1e-15


def test_restoring_slope_is_positive_only_for_strictly_non_separable_data():
    assert theory.restoring_slope([[0.0, 0.0], [1.0, 0.2], [1.0, -0.2]]) == 0
    assert theory.restoring_slope([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) == 0
    assert theory.restoring_slope([[1.0, 0.0], [-1.0, 1.0], [-1.0, -1.0]]) > 0
    assert theory.containment_radius([[1.0, 0.1]], 1.0) == math.inf


def test_restoring_slope_refuses_more_than_two_features():
    with pytest.raises(InputError, match=r"allowed: \(n, 1\) or \(n, 2\)"):
        theory.restoring_slope(np.ones((4, 3)))


def test_the_overshoot_is_the_largest_value_that_it_names():
    u = np.linspace(0, 5, 2_000_001)
    # a maximum on a grid of step h is short by at most h²
    assert pytest.approx((u / (1 + np.exp(u))).max(), abs=1e-11) == theory.OVERSHOOT


def test_imbalanced_attractor_of_balanced_labels_is_the_two_cycle():
    rates = np.array([6.0, 12.0, 20.0])
    orbit, exponent = theory.imbalanced_attractor(rates, 0.5, 2000, 10)
    assert np.abs(orbit[:, 0]).max() < 1e-12
    assert np.abs(orbit[:, 1:]) == pytest.approx(np.tile(theory.two_cycle("logistic", rates[1:]), (10, 1)))
    multiplier = np.abs(theory.cycle_multiplier("logistic", theory.two_cycle("logistic", rates[1:])))
    assert exponent[1:] == pytest.approx(np.log(multiplier), rel=1e-6)
    assert exponent[0] == pytest.approx(np.log(abs(1 - rates[0] / 4)))


@pytest.mark.parametrize("start", [-3.0, 0.5, 7.0])
def test_imbalanced_orbits_start_where_they_are_told_to(start):
    orbit, exponent = theory.imbalanced_attractor(np.array([9.0]), 0.7, 0, 3, np.array([start]))
    step = start - 9 * (1 / (1 + math.exp(-start)) - 0.7)
    assert orbit[:2, 0] == pytest.approx([start, step], rel=TIGHT)
    assert exponent[0] == pytest.approx(np.log(abs(1 - 9 / (2 + 2 * np.cosh(orbit[:, 0])))).mean())


def test_balanced_labels_have_no_onset_of_chaos_and_mirrored_ones_the_same():
    assert math.isnan(theory.chaos_onset(0.5))
    # the orbits are mirrored up to rounding, which chaos amplifies: an onset within a window's width is the same
    assert theory.chaos_onset(0.1) == pytest.approx(theory.chaos_onset(0.9), abs=0.005)


def map_points(loss, count=400):
    """Yield names and points (w0, η): everywhere, and as near as possible to where a label changes."""
    rng = np.random.default_rng(3)
    w0 = np.exp(rng.uniform(np.log(1e-3), np.log(200), count))
    critical, edge = theory.critical_learning_rate(loss, w0), 8 if loss == "logistic" else 2
    yield "everywhere", w0, np.exp(rng.uniform(np.log(0.01), np.log(25 * edge), count))
    for digits in (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16):
        near = 1 + rng.choice([-1, 1], count) * rng.uniform(0.1, 1, count) * 10.0**-digits
        yield f"edge, {digits} digits", w0, edge * near
        yield f"end of the same sign, {digits} digits", w0, edge / 2 * near
        yield f"critical curve, {digits} digits", w0, critical * near
        yield f"hit, {digits} digits", w0, critical / 2 * near
        yield f"cycle at w0/50, {digits} digits", w0, theory.critical_learning_rate(loss, w0 / 50) * near
    yield "edge", w0, np.full(count, float(edge))
    yield "whole numbers", rng.integers(1, 100, count), rng.integers(1, 200, count)
    yield "quarters", rng.integers(1, 400, count) / 4, rng.integers(1, 800, count) / 4
    yield "large w0", rng.uniform(100, 700, count), rng.uniform(8, 60, count)
    yield "large rates", rng.uniform(0.05, 120, count), rng.uniform(4, 250, count)
    largest = np.log10(700) if loss == "exponential" else 300
    yield "any size", 10 ** rng.uniform(-300, largest, count), 10 ** rng.uniform(-300, 300, count)
    yield "from 0", np.zeros(count), w0
    first = rng.uniform(0.1, 10, count)
    rate = theory.critical_learning_rate("logistic", first) / 2
    for step in (2, 3):  # hits at this step of the logistic loss
        before = first
        for _ in range(100):
            before = first + rate / 2 * np.tanh(before / 2)
        first = before
        yield f"hit at step {step}", first, rate
        yield f"near hit at step {step}", first * (1 + 1e-6 * rng.standard_normal(count)), rate


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 50, 1000])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_fast_map_is_the_observed_one(loss, steps):
    for name, w0, rates in map_points(loss):
        differs = theory.phase_map(loss, w0, rates, steps) != theory.observed_phase(loss, w0, rates, steps)
        assert not differs.any(), (name, np.asarray(w0)[differs][:3], rates[differs][:3])


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_the_fast_map_leaves_hardly_any_orbit_to_the_slow_one(loss):
    w0, rates = np.meshgrid(np.linspace(0.05, 14, 300), np.geomspace(0.1, 64, 300))
    codes = np.empty(w0.size, dtype=np.int8)
    _kernels.labels(_kernels.code(loss), w0.ravel(), rates.ravel(), 1000, codes)
    assert (codes == _kernels.OPEN).sum() <= 10


def test_a_phase_map_has_the_shape_of_its_points():
    assert theory.phase_map("logistic", np.ones((3, 1)), np.ones(4), 10).shape == (3, 4)
    assert theory.phase_map("logistic", 1.0, 1.0, 10) == "converges"
    assert theory.phase_map("logistic", np.ones(0), 1.0, 10).shape == (0,)


def test_the_bounds_of_slow_orbits_rest_on_a_function_that_rises():
    v = np.linspace(0.05, 3, 500)
    for rate in (4.5, 6.0, 8.0, 8.5):
        p = rate * np.tanh(v / 2) / (2 * v)
        rises = ((p - 1) ** -2.0 - (rate / 4 - 1) ** -2.0)[p > 1] / v[p > 1] ** 2
        assert (np.diff(rises) > 0).all()
        assert rises[0] == pytest.approx(rate / 24 / (rate / 4 - 1) ** 3, rel=0.02)  # at v = 0.05, up to O(v²)
