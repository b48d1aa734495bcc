"""The oracles against computations that are plainer still: one weight at a time, differences, closed forms."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest

from catapult.oracles import balls, bisection, linear_networks, plane, predictor

Z = np.array([[1.0, 0.2], [-2.0, 0.2], [0.5, -1.0], [-0.3, 0.7]])
SHARE = np.array([0.1, 0.2, 0.3, 0.4])


def difference(function, x, step=1e-5):
    """Return the derivatives of a function by central differences, along the last axis."""
    return np.stack([(function(x + shift) - function(x - shift)) / (2 * step) for shift in step * np.eye(len(x))], -1)


@pytest.mark.parametrize("share", [None, SHARE])
@pytest.mark.parametrize("loss", predictor.LOSSES)
def test_gradient_and_hessian_are_derivatives_of_the_risk(loss, share):
    w = np.array([0.3, -0.8])
    slope = predictor.gradient(Z, w, loss, share)
    np.testing.assert_allclose(slope, difference(lambda w: predictor.risk(Z, w, loss, share), w), rtol=1e-8)
    np.testing.assert_allclose(predictor.hessian(Z, w, loss, share), difference(
        lambda w: predictor.gradient(Z, w, loss, share), w), rtol=1e-8)


@pytest.mark.parametrize("loss", predictor.LOSSES)
def test_the_risk_of_the_degenerate_pair_has_the_slope_of_the_table(loss):
    pair = np.array([[1.0], [-1.0]])
    assert predictor.gradient(pair, np.array([0.7]), loss)[0] == pytest.approx(predictor.SLOPES[loss](0.7), rel=1e-14)
    orbit = predictor.descend(pair, 1.5, 3, [0.7], loss=loss)[:, 0, 0]
    for before, after in itertools.pairwise(orbit):
        assert after == pytest.approx(predictor.move(loss, before, 1.5), rel=1e-13)


@pytest.mark.parametrize("loss", predictor.SLOPES)
def test_a_step_is_the_same_in_every_arithmetic(loss):
    plain = predictor.move(loss, 0.7, 1.5)
    assert float(predictor.move(loss, flint.arb(0.7), 1.5, flint.arb)) == pytest.approx(plain, rel=1e-14)
    assert float(predictor.move(loss, mpmath.mpf(0.7), 1.5, mpmath)) == pytest.approx(plain, rel=1e-14)


def test_a_share_of_labels_is_a_risk_with_shares():
    slope = predictor.gradient(np.array([[1.0], [-1.0]]), np.array([0.7]), share=np.array([0.9, 0.1]))[0]
    assert predictor.move_labels(0.9, 0.7, 4.0) == pytest.approx(0.7 - 4 * slope, rel=1e-13)


def test_descents_side_by_side_are_those_one_by_one():
    schedule = np.linspace(1, 0.5, 20)
    together = predictor.descend(Z, [0.5, 4.0], 20, [0.1, 0.2], schedule)
    for i, rate in enumerate((0.5, 4.0)):
        w = np.array([0.1, 0.2])
        for factor in schedule:
            w = w + factor * rate * sum(z / (1 + math.exp(z @ w)) for z in Z) / len(Z)
        np.testing.assert_allclose(together[-1, i], w, rtol=1e-12)


def test_the_minimiser_has_no_slope_and_is_the_log_odds_of_labels():
    assert predictor.gradient(Z, predictor.minimiser(Z)) == pytest.approx([0, 0], abs=1e-15)
    assert predictor.minimiser(np.array([[1.0], [-1.0]]), np.array([0.999, 0.001])) == pytest.approx(math.log(999))


@pytest.mark.parametrize("loss", predictor.SLOPES)
def test_networks_in_the_plane_are_networks(loss):
    w1, w2 = np.random.default_rng(1).standard_normal((2, 30))
    width, rate = 30, 1.2
    inside = plane.Networks(w1 @ w2 / np.sqrt(width), (w1 @ w1 + w2 @ w2) / width, width, rate)
    outputs = plane.Networks(inside.f, inside.ntk, width, rate).outputs(loss, 5)
    with flint.ctx.workprec(balls.BITS):
        ball = balls.Network(loss, inside.f.item(), inside.ntk.item(), width, rate)
    for t in range(5):
        assert outputs[t] == pytest.approx(w1 @ w2 / np.sqrt(width), rel=1e-10)
        g = predictor.SLOPES[loss](w1 @ w2 / np.sqrt(width))
        w1, w2 = w1 - rate / np.sqrt(width) * g * w2, w2 - rate / np.sqrt(width) * g * w1
        inside.descend(loss)
        with flint.ctx.workprec(balls.BITS):
            ball.step()
        for f, ntk in ((inside.f, inside.ntk), (ball.f, ball.scaled / rate)):
            assert float(f) == pytest.approx(w1 @ w2 / np.sqrt(width), rel=1e-10)
            assert float(ntk) == pytest.approx((w1 @ w1 + w2 @ w2) / width, rel=1e-10)


def test_what_diverges_is_told_and_kept():
    networks = plane.Networks([0.5, 0.5], 2.0, 10, [1.0, 40.0]).descend("squared", 100)
    assert networks.diverged().tolist() == [False, True]


def test_balls_hold_a_hit_exactly_and_rounded_orbits_are_points():
    """w1 = 17/10, w2 = 1, η = 1 lands on f = 0; there λ = 1.7² · 0² + (1 − 1.7²)²."""
    for rounded in (False, True):
        with flint.ctx.workprec(balls.BITS):
            network = balls.Network("squared", "1.7", Fraction(389, 100), 1, 1, rounded).step()
            assert abs(network.f) < 1e-60
            assert abs(network.scaled - balls.exact("1.89") ** 2) < 1e-60
            assert abs(network.invariant - network.scaled) < 1e-60
            assert (network.p.rad() == 0) == rounded


def test_plain_orbits_end_where_closed_forms_say():
    assert float(balls.limit("squared", 2, 5, 1, 1)) == 9  # a hit: Λ⁺ = 5 + 2(10 − 8)
    assert balls.limit("squared", 1, 2, 100, 2.2) == math.inf
    assert balls.limit("squared", 1, 2, 100, 2, 200) is None  # at ηλ0 = 4 for ever
    kappa = 25 / 1000  # a long slide, with the asymptotics of chapter catapult-logistic
    assert float(balls.limit("logistic", 1, 2, 1000, 5)) == pytest.approx((8 - 1.5 * kappa - 9 / 80 * kappa**2) / 5,
                                                                          rel=kappa**3)


@pytest.mark.parametrize("given", [("squared", 2, 3, 4, 0.9), ("squared", 2, 3, 4, 1.25), ("squared", 1, 2, 1000, 1.55),
                                   ("logistic", 0.7, 2, 10**6, 1196.746), ("logistic", 1, 2, 1000, 54)])
def test_enclosures_hold_the_ends_of_plain_orbits_and_are_narrow(given):
    low, high = balls.enclosed(*given)
    assert low <= float(balls.limit(*given)) <= high <= low + 4e-16 * high


def test_what_diverges_is_not_enclosed():
    with pytest.raises(ArithmeticError, match="undecided"):
        balls.enclosed("squared", 1, 2, 100, 2.2)


def test_a_root_in_balls_is_bisected_from_below():
    with flint.ctx.workprec(balls.BITS):
        found = balls.root(lambda x: 2 - x * x, 1, 2)
        assert 0 <= flint.arb(2).sqrt() - found < 1e-70


@pytest.mark.parametrize("widths", [(), (3,), (3, 2)])
def test_linear_networks_descend_along_differences_of_the_risk(widths):
    networks = linear_networks.LinearNetworks.drawn((2, *widths, 1), np.random.default_rng(2), 2)
    shapes = [W.shape[1:] for W in networks.matrices]
    for i, rate in enumerate(rates := (0.5, 3.0)):
        flat = np.concatenate([W[i].ravel() for W in networks.matrices])
        ends = np.cumsum([0, *(a * b for a, b in shapes)])

        def risk(flat, ends=ends):
            chain = np.eye(2)
            for (a, b), (first, last) in zip(shapes, itertools.pairwise(ends), strict=True):
                chain = flat[first:last].reshape(a, b) @ chain
            return predictor.risk(Z, networks.scale * chain[0])

        after = flat - rate * difference(risk, flat)
        moved = linear_networks.LinearNetworks(networks.matrices, networks.scale).descend(Z, rates, 1)
        np.testing.assert_allclose(np.concatenate([W[i].ravel() for W in moved.matrices]), after, rtol=1e-7)
        if len(shapes) == 2:
            hessian = difference(lambda flat: difference(risk, flat, 1e-4), flat, 1e-4)
            assert networks.sharpness(Z)[i] == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-5)


def test_thresholds_are_bisected_side_by_side():
    squares = np.array([[2.0], [9.0]])
    assert bisection.threshold(lambda x: x**2 > squares, 0.0, [4.0, 5.0]) == pytest.approx(np.sqrt(squares * [1, 1]))
    assert type(bisection.threshold(lambda x: x > math.pi, 3, 4, 10)) is np.float64
    assert 0 <= math.pi - bisection.threshold(lambda x: x > math.pi, 3, 4, 10) < 2**-10


def test_the_largest_margin_is_that_of_a_grid_of_directions():
    rng = np.random.default_rng(0)
    points = rng.normal([4.0, 0.0], 1.0, (12, 2))
    angles = np.linspace(-np.pi, np.pi, 200_001)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    best = directions[(directions @ points.T).min(1).argmax()]
    assert np.linalg.norm(predictor.max_margin(points) - best) < 1e-4


def test_the_distance_of_a_cone_is_that_of_its_nearest_point_by_a_general_solver():
    from scipy.optimize import minimize

    rng = np.random.default_rng(1)
    for _ in range(5):
        normals, w = rng.standard_normal((4, 3)), rng.standard_normal(3)
        found = minimize(lambda v, w=w: ((v - w) ** 2).sum(), np.zeros(3), method="SLSQP",
                         constraints={"type": "ineq", "fun": lambda v, normals=normals: normals @ v})
        assert predictor.cone_distance(normals, w) == pytest.approx(np.sqrt(found.fun), abs=1e-5)


def test_below_the_fold_every_start_converges_and_above_it_some_do_not():
    z, share = predictor.SUBCRITICAL
    (best, curvature), fold = predictor.line_minimum(z, share), predictor.fold(z, share)
    for gamma, stays in ((fold - 0.01, False), (fold + 0.01, True)):
        w = np.linspace(-3, 3, 61)
        for _ in range(4000):
            w = predictor.line_step(z, share, gamma / curvature, w)
        assert (np.abs(w - best).max() > 0.1) == stays


@pytest.mark.parametrize(("points", "nearest"), [([(1, 0), (1, 1)], (1, 0)), ([(2, 1), (2, -1)], (2, 0)),
                                                 ([(0.3, 1), (0.3, -0.5), (5, 5)], (0.3, 0))])
def test_the_nearest_point_of_a_convex_hull(points, nearest):
    np.testing.assert_allclose(predictor.nearest_of_hull(np.array(points, dtype=float)), nearest, atol=1e-12)
