"""Every displayed formula: identities by sympy, inclusions on random points, bounds in high precision."""

from __future__ import annotations

import flint
import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mpf

from catapult.oracles import predictor
from catapult.theory import certificates
from catapult.theory.certificates import _rates, _two_layer
from formulas import Formulas, zero

formula = Formulas("certificates")
w, eta, f, kappa, scaled, g, a, p, q, r = sympy.symbols("w eta f kappa Lambda g a p q r", real=True)
LOSSES = ("exponential", "logistic", "squared")


def slope(loss, value):
    return predictor.SLOPES[loss](value, mpmath)


def step(loss, kappa, f, scaled):
    g = slope(loss, f)
    return f * (1 + kappa * g**2) - scaled * g, scaled + kappa * g * (scaled * g - 4 * f)


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=13)


@formula("eq-ball-inclusion")
def test_a_formula_on_a_ball_contains_its_values():
    rng = np.random.default_rng(0)
    for _ in range(50):
        middle, radius = rng.normal(), float(rng.uniform(0, 1))
        ball = flint.arb(middle, radius)
        image = ball.sinh() / (1 + ball**2)
        for x in rng.uniform(middle - radius, middle + radius, 20):
            assert image.contains(flint.arb(x).sinh() / (1 + flint.arb(x) ** 2))


@formula("eq-ball-mean-value")
def test_the_mean_value_form_contains_the_values_and_is_tighter_near_a_point():
    rng = np.random.default_rng(1)
    for _ in range(50):
        middle, radius = rng.normal(), float(rng.uniform(0, 0.01))
        ball, centre = flint.arb(middle, radius), flint.arb(middle)
        image = centre - centre.sinh() + (1 - ball.cosh()) * (ball - centre)
        for x in rng.uniform(middle - radius, middle + radius, 20):
            assert image.contains(flint.arb(x) - flint.arb(x).sinh())
    assert image.rad() < (ball - ball.sinh()).rad()


@formula("eq-ball-excess")
@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_the_sign_of_a_step_is_that_of_the_quotient(loss):
    rng = np.random.default_rng(2)
    for _ in range(300):
        x, rate = mpf(rng.uniform(0.01, 8)), mpf(rng.uniform(0.01, 40))
        after = predictor.move(loss, x, rate, mpmath)
        risk = mpmath.cosh if loss == "exponential" else (lambda v: mpmath.log(mpmath.cosh(v / 2)))
        quotient = (rate / 2 * mpmath.sinh(x) / x if loss == "exponential"
                    else rate / 8 * mpmath.tanh(x / 2) / (x / 2)) - 1
        assert mpmath.sign(risk(after) - risk(x)) == mpmath.sign(quotient)


@formula("eq-ball-excess")
@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_a_step_multiplies_the_excess_by_what_is_positive(loss):
    # L(u) − L(w) has the sign of u² − w², and u² − w² is the excess times (2w)² (excess + 1) > 0
    u = sympy.symbols("u", real=True)
    if loss == "exponential":
        g, excess = sympy.sinh(w), eta / 2 * sympy.sinh(w) / w - 1
        difference, half_sum, half = sympy.cosh(u) - sympy.cosh(w), (u + w) / 2, (u - w) / 2
    else:
        g, excess = sympy.tanh(w / 2) / 2, eta / 8 * sympy.tanh(w / 2) / (w / 2) - 1
        difference, half_sum, half = sympy.cosh(u / 2) - sympy.cosh(w / 2), (u + w) / 4, (u - w) / 4
    assert zero(difference - 2 * sympy.sinh(half_sum) * sympy.sinh(half))
    assert zero((w - eta * g) ** 2 - w**2 - (2 * w) ** 2 * (excess + 1) * excess)
    assert sympy.limit(excess, w, 0) == (eta / 2 if loss == "exponential" else eta / 8) - 1


@formula("eq-ball-newton")
def test_newton_maps_an_interval_around_the_cycle_into_itself_and_keeps_the_zero():
    rate, box = flint.arb(12, 0.01), flint.arb(1.9, 0.2)
    found = certificates.two_cycle((11.99, 12.01), depth=0)
    box = flint.arb(float(found.cycle.mean()), 0.1)
    centre = box.mid()
    image = centre - (rate / 2 * (centre / 2).tanh() - 2 * centre) / (rate / 4 / (box / 2).cosh() ** 2 - 2)
    assert box.contains_interior(image)
    for value in (11.99, 12, 12.01):
        zero_of = mpmath.findroot(lambda v, value=value: mpf(value) / 2 * mpmath.tanh(v / 2) - 2 * v, float(centre))
        assert image.contains(flint.arb(float(zero_of)))
    assert zero(sympy.diff(eta / 2 * sympy.tanh(w / 2) - 2 * w, w) - (eta / 4 / sympy.cosh(w / 2) ** 2 - 2))


@formula("eq-ball-multiplier")
def test_both_forms_of_the_multiplier_agree_on_the_cycle():
    rate = 4 * w / sympy.tanh(w / 2)
    assert zero(rate / 4 / sympy.cosh(w / 2) ** 2 - 2 * w / sympy.sinh(w))


@formula("eq-ball-recursion", "eq-ball-product")
def test_the_recursion_multiplies_p_and_q_by_squares_and_is_a_step_of_weights():
    u, v = sympy.symbols("u v", real=True)  # √η w1, √η w2 of one neuron: Λ = (u² + v²)/m, f = u v/(η √m), m = η²/κ
    width = eta**2 / kappa
    output, kernel = u * v / (eta * sympy.sqrt(width)), (u**2 + v**2) / width
    move = eta / sympy.sqrt(width) * g
    after = {u: u - move * v, v: v - move * u}
    f_new = output * (1 + kappa * g**2) - kernel * g
    scaled_new = kernel + kappa * g * (kernel * g - 4 * output)
    positive = {kappa: sympy.Rational(3, 7), eta: sympy.Rational(5, 3)}
    assert sympy.simplify((output.subs(after, simultaneous=True) - f_new).subs(positive)) == 0
    assert sympy.simplify((kernel.subs(after, simultaneous=True) - scaled_new).subs(positive)) == 0
    root = sympy.symbols("rho", positive=True)  # √κ
    for sign in (1, -1):
        before = scaled + sign * 2 * root * f
        new = (scaled + root**2 * g * (scaled * g - 4 * f)) + sign * 2 * root * (f * (1 + root**2 * g**2) - scaled * g)
        assert sympy.expand(new - (1 - sign * root * g) ** 2 * before) == 0
    assert sympy.expand(((1 - a) * (1 + a)) ** 2 - (1 - a**2) ** 2) == 0


@formula("eq-ball-limit")
@pytest.mark.parametrize("loss", LOSSES)
def test_the_limit_lies_between_its_bounds_and_they_close(loss):
    h = mpf(1) / 4 if loss == "logistic" else mpf(1)
    with mpmath.workdps(40):
        f, scaled, kappa = mpf("0.4"), mpf("1.6") / h, mpf("0.05")
        bounds = []
        for _ in range(400):
            most = slope(loss, f) / f if loss == "exponential" and f else h
            invariant = mpmath.sqrt(scaled**2 - 4 * kappa * f**2)
            bounds.append((invariant * (2 - most * scaled) / (2 - most * invariant), invariant))
            f, scaled = step(loss, kappa, f, scaled)
        slack = mpf(10) ** -30 * scaled
        assert all(low - slack <= scaled <= high + slack for low, high in bounds)
        assert 0 < bounds[0][1] - bounds[0][0] < mpf("0.2") * scaled
        assert bounds[-1][1] - bounds[-1][0] < mpf(10) ** -20


@formula("eq-ball-escape")
@pytest.mark.parametrize("loss", ["exponential", "squared"])
def test_the_escape_region_is_never_left_and_the_output_grows(loss):
    rng = np.random.default_rng(4)
    with mpmath.workdps(60):
        for _ in range(50):
            kappa, f = mpf(rng.uniform(0.01, 2)), mpf(rng.uniform(1, 3))
            while slope(loss, f) * mpmath.sqrt(kappa) < 4.1:
                f *= 1.3
            scaled = mpf(rng.uniform(0, 1)) * (kappa * f * slope(loss, f) / 2 - 2 * mpmath.sqrt(kappa) * f)
            scaled += 2 * mpmath.sqrt(kappa) * f
            for _ in range(2):
                assert 2 * mpmath.sqrt(kappa) * abs(f) * (1 - mpf(10) ** -50) <= scaled
                assert scaled <= kappa * f * slope(loss, f) / 2
                before = f
                f, scaled = step(loss, kappa, f, scaled)
                assert abs(f) >= 9 * abs(before)


@formula("eq-ball-alternation")
def test_the_ratio_of_p_and_q_alternates_and_gives_the_output():
    with mpmath.workdps(40):
        f, scaled, kappa = mpf(9), mpf(400), mpf(10)
        for _ in range(5):
            a, invariant = mpmath.sqrt(kappa) * slope("logistic", f), mpmath.sqrt(scaled**2 - 4 * kappa * f**2)
            ratio = abs(mpmath.log((scaled + 2 * mpmath.sqrt(kappa) * f) / (scaled - 2 * mpmath.sqrt(kappa) * f)))
            assert mpmath.almosteq(abs(f), invariant * mpmath.sinh(ratio / 2) / (2 * mpmath.sqrt(kappa)), 1e-30)
            f, scaled = step("logistic", kappa, f, scaled)
            after = abs(mpmath.log((scaled + 2 * mpmath.sqrt(kappa) * f) / (scaled - 2 * mpmath.sqrt(kappa) * f)))
            shift = 2 * mpmath.log((abs(a) + 1) / (abs(a) - 1))
            assert mpmath.almosteq(after, abs(ratio - shift), 1e-30, 1e-30)
            new = mpmath.sqrt(scaled**2 - 4 * kappa * f**2)
            assert mpmath.almosteq(new, (a**2 - 1) * invariant, 1e-30)


@formula("eq-ball-drift")
def test_the_drift_of_the_ratio_stays_below_its_bound():
    with mpmath.workdps(150):
        for kappa, f, scaled in ((mpf(10), mpf(300), mpf(5000)), (mpf(14), mpf(20), mpf(500))):
            root, top = mpmath.sqrt(kappa), mpmath.sqrt(kappa) / 2
            ratio = abs(mpmath.log((scaled + 2 * root * f) / (scaled - 2 * root * f)))
            period = 2 * mpmath.log((top + 1) / (top - 1))
            room = min(ratio, period - ratio) / 2
            least = mpmath.sqrt(scaled**2 - 4 * kappa * f**2) * mpmath.sinh(room / 2) / (2 * root)
            alpha = top * mpmath.tanh(least / 2)
            bound = 8 * top / (alpha**2 - 1) * mpmath.exp(-least) / (1 - mpmath.exp(-least * (alpha**2 - 2)))
            balls = [flint.arb(str(value)) for value in (kappa, f, scaled)]
            assert _two_layer.logistic_escape(*balls) == bool(room > 0 and alpha**2 > 2 and bound < room)
            assert bound < room
            for t in range(1, 30):
                f, scaled = step("logistic", kappa, f, scaled)
                now = abs(mpmath.log((scaled + 2 * root * f) / (scaled - 2 * root * f)))
                assert abs(now - (ratio if t % 2 == 0 else period - ratio)) <= bound


@formula("eq-ball-rates")
@pytest.mark.parametrize("loss", LOSSES)
def test_orbits_of_an_interval_of_rates_contain_the_orbit_of_each(loss):
    low, high = {"logistic": (5.9, 6.0), "exponential": (0.84, 0.86), "squared": (1.2, 1.21)}[loss]
    start = _two_layer.checked(loss, 1, 2, 50, low)
    with flint.ctx.workprec(100), mpmath.workdps(30):
        family = _rates.of_rates(loss, start.f0, 2, 50, low, high)
        states = [state for _, state in zip(range(6), _rates.mean_value_states(family), strict=False)]
        for rate in np.linspace(low, high, 9):
            kappa, f, scaled = mpf(rate) ** 2 / 50, mpf(1), 2 * mpf(rate)
            for _, f_ball, scaled_ball in states:
                assert f_ball.overlaps(flint.arb(str(f), 1e-20))
                assert scaled_ball.overlaps(flint.arb(str(scaled), 1e-20))
                f, scaled = step(loss, kappa, f, scaled)
    assert states[-1][1].rad() < 0.5


@formula("eq-ball-three")
def test_the_third_iterate_changes_sign_between_the_ends_of_an_enclosure():
    point = certificates.period_three("9/10", 4).points[0]

    def third(x):
        for _ in range(3):
            x = x - mpf(4) / (mpf(9) / 100) * (1 / (1 + mpmath.exp(-x)) - mpf(9) / 10)
        return x

    with mpmath.workdps(40):
        assert (third(mpf(point.lower)) - point.lower) * (third(mpf(point.upper)) - point.upper) < 0
