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
    for cached in (checks._ends, checks._separable_ends, checks._median_edge):
        cached.cache_clear()
    (outcome,) = claims.verify([ROWS[name]])
    return outcome.status


def test_all_claims_together_hold_and_take_few_seconds():
    started = time.process_time()
    outcomes = list(claims.verify(list(ROWS.values())))
    assert {outcome.claim.id: outcome.value for outcome in outcomes if outcome.status != "passed"} == {}
    assert len(outcomes) >= 12
    assert time.process_time() - started < 8


@pytest.mark.parametrize("name", ["wu-oscillating-phase", "wu-stable-phase", "wu-squared-budget", "ji-offset",
                                  "ours-separable-divergence", "ours-one-predictor", "meng-global-convergence",
                                  "ours-perceptron-exit", "ours-separable-edge", "ours-one-direction"])
def test_checks_fail_on_a_wrong_slope(monkeypatch, name):
    monkeypatch.setattr(checks, "_pull", lambda u: -0.2 * (1 - np.tanh(u / 2)))
    assert status(name) == "failed"


def test_strong_convexity_fails_on_a_loss_that_bends_less(monkeypatch):
    pull = checks._pull
    monkeypatch.setattr(checks, "_pull", lambda u: 0.99 * pull(u))
    assert status("ji-strong-convexity") == "failed"


def test_the_exit_is_not_that_of_a_perceptron_with_another_first_step(monkeypatch):
    perceptron = checks._batch_perceptron
    monkeypatch.setattr(checks, "_batch_perceptron", lambda Z: perceptron(Z * [1.01, *[1.0] * (Z.shape[1] - 1)]))
    assert status("ours-perceptron-exit") == "failed"


def test_one_predictor_sees_a_deep_network_that_ends_elsewhere(monkeypatch):
    end = checks._deep_product
    monkeypatch.setattr(checks, "_deep_product", lambda *given: 1.001 * end(*given))
    assert status("ours-one-predictor") == "failed"


@pytest.mark.parametrize("name", ["ours-edge-range", "ours-edge-range-standard"])
def test_edge_ranges_fail_for_a_sharpness_that_is_too_low_and_for_a_smaller_rate(monkeypatch, name):
    sharpness, layers = checks._sharpness, checks._two_layers
    with monkeypatch.context() as patch:
        patch.setattr(checks, "_sharpness", lambda *given: 0.95 * sharpness(*given))
        assert status(name) == "failed"
    with monkeypatch.context() as patch:
        patch.setattr(checks, "_two_layers", lambda Z, m, rate, *rest: layers(Z, m, rate / 3, *rest))
        assert status(name) == "failed"


def test_separable_rows_see_a_smaller_rate_and_a_smaller_kernel(monkeypatch):
    layers, kernel = checks._two_layers, checks._kernel
    with monkeypatch.context() as patch:
        patch.setattr(checks, "_two_layers", lambda Z, m, rate, *rest: layers(Z, m, 0.9 * rate, *rest))
        assert status("ours-separable-onset") == "failed"
    monkeypatch.setattr(checks, "_kernel", lambda *given: 0.8 * kernel(*given))
    assert status("ours-separable-kernel") == "failed"


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
    assert status("ours-depth-edge-two") == "failed"


def test_depth_edge_fails_if_one_hidden_layer_has_another_edge_than_two(monkeypatch):
    diverges = checks._diverges
    monkeypatch.setattr(checks, "_diverges", lambda hidden, multiple, seed: diverges(hidden, 0.9 * multiple, seed))
    assert status("ours-depth-edge") == "failed"


@pytest.mark.parametrize(("name", "factor"), [("ours-logistic-one-layer", 0.5), ("ours-logistic-one-layer", 1.5),
                                              ("ours-logistic-depth", 0.5), ("ours-logistic-depth", 1.5)])
def test_rows_of_the_logistic_loss_see_another_learning_rate(monkeypatch, name, factor):
    diverges = checks._deep_divergence

    def at_another_rate(hidden, multiple, seeds):
        return np.stack([diverges(hidden, multiple, seeds)[0], diverges(hidden, factor * multiple, seeds)[1]])

    monkeypatch.setattr(checks, "_deep_divergence", at_another_rate)
    assert status(name) == "failed"
