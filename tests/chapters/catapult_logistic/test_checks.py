"""The checks of chapter catapult-logistic measure what they say. What turns rows red: falsifications/."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.catapult_logistic import checks
from catapult.companion import claims
from catapult.theory import two_layer

ROWS = {claim.id: claim for claim in claims.ledger() if claim.chapter == "catapult-logistic"}


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.id)
def test_claim_keeps_to_its_bound(row):
    (outcome,) = claims.verify([row])
    assert outcome.status == "passed", (outcome.value, outcome.broken)


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


def test_spread_of_outputs_is_that_of_drawn_networks():
    f0 = np.random.default_rng(2).standard_normal(400_000)
    rates = f0 / np.sinh(f0)
    assert rates.std() / rates.mean() == pytest.approx(checks._spread_of_outputs(), rel=0.005)


def test_enclosures_hold_what_the_library_computes():
    low, high = checks._enclosed_final(0.7, 10**6, 1196.746)
    assert high - low < 1e-15
    assert two_layer.final_ntk("logistic", 0.7, 2.0, 10**6, 1196.746) == pytest.approx(low, rel=1e-12)
