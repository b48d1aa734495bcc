"""Every displayed formula of the chapter on diagonal networks, by sympy."""

from __future__ import annotations

import sympy

from formulas import Formulas, zero

formula = Formulas("diagonal-networks")
y, alpha, w, eta, g, plus, minus = sympy.symbols("y alpha w eta g plus minus", positive=True)


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=3)


@formula("eq-dn-law")
def test_the_laws_solve_the_flow_and_are_a_gradient():
    assert zero((alpha * sympy.exp(2 * y)) ** 2 - (alpha * sympy.exp(-2 * y)) ** 2 - 2 * alpha**2 * sympy.sinh(4 * y))
    for depth in (2, 3, 5):
        for sign in (1, -1):
            u = alpha * sympy.exp(sign * 2 * y) if depth == 2 else (
                alpha ** (2 - depth) - sign * depth * (depth - 2) * y) ** sympy.Rational(-1, depth - 2)
            assert sympy.simplify(u.subs(y, 0) - alpha) == 0
            assert sympy.simplify(u.diff(y) - sign * depth * u ** (depth - 1)) == 0
            assert sympy.simplify((u**2 / (2 * depth)).diff(y) - sign * u**depth) == 0


@formula("eq-dn-program")
def test_what_the_program_minimises_is_the_conjugate_at_depth_two():
    Q = (w * sympy.asinh(w / (2 * alpha**2)) - sympy.sqrt(w**2 + 4 * alpha**4)) / 4
    slope = sympy.simplify(Q.diff(w))
    assert sympy.simplify(slope - sympy.asinh(w / (2 * alpha**2)) / 4) == 0  # y as a function of w
    Phi = alpha**2 * sympy.cosh(4 * y) / 2
    at = 2 * alpha**2 * sympy.sinh(4 * y)
    conjugate = sympy.expand(y * at - Phi)
    assert abs((Q.subs(w, at) - conjugate).subs({alpha: 0.7, y: 0.3}).evalf()) < 1e-12


@formula("eq-dn-product")
def test_a_step_shrinks_the_product_of_the_weights():
    step = plus * (1 + 2 * eta * g) * minus * (1 - 2 * eta * g)
    assert sympy.expand(step - plus * minus * (1 - 4 * eta**2 * g**2)) == 0
