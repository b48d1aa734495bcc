"""The ledger of chapter 5: every row passes, quickly, and fails when what it is about is changed."""

from __future__ import annotations

import numpy as np
import pytest

from catapult import claims
from catapult.checks import catapult_logistic as checks
from catapult.theory import two_layer

ROWS = {claim.id: claim for claim in claims.ledger() if claim.chapter == "05-catapult-logistic"}


def status(name):
    (outcome,) = claims.verify([ROWS[name]])
    return outcome.status


def test_the_chapter_has_its_claims():
    assert len(ROWS) >= 12


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.id)
def test_claim_keeps_to_its_bound_in_a_few_seconds(row):
    (outcome,) = claims.verify([row])
    assert outcome.status == "passed", outcome.value
    assert outcome.seconds < 5


def test_networks_of_the_checks_are_networks():
    rng = np.random.default_rng(1)
    w1, w2 = rng.standard_normal((2, 30))
    width, rate = 30, 7.0
    inside = checks.Networks(w1 @ w2 / np.sqrt(width), (w1 @ w1 + w2 @ w2) / width, width, rate)
    for _ in range(5):
        g = np.tanh(w1 @ w2 / np.sqrt(width) / 2) / 2
        w1, w2 = w1 - rate / np.sqrt(width) * g * w2, w2 - rate / np.sqrt(width) * g * w1
        inside.descend("logistic")
        assert inside.f == pytest.approx(w1 @ w2 / np.sqrt(width), rel=1e-10)
        assert inside.ntk == pytest.approx((w1 @ w1 + w2 @ w2) / width, rel=1e-10)


# (function of the library, factor on what it returns, rows that must fail)
WRONG = [
    ("stability_edge", 1.03, ["huang-kernel-bound"]),
    ("critical_learning_rate", 1.05, ["ours-silent-slide", "ours-wide-phases"]),
    ("critical_learning_rate", 0.9, ["huang-logistic-catapult", "ours-wide-phases"]),
    ("slow_ntk", 1.01, ["ours-wide-phases"]),
    ("convergence_edge", 1.2, ["ours-kappa-eight", "ours-sixteen", "ours-wide-edge"]),
    ("convergence_edge", 0.8, ["ours-wide-edge"]),
    ("cycle_multiplier", 1.00001, ["ours-two-layer-cycle-repels"]),
    ("slide_ntk", 1.00001, ["ours-slide-end"]),
    ("slow_ntk", 1.0002, ["ours-exponential-edge"]),
    ("exit_ntk", 1.0001, ["ours-exit"]),
    ("exit_distance", 1.1, ["ours-exit"]),
]


@pytest.mark.parametrize(("name", "factor", "rows"), WRONG)
def test_rows_fail_on_a_wrong_closed_form(monkeypatch, name, factor, rows):
    right = getattr(two_layer, name)
    monkeypatch.setattr(two_layer, name, lambda *given: factor * right(*given))
    assert [status(row) for row in rows] == ["failed"] * len(rows)


def test_rows_in_balls_fail_on_a_wrong_step(monkeypatch):
    right = checks._moved
    monkeypatch.setattr(checks, "_moved", lambda w1, w2, width, rate: right(w1, w2, width, rate * 1.01))
    assert [status(row) for row in ("ours-false-cycle", "ours-annihilation")] == ["failed"] * 2


def test_rows_of_single_steps_and_of_spreads_fail_on_others(monkeypatch):
    right = checks.Networks.descend
    monkeypatch.setattr(checks.Networks, "descend", lambda self, loss, steps=1: right(right(self, loss), loss, steps))
    assert status("ours-kernel-turns") == "failed"
    monkeypatch.undo()
    drawn = checks._drawn
    monkeypatch.setattr(checks, "_drawn", lambda *given: (1.3 * drawn(*given)[0], drawn(*given)[1]))
    assert status("ours-window-moves") == "failed"


def test_cycle_row_fails_on_a_wrong_cycle(monkeypatch):
    right = two_layer.two_cycle
    monkeypatch.setattr(two_layer, "two_cycle", lambda *given: (right(*given)[0] * 1.000001, right(*given)[1]))
    assert status("ours-two-layer-cycle") == "failed"


@pytest.mark.parametrize(("factor", "rows"), [
    (1.2, ["huang-kernel-bound", "ours-slide-end", "ours-jump-returns", "ours-kappa-eight", "ours-exponential-trap",
           "ours-flatter-while-small"]),
    (1.02, ["ours-sixteen", "ours-slide-rate", "ours-no-plateau", "ours-wide-phases"]),
    (0.5, ["huang-exponential-catapult", "tempting-upper-edge", "ours-slide-time", "ours-beyond-kappa-eight",
           "ours-exponential-runaway", "ours-sixteen-sharp"]),
])
def test_rows_fail_on_wrong_dynamics(monkeypatch, factor, rows):
    slopes = {name: lambda f, slope=slope: factor * slope(f) for name, slope in checks.SLOPES.items()}
    monkeypatch.setattr(checks, "SLOPES", slopes)
    assert [status(row) for row in rows] == ["failed"] * len(rows)
