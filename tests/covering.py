"""Few cases of a table in which all values occur, alone or in pairs: those that ``make quick`` runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest


def few(cases: list[tuple], strength: int = 1) -> Iterator[tuple]:
    """Yield cases until every value, or with ``strength`` 2 every pair of values, that is in any case has been in one.

    Parameters
    ----------
    cases
        Tuples of one length, whose members can be hashed.
    """
    met = {case: set(combinations(enumerate(case), strength)) for case in cases}
    left = set().union(*met.values())
    while left:
        yield (case := max(cases, key=lambda case: len(met[case] & left)))
        left -= met[case]


def rest_slow(cases: list[tuple], strength: int = 1) -> list:
    """Return the cases as parameters of a test, all but the few marked slow."""
    quick = set(few(cases, strength))
    return [pytest.param(*case, marks=() if case in quick else pytest.mark.slow) for case in cases]
