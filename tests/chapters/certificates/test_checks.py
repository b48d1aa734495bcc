"""The rows hold; that each turns red when its statement is broken, ``test_falsifications.py`` holds."""

from __future__ import annotations

import math

import pytest

from catapult.chapters.certificates import checks
from catapult.companion import claims

ROWS = {claim.id: claim for claim in claims.ledger() if claim.chapter == "certificates"}


@pytest.mark.parametrize("name", list(ROWS))
def test_claim_keeps_to_its_bound(name):
    (measured,) = claims.verify([ROWS[name]])
    assert measured.status == "passed", (measured.value, measured.broken)


def test_plain_orbits_end_where_closed_forms_say():
    assert float(checks._end("squared", 2, 5, 1, 1)) == 9  # a hit: Λ⁺ = 5 + 2(10 − 8)
    assert checks._end("squared", 1, 2, 100, 2.2) == math.inf
    assert checks._end("squared", 1, 2, 100, 2, 200) is None  # at ηλ0 = 4 for ever
    kappa = 25 / 1000  # a long slide, with the asymptotics of chapter catapult-logistic
    assert float(checks._end("logistic", 1, 2, 1000, 5)) == pytest.approx((8 - 1.5 * kappa - 9 / 80 * kappa**2) / 5,
                                                                         rel=kappa**3)
