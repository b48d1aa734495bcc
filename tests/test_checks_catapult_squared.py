"""The checks of chapter 4 measure what they say, and turn red on what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from catapult import claims
from catapult.checks import catapult_squared as checks
from catapult.theory import squared_plane, two_layer

ROWS = [claim for claim in claims.ledger() if claim.chapter == "04-catapult-squared"]


def test_the_chapter_has_its_claims():
    assert len(ROWS) >= 20


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_claim_keeps_to_its_bound(row):
    (outcome,) = claims.verify([row])
    assert outcome.status == "passed", outcome.value
    assert outcome.seconds < 8  # about 0.5 s at most on a quiet core, and the import of torch


def status(name):
    (row,) = (row for row in ROWS if row.id == name)
    (outcome,) = claims.verify([row])
    return outcome.status


SLOPPY = ["ours-product-formula", "ours-one-step-rule", "lewkowycz-lazy-phase", "lewkowycz-convergence-edge",
          "tempting-rises-first", "lewkowycz-first-rise", "lewkowycz-below-the-edge", "ours-one-peak",
          "ours-log-periodic", "ours-lazy-leading-order"]


@pytest.mark.parametrize("name", SLOPPY)
def test_checks_on_weights_fail_on_wrong_dynamics(monkeypatch, name):
    descend = checks._descend
    monkeypatch.setattr(checks, "_descend", lambda weights, width, rate, loss="squared":
                        descend(weights, width, np.multiply(rate, 1.1), loss))
    assert status(name) == "failed"


def test_recursion_check_fails_on_a_wrong_recursion(monkeypatch):
    iterate = two_layer.iterate
    monkeypatch.setattr(two_layer, "iterate", lambda loss, f0, ntk0, width, rate, steps:
                        iterate(loss, f0, ntk0, width + 1, rate, steps))
    assert status("lewkowycz-two-numbers") == "failed"


@pytest.mark.parametrize(("function", "name"), [("profile", "ours-log-periodic"), ("amplitude", "ours-small-amplitude"),
                                                ("time_to_peak", "lewkowycz-time-to-peak")])
def test_checks_fail_on_a_wrong_closed_form(monkeypatch, function, name):
    stated = getattr(squared_plane, function)
    monkeypatch.setattr(squared_plane, function, lambda *given, **named: 1.1 * stated(*given, **named))
    assert status(name) == "failed"


def test_certified_pair_fails_when_the_rates_are_swapped(monkeypatch):
    certified = checks._certified
    monkeypatch.setattr(checks, "_certified", lambda f0, ntk0, width, rate:
                        certified(f0, ntk0, width, checks.Fraction(64, 20) - rate))
    assert status("ours-larger-and-sharper-wide") == "failed"


def test_enclosures_hold_what_the_library_computes():
    for rate in (checks.Fraction(9, 10), checks.Fraction(5, 4)):
        low, high = checks._certified(2, 3, 4, rate)
        assert high - low < 1e-14
        assert two_layer.final_ntk("squared", 2, 3, 4, float(rate)) == pytest.approx(low, rel=1e-12)
