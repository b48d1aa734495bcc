"""Every displayed formula of the chapter on regularity: identities and the normal form by sympy, the rest on runs."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from sympy import Rational, symbols

from catapult.chapters.regularity import checks, family
from formulas import Formulas

formula = Formulas("regularity")
x, y, rate, slope = symbols("x y eta slope", real=True)
b, c, size, s0, eps, rho = symbols("b c a s_0 epsilon rho", real=True)


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=5)


@pytest.mark.slow
@formula("eq-rg-family")
def test_the_family_its_curvature_and_its_derivatives_at_the_minimum():
    s, least, p = symbols("s s_0 p", positive=True)
    F = ((1 + (s - least) ** 2) ** (p / 2) - 1) / p
    derivatives = [sympy.simplify(F.diff(s, order).subs(s, least)) for order in (1, 2, 3, 4)]
    assert derivatives[:3] == [0, 1, 0]
    assert sympy.simplify(derivatives[3] - 3 * (p - 2)) == 0
    for order in (0.5, 1, 1.5, 2, 4):
        member, points = family.power(order, 0.4), np.linspace(-3, 3, 13)
        exact = [sympy.lambdify(s, F.subs({p: order, least: 0.4}).diff(s, k)) for k in range(3)]
        for mine, theirs in zip((member.value, member.slope, member.curvature), exact, strict=True):
            assert mine(points) == pytest.approx(np.broadcast_to(theirs(points), points.shape), rel=1e-10, abs=1e-13)


@formula("eq-rg-step")
def test_the_identities_of_one_step():
    a = rate * slope
    new_x, new_y = x - a * y, y - a * x
    s, n, gap = x * y, x**2 + y**2, x**2 - y**2
    assert sympy.expand(new_x * new_y - ((1 + a**2) * s - a * n)) == 0
    assert sympy.expand(new_x**2 + new_y**2 - ((1 + a**2) * n - 4 * a * s)) == 0
    assert sympy.expand(new_x**2 - new_y**2 - (1 - a**2) * gap) == 0
    for sign in (1, -1):
        assert sympy.expand(new_x + sign * new_y - (1 - sign * a) * (x + sign * y)) == 0
    F = size * (s - s0) ** 2 / 2 + b * (s - s0) ** 3 / 6 + c * (s - s0) ** 4 / 24
    hessian = sympy.hessian(F, (x, y)).subs(s0, s)
    assert sympy.expand(hessian.trace() - size * n) == 0
    assert sympy.expand(hessian.det()) == 0


@pytest.mark.slow
@formula("eq-rg-end")
def test_the_end_of_a_slide_is_that_of_the_normal_form():
    """One step near the edge: A, B of σ⁺ = (1 − μ)σ + Aσ² + Bσ³, and the drift of μ = ηF''n over a bounce ±ρ."""
    sigma, mu = symbols("sigma mu", real=True)
    F1 = size * sigma + b * sigma**2 / 2 + c * sigma**3 / 6
    n = mu / (rate * size)
    new = sympy.expand((1 + (rate * F1) ** 2) * (s0 + sigma) - rate * F1 * n - s0)
    A, B = (new.coeff(sigma, power).subs(mu, 2) for power in (2, 3))
    amplitude = A**2 + B  # of a bounce: ρ² = ε/(A² + B)
    assert sympy.simplify(amplitude.subs(rate, 0) - (b**2 / size**2 - c / (3 * size))) == 0
    middle = A * rho**2 / 2  # by how much the bounce is off s*
    drift = 0
    for sign in (1, -1):
        at = F1.subs(sigma, sign * rho + middle)
        change = (rate * at) ** 2 * n - 4 * rate * at * (s0 + sign * rho + middle)
        drift += sympy.expand(rate * size * change.subs(mu, 2) / 2).coeff(rho, 2)
    leading = sympy.series(drift, rate, 0, 3).removeO()
    assert sympy.simplify(leading + 2 * rate**2 * size**2) == 0
    # dε/dt = −κ y, dy/dt = 2y(ε − Cy): y = ε/C + κ/(2C²) + D exp(2Cε/κ), which is 0 at ε = −κ/(2C) after a long slide
    kappa, C, D = symbols("kappa C D", positive=True)
    slide = eps / C + kappa / (2 * C**2) + D * sympy.exp(2 * C * eps / kappa)
    assert sympy.simplify(slide.diff(eps) * -kappa - 2 * (eps - C * slide)) == 0
    end = kappa / (2 * C)
    law = end.subs({kappa: 2 * rate**2 * size**2, C: b**2 / size**2 - c / (3 * size)})
    assert sympy.simplify(law - 3 * rate**2 * size**4 / (3 * b**2 - size * c)) == 0
    member = family.cross_entropy(0.8)
    values = {rate: Rational(1, 2), size: member.second, b: member.third, c: member.fourth}
    assert float(2 - family.end(member, 0.5)) == pytest.approx(float(law.subs(values)), rel=1e-12)


@formula("eq-rg-critical")
def test_the_critical_step_has_the_known_limit_and_branches():
    target, s, n = symbols("target s n", positive=True)
    second = 8 / (n + sympy.sqrt(n**2 - 16 * target * (s - target)))
    assert sympy.limit(second, target, 0) == 4 / n
    found = family.critical_step(np.array([0.5, 2.0]), np.array([0.8, 0.5]), np.array([16.04, 2.0]))
    expected = [float(second.subs({target: 0.5, s: 0.8, n: 16.04})), 0.5]
    assert found == pytest.approx(expected, rel=1e-12)
    member = family.power(2.0, 0.5)
    factors = np.array([0.995, 1.005])
    assert family.follow(member, 4.0, 0.2, factors * found[0], 4000).lost.tolist() == [False, True]


@formula("eq-rg-mean")
def test_the_bound_on_the_mean_loss_by_a_plain_loop():
    rng = np.random.default_rng(0)
    for member in (family.power(1.2, 0.0), family.log_cosh(0.0)):
        for _ in range(20):
            u, v = rng.normal(0, 2, 2).tolist()
            n = u * u + v * v
            eta, total, last = float(rng.uniform(0.1, 3.9)) / n, 0.0, n
            bound = checks._bound(n, eta, 50)
            for _ in range(50):
                total += float(member.value(np.float64(u * v)))
                a = eta * float(member.slope(np.float64(u * v)))
                u, v = u - a * v, v - a * u
                assert u * u + v * v <= last * (1 + 1e-12)
                last = u * u + v * v
            assert total / 50 <= bound
