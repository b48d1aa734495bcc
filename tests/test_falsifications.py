"""Every row of the ledger turns red when its statement is made false."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import falsifications
from catapult import claims

for _module in pkgutil.iter_modules(falsifications.__path__):
    importlib.import_module(f"falsifications.{_module.name}")

LEDGER = {claim.id: claim for claim in claims.ledger()}


@pytest.mark.parametrize(("row", "function"), [pytest.param(row, function, id=f"{row}-{name}")
                                               for row, name, function in falsifications.TABLE])
def test_a_falsification_turns_the_row_red(row, function, monkeypatch, empty_store):
    function(monkeypatch)
    (outcome,) = claims.verify([LEDGER[row]])
    assert outcome.status == "failed", f"still {outcome.value} {LEDGER[row].bound}, although: {function.__doc__}"


def test_every_row_has_a_falsification():
    assert {row for row, *_ in falsifications.TABLE} == set(LEDGER)
