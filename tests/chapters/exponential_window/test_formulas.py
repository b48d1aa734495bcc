"""Every displayed formula of chapter exponential-window: identities and expansions by sympy, the rest in orbits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import sympy
from sympy import Rational, exp, sinh, tanh

from catapult import losses
from catapult.chapters.catapult_squared import networks
from catapult.chapters.exponential_window import experiment
from catapult.theory import linear_predictor, two_layer
from formulas import Formulas, zero
from recursion import EXPONENTIAL, c4, delta, g, h, kappa, m, second_order, step, v, x, x0

formula = Formulas("exponential-window")
eps = sympy.symbols("eps")


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=8)


@formula("eq-ew-loss")
def test_the_loss_its_slope_and_its_curvatures_at_zero():
    assert zero(sympy.cosh(v).diff(v) - EXPONENTIAL)
    assert [sympy.cosh(v).diff(v, order).subs(v, 0) for order in (2, 4)] == [1, 1]
    points = np.linspace(-3, 3, 13)
    assert linear_predictor.slope("exponential", points) == pytest.approx(np.sinh(points))
    assert losses.get("exponential").curvature_at_zero == 1


@pytest.mark.slow
@formula("eq-ew-window-edge")
def test_the_edge_of_the_exponential_loss_is_its_slow_curve():
    e = v * sympy.coth(v)
    assert zero(v * EXPONENTIAL * e / (e - 1) - v**2 * sympy.cosh(v) / (v * sympy.coth(v) - 1))
    assert second_order(EXPONENTIAL) == (Rational(63, 10), Rational(21, 5) - 2 * sympy.Symbol("Phi2") / 3)
    k = 1e-3
    assert (experiment.window_edge(1e-4, k) - 2 - 3 * k) / k**2 == pytest.approx(6.3, rel=0.03)
    for start in (0.5, 1.5):
        excess = (experiment.window_edge(start, k) - 2 * start / math.sinh(start)) / k
        assert excess == pytest.approx(start**2 * math.cosh(start) / (start / math.tanh(start) - 1), rel=0.01)


@formula("eq-ew-window")
def test_the_window_between_the_first_rise_and_divergence():
    e = sympy.symbols("e")  # v g'/g
    edges = kappa * v * g * e / (e - 1), kappa * v * g  # beyond 2v/g: the edge of convergence, and s = 2 + a²
    window = sympy.simplify(edges[0] - edges[1])
    assert sympy.simplify(window - kappa * v * g / (e - 1)) == 0
    # relative to η: divide by Λ = 2v/g, with κ = (Λ/λ0)²/m
    ntk = sympy.symbols("ntk", positive=True)
    relative = (window / (2 * v / g)).subs(kappa, (2 * v / g / ntk) ** 2 / m)
    assert sympy.simplify(relative - 2 * v**2 / (ntk**2 * (e - 1) * m)) == 0
    assert sympy.series(v * sinh(v), v, 0, 3).removeO() == 3 * sympy.series(v * sympy.coth(v) - 1, v, 0, 3).removeO()
    parameters = experiment.Parameters()
    lazy, critical = experiment._window_of_widths(parameters, np.array([20_000.0]))
    factor = 2 / parameters.ntk0**2 / (1 / math.tanh(1) - 1)
    assert (critical / lazy - 1) * 20_000 == pytest.approx([factor], rel=0.01)


@formula("eq-ew-spread")
def test_the_spread_of_the_kernel_over_seeds():
    _, ntk0 = networks.drawn(200, 4000, 1)
    assert ntk0.mean() == pytest.approx(2, abs=0.01)
    assert ntk0.std() == pytest.approx(2 / math.sqrt(200), rel=0.05)


@formula("eq-ew-normal")
def test_the_normal_form_is_the_expansion_of_the_recursion():
    gradient = h * v + c4 * v**3 / 6
    new_f, new_scaled = step(v, 2 / h + delta, gradient)
    growth = sympy.expand(-new_f / v)
    C = c4 / (3 * h)
    linear = growth.coeff(v, 0) + v**2 * growth.coeff(v, 2).subs({delta: 0, kappa: 0})
    assert sympy.simplify(linear - (1 + h * delta + C * v**2)) == 0
    # δ and y are of the order of κ: what is left out is of second order in it
    small = {delta: eps * delta, kappa: eps * kappa, v: sympy.sqrt(eps) * v}
    left_out = (growth - linear).subs(small, simultaneous=True)
    assert sympy.expand(left_out).coeff(eps, 0) == sympy.expand(left_out).coeff(eps, 1) == 0
    drift = sympy.expand(new_scaled - 2 / h - delta).subs(delta, 0)
    assert drift.coeff(v, 0) == drift.coeff(v, 1) == 0
    assert sympy.simplify(drift.coeff(v, 2) + 2 * kappa * h) == 0


@formula("eq-ew-ode", "eq-ew-exit")
def test_the_solution_of_the_normal_form_and_its_exit():
    C = sympy.symbols("C", nonzero=True)
    here = C * delta / (kappa * h)
    y = kappa * h**2 / C**2 * (1 - here - (1 - x0) * exp(x0 - here))
    assert sympy.simplify(y.diff(delta) + (h * delta + C * y) / (kappa * h)) == 0
    assert sympy.simplify(y.subs(delta, kappa * h * x0 / C)) == 0
    bracket = 1 - x - (1 - x0) * exp(x0 - x)
    assert sympy.simplify(bracket * exp(x) - ((1 - x) * exp(x) - (1 - x0) * exp(x0))) == 0
    width, k = 10**6, 1e-4
    rate = math.sqrt(k * width)
    for name, edge, at_zero, fourth in (("logistic", 8, 0.25, -0.125), ("exponential", 2, 1.0, 1.0)):
        unit, ends = at_zero / (fourth / (3 * at_zero)), []
        for start in (0.02, 0.5, 0.9, 20.0):
            entry = start * abs(unit) * k
            end = rate * two_layer.exit_ntk(name, (edge + entry) / rate, width, rate) - edge
            if name == "exponential" and start > 1:
                assert math.isnan(end)
                continue
            ends.append(end / k / abs(unit))
            if start == 20.0:
                continue
            x_0, x_1 = entry / unit / k, end / unit / k
            assert (1 - x_1) * math.exp(x_1) == pytest.approx((1 - x_0) * math.exp(x_0), rel=1e-6)
        assert ends[0] == pytest.approx(-0.02, rel=0.05)  # reflected
        assert all(a > b for a, b in itertools.pairwise(ends))
        if name == "logistic":
            assert ends[-1] == pytest.approx(-1, rel=1e-3)


@formula("eq-ew-example")
def test_the_example_has_a_positive_fourth_derivative_and_a_fold_below_the_edge():
    gradient = tanh(v + v**3)
    assert gradient.diff(v).subs(v, 0) == 1
    assert gradient.diff(v, 3).subs(v, 0) == 4
    fine = np.linspace(0.05, 3, 3000)
    curve = 2 * fine / np.tanh(fine + fine**3)
    assert 1.7 < curve.min() < 1.8
    assert curve[0] == pytest.approx(2, abs=0.01)
