"""The checks of chapter 6 pass in time, and turn red when what they check is broken."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from catapult import claims
from catapult.checks import beyond_degenerate as checks

ROWS = {claim.id: claim for claim in claims.ledger() if claim.chapter == "06-beyond-degenerate"}


def status(name):
    checks._ends.cache_clear()
    (outcome,) = claims.verify([ROWS[name]])
    return outcome.status


def test_all_claims_together_hold_and_take_few_seconds():
    started = time.process_time()
    outcomes = list(claims.verify(list(ROWS.values())))
    assert {outcome.claim.id: outcome.value for outcome in outcomes if outcome.status != "passed"} == {}
    assert len(outcomes) >= 12
    assert time.process_time() - started < 8


@pytest.mark.parametrize("name", ["wu-oscillating-phase", "wu-stable-phase", "wu-squared-budget", "ji-offset",
                                  "ours-separable-divergence", "ours-one-predictor", "meng-global-convergence"])
def test_checks_fail_on_a_wrong_slope(monkeypatch, name):
    monkeypatch.setattr(checks, "_pull", lambda u: -0.2 * (1 - np.tanh(u / 2)))
    assert status(name) == "failed"


def test_phase_length_fails_on_a_slope_that_keeps_pushing(monkeypatch):
    phase = checks._phase
    monkeypatch.setattr(checks, "_phase", lambda rho, share, rate, steps: (*phase(rho, share, rate, steps)[:2],
                                                                           int(rate) + 1))
    assert status("ours-phase-length") == "failed"


def test_squared_budget_fails_on_the_slope_of_a_fixed_rate(monkeypatch):
    phase = checks._phase
    monkeypatch.setattr(checks, "_phase", lambda rho, share, rate, steps: phase(rho, share, 1.0, steps))
    assert status("wu-squared-budget") == "failed"


def test_the_decomposition_check_sees_a_wrong_part(monkeypatch):
    decompose = checks.decompose
    monkeypatch.setattr(checks, "decompose", lambda Z: decompose(np.abs(Z)))
    assert status("ji-decomposition") == "failed"


def test_the_cycle_check_sees_data_without_one(monkeypatch):
    design = checks.outlier.design
    monkeypatch.setattr(checks.outlier, "design", lambda gamma: replace(design(gamma), outlier=2))
    assert status("meng-stable-cycle") == "failed"


def test_no_cycle_is_not_claimed_where_there_is_one(monkeypatch):
    arb = checks.flint.arb
    monkeypatch.setattr(checks.flint, "arb", lambda *x: arb("9.5") if x == ("7.99",) else arb(*x))
    assert status("ours-no-cycle") == "failed"


@pytest.mark.parametrize("x", [0.0, 1e-40, 1e-30, 1e-3, 2.0])
def test_the_quotient_of_tanh_is_enclosed_also_near_zero(x):
    with checks.flint.ctx.workprec(400):
        x = checks.flint.arb(x)
        exact = x.tanh() / x if x > 0 else checks.flint.arb(1)
    with checks.flint.ctx.workprec(checks.BITS):
        assert checks._tanhc(x).overlaps(exact)


def test_edge_selection_fails_for_a_sharpness_that_is_a_fifth_too_low(monkeypatch):
    sharpness = checks._sharpness
    monkeypatch.setattr(checks, "_sharpness", lambda *given: 0.8 * sharpness(*given))
    assert status("ours-edge-selection") == "failed"


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_recursion_check_sees_a_wrong_kernel(monkeypatch, factor):
    step = checks.product_space.step
    monkeypatch.setattr(checks.product_space, "step", lambda state, slope, rate: step(state, slope, factor * rate))
    assert status("ours-product-recursion") == "failed"


def test_depth_edge_fails_for_a_shallow_network(monkeypatch):
    diverges = checks._diverges
    monkeypatch.setattr(checks, "_diverges", lambda hidden, multiple, seed: diverges(1, multiple, seed))
    assert status("ours-depth-edge") == "failed"
