"""The checks measure what they say; what turns rows red is among the falsifications."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.catapult_squared.checks import ends
from catapult.companion import claims
from catapult.oracles import plane
from catapult.theory import two_layer

ROWS = [claim for claim in claims.ledger() if claim.chapter == "catapult-squared"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_claim_keeps_to_its_bound(row):
    (outcome,) = claims.verify([row])
    assert outcome.status == "passed", (outcome.value, outcome.broken)


def test_enclosures_hold_what_the_library_computes():
    for rate in (0.9, 1.25):
        low, high = ends._certified(2, 3, 4, rate)
        assert high - low < 1e-14
        assert two_layer.final_ntk("squared", 2, 3, 4, rate) == pytest.approx(low, rel=1e-12)


def test_wide_networks_of_the_checks_and_the_recursion_end_alike():
    f0 = np.array([0.3, 1.5])
    ntk = plane.Networks(f0, 2.0, 1e6, 1.4).descend("squared", 2000).ntk
    assert ntk == pytest.approx([two_layer.final_ntk("squared", f, 2.0, 10**6, 1.4) for f in f0], rel=1e-8)
