"""Symbols of two-layer linear networks on the degenerate pair, a step of their two numbers, and its slow curve."""

from __future__ import annotations

import sympy
from sympy import sinh, tanh

f, v, x, x0 = sympy.symbols("f v x x0", positive=True)
scaled, kappa, m = sympy.symbols("Lambda kappa m", positive=True)
g = sympy.symbols("g", positive=True)
h, c4, delta = sympy.symbols("h c4 delta")
LOGISTIC, EXPONENTIAL = tanh(v / 2) / 2, sinh(v)


def step(output, kernel, gradient, k=kappa):
    """The recursion, on symbols."""
    return (output * (1 + k * gradient**2) - kernel * gradient,
            kernel + k * gradient * (kernel * gradient - 4 * output))


def second_order(gradient):
    """Return Φ2(0) of the slow curve and the condition for it: invariance in order κ², in order v²."""
    a = sympy.symbols("a")
    series = sympy.series(gradient, v, 0, 12).removeO()
    elasticity = sympy.cancel(v * series.diff(v) / series)
    zeroth = sympy.series(sympy.cancel(2 * v / series), v, 0, 10).removeO()
    first = sympy.series(sympy.cancel(v * series * elasticity / (elasticity - 1)), v, 0, 6).removeO()
    one, two = first * series - v * series**2, a * series  # the terms of v⁺ in κ and κ²
    condition = (zeroth.diff(v) * two + zeroth.diff(v, 2) * one**2 / 2 + first.diff(v) * one
                 - first * series**2)
    condition = sympy.expand(condition).coeff(v, 2)
    return sympy.solve(condition, a)[0], condition.subs(a, sympy.Symbol("Phi2"))
