"""Every displayed formula: identities by sympy, inequalities on data, limits in high precision."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mp, mpf
from scipy.special import expit as sigmoid

from catapult.chapters.logistic_regression import experiment
from catapult.datasets.decomposition import decompose
from catapult.oracles.predictor import descend, gradient, risk
from catapult.theory import outlier
from formulas import Formulas, zero

formula = Formulas("logistic-regression")
LOG2 = np.log(2)


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=20)


def separable_data(count, seed=31):
    """Yield data with the margin of e₁ (a lower bound on the largest), and the largest length."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        Z = rng.standard_normal((rng.integers(2, 6), 2))
        Z[:, 0] = rng.uniform(0.15, 0.5) + 0.2 * np.abs(Z[:, 0])
        yield Z, Z[:, 0].min(), np.linalg.norm(Z, axis=1).max()


@formula("eq-lr-parts")
def test_both_parts_of_the_example_have_their_exact_witnesses():
    parts = decompose(experiment.MIXED)
    products = experiment.MIXED.astype(int) @ np.array(parts.direction)
    assert ((products > 0) == parts.separable).all()
    assert (products[~parts.separable] == 0).all()
    assert min(parts.weights) > 0
    assert (np.array(parts.weights) @ experiment.MIXED[~parts.separable].astype(int) == 0).all()


@formula("eq-lr-strong")
def test_the_curvature_within_the_span_is_at_least_that_of_the_largest_radius():
    Z = experiment.MIXED
    parts = decompose(Z)
    rest, rng = Z[~parts.separable], np.random.default_rng(35)
    v = np.array(parts.direction) / np.linalg.norm(parts.direction)
    along, R = np.array([v[1], -v[0]]), np.linalg.norm(rest, axis=1).max()
    for r in np.geomspace(0.01, 3, 40):
        u = r * rng.choice([-1, 1]) * along * rng.uniform(0.5, 1)
        bend = sigmoid(rest @ u) * sigmoid(-(rest @ u))
        floor = sigmoid(R * r) * sigmoid(-R * r) * rest.T @ rest / len(Z)
        gap = (rest * bend[:, None]).T @ rest / len(Z) - floor
        assert np.linalg.eigvalsh(gap)[0] >= -1e-15
        assert along @ floor @ along > 0
    x = sympy.symbols("x", positive=True)
    product = 1 / ((1 + sympy.exp(x)) * (1 + sympy.exp(-x)))
    assert zero(product - product.subs(x, -x))
    assert zero(product - sympy.sech(x / 2) ** 2 / 4)  # falls as |x| grows


@formula("eq-lr-infimum", "eq-lr-regret")
def test_the_risk_of_mixed_data_falls_to_the_minimum_of_its_non_separable_part():
    Z = experiment.MIXED
    parts = decompose(Z)
    v = np.array(parts.direction) / np.linalg.norm(parts.direction)
    along, rest = np.array([v[1], -v[0]]), Z[~parts.separable]
    grid = np.linspace(-3, 3, 60_001)
    least = (np.logaddexp(0, -np.outer(grid, rest @ along)).sum(1) / len(Z)).min()
    best = grid[np.argmin(np.logaddexp(0, -np.outer(grid, rest @ along)).sum(1))] * along
    assert risk(Z, best + 60 * v) == pytest.approx(least, abs=1e-8)
    rng = np.random.default_rng(32)
    for _ in range(200):
        w, other, rate = rng.standard_normal(2) * 4, rng.standard_normal(2) * 4, rng.uniform(0, 3)
        assert risk(Z, w) > least
        g = gradient(Z, w)
        after = np.sum((w - rate * g - other) ** 2)
        bound = np.sum((w - other) ** 2) - 2 * rate * (risk(Z, w) - risk(Z, other)) + rate**2 * g @ g
        assert after <= bound + 1e-12


@pytest.mark.slow
@formula("eq-lr-exit", "eq-lr-stable", "eq-lr-perceptron", "eq-lr-sum", "eq-lr-riccati")
def test_the_two_phases_obey_every_inequality_of_the_proof():
    with mpmath.workdps(30):
        q = float(mp.lambertw(1 / mp.e).real)
    exits = 0
    for Z, rho, R in separable_data(12):
        n = len(Z)
        for rate in (0.5, 20.0, 400.0):
            mu = max(n, rate * R**2)
            latest = R**2 / rho**2 * max(4 * mu, 32 * q * mu**2 / (rate * R**2))
            if mu > n:
                assert latest < 8.92 * rate * R**4 / rho**2 * (1 + 1e-12)
            w, total, risks, out = np.zeros(2), 0.0, [], None
            for t in range(600):
                u = Z @ w
                S = sigmoid(-u).mean()
                risks.append(risk(Z, w))
                if out is None and 1 / (2 * mu) > S:
                    out, exits = t, exits + 1
                    assert t <= latest
                    assert (u > 0).all()
                    assert risks[-1] <= 1 / (rate * R**2)
                total += S
                g = gradient(Z, w)
                if out is not None:
                    step = risk(Z, w - rate * g)
                    assert step <= risks[-1] - rate * rho**2 / (8 * LOG2**2) * risks[-1] ** 2 + 1e-15
                    if t > out:
                        assert risks[-1] <= 8 * LOG2**2 / (rate * rho**2 * (t - out))
                w, N = w - rate * g, t + 1
                size = np.linalg.norm(w)
                assert rate * rho * total <= w[0] * (1 + 1e-12)
                assert size**2 <= (2 * rate * q * N + rate**2 * R**2 * total) * (1 + 1e-12)
                assert total / N <= R**2 / (rho**2 * N) + np.sqrt(2 * q / (rate * N)) / rho
            wrong = count_misclassified(Z, rate, int(8.92 * rate * R**4 / rho**2) + 1) if mu > n and rate < 100 else 0
            assert wrong <= 6.5 * n * R**2 / rho**2
    assert exits > 25
    assert 2 * (1 + np.sqrt(2 * q * 8.92)) < 6.5  # misclassified steps before the exit, times ρ²/(nR²)


def count_misclassified(Z, rate, steps):
    """Count the steps with a misclassified point before the exit."""
    w, wrong, R = np.zeros(Z.shape[1]), 0, np.linalg.norm(Z, axis=1).max()
    for _ in range(steps):
        if (Z @ w).min() > 0 and risk(Z, w) <= 1 / (rate * R**2):
            break
        wrong += (Z @ w).min() <= 0
        w = w - rate * gradient(Z, w)
    return wrong


@formula("eq-lr-ji")
@pytest.mark.parametrize("rates", [np.ones(800), 1 / np.sqrt(np.arange(1, 801)), np.full(800, 0.3)])
def test_the_risk_on_the_mixed_example_keeps_to_its_bound(rates):
    Z = experiment.MIXED / np.linalg.norm(experiment.MIXED, axis=1).max()
    separable = decompose(experiment.MIXED).separable
    v = np.array(decompose(experiment.MIXED).direction) / np.linalg.norm(decompose(experiment.MIXED).direction)
    along, gamma = np.array([v[1], -v[0]]), (Z[separable] @ v).min()  # E is a line: off it one direction is left
    us = np.linspace(-20, 20, 400_001)
    parts = np.logaddexp(0, -us[:, None] * (Z[~separable] @ along)).sum(1) / len(Z)
    least, star = parts.min(), abs(us[parts.argmin()])
    for t, w in enumerate(descend(Z, 1.0, len(rates), schedule=rates)[:, 0]):
        if t:
            bound = np.exp(star) / t + (star**2 + np.log(t) ** 2 / gamma**2) / (2 * rates[:t].sum())
            assert risk(Z, w) - least <= bound


@pytest.mark.slow
@formula("eq-lr-wu-time", "eq-lr-wu-stable", "eq-lr-split")
def test_large_steps_on_separable_data_keep_to_the_bounds_of_wu_and_others():
    rng = np.random.default_rng(36)
    for Z, margin, length in separable_data(8):
        Z, gamma, n = Z / length, margin / length, len(Z)
        for eta in (0.5, 8.0, 300.0):
            tau = 60 / gamma**2 * max(eta, n, np.e, (eta + n) / eta * np.log((eta + n) / eta))
            path = descend(Z, eta, int(min(tau, 1500)))[:, 0]
            risks, F = risk(Z, path), risk(Z, path, "exponential")
            s = int(np.argmax((risks <= 1 / eta) & (F <= 1)))
            assert risks[s] <= 1 / eta
            assert F[s] <= 1
            u = rng.standard_normal(2)
            whole = u + eta / (2 * gamma) * np.eye(2)[0]
            for t in range(1, len(path)):
                mean = risks[:t].mean()
                left = ((path[t] - whole) ** 2).sum() / (2 * eta * t) + mean
                assert left <= risk(Z, u) + (whole**2).sum() / (2 * eta * t) + 1e-12
                if t > s:
                    x = gamma**2 * eta * (t - s)
                    assert risks[t] <= min(risks[t - 1], (2 * F[s] + np.log(x) ** 2) / x) * (1 + 1e-12)


@formula("eq-lr-plane")
@pytest.mark.parametrize("points", [2, 16])
@pytest.mark.parametrize("gamma", [0.3, 0.1])
def test_in_the_plane_the_transition_does_not_wait_for_larger_rates(points, gamma):
    Z = np.array([[gamma, -gamma], *[[gamma, np.sqrt(1 - gamma**2)]] * (points - 1)])
    order = points / gamma + np.log(1 / gamma) / gamma**2
    for factor in (1, 10, 1e5):
        eta = factor * max(points, 32 / gamma**2 * np.log(256 / gamma**2))
        first = (8 * eta * risk(Z, descend(Z, eta, 2000)[:, 0]) <= 1).argmax()
        assert points / (16 * gamma) <= first <= order


@formula("eq-lr-flip")
def test_the_flip_on_the_line_has_the_cycle_of_its_normal_form():
    z, share = np.array([1.0, -1.0, 4.0]), np.array([5, 4, 1]) / 10
    w, x = sympy.Symbol("w"), sympy.Float
    L = sum(x(p, 60) * sympy.log(1 + sympy.exp(-x(a, 60) * w)) for a, p in zip(z, share, strict=True))
    best = sympy.nsolve(L.diff(w), 0.3, prec=50)
    second, third, fourth = (L.diff(w, k).subs(w, best).evalf(50) for k in (2, 3, 4))
    b = (3 * third**2 / second - fourth) / (3 * second)
    assert b > 0
    step = sympy.lambdify(w, L.diff(w), "mpmath")
    with mp.workdps(50):
        sizes = []
        for epsilon in (mpf("1e-3"), mpf("1e-4")):
            rate, half = (2 + epsilon) / mpf(str(second)), mp.sqrt(epsilon / mpf(str(b)))
            twice = lambda y, rate=rate: y - rate * step(y) - rate * step(y - rate * step(y)) - y  # noqa: E731
            upper = mp.findroot(twice, mpf(str(best)) + half)
            lower = upper - rate * step(upper)
            sizes.append(abs((upper - lower) / (2 * half) - 1))
        assert sizes[0] < 0.01
        assert sizes[1] < sizes[0] / 5


@formula("eq-lr-batch")
def test_large_rates_follow_the_perceptron_on_the_whole_batch_up_to_its_end():
    late = 0
    for Z, rho, R in separable_data(40, seed=36):
        n = len(Z)
        u, w, wrong = Z.sum(0) / (2 * n), -1e9 * gradient(Z, np.zeros(2)), 0.0
        assert u == pytest.approx(w / 1e9, rel=1e-12)
        t = 1
        while (Z @ u).min() < 0:
            wrong += (Z @ u < 0).mean()
            assert (Z @ w).min() < 0
            u, w, t = u + Z[Z @ u < 0].sum(0) / n, w - 1e9 * gradient(Z, w), t + 1
            assert u == pytest.approx(w / 1e9, abs=1e-6)
            assert rho * (0.5 + wrong) <= u[0] + 1e-12
            assert u @ u <= R**2 * (0.25 + wrong) + 1e-12
        late = max(late, t)
        assert t <= n * R**2 / rho**2
        assert (Z @ w).min() > 0
        assert risk(Z, w) <= 1e-9 / R**2
    assert late > 3


@formula("eq-lr-loss-slope")
def test_a_correct_point_has_a_loss_between_its_slope_and_twice_log_two_times_it():
    with mpmath.workdps(40):
        for u in [*mp.linspace(0, 60, 601)]:
            slope = 1 / (1 + mp.exp(u))
            assert slope <= mp.log1p(mp.exp(-u)) <= 2 * mp.log(2) * slope * (1 + mpf(10) ** -30)


@pytest.mark.slow
@formula("eq-lr-curvature")
def test_the_curvature_on_the_line_is_the_second_derivative_even_and_falling():
    w = sympy.symbols("w", real=True)
    data = (sympy.Rational(3, 2), -2, 1)
    loss = sum(sympy.log(1 + sympy.exp(-z * w)) for z in data) / 3
    stated = sum(z**2 / ((1 + sympy.exp(-z * w)) * (1 + sympy.exp(z * w))) for z in data) / 3
    assert zero(loss.diff(w, 2) - stated)
    assert zero(stated - stated.subs(w, -w))
    values = [float(stated.subs(w, x)) for x in np.linspace(0, 5, 30)]
    assert (np.diff(values) < 0).all()


@formula("eq-lr-limit-map", "eq-lr-cycle")
def test_the_limit_map_is_that_of_large_data_and_its_cycle_has_the_stated_limits():
    tau, zeta, rate, many = 0.1, 0.2, 6.0, 10**7
    half = many // 2
    data = outlier.OutlierData(int(half * (1 + tau)), int(half * (1 - tau)), int(zeta * many), rate)
    w = np.array([-2.0, -0.3, 0.2, 1.5])
    limit = w - rate / 2 * (np.tanh(w / 2) - tau) + rate * zeta * (w < 0)
    np.testing.assert_allclose(data.update(w), limit, atol=1e-6)
    np.testing.assert_allclose(data.curvature(w), (1 - np.tanh(w / 2) ** 2) / 4, atol=1e-6)
    with mpmath.workdps(40):
        small = mpf(10) ** -12
        for gamma in (mpf("1.01"), mpf("1.3"), mpf("1.99")):
            edge = gamma / (1 - small**2)
            first = 2 * mp.acosh(mp.sqrt(edge))
            second = first - 2 * edge * (mp.tanh(first / 2) - small)
            kick = first - second + 2 * edge * (mp.tanh(second / 2) - small)
            a = mp.acosh(mp.sqrt(gamma))
            b = (mp.sinh(2 * a) - 2 * a) / 2
            assert abs(second + 2 * b) < 1e-10
            assert abs(kick - (mp.sinh(2 * a) - 2 * mp.cosh(a) ** 2 * mp.tanh(b))) < 1e-10
            assert second < 0 < kick
        edge = 2 * mp.acosh(mp.sqrt(2))
        assert mp.nstr(edge, 5) == "1.7627"
        assert mp.sinh(edge) / edge < 1.605
