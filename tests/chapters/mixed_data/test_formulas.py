"""Every displayed formula of the chapter on mixed data, on data and on networks of its kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit

from catapult import curvature
from catapult.chapters.mixed_data.checks import predictor
from catapult.chapters.mixed_data.checks import three_points as edge
from catapult.chapters.three_points import experiment
from catapult.networks import Network
from catapult.oracles import predictor as oracle
from catapult.oracles.linear_networks import LinearNetworks
from catapult.theory import linear_predictor, three_points, two_parts
from formulas import Formulas

formula = Formulas("mixed-data")
Z = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=10)


def step(a, b, c, rate):
    """Return a, b, c after a step as displayed."""
    m = len(a)
    g = rate / (3 * np.sqrt(m)) * np.tanh(a @ c / np.sqrt(m) / 2)
    h = rate / (3 * np.sqrt(m)) * expit(-b @ c / np.sqrt(m))
    return (a - g * c, b + h * c, c - g * a + h * b), g, h


@formula("eq-mixed-step")
def test_a_step_is_gradient_descent_on_all_weights():
    rng = np.random.default_rng(5)
    a, b, c = 2 * rng.standard_normal((3, 6))
    network = LinearNetworks([np.stack([a, b], 1)[None], c[None, None]], 6**-0.5).descend(Z, 7.0, 1)
    (a, b, c), *_ = step(a, b, c, 7.0)
    np.testing.assert_allclose(network.matrices[0][0], np.stack([a, b], 1), rtol=1e-12)
    np.testing.assert_allclose(network.matrices[1][0, 0], c, rtol=1e-12)


@pytest.mark.slow
@formula("eq-mixed-edge")
def test_the_edge_is_half_the_rate_times_the_curvature_of_the_conflicting_points():
    network, m = Network((1, 7, 1)), 7
    W, w = network.initialise(2)
    a = W[:, 0] - w[0] * (W[:, 0] @ w[0]) / (w[0] @ w[0])  # so that u = 0
    loss = curvature.mean_loss(network, "logistic", torch.ones(2, 1).double(), torch.tensor([1.0, -1.0]).double())
    top = np.linalg.eigvalsh(curvature.hessian_matrix(loss, [a[:, None], w]).numpy())[-1] * 2 / 3
    gram = three_points.gram(np.stack([a.numpy(), np.zeros(m)], 1), w[0].numpy())
    assert three_points.follow(gram, m, 5.0, [0]).edge.item() == pytest.approx(5 / 2 * top, rel=1e-10)


@formula("eq-mixed-reached")
def test_the_edge_is_reached_again_and_again():
    runs = edge.runs(experiment.Parameters.checked(scale="quick"))
    assert (runs.highest.isel(step=slice(-5, None)) >= 1 - 1e-3).all()
    assert (runs.highest.isel(step=slice(-20, None)).max("step") >= 1).all()


@formula("eq-mixed-reached")
def test_opposed_weights_stay_below_the_edge_for_ever():
    start = np.sqrt(np.log([3.0]))
    a, b, c = np.zeros(1), -start, start
    for t in range(1, 1001):  # in vectors: rounding keeps b = −c, which in inner products it does not
        (a, b, c), *_ = step(a, b, c, 8.0)
        assert c == pytest.approx((-1) ** t * start, rel=1e-9)
        assert b == -c
    k = 8 / 12 * (a @ a + c @ c)
    assert k < 1
    assert k == pytest.approx(2 / 3 * np.log(3))


@formula("eq-mixed-proof")
def test_what_a_step_does_to_the_norm_of_a_and_to_the_balance():
    rng = np.random.default_rng(6)
    for rate in (0.5, 5.0, 50.0):
        a, b, c = rng.standard_normal((3, 4))
        (a1, b1, c1), g, h = step(a, b, c, rate)
        u = a @ c / 2
        theta = np.tanh(u / 2) / (u / 2)
        assert g == pytest.approx(rate * theta * u / 12)
        assert a1 @ a1 - a @ a == pytest.approx(-4 * g * u * (1 - rate * (c @ c) * theta / 48), rel=1e-10)
        balance = (a1 @ a1 + b1 @ b1 - c1 @ c1) - (a @ a + b @ b - c @ c)
        assert balance == pytest.approx((g**2 + h**2) * (c @ c) - (g * a - h * b) @ (g * a - h * b), rel=1e-9)


@pytest.mark.slow
@formula("eq-mixed-flow")
def test_two_steps_at_the_edge_are_two_of_the_averaged_flow():
    rng = np.random.default_rng(1)
    m, rate = 9, 10.0
    a, b, c = rng.standard_normal((3, m))
    for _ in range(30_000):  # until the oscillation has settled
        (a, b, c), *_ = step(a, b, c, rate)
    path = [(a, b, c)]
    for _ in range(3):
        path.append(step(*path[-1], rate)[0])
    averages = [[(now + then) / 2 for now, then in zip(*path[i:i + 2], strict=True)] for i in (0, 2)]
    gs = [step(*state, rate)[1] for state in path[:2]]
    assert gs[0] * gs[1] < 0
    (a, b, c), square = averages[0], -gs[0] * gs[1]
    h = rate / (3 * np.sqrt(m)) * expit(-b @ c / np.sqrt(m))
    expected = [-square / 2 * a, h * c, -square / 2 * c + h * b]
    for before, after, velocity in zip(*averages, expected, strict=True):
        assert np.linalg.norm((after - before) / 2 - velocity) < 0.05 * np.linalg.norm(velocity)
    assert rate * (a @ a + c @ c) / (12 * m) == pytest.approx(1, abs=1e-3)


@formula("eq-mixed-laws")
def test_the_laws_solve_the_flow_that_is_left_when_a_has_died_out():
    steps = np.array([1e6, 1e9])
    p = three_points.outside_law(steps)
    np.testing.assert_allclose(steps * 4 * expit(-p), 1, rtol=1e-6)  # dp/dt = 1/t
    for rate, width in ((2.0, 1), (20.0, 100)):
        S = 12 * width / rate  # |c|², and |b|² |c|² = m p²
        np.testing.assert_allclose(three_points.norm_law(steps, rate, width), p**2 / S, rtol=1e-12)
        h = rate / (3 * np.sqrt(width)) * expit(-p)
        square = 2 * h * np.sqrt(width) * p / S  # of g, which keeps |c|² where it is
        np.testing.assert_allclose(three_points.square_law(steps), 36 * width / rate**2 * square, rtol=1e-5)


@formula("eq-mixed-scale")
def test_the_scale_at_the_edge_and_that_it_is_at_most_a_linear_predictors():
    rng = np.random.default_rng(10)
    H = np.cov(rng.standard_normal((3, 9)))
    for rate, width in ((0.5, 9), (5.0, 400)):
        minimum = 0.3 * rng.standard_normal(3)
        x = two_parts.edge_scale(H, minimum, rate, width)
        product = H @ (x * np.eye(3) + np.outer(minimum, minimum) / (width * x))  # similar to the displayed matrix
        assert np.linalg.eigvals(product).real.max() == pytest.approx(2 / rate, rel=1e-9)
        assert rate * x <= 2 / np.linalg.eigvalsh(H)[-1]
        more = 1.01 * x
        product = H @ (more * np.eye(3) + np.outer(minimum, minimum) / (width * more))
        assert np.linalg.eigvals(product).real.max() > 2 / rate  # the larger root


@formula("eq-mixed-tube", "eq-mixed-slope")
def test_the_radius_and_the_slope_behind_it():
    rng = np.random.default_rng(8)
    data = np.vstack([np.c_[rng.standard_normal((20, 2)), np.zeros(20)], rng.normal([0, 0, 4], 1, (3, 3))])
    lengths, q = np.linalg.norm(data, axis=1).mean(), 0.2784645427610738
    for rate in (0.1, 10.0):
        assert linear_predictor.containment_radius(data, rate, 0.05) == pytest.approx(
            (q + rate * lengths**2 / 2) / 0.05, rel=1e-12)
    assert min(predictor._slack(data, w) for w in 5 * rng.standard_normal((200, 3))) >= 0


@formula("eq-mixed-direction")
def test_the_direction_outside_is_that_of_the_largest_margin():
    rng = np.random.default_rng(9)
    data, frame, separable = predictor.mixed(rng)
    outside = np.eye(6) - frame.T @ frame
    best = oracle.max_margin(data[separable] @ outside)
    for rate in (1.0, 1000.0):
        w = oracle.descend(data, rate, 2000, rng.standard_normal(6))[-1, 0]
        ends = [predictor._angle(predictor._flow(data[separable] @ outside, data[separable] @ frame.T @ frame @ w,
                                                 rate / 45, outside @ w, np.log(2000), end), best)
                for end in (50.0, 2000.0)]
        assert ends[1] < ends[0] / 5  # it falls like 1/log t


@formula("eq-mixed-growth")
def test_the_part_outside_grows_by_no_more_than_its_margin_allows():
    rng = np.random.default_rng(10)
    data, frame, separable = predictor.mixed(rng)
    P, outside = data[separable], np.eye(6) - frame.T @ frame
    X = P @ outside
    gamma, R = (X @ oracle.max_margin(X)).min(), np.linalg.norm(data, axis=1).max()
    for rate in (1.0, 40.0):
        path = oracle.descend(data, rate, 300, rng.standard_normal(6))[:, 0]
        M, M0 = np.abs(path @ frame.T @ frame @ P.T).max(), max(0, -(path @ X.T).min())
        K = len(P) * np.exp(M) * (np.exp(M0) + np.exp(M)) / np.e
        v, q = path @ outside, expit(-path @ P.T)
        dS = rate * q.sum(1)[:-1] / len(data)
        size = np.linalg.norm(v, axis=1)
        middle = size[:-1] ** 2 + 2 * dS * (gamma * size[:-1] + K) + R**2 * dS**2
        assert (size[1:] ** 2 <= middle).all()
        assert (middle <= (size[:-1] + gamma * dS) ** 2 + (2 * K + R**2 * rate) * dS + 1e-9 * middle).all()
        pushed = (q[:-1] * (v[:-1] @ X.T)).sum(1)
        assert (pushed <= q[:-1].sum(1) * ((v[:-1] @ X.T).min(1) + K)).all()
