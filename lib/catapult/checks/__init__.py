"""Checks: what the rows of the ledger call, one module a chapter, one function a claim.

A check takes the scale (``"quick"``, ``"default"`` or ``"paper"``) and returns a measured number, never a
verdict: the ledger compares the number with the bound in the row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from catapult.parameters import InputError


@dataclass(frozen=True)
class Measurement:
    """What a check measured.

    Attributes
    ----------
    value
        The number that the ledger compares with the row's bound. It is a float: a check that could only say
        yes or no would hide how nearly it failed, so a bool is refused; so is NaN, which fails no comparison
        in a way that anyone would see.
    effect
        The size of the effect in the units of the row's quantity, where the claim is about one.
    interval
        An enclosure, or an interval over seeds, of the value or of the effect.

    Raises
    ------
    InputError
        For a bool, a NaN, or an interval whose ends are in the wrong order.
    """

    value: float
    effect: float | None = None
    interval: tuple[float, float] | None = None

    def __post_init__(self):
        for name in ("value", "effect"):
            number = getattr(self, name)
            if number is None and name == "effect":
                continue
            if type(number).__name__ in ("bool", "bool_") or math.isnan(number):
                raise InputError(f"{name} = {number!r}; allowed: a measured number, not NaN and not a bool")
            object.__setattr__(self, name, float(number))
        if self.interval is not None:
            low, high = (float(end) for end in self.interval)
            if not low <= high:
                raise InputError(f"interval = {self.interval!r}; allowed: two numbers, the smaller first")
            object.__setattr__(self, "interval", (low, high))
