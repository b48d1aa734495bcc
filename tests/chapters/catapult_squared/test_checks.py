"""The checks measure what they say; what turns rows red is among the falsifications."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.catapult_squared import checks
from catapult.companion import claims
from catapult.theory import two_layer

ROWS = [claim for claim in claims.ledger() if claim.chapter == "catapult-squared"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_claim_keeps_to_its_bound(row):
    (outcome,) = claims.verify([row])
    assert outcome.status == "passed", (outcome.value, outcome.broken)


def test_enclosures_hold_what_the_library_computes():
    for rate in (checks.Fraction(9, 10), checks.Fraction(5, 4)):
        low, high = checks._certified(2, 3, 4, rate)
        assert high - low < 1e-14
        assert two_layer.final_ntk("squared", 2, 3, 4, float(rate)) == pytest.approx(low, rel=1e-12)


def test_wide_networks_of_the_checks_and_the_recursion_end_alike():
    f0 = np.array([0.3, 1.5])
    _, ntk = checks._outputs(checks._weights(f0, 2.0, 1e6), 1e6, np.array(1.4), 2000)
    assert ntk == pytest.approx([two_layer.final_ntk("squared", f, 2.0, 10**6, 1.4) for f in f0], rel=1e-8)
