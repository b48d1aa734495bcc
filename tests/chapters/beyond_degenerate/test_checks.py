"""The checks hold together, and the tools that they write out again are right by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.beyond_degenerate import checks
from catapult.companion import claims

ROWS = [claim for claim in claims.ledger() if claim.chapter == "beyond-degenerate"]


def test_all_claims_together_hold():
    assert {outcome.claim.id: (outcome.value, outcome.broken) for outcome in claims.verify(ROWS)
            if outcome.status != "passed"} == {}


@pytest.mark.parametrize("x", [0.0, 1e-40, 1e-30, 1e-3, 2.0])
def test_the_quotient_of_tanh_is_enclosed_also_near_zero(x):
    with checks.flint.ctx.workprec(400):
        x = checks.flint.arb(x)
        exact = x.tanh() / x if x > 0 else checks.flint.arb(1)
    with checks.flint.ctx.workprec(checks.BITS):
        assert checks._tanhc(x).overlaps(exact)


@pytest.mark.parametrize(("points", "nearest"), [([(1, 0), (1, 1)], (1, 0)), ([(2, 1), (2, -1)], (2, 0)),
                                                 ([(0.3, 1), (0.3, -0.5), (5, 5)], (0.3, 0))])
def test_the_nearest_point_of_a_convex_hull(points, nearest):
    np.testing.assert_allclose(checks._nearest(np.array(points, dtype=float)), nearest, atol=1e-12)


def test_gradient_descent_at_several_rates_is_that_at_each():
    Z, schedule = checks._opposing(0.1, 0.4), np.linspace(1, 0.5, 20)
    together = checks._follow(Z, [0.5, 4.0], 20, schedule=schedule)
    for i, rate in enumerate((0.5, 4.0)):
        np.testing.assert_allclose(together[:, i:i + 1], checks._follow(Z, rate, 20, schedule=schedule), rtol=1e-12)


def test_last_rise_and_first_step_are_read_off_as_they_say():
    risk = np.array([[1.0, 1.0], [2.0, 0.5], [0.5, 0.4], [0.1, 0.3]])
    assert checks._last_rise(risk).tolist() == [1, 0]
    assert checks._first(risk <= [0.5, 0.2]).tolist() == [2, 4]


def test_below_the_fold_every_start_converges_and_above_it_some_do_not():
    z, share = checks.SUBCRITICAL
    best, curvature = checks._line_minimum(z, share)
    fold = checks._fold(z, share, curvature, best)
    for gamma, cycles in ((fold - 0.01, False), (fold + 0.01, True)):
        w = np.linspace(-3, 3, 61)
        for _ in range(4000):
            w = checks._line_step(z, share, gamma / curvature, w)
        assert (np.abs(w - best).max() > 0.1) == cycles


def test_networks_side_by_side_are_those_one_by_one():
    Z = checks.datasets.overlapping_cloud(12, 2, 1.0, 0).Z
    first, second, s = checks._two_layers(Z, 5, 0.0, 0, 1)
    W, w = checks._batch(Z, np.stack([first] * 2), np.stack([second] * 2), s, [1.0, 3.0], 10)
    for i, rate in enumerate((1.0, 3.0)):
        one, other, _ = checks._two_layers(Z, 5, rate, 10, 1)
        np.testing.assert_allclose(W[i], one, rtol=1e-12)
        np.testing.assert_allclose(w[i], other, rtol=1e-12)
