"""The rows of chapter 7 hold, and each turns red when what it certifies is broken."""

from __future__ import annotations

import flint
import pytest

from catapult import claims
from catapult.checks import certificates as checks
from catapult.theory import two_layer
from catapult.theory.certificates import _cycles, _data, _one_step, _rates, _two_layer

ROWS = {claim.id: claim for claim in claims.ledger() if claim.chapter == "07-certificates"}


def outcome(name):
    (measured,) = claims.verify([ROWS[name]])
    return measured


def test_the_chapter_has_twelve_claims_that_cost_a_few_seconds():
    assert len(ROWS) == 12
    assert sum(row.seconds for row in ROWS.values()) < 6


@pytest.mark.parametrize("name", list(ROWS))
def test_claim_keeps_to_its_bound(name):
    measured = outcome(name)
    assert measured.status == "passed", measured.value


def test_a_wrong_quotient_is_found(monkeypatch):
    right = _one_step.excess
    monkeypatch.setattr(_one_step, "excess", lambda loss, w, rate: right(loss, w, rate * flint.arb("0.9")))
    assert outcome("huang-certified-rates").status == "failed"


def test_a_wrong_cycle_is_found(monkeypatch):
    monkeypatch.setattr(_cycles, "_cycle_on", lambda low, high, bounds: (low, high, -1.0, 1.0) if low > 8 else None)
    assert outcome("ours-certified-cycle").status == "failed"


@pytest.mark.parametrize("name", ["ours-float-kernels", "ours-certified-sharper"])
def test_a_wrong_recursion_is_found(monkeypatch, name):
    right = _two_layer.mean_value_step

    def wrong(loss, kappa, f, scaled):
        return right(loss, kappa * flint.arb("1.0001"), f, scaled)

    monkeypatch.setattr(_two_layer, "mean_value_step", wrong)
    monkeypatch.setattr(_two_layer.orbit, "__defaults__", (wrong,))
    assert outcome(name).status == "failed"


def test_a_wrong_invariant_is_found(monkeypatch):
    right = _two_layer.trapped
    monkeypatch.setattr(_two_layer, "trapped",
                        lambda loss, kappa, f, scaled: right(loss, kappa, f, scaled * flint.arb("0.999999")))
    assert outcome("ours-float-kernels").status == "failed"


def test_a_missing_tail_is_found(monkeypatch):
    monkeypatch.setattr(_two_layer, "trapped", lambda *given: None)
    monkeypatch.setattr(checks, "_networks", lambda scale: [("squared", (1, 2, 100, 0.7))])
    assert outcome("ours-certified-kernels").status == "failed"


def test_naive_balls_break_the_claim_on_bits_and_on_kernels(monkeypatch):
    monkeypatch.setitem(_two_layer.FORMS, "mean value", _two_layer.step)
    assert outcome("ours-bits-kept").status == "failed"


def test_a_bound_that_loses_its_sign_breaks_the_claim_on_logistic_intervals(monkeypatch):
    def escape(kappa, f, scaled):
        """As it stood once: the square of a negative lower bound of |f| passes for a bound of α²."""
        root = kappa.sqrt()
        top, p, q = root / 2, scaled + 2 * root * f, scaled - 2 * root * f
        ratio = abs((p / q).log())
        room = ratio.min(2 * ((top + 1) / (top - 1)).log() - ratio) / 2
        least = ((p * q).sqrt() * (room / 2).sinh() / (2 * root)).lower()
        square = ((top * (least / 2).tanh()) ** 2).lower()
        drift = 8 * top / (square - 1) * (-least).exp() / (1 - (-least * (square - 2)).exp())
        return room > 0 and square > 2 and drift < room

    monkeypatch.setattr(_two_layer, "logistic_escape", escape)
    assert outcome("ours-certified-logistic").status == "failed"


def test_naive_balls_break_the_claim_on_what_they_leave(monkeypatch):
    monkeypatch.setitem(_rates.FORMS, "mean value", _rates.naive_states)
    assert outcome("ours-mean-value-gain").status == "failed"


def test_too_large_a_trap_breaks_the_claims_on_sets(monkeypatch):
    monkeypatch.setattr(_rates, "trapped", lambda loss, kappa, f, scaled: scaled < 1000)
    for name in ("ours-certified-logistic", "ours-mean-value-gain"):
        assert outcome(name).status == "failed"


def test_wrong_images_break_the_claim_on_chaos(monkeypatch):
    right = _cycles._images
    monkeypatch.setattr(_cycles, "_images", lambda p, gamma, w: right(p, gamma * 2, w))
    assert outcome("ours-certified-chaos").status == "failed"


def test_wrong_weights_break_the_claim_on_data(monkeypatch):
    monkeypatch.setattr(_data.DataCertificate, "holds", lambda self, Z: True)
    monkeypatch.setattr(_data, "_scale", lambda row: flint.fmpq(2) if row[0] > 0 else flint.fmpq(1))
    right = _data.datasets.certify
    monkeypatch.setattr(_data.datasets, "certify", lambda Z: right(abs(Z)))
    assert outcome("ours-certified-data").status == "failed"


def test_a_shifted_edge_breaks_the_claim_on_the_window(monkeypatch):
    right = checks.certificates.convergence
    monkeypatch.setattr(checks.certificates, "convergence",
                        lambda loss, f0, ntk0, width, rates, **options: right(loss, f0, ntk0, 103, rates, **options))
    measured = outcome("ours-certified-window")
    assert measured.status != "passed"


def test_a_limit_that_the_library_calls_divergent_is_found(monkeypatch):
    right, met = two_layer.final_ntk, []

    def wrong(*given, **options):
        met.append(given)
        return float("nan") if len(met) == 5 else right(*given, **options)

    monkeypatch.setattr(two_layer, "final_ntk", wrong)
    assert outcome("ours-float-kernels").status == "failed"
