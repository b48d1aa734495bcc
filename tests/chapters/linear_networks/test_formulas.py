"""Every displayed formula: identities by sympy, bounds on random networks, the leading order on wide ones."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from catapult.theory import product_space
from formulas import Formulas

formula = Formulas("linear-networks")


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=6)


def weights(seed, m=5, d=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, d)), rng.standard_normal(m), (m * d) ** -0.5


@pytest.mark.slow
@formula("eq-ln-gap")
def test_without_an_offset_networks_end_as_far_from_the_edge_as_the_leading_order_says():
    a = np.array([0.5, 1.0, 2.0])
    Z = np.concatenate([a, -a])[None, :, None]
    ends = []
    for width in (4000, 16_000):
        state = product_space.State(np.array([[0.7]]), np.array([[[1.0]]]), np.array([1.0]), width**-0.5)
        eta = np.array([2 * 8 / (2 * (a**2).mean())])  # twice the edge of λ0 = 2
        _, end = product_space.descend("logistic", Z, state, eta, 40_000 if width > 5000 else 15_000, 10_000)
        gap = 1 - float((eta * product_space.sharpness_at_minimum("logistic", Z, end) / 2)[0])
        leading = 3 / 16 * eta[0] ** 2 / width * (a**2).mean() ** 3 / (a**4).mean()
        assert leading <= 3 / 16 * eta[0] ** 2 / width * (a**2).mean()
        ends.append(abs(gap / leading - 1))
    assert ends[1] < ends[0] < 0.05


@formula("eq-ln-line")
def test_on_a_line_sum_and_difference_of_the_layers_are_scaled():
    w1, w2 = sympy.Matrix(sympy.symbols("a:3")), sympy.Matrix(sympy.symbols("b:3"))
    alpha, s = sympy.symbols("alpha s", positive=True)
    p, q = ((w1 + sign * w2).dot(w1 + sign * w2) for sign in (1, -1))
    for sign in (1, -1):
        after = (w1 + alpha * w2) + sign * (w2 + alpha * w1)
        assert sympy.expand(after - (1 + sign * alpha) * (w1 + sign * w2)).is_zero_matrix
    assert sympy.expand(s * w1.dot(w2) - s / 4 * (p - q)) == 0
    P, Q = sympy.symbols("p q")
    assert sympy.expand((1 + alpha) ** 2 * P - (1 - alpha) ** 2 * Q
                        - ((P - Q) * (1 + alpha**2) + 2 * alpha * (P + Q))) == 0
    # a step of the weights moves W1 z and w2 so
    (W, second, scale), z = weights(3), np.array([0.6, 0.0, 0.8])
    rate, gamma = 2.0, 0.3
    G, step = -gamma * z, rate * scale * gamma
    np.testing.assert_allclose((W - rate * scale * np.outer(second, G)) @ z, W @ z + step * second, rtol=1e-12)
    np.testing.assert_allclose(second - rate * scale * W @ G, second + step * (W @ z), rtol=1e-12)


@formula("eq-ln-network", "eq-ln-recursion")
def test_the_recursion_is_the_step_of_the_weights():
    m, d = 2, 2
    W = sympy.Matrix(m, d, sympy.symbols("a:4"))
    b, G = sympy.Matrix(sympy.symbols("b:2")), sympy.Matrix(sympy.symbols("g:2"))
    s, eta = sympy.symbols("s eta")
    v, B, c = s * W.T * b, s**2 * W.T * W, s**2 * (b.T * b)[0]
    W_after, b_after = W - eta * s * b * G.T, b - eta * s * W * G
    vG = (v.T * G)[0]
    assert sympy.expand(s * W_after.T * b_after
                        - (v - eta * (B + c * sympy.eye(d)) * G + eta**2 * s**2 * vG * G)).is_zero_matrix
    assert sympy.expand(s**2 * W_after.T * W_after - (B - eta * s**2 * (v * G.T + G * v.T)
                                                      + eta**2 * s**2 * c * G * G.T)).is_zero_matrix
    assert sympy.expand(s**2 * (b_after.T * b_after)[0]
                        - (c - 2 * eta * s**2 * vG + eta**2 * s**2 * (G.T * B * G)[0])) == 0
    x = sympy.Matrix(sympy.symbols("x:2"))
    assert sympy.expand(s * (b.T * W * x)[0] - (v.T * x)[0]) == 0  # f(x) = v·x
    # and W − ηs b Gᵀ is gradient descent: ∂v_k/∂W_ij = s b_i [j = k], ∂v_k/∂b_i = s W_ik
    for k in range(d):
        assert v[k].diff(W[1, k]) == s * b[1]
        assert v[k].diff(b[1]) == s * W[1, k]


@pytest.mark.slow
@formula("eq-ln-flattest", "eq-ln-loewner")
def test_no_network_with_the_product_vector_is_flatter_than_the_stated_minimum():
    rng = np.random.default_rng(33)
    root = rng.standard_normal((3, 3))
    H = root @ root.T
    for seed in range(40):
        first, second, s = weights(seed)
        state = product_space.start(first[None], second[None], s)
        v, c = state.product[0], state.outer[0]
        low = state.kernel[0] - c * np.eye(3) - s**2 / c * np.outer(v, v)
        assert np.linalg.eigvalsh(low)[0] > -1e-12
        values = [top(H, c * np.eye(3) + s**2 / c * np.outer(v, v)) for c in np.geomspace(1e-4, 1e2, 4001)]
        assert top(H, state.kernel[0]) >= min(values) * (1 - 1e-5)
        # attained: W1 = w2 uᵀ
        best = np.geomspace(1e-4, 1e2, 4001)[np.argmin(values)]
        second = second * np.sqrt(best) / (s * np.linalg.norm(second))
        balanced = product_space.start(np.outer(second, v / (s * second @ second))[None], second[None], s)
        np.testing.assert_allclose(balanced.product[0], v, rtol=1e-12)
        assert top(H, balanced.kernel[0]) == pytest.approx(min(values), rel=1e-10)


def top(H, kernel):
    root = np.linalg.cholesky(H)
    return np.linalg.eigvalsh(root.T @ kernel @ root)[-1]
