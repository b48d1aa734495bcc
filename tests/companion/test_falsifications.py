"""Every row of the ledger keeps to its bound, and turns red when its statement is made false."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import falsifying
from catapult.companion import claims
from catapult.runs import recorded

pytestmark = pytest.mark.slow

for _file in sorted(Path(falsifying.__file__).parent.glob("chapters/*/falsifications.py")):
    _spec = importlib.util.spec_from_file_location(f"falsifications_of_{_file.parent.name}", _file)
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))

MISTAKES = ("AttributeError", "IndexError", "KeyError", "NameError", "RecursionError", "TypeError", "ValueError")
"""By which a check breaks that was given what it can't use; what overflows or is no number may be the answer."""
LEDGER = {claim.id: claim for claim in claims.ledger()}


@pytest.mark.parametrize("row", LEDGER)
def test_a_row_keeps_to_its_bound(row, monkeypatch):
    if not LEDGER[row].recorded:
        monkeypatch.setattr(recorded, "load", None)
    (outcome,) = claims.verify([LEDGER[row]])
    assert outcome.status == "passed", (outcome.value, outcome.broken)


@pytest.mark.parametrize(("row", "function"), [pytest.param(row, function, id=f"{row}-{name}")
                                               for row, name, function in falsifying.TABLE])
def test_a_falsification_turns_the_row_red(row, function, monkeypatch, empty_store, capsys):
    function(monkeypatch)
    (outcome,) = claims.verify([LEDGER[row]])
    said = capsys.readouterr().err
    assert not [name for name in MISTAKES if f"catapult: {row}: {name}: " in said], (
        f"the check broke, which is no answer to: {function.__doc__}\n{said}")
    assert outcome.status == "failed", f"still {outcome.value} {LEDGER[row].bound}, although: {function.__doc__}"


def test_every_row_has_a_falsification():
    assert {row for row, *_ in falsifying.TABLE} == set(LEDGER)
