"""Every displayed formula: identities by sympy, expansions by series, the rest in networks or orbits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from sympy import Rational, sinh, tanh

from catapult import losses
from catapult.chapters.catapult_logistic import experiment
from catapult.theory import linear_predictor, two_layer
from formulas import Formulas, zero
from recursion import EXPONENTIAL, LOGISTIC, c4, delta, f, g, h, kappa, m, scaled, second_order, step, v, x

formula = Formulas("catapult-logistic")
eta, slope = sympy.symbols("eta slope", positive=True)


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=16)


@formula("eq-cl-loss")
def test_the_loss_its_slope_and_its_curvatures_at_zero():
    L = sympy.log(2 * sympy.cosh(v / 2))
    assert zero(L.diff(v) - LOGISTIC)
    assert [LOGISTIC.diff(v, order).subs(v, 0) for order in (1, 3)] == [Rational(1, 4), -Rational(1, 8)]
    points = np.linspace(-3, 3, 13)
    assert linear_predictor.slope("logistic", points) == pytest.approx(np.tanh(points / 2) / 2)
    assert losses.get("logistic").curvature_at_zero == 0.25


@formula("eq-cl-hit")
def test_a_hit_ends_at_the_stated_kernel_and_has_a_feasible_start():
    a = sympy.sqrt(kappa) * g
    start = f / g * (1 + a**2)
    new_f, new_scaled = step(f, start, g)
    assert sympy.simplify(new_f) == 0
    assert sympy.simplify(new_scaled - f / g * (1 - a**2) ** 2) == 0
    assert sympy.simplify(start - 2 * sympy.sqrt(kappa) * f - f / g * (1 - a) ** 2) == 0  # so ≥ 0


@pytest.mark.slow
@formula("eq-cl-eight", "eq-cl-swap")
def test_the_larger_of_p_and_q_is_bounded_and_their_product_falls():
    assert sympy.solve(eta**2 / 4 - 2 * m, eta)[0] == sympy.sqrt(8 * m)
    # f > 0, so g > 0: p is the larger one, by 4√κ f, and a step multiplies it by (1 − |a|)², the other by (1 + |a|)²
    a, root = sympy.sqrt(kappa) * g, 2 * sympy.sqrt(kappa)
    pair, after = ((kernel + root * output, kernel - root * output)
                   for output, kernel in ((f, scaled), step(f, scaled, g)))
    assert sympy.expand(pair[0] - pair[1] - 4 * sympy.sqrt(kappa) * f) == 0
    assert sympy.expand(after[0] - (1 - a) ** 2 * pair[0]) == 0
    assert sympy.expand(after[1] - (1 + a) ** 2 * pair[1]) == 0
    assert sympy.expand(after[0] * after[1] - (1 - a**2) ** 2 * pair[0] * pair[1]) == 0
    rng = np.random.default_rng(2)
    width = rng.integers(1, 1000, 300)
    rate = rng.uniform(0.1, 1, 300) * np.sqrt(8 * width)
    ntk = rng.uniform(0, 400, 300) / rate
    start = np.minimum(30, ntk * np.sqrt(width) / 2) * rng.uniform(-1, 1, 300)
    outputs, kernels = two_layer.iterate("logistic", start, ntk, width, rate, 60)
    p, q, D = two_layer.invariants(outputs, kernels, width, rate)
    larger, smaller = np.maximum(p, q), np.minimum(p, q)
    assert (D[1:] <= D[:-1] * (1 + 1e-9) + 1e-9).all()
    assert (larger <= np.maximum(larger[0], (1 + math.sqrt(2)) ** 2 * np.sqrt(D[0])) * (1 + 1e-9)).all()
    a = np.abs(rate / np.sqrt(width) * np.tanh(outputs / 2) / 2)
    images = np.sort([(1 - a[:-1]) ** 2 * larger[:-1], (1 + a[:-1]) ** 2 * smaller[:-1]], axis=0)
    assert larger[1:] == pytest.approx(images[1], rel=1e-9, abs=1e-9)
    assert smaller[1:] == pytest.approx(images[0], rel=1e-6, abs=1e-6)


@formula("eq-cl-cycle", "eq-cl-jacobian", "eq-cl-multiplier")
def test_the_two_cycle_its_derivative_and_its_eigenvalues():
    F = sympy.Function("F")
    turned = sympy.Matrix([-step(f, scaled, F(f))[0], step(f, scaled, F(f))[1]])
    at = {scaled: 4 * f / g, kappa: 2 / g**2}

    def here(expression):
        return sympy.simplify(expression.subs(F(f).diff(f), slope).subs(F(f), g).subs(at))

    assert here(turned) == sympy.Matrix([f, 4 * f / g])
    jacobian = turned.jacobian([f, scaled]).applyfunc(here)
    stated = sympy.Matrix([[-3, g], [4 * kappa * (f * slope - g), 3]]).subs(at)
    assert sympy.simplify(jacobian - stated) == sympy.zeros(2, 2)
    assert jacobian.trace() == 0
    assert sympy.simplify(jacobian.det() + 1 + 8 * f * slope / g) == 0
    assert zero(v * LOGISTIC.diff(v) / LOGISTIC - v / sinh(v))
    # κ g² = 2 and Λ g = 4f for the logistic loss
    cycle = 2 * sympy.atanh(2 * sympy.sqrt(2 / kappa))
    assert sympy.simplify(kappa * (tanh(cycle / 2) / 2) ** 2) == 2
    assert sympy.limit(8 * cycle / tanh(cycle / 2), kappa, sympy.oo) == 16
    assert sympy.limit(8 * v / tanh(v / 2), v, sympy.oo) == sympy.oo
    for k in (8.5, 30.0, 300.0):
        assert experiment.measured_multipliers(k, 20) == pytest.approx(
            two_layer.cycle_multiplier(20, math.sqrt(20 * k)), rel=1e-6)


@formula("eq-cl-swing")
def test_beyond_eight_the_ratio_swings_and_the_root_of_the_product_grows():
    rate, width = math.sqrt(12 * 40), 40
    outputs, kernels = two_layer.iterate("logistic", 30.0, 30.0, width, rate, 12)
    p, q, D = two_layer.invariants(outputs, kernels, width, rate)
    a, r = np.abs(rate / math.sqrt(width) * np.tanh(outputs / 2) / 2), np.log(p / q)
    swing = 2 * np.log((a + 1) / (a - 1))
    assert (np.abs(r) < swing).all()
    assert (np.sign(r) == np.sign(outputs)).all()
    assert (np.sign(r[1:]) == -np.sign(r[:-1])).all()
    assert np.abs(r[1:]) == pytest.approx((swing - np.abs(r))[:-1], rel=1e-9)
    assert np.sqrt(D[1:]) == pytest.approx(((a**2 - 1) * np.sqrt(D))[:-1], rel=1e-9)
    assert 2 * math.sqrt(12) * np.abs(outputs) == pytest.approx(np.sqrt(D) * np.sinh(np.abs(r) / 2), rel=1e-9)


@formula("eq-cl-size", "eq-cl-drift")
def test_sizes_move_by_the_turned_map_and_the_kernel_drifts_down():
    new_f, new_scaled = step(v, scaled, g)
    assert sympy.expand(-new_f - (scaled * g - v * (1 + kappa * g**2))) == 0
    assert sympy.expand(new_scaled - (scaled - kappa * g * (4 * v - scaled * g))) == 0
    drift = (new_scaled - scaled).subs(g, 2 * v / scaled)
    assert sympy.simplify(drift + 4 * kappa * v**2 / scaled) == 0


def expanded(image, order):
    """Return the coefficient of κ^order of an expression in κ."""
    return sympy.series(image, kappa, 0, order + 1).removeO().coeff(kappa, order)


@formula("eq-cl-first-order", "eq-cl-slow")
def test_the_slow_curve_is_invariant_to_first_order():
    G, first = sympy.Function("G"), sympy.symbols("first")
    e = v * G(v).diff(v) / G(v)
    leading = 2 * v / G(v)
    assert sympy.simplify(leading.diff(v) - 2 / G(v) * (1 - e)) == 0
    # Φ0'(v)·(κ-term of v⁺) + Φ1 = (κ-term of Λ⁺), where Φ1 stands on both sides
    curve = leading + kappa * first
    new_f, new_scaled = step(v, curve, G(v))
    assert sympy.simplify(-new_f.subs(kappa, 0) - v) == 0
    size = expanded(sympy.expand(-new_f), 1)
    assert sympy.simplify(size - (first * G(v) - v * G(v) ** 2)) == 0
    assert sympy.simplify(expanded(sympy.expand(new_scaled), 1) - first + 2 * v * G(v)) == 0
    equation = leading.diff(v) * size + 2 * v * G(v)
    assert sympy.simplify(sympy.solve(equation, first)[0] - v * G(v) * e / (e - 1)) == 0
    for name, gradient in (("logistic", LOGISTIC), ("exponential", EXPONENTIAL)):
        stated = 2 * v / gradient + kappa * (v * gradient * e / (e - 1)).subs(G(v), gradient).doit()
        assert two_layer.slow_ntk(name, 1.3, 200, 2.0) * 2 == pytest.approx(float(stated.subs({v: 1.3, kappa: 0.02})))


@formula("eq-cl-onset")
def test_the_slow_curve_meets_zero_where_it_is_stated():
    generic = h * v + c4 * v**3 / 6
    e = v * generic.diff(v) / generic
    assert sympy.simplify(sympy.series(e, v, 0, 4).removeO() - 1 - c4 / (3 * h) * v**2) == 0
    assert sympy.simplify(sympy.limit(v * generic * e / (e - 1), v, 0) - 3 * h**2 / c4) == 0
    for gradient, edge, stated in ((LOGISTIC, 8, -Rational(3, 2)), (EXPONENTIAL, 2, 3)):
        at_zero, third = gradient.diff(v).subs(v, 0), gradient.diff(v, 3).subs(v, 0)
        assert (2 / at_zero, 3 * at_zero**2 / third) == (edge, stated)


@pytest.mark.slow
@formula("eq-cl-law")
def test_the_law_of_the_slide_to_second_order():
    second = sympy.Symbol("Phi2")
    assert second_order(LOGISTIC) == (-Rational(9, 80), second / 3 + Rational(3, 80))
    width = 10**6
    for k in (0.003, 0.03):
        rate = math.sqrt(k * width)
        final = rate * two_layer.final_ntk("logistic", 1.0, 12 / rate, width, rate)
        assert (8 - 1.5 * k - final) / k**2 == pytest.approx(9 / 80, rel=k)  # κ³ is next
        assert rate * two_layer.slide_ntk(width, rate) == pytest.approx(8 - 1.5 * k, rel=1e-12)


@pytest.mark.slow
def test_on_the_slide_the_excess_loss_falls_at_a_quarter_to_three_quarters_of_kappa():
    e, loss = v / sinh(v), sympy.log(sympy.cosh(v / 2))
    drift = -2 * kappa * v * LOGISTIC  # −4κv²/Λ with Λ = 2v/g
    assert zero(drift + 4 * kappa * v**2 / (2 * v / LOGISTIC))
    size = drift / (2 * (1 - e) / LOGISTIC)  # divided by Φ0'
    assert zero((2 * v / LOGISTIC).diff(v) - 2 * (1 - e) / LOGISTIC)
    rate = v * LOGISTIC**3 / (1 - e)  # of the loss, over κ
    assert zero(-loss.diff(v) * size / kappa - rate)
    at_zero = [sympy.series(part, v, 0, 5).removeO() for part in (v * LOGISTIC**3, (1 - e) * loss)]
    assert sympy.limit(at_zero[0] / at_zero[1], v, 0) == Rational(3, 4)
    for size, value in ((1e-2, 0.75), (4000.0, 0.25)):
        g = math.tanh(size / 2) / 2
        excess = linear_predictor.excess_risk("logistic", size)
        shape = 1 - size / math.sinh(size) if size < 700 else 1.0
        assert size * g**3 / shape / excess == pytest.approx(value, rel=1e-3)


@formula("eq-cl-time")
def test_the_slide_takes_the_stated_time():
    # near the edge v² = 3(Λ − 8)/2, so that Λ − 8 decays at the rate 3κ/4
    square = sympy.series(2 * v / LOGISTIC, v, 0, 4).removeO() - 8
    assert square == 2 * v**2 / 3
    assert -4 * kappa * (3 * delta / 2) / 8 == -3 * kappa * delta / 4
    k = np.array([0.0025, 0.005, 0.01])
    times = 0.75 * k * experiment._time_to_edge(0.3, 12.0, k)
    assert (times[:-1] - times[1:]) / np.log(2) == pytest.approx([1, 1], abs=0.03)


@formula("eq-cl-annihilation")
def test_annihilation_leaves_no_kernel():
    assert sympy.solve(sympy.sqrt(kappa) * x / 2 - 1, x) == [2 / sympy.sqrt(kappa)]  # |a| = 1, x = tanh(|f|/2)
    new_f, new_scaled = step(f, scaled, 1 / sympy.sqrt(kappa))
    assert sympy.expand(new_scaled**2 - 4 * kappa * new_f**2) == 0
    # D = 0: Λ = 2√κ f, and a step turns f into (1 − a)² f
    assert sympy.expand(step(f, 2 * sympy.sqrt(kappa) * f, g)[0] - (1 - sympy.sqrt(kappa) * g) ** 2 * f) == 0
    width = 40
    rate = math.sqrt(6.0 * width)
    start = 2 * math.atanh(2 / math.sqrt(6.0))
    outputs, kernels = two_layer.iterate("logistic", start, 30 / rate, width, rate, 3)
    D = two_layer.invariants(outputs, kernels, width, rate)[2]
    assert D[0] > 100
    assert np.abs(D[1:]).max() < 1e-9


@formula("eq-cl-period")
@pytest.mark.parametrize("k", [1.5, 3.0, 6.0])
def test_saturated_steps_contract_and_swing_whatever_the_width_and_ends_repeat(k):
    ends, period = [], abs(1 - k / 4) ** -4
    for width in (10**12, round(10**12 * period)):
        rate = math.sqrt(k * width)
        outputs, kernels = two_layer.iterate("logistic", 1.0, 2.0, width, rate, 9)
        p, q, D = two_layer.invariants(outputs, kernels, width, rate)
        late = slice(3, 8)
        assert np.abs(outputs[late]).min() > 40
        assert np.sqrt(D[1:] / D[:-1])[late] == pytest.approx(abs(1 - k / 4), rel=1e-9)
        swing = np.log(p / q)
        assert swing[late][2:] == pytest.approx(swing[late][:-2], rel=1e-9)
        ends.append(math.sqrt(width) * two_layer.final_ntk("logistic", 1.0, 2.0, width, rate))
    assert ends[0] == pytest.approx(ends[1], rel=1e-4)
