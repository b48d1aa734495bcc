"""Deliberate falsifications: for each row of the ledger, a change near the edge of its statement that must turn it red.

``chapters/NAME/falsifications.py`` has functions marked by :func:`falsifies`: each takes ``monkeypatch`` and breaks one
thing, such as a constant by two per cent, a hypothesis, or a width or rate outside the sampled ones.
``companion/test_falsifications.py`` runs the check of the row under each and wants to see "failed".
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import xarray as xr

from catapult.runs import results

TABLE: list[tuple[str, str, Callable]] = []


def falsifies(*rows: str):
    """Mark a function as a falsification of these rows; its docstring says what it breaks."""

    def mark(function: Callable) -> Callable:
        assert function.__doc__, f"{function.__name__}: say in a docstring what is broken"
        TABLE.extend((row, function.__name__, function) for row in rows)
        return function

    return mark


@functools.cache
def kept(experiment) -> xr.Dataset:
    """Return an experiment's results at quick scale, from the store that all tests share: an empty one has none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CATAPULT_RESULTS", raising=False)
        return results.compute(experiment, experiment.Parameters.checked(scale="quick"))


def scaled(monkeypatch, module, name: str, factor):
    """Multiply what a function returns, or a constant, by a factor."""
    right = getattr(module, name)
    wrong = (lambda *given, **named: factor * right(*given, **named)) if callable(right) else factor * right
    monkeypatch.setattr(module, name, wrong)


def replaced(monkeypatch, module, name: str, wrong: Callable):
    """Replace a function by ``wrong``, which takes the right one before its arguments."""
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given, **named: wrong(right, *given, **named))
