"""The checks of chapter catapult-logistic measure what they say. What turns rows red: falsifications/."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.catapult_logistic.checks import exponential, steps
from catapult.companion import claims
from catapult.theory import two_layer

ROWS = {claim.id: claim for claim in claims.ledger() if claim.chapter == "catapult-logistic"}


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.id)
def test_claim_keeps_to_its_bound(row):
    (outcome,) = claims.verify([row])
    assert outcome.status == "passed", (outcome.value, outcome.broken)


def test_spread_of_outputs_is_that_of_drawn_networks():
    f0 = np.random.default_rng(2).standard_normal(400_000)
    rates = f0 / np.sinh(f0)
    assert rates.std() / rates.mean() == pytest.approx(exponential._spread_of_outputs(), rel=0.005)


def test_enclosures_hold_what_the_library_computes():
    low, high = steps._enclosed_final(0.7, 10**6, 1196.746)
    assert high - low < 1e-15
    assert two_layer.final_ntk("logistic", 0.7, 2.0, 10**6, 1196.746) == pytest.approx(low, rel=1e-12)
