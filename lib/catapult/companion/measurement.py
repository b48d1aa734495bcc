"""Checks: what the rows of the ledger call, one module or package a chapter, one function a claim.

A check draws its own cases and takes nothing, or is about the runs of an experiment and takes the parameters of these,
as ``values``, annotated with their model. It returns a measured number, never a verdict: the ledger compares the number
with the bound in the row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

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
    control
        The same number where the claim says that there is no effect; a claim that is called reproduced has one.
    conditions
        What must hold besides the bound, by name: "every 60-digit orbit ends in its enclosure". The row fails if one
        does not, and says which: no sentinel (0, 1, inf) takes the place of the number.

    Raises
    ------
    InputError
        For a bool, a NaN, an interval whose ends are in the wrong order, or a condition that is no bool.
    """

    value: float
    effect: float | None = None
    interval: tuple[float, float] | None = None
    control: float | None = None
    conditions: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self):
        for name in ("value", "effect", "control"):
            number = getattr(self, name)
            if number is None and name != "value":
                continue
            if type(number).__name__ in ("bool", "bool_") or math.isnan(number):
                raise InputError(f"{name} = {number!r}; allowed: a measured number, not NaN and not a bool")
            object.__setattr__(self, name, float(number))
        if self.interval is not None:
            low, high = (float(end) for end in self.interval)
            if not low <= high:
                raise InputError(f"interval = {self.interval!r}; allowed: two numbers, the smaller first")
            object.__setattr__(self, "interval", (low, high))
        for name, holds in self.conditions.items():
            if type(holds).__name__ not in ("bool", "bool_"):
                raise InputError(f"condition {name!r} = {holds!r}; allowed: True or False")
        object.__setattr__(self, "conditions", {name: bool(holds) for name, holds in self.conditions.items()})
