"""Every displayed formula of chapter catapult-squared, and the facts that its text states in numbers."""

from __future__ import annotations

import itertools
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mp, mpf

from catapult.theory import squared_plane, two_layer
from formulas import Formulas
from recursion import EXPONENTIAL, LOGISTIC, c4, h, step, v

formula = Formulas("catapult-squared")
f, g, lam, eta, m, a, Lam, B, theta = sympy.symbols("f g lambda eta m a Lambda B theta", real=True)
kappa = eta**2 / m


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=26)


@pytest.fixture(autouse=True)
def _precision():
    with mpmath.workdps(40):
        yield


def vanishes(expression) -> bool:
    """Whether an algebraic expression is identically 0."""
    return sympy.simplify(sympy.expand(expression)) == 0


WEIGHTS = sympy.symbols("x1:3 y1:3", real=True)  # w1, w2 of a network of width 2: enough for identities in dot products


def weights_after():
    w1, w2 = sympy.Matrix(WEIGHTS[:2]), sympy.Matrix(WEIGHTS[2:])
    return w1, w2, w1 - eta * g / sympy.sqrt(m) * w2, w2 - eta * g / sympy.sqrt(m) * w1


@formula("eq-sq-network", "eq-sq-weights")
def test_output_kernel_and_step_are_those_of_automatic_differentiation():
    import torch

    torch.manual_seed(4)
    w1, w2 = (torch.randn(7, dtype=torch.float64, requires_grad=True) for _ in range(2))
    out = w1 @ w2 / 7**0.5
    slopes = torch.autograd.grad(out, (w1, w2), retain_graph=True)
    assert sum(slope @ slope for slope in slopes).item() == pytest.approx((w1 @ w1 + w2 @ w2).item() / 7, rel=1e-14)
    for loss, slope in ((out**2 / 2, out), (torch.log(2 * torch.cosh(out / 2)), torch.tanh(out / 2) / 2),
                        (torch.cosh(out), torch.sinh(out))):
        gradients = torch.autograd.grad(loss, (w1, w2), retain_graph=True)
        assert torch.allclose(gradients[0], slope / 7**0.5 * w2, rtol=1e-13)
        assert torch.allclose(gradients[1], slope / 7**0.5 * w1, rtol=1e-13)


def test_where_f_vanishes_the_sharpness_of_the_squared_loss_is_the_kernel():
    import torch

    w = torch.tensor([1.0, 2.0, 0.5, 2.0, -1.0, 0.0], dtype=torch.float64)  # w1 · w2 = 0
    hessian = torch.autograd.functional.hessian(lambda w: (w[:3] @ w[3:]) ** 2 / 6, w)
    assert torch.linalg.eigvalsh(hessian)[-1].item() == pytest.approx((w @ w).item() / 3, rel=1e-12)


@formula("eq-sq-recursion")
def test_recursion_follows_from_the_weights():
    w1, w2, after1, after2 = weights_after()
    out, kernel = w1.dot(w2) / sympy.sqrt(m), (w1.dot(w1) + w2.dot(w2)) / m
    scaled = eta * kernel
    assert vanishes(after1.dot(after2) / sympy.sqrt(m) - (out * (1 + kappa * g**2) - scaled * g))
    assert vanishes(eta * (after1.dot(after1) + after2.dot(after2)) / m
                    - (scaled + kappa * g * (scaled * g - 4 * out)))
    # feasible: both squared lengths are not negative
    for sign in (1, -1):
        total = w1 + sign * w2
        assert vanishes(total.dot(total) - (m * kernel + sign * 2 * sympy.sqrt(m) * out))


PLANE = a * (1 + a**2 - Lam), Lam - a**2 * (4 - Lam)


@formula("eq-sq-plane", "eq-sq-four")
def test_squared_loss_is_a_map_of_the_plane_whose_distance_to_four_grows():
    root = eta / sympy.sqrt(m)
    inserted = {g: f, lam: Lam / eta}
    after = (f * (1 + kappa * g**2) - eta * lam * g).subs(inserted)
    scaled = (eta * lam + kappa * g * (eta * lam * g - 4 * f)).subs(inserted)
    assert vanishes(root * after - PLANE[0].subs(a, root * f))
    assert vanishes(scaled - PLANE[1].subs(a, root * f))
    assert vanishes(4 - PLANE[1] - (4 - Lam) * (1 + a**2))
    for point in ((0.3, 2.7), (-1.1, 3.6)):
        orbit = [point]
        for _ in range(8):
            orbit.append(squared_plane.step(*orbit[-1]))
        product = np.prod([1 + x * x for x, _ in orbit[:-1]])
        assert 4 - orbit[-1][1] == pytest.approx((4 - point[1]) * product, rel=1e-13)


@formula("eq-sq-sums", "eq-sq-invariants")
def test_sums_and_differences_of_weights_are_scaled_and_so_are_the_invariants():
    w1, w2, after1, after2 = weights_after()
    root = eta * g / sympy.sqrt(m)
    for sign in (1, -1):
        assert all(vanishes(entry) for entry in after1 + sign * after2 - (1 - sign * root) * (w1 + sign * w2))
    scaled, out = sympy.symbols("s o", real=True)
    after = out * (1 + kappa * g**2) - scaled * g
    scaled_after = scaled + kappa * g * (scaled * g - 4 * out)
    shift = 2 * eta / sympy.sqrt(m)
    for sign in (1, -1):
        assert vanishes(scaled_after + sign * shift * after - (1 - sign * root) ** 2 * (scaled + sign * shift * out))
    D = scaled**2 - 4 * kappa * out**2
    assert vanishes(scaled_after**2 - 4 * kappa * after**2 - (1 - root**2) ** 2 * D)
    # gradient flow: ḟ = −gλ, λ̇ = −4gf/m, from ẇ1 = −g w2/√m, ẇ2 = −g w1/√m
    dot1, dot2 = -g / sympy.sqrt(m) * w2, -g / sympy.sqrt(m) * w1
    output, kernel = w1.dot(w2) / sympy.sqrt(m), (w1.dot(w1) + w2.dot(w2)) / m
    f_dot, kernel_dot = (dot1.dot(w2) + w1.dot(dot2)) / sympy.sqrt(m), 2 * (w1.dot(dot1) + w2.dot(dot2)) / m
    assert vanishes(f_dot + g * kernel)
    assert vanishes(kernel_dot + 4 * g * output / m)
    assert vanishes(2 * kernel * kernel_dot - 8 * output * f_dot / m)


@formula("eq-sq-product")
def test_final_kernel_is_the_product_and_the_neuron_of_the_text_ends_ten_times_as_sharp_as_flow():
    for loss, rate in (("squared", 1.4), ("logistic", 6.0), ("exponential", 0.5)):
        out, kernel = two_layer.iterate(loss, 0.9, 2.1, 20, rate, 3000)
        slope = {"squared": out, "logistic": np.tanh(out / 2) / 2, "exponential": np.sinh(out)}[loss]
        product = np.sqrt(2.1**2 - 4 * 0.9**2 / 20) * np.prod(np.abs(1 - rate**2 * slope**2 / 20))
        assert kernel[-1] == pytest.approx(product, rel=1e-12)
    flow = 1.44**2 - 1.38**2  # √(λ² − 4f²) at m = 1
    end = two_layer.final_ntk("squared", 1.44 * 1.38, 1.44**2 + 1.38**2, 1, 1.0)
    assert 10 < end / flow < 10.2
    assert round((1.44 * 1.38) ** 2, 2) == 3.95


@formula("eq-sq-ratio")
def test_one_step_rule():
    s = Lam * g / f
    root = eta * g / sympy.sqrt(m)
    assert vanishes((f * (1 + kappa * g**2) - Lam * g) / f - (1 + root**2 - s))
    D = Lam**2 - 4 * kappa * f**2
    assert vanishes(s**2 - 4 * root**2 - g**2 * D / f**2)  # D ≥ 0 on networks: s ≥ 2|a|
    assert vanishes(kappa * g * (Lam * g - 4 * f) - kappa * g * f * (s - 4))  # Λ⁺ − Λ has the sign of s − 4
    rng = np.random.default_rng(41)
    x, level = rng.uniform(0.01, 3, 4000), rng.uniform(1, 3, 4000)
    s = 2 * x * level  # s ≥ 2|a|
    ratio = np.abs(1 + x**2 - s)
    assert ((ratio > 1) == ((s > 2 + x**2) | (s < x**2))).all()
    assert (x[s < x**2] > 2).all()
    assert (ratio[s <= 2] < 1).all()


@formula("eq-sq-edge")
def test_an_output_near_zero_shrinks_iff_the_kernel_is_below_the_edge():
    for gradient in (h * v + c4 * v**3 / 6, LOGISTIC, EXPONENTIAL):
        slope_at_zero = gradient.diff(v).subs(v, 0)
        growth = sympy.limit(step(v, Lam, gradient)[0] / v, v, 0)
        assert sympy.simplify(growth - (1 - slope_at_zero * Lam)) == 0
        # the kernel turns at Λ = 4f/g, which tends to twice the edge 2/h
        turns = 4 * v / gradient
        assert sympy.simplify(step(v, turns, gradient)[1] - turns) == 0
        assert sympy.simplify(sympy.limit(turns, v, 0) - 4 / slope_at_zero) == 0
    for name, edge in (("logistic", 8.0), ("exponential", 2.0), ("squared", 2.0)):
        assert two_layer.stability_edge(name, 3.0) * 3.0 == pytest.approx(edge)
        for factor in (0.999, 1.001):
            after, _ = two_layer.iterate(name, 1e-6, factor * edge, 10**6, 1.0, 1)
            assert (abs(after[1]) < 1e-6) == (factor < 1)


@formula("eq-sq-contraction")
def test_kernels_below_twice_the_edge_fall_at_the_stated_rate():
    rng = np.random.default_rng(1)
    width = rng.integers(1, 100, 400)
    ntk = rng.uniform(0.01, 16, 400)
    start = ntk * np.sqrt(width) / 2 * rng.uniform(-1, 1, 400)
    _, kernels = two_layer.iterate("logistic", start, ntk, width, 1.0, 1)
    square = (np.tanh(start / 2) / 2) ** 2 / width
    assert (16 - kernels[1] >= (16 - kernels[0]) * (1 + square) * (1 - 1e-14)).all()
    # ω − Λ⁺ exceeds (ω − Λ)(1 + a²) by a²(4f/g − ω), which is not negative for ω = 4/h
    omega = sympy.symbols("omega")
    gap = omega - step(f, Lam, g, kappa)[1] - (omega - Lam) * (1 + kappa * g**2)
    assert vanishes(gap - kappa * g**2 * (4 * f / g - omega))


@pytest.mark.slow
@formula("eq-sq-first")
def test_critical_rate_of_the_first_step():
    f0, l0 = sympy.symbols("f0 l0", positive=True)
    width = sympy.symbols("m", positive=True)
    stated = 4 / (l0 + sympy.sqrt(l0**2 - 8 * f0**2 / width))
    assert sympy.simplify(stated * l0 - 2 - stated**2 * f0**2 / width) == 0
    inverse = sympy.symbols("e", positive=True)
    series = sympy.series(stated.subs(width, 1 / inverse), inverse, 0, 2).removeO()
    assert sympy.simplify(series - (2 / l0 + 4 * f0**2 * inverse / l0**3)) == 0
    other = 4 / (l0 - sympy.sqrt(l0**2 - 8 * f0**2 / width))
    assert sympy.simplify(other * l0 - 2 - other**2 * f0**2 / width) == 0
    assert two_layer.critical_learning_rate("squared", 1.3, 2.0, 20) == pytest.approx(
        float(stated.subs({f0: 1.3, l0: 2.0, width: 20})), rel=1e-12)


@formula("eq-sq-strict")
def test_an_orbit_that_tended_to_the_edge_would_grow():
    x = sympy.symbols("x", positive=True)  # a²
    assert vanishes(3 - x - 2 / (1 + x) - (1 + (x - x**2) / (1 + x)))
    assert vanishes((4 - 2 / (1 + x)) - 1 - x - (3 - x - 2 / (1 + x)))


def test_the_neuron_of_the_text_hits_the_minimum_above_the_edge():
    w1, w2 = Fraction(17, 10), Fraction(1)
    assert float(w1**2 + w2**2) == 3.89
    w1, w2 = w1 - w1 * w2 * w2, w2 - w1 * w2 * w1
    assert w1 == 0
    assert w2**2 == Fraction(35721, 10000)


@formula("eq-sq-late", "eq-sq-quintic")
def test_a_late_rise_needs_the_cubic_to_be_positive_and_its_discriminant_is_the_quintic():
    H = B**3 - (Lam - 1) * B**2 + (4 - Lam) * B + Lam**2 - 4 * Lam + 2
    square = Lam - 1 - B  # a², from B = −a⁺/a
    assert vanishes(-PLANE[0] / a - B.subs(B, Lam - 1 - a**2))
    assert vanishes(4 - (4 - Lam) * (1 + square) - 2 - square * B**2 - H)
    quintic = 4 * Lam**5 - 36 * Lam**4 + 116 * Lam**3 - 163 * Lam**2 + 156 * Lam - 212
    assert vanishes(sympy.discriminant(H, B) - quintic)
    (root,) = sympy.Poly(quintic, Lam).real_roots()
    assert float(root) == pytest.approx(squared_plane.LATE_RISE, abs=1e-12)
    assert str(sympy.N(root, 5)) == "3.4001"
    # the steps of the proof
    assert vanishes(2 - (4 - Lam) * (Lam - 1) - (Lam - 2) * (Lam - 3))
    assert vanishes(H.diff(Lam) - (2 * Lam - 4 - B - B**2))
    assert vanishes(H.subs(B, 1) - (Lam - 2) * (Lam - 4))
    assert vanishes(H.subs({B: 0, Lam: 2 + sympy.sqrt(2)}))
    assert vanishes(H.subs(Lam, 3) - (B * (B - 1) ** 2 - 1))
    assert sympy.Poly(H.diff(B).subs(B, 0), Lam) == sympy.Poly(4 - Lam, Lam)
    for sign, level in itertools.product((-1, 1), (0.001, 0.1)):
        scaled = squared_plane.LATE_RISE + sign * level
        cubic = np.poly1d([1, 1 - scaled, 4 - scaled, scaled**2 - 4 * scaled + 2])
        assert (cubic(np.linspace(0, 1, 20001)).max() > 0) == (sign > 0)


@formula("eq-sq-axis")
def test_orbits_leave_the_axis_in_the_stated_way():
    for scaled in (2.3, 3.0, 3.7):
        r = scaled - 1
        c = 1.1 * (3 - r) / (r**2 - 1)
        x, level, start, steps = mpf(10) ** -12, mpf(scaled), mpf(10) ** -12, 0
        while abs(x) < mpf("0.01"):
            assert 0 <= scaled - level <= c * x**2
            after, level = squared_plane.step(x, level)
            assert abs(abs(after / x) / mpf(r) - 1) <= 2 * (c + 1) * x**2
            x, steps = after, steps + 1
            assert abs(abs(x) / (mpf(r) ** steps * start) - 1) <= 20 * (c + 1) * x**2


@formula("eq-sq-time")
def test_the_peak_comes_after_the_stated_time_up_to_a_bounded_number_of_steps():
    for scaled in (2.2, 3.0, 3.8):
        a0 = np.geomspace(1e-150, 1e-2, 50)
        peaks = squared_plane.fate(a0, scaled).peak
        gap = peaks + np.log(a0) / np.log(scaled - 1)
        assert np.ptp(gap) < 2
        assert np.abs(gap).max() < 8  # widths from 10⁴ to 10³⁰⁰


def manifold(u, scaled, steps=60):
    """Return W(u) to about 30 digits."""
    with mpmath.workdps(120):
        x, level = mpf(u) * (1 - mpf(scaled)) ** -steps, mpf(scaled)
        for _ in range(steps):
            x, level = squared_plane.step(x, level)
        return x, level


@formula("eq-sq-limit-map")
def test_the_curve_of_leaving_orbits_exists_and_is_invariant():
    for u in (mpf("0.2"), mpf("-0.9"), mpf("1.7")):
        gaps = [abs(manifold(u, 3.4, n)[0] - manifold(u, 3.4, n + 1)[0]) for n in (20, 40)]
        assert gaps[1] < gaps[0] * mpf("2.4") ** -30  # r^(−3n/2) or better
        image, stated = squared_plane.step(*manifold(u, 3.4)), manifold(-mpf("2.4") * u, 3.4)
        assert mp.almosteq(image[0], stated[0], 1e-15)
        assert mp.almosteq(image[1], stated[1], 1e-15)


@formula("eq-sq-profile")
def test_the_profile_is_two_products_over_the_whole_orbit():
    scaled = 3.3
    for phase in (0.1, 0.45, 0.8):
        x, level = mpf("2.3") ** (phase - 40), mpf(scaled)
        minus, plus = mpf(scaled), 4 - mpf(scaled)
        for _ in range(4000):
            minus *= abs(1 - x * x)
            plus *= 1 + x * x
            x, level = squared_plane.step(x, level)
            if abs(x) < mpf(10) ** -20 and level < 2:
                break
        assert float(minus) == pytest.approx(float(squared_plane.profile(scaled, phase)), abs=1e-10)
        assert float(4 - plus) == pytest.approx(float(squared_plane.profile(scaled, phase)), abs=1e-10)


@pytest.mark.slow
@formula("eq-sq-amplitude")
def test_amplitude_follows_the_law_over_many_orders_of_magnitude():
    scaled = np.array([2.1, 2.12, 2.2, 2.3, 2.4, 2.5, 3.0])
    logs = np.array([squared_plane.amplitude(x) for x in scaled])
    factors = squared_plane.amplitude_factor(scaled, logs)
    r = scaled - 1
    assert logs == pytest.approx(np.log(np.exp(factors) / np.log(r) * np.exp(-(np.pi**2) / np.log(r))), rel=1e-12)
    assert np.ptp(factors) < 0.95 < 0.011 * np.ptp(logs)
    # it settles: from 2.05 to 2.1 a hundredth of what it does from 2.1 on; without 1/log r it would not
    near = squared_plane.amplitude_factor(2.05, squared_plane.amplitude(2.05, digits=300))
    assert abs(near - factors[0]) < 0.01 * np.ptp(factors)
    # the harmonics beyond the first are of the order of its square: the oscillation is one wave
    assert squared_plane.amplitude(2.3, harmonic=2) < 2 * logs[3] + 10


@formula("eq-sq-imaginary")
def test_on_the_imaginary_axis_the_map_goes_the_other_way_and_orbits_escape():
    b = sympy.symbols("b", real=True)
    assert vanishes(PLANE[0].subs(a, sympy.I * b) / sympy.I - b * (1 - b**2 - Lam))
    after, scaled_after = b * (1 - b**2 - Lam), 4 - (4 - Lam) * (1 - b**2)
    assert vanishes(4 - PLANE[1].subs(a, sympy.I * b) - (4 - scaled_after))
    assert vanishes(scaled_after - Lam - b**2 * (4 - Lam))  # Λ rises while it is below 4
    assert vanishes(scaled_after**2 + 4 * after**2 - (1 + b**2) ** 2 * (Lam**2 + 4 * b**2))
    for scaled in np.linspace(2.05, 3.95, 39):
        for start in np.geomspace(1e-3, 1e-3 * (scaled - 1), 20):
            x, level = start, scaled
            for _ in range(3000):
                x, level = x * (1 - x * x - level), 4 - (4 - level) * (1 - x * x)
                if abs(x) > 1e6:
                    break
            assert abs(x) > 1e6


@formula("eq-sq-lazy")
def test_lazy_leading_order():
    x = sympy.symbols("x", positive=True)
    # Σ a_t² = κf0²/(Λ(2 − Λ)); then Λ_∞ = 4 − (4 − Λ)(1 + Σ a²)
    assert vanishes(1 / (1 - (1 - x) ** 2) - 1 / (x * (2 - x)))
    assert vanishes((4 - x) / (2 - x) - 1 - 2 / (2 - x))
    for scaled in (0.3, 1.0, 1.7):
        for width in (10**3, 10**5):
            stated = 2.5 - 1.4**2 / (width * 2.5) * (4 - scaled) / (2 - scaled)
            gap = two_layer.final_ntk("squared", 1.4, 2.5, width, scaled / 2.5) - stated
            assert abs(gap) < 30 / width**2


@formula("eq-sq-chebyshev")
def test_at_four_the_map_triples_the_angle():
    assert vanishes(PLANE[1].subs(Lam, 4) - 4)
    assert vanishes(PLANE[0].subs(Lam, 4) - (a**3 - 3 * a))
    cubed = (a**3 - 3 * a).subs(a, 2 * sympy.cos(theta))
    assert sympy.simplify(cubed - 2 * sympy.expand_trig(sympy.cos(3 * theta))) == 0


@formula("eq-sq-density")
def test_the_arcsine_density_is_kept_by_the_cubic():
    density = 1 / (sympy.pi * sympy.sqrt(4 - a**2))
    assert sympy.integrate(density, (a, -2, 2)) == 1
    for value in (mpf("0.3"), mpf("-1.7")):
        preimages = [2 * mp.cos((mp.acos(value / 2) + 2 * mp.pi * k) / 3) for k in range(3)]
        pushed = sum(1 / (mp.pi * mp.sqrt(4 - x * x)) / abs(3 * x * x - 3) for x in preimages)
        assert mp.almosteq(pushed, 1 / (mp.pi * mp.sqrt(4 - value**2)))


@formula("eq-sq-lyapunov")
def test_finite_time_exponents_telescope():
    # d(2 cos 3θ)/d(2 cos θ) = 3 sin 3θ / sin θ = 3a² − 3
    ratio = sympy.expand_trig(3 * sympy.sin(3 * theta)) / sympy.sin(theta)
    assert sympy.simplify(ratio - (3 * (2 * sympy.cos(theta)) ** 2 - 3)) == 0
    with mpmath.workdps(80):
        angle = mpf("0.7")
        x, total = 2 * mp.cos(angle), mpf(0)
        for steps in range(1, 60):
            total += mp.log(abs(3 * x * x - 3))
            x = x**3 - 3 * x
            boundary = mp.log(abs(mp.sin(mpf(3) ** steps * angle) / mp.sin(angle)))
            assert abs(total - steps * mp.log(3) - boundary) < 1e-20


@formula("eq-sq-golden")
def test_the_edge_repels_at_twice_the_logarithm_of_the_golden_ratio():
    mean = mp.quad(lambda angle: mp.log(1 + 4 * mp.cos(angle) ** 2), mp.linspace(0, mp.pi, 9)) / mp.pi
    golden = 2 * mp.log((1 + mp.sqrt(5)) / 2)
    assert mp.almosteq(mean, golden, 1e-20)
    assert mp.almosteq(golden, mp.log((3 + mp.sqrt(5)) / 2))
    assert mp.nstr(golden, 4) == "0.9624"
    assert 35 < 52 * mp.log(2) / golden < 40  # some forty steps from rounding to order one


def test_the_integer_network_of_the_text_dies_in_two_steps_and_stays_odd_over_powers_of_two():
    w1, w2 = np.array([2, 1, 1, 0]), np.array([1, 2, 0, 1])
    assert (w1 @ w2 / 2, (w1 @ w1 + w2 @ w2) / 4) == (2, 3)
    x, level = Fraction(5, 4), Fraction(15, 4)
    for _ in range(6):
        assert x.denominator == (4 - level).denominator > 1
        assert x.denominator & (x.denominator - 1) == 0
        x, level = squared_plane.step(x, level)
    assert x.numerator % 2 == (4 - level).numerator % 2 == 1


def test_the_boxes_of_the_certificate_are_those_of_the_lemma():
    # c r'² ≥ c + 3 − r + cδ² with r' = r − (c + 1)δ², r = 2, c = ½, δ = 2⁻¹⁸
    r, c, delta = flint.arb(2), flint.arb(0.5), flint.arb(2) ** -18
    assert c * (r - (c + 1) * delta**2) ** 2 > c + 3 - r + c * delta**2
    assert 0.5 > (3 - 2) / (2**2 - 1)


@formula("eq-sq-critical-step")
def test_the_critical_step_is_where_a_quantity_vanishes_that_a_step_multiplies():
    N, out, y = sympy.symbols("N out y", real=True)
    error = out - y
    after, N_after = out - eta * error * N + eta**2 * error**2 * out, N - 4 * eta * error * out + eta**2 * error**2 * N

    def Q(output, size):
        return 4 - eta * size + eta**2 * y * (output - y)

    assert vanishes(Q(after, N_after) - Q(out, N) * (1 + eta**2 * error * out))
    root = sympy.sqrt(N**2 - 16 * y * error)
    assert vanishes(Q(out, N).subs(eta, 8 / (N + root)) * (N + root) ** 2)
    assert sympy.simplify((8 / (N + root)).subs(y, 0).subs(sympy.sqrt(N**2), N) - 4 / N) == 0
    u, v = sympy.symbols("u v", positive=True)  # the flattest of the minima uv = y has u = v, and the sharpness u² + v²
    hessian = sympy.hessian((u * v - y) ** 2 / 2, (u, v)).subs(y, u * v)
    assert max(hessian.subs({u: 1.5, v: 1.5}).eigenvals()) == pytest.approx(2 * 1.5**2)


@formula("eq-sq-reflection")
def test_what_reflects_changes_in_fifth_order_only_and_gives_two_thirds():
    delta, eps, second = sympy.symbols("delta eps second")
    after, level = squared_plane.step(eps * a, 2 + eps * delta)

    def kept(x, beyond):
        return x**2 + beyond**2 / 2 + beyond**3 / 3

    change = sympy.expand(kept(after, level - 2) - kept(eps * a, eps * delta))
    assert [change.coeff(eps, order) for order in range(5)] == [0] * 5
    assert change.coeff(eps, 5) != 0
    end = sympy.expand(kept(0, -eps * delta + second * (eps * delta) ** 2) - kept(0, eps * delta))
    assert sympy.solve(end.coeff(eps, 3), second) == [-sympy.Rational(2, 3)]
