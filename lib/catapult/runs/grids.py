"""The full grid of a sweep: what is varied, parsed and checked before any work."""

from __future__ import annotations

import itertools
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catapult.parameters import InputError, Parameters, nearest, number_from, plain, shown, whole_from
from catapult.runs import experiments

MOST = 1_000_000
"""Runs that a sweep may have: more is a slip of the keyboard, or another tool's work."""

SPACINGS = {
    "geomspace": "geomspace(first,last,count)", "linspace": "linspace(first,last,count)",
    "range": "range(first,beyond)",
}  # fmt: skip
FORMS = f"a list 1,2,5 or {', '.join(SPACINGS.values())}"
"""What the values of an axis may be."""


@dataclass(frozen=True)
class Grid:
    """A sweep: the runs of one experiment, each once, sorted by their parameters in order of declaration."""

    experiment: types.ModuleType
    axes: Mapping[str, tuple]  # name → values, sorted
    runs: tuple[Parameters, ...]


def grid(module: types.ModuleType, axes: Sequence[str], fixed: Mapping[str, Any] | None = None, *,
         seeds: int | None = None, scale: str = "default") -> Grid:
    """Return the grid: the product of all axes and seeds; the other parameters as given, or as at that scale.

    Parameters
    ----------
    module
        An experiment.
    axes
        Texts ``NAME=VALUES``; VALUES as in :func:`values_of`.
    fixed
        Values of parameters that stay the same, over those of the scale.
    seeds
        None, or a number N ≥ 1: the axis ``seed`` is then 0, …, N − 1.
    scale
        "quick", "default" or "paper".

    Raises
    ------
    InputError
        One line, for the first thing that is wrong.
    """
    model = module.Parameters
    model.checked(scale=scale)
    fixed = model.each(fixed or {}, where="-p")
    given: dict[str, list] = {}
    for axis in axes:
        name, equals, text = (part.strip(" ") for part in axis.partition("="))
        if not equals or not name:
            raise InputError(f"--grid {shown(axis)}: no values; allowed: --grid NAME=VALUES, VALUES as {FORMS}")
        if name in given:
            raise InputError(f"--grid {plain(name)}: given twice; allowed: once, with all its values")
        given[name] = _axis(model, name, text)
    if seeds is not None:
        if not 1 <= seeds <= MOST:
            raise InputError(f"--seeds {plain(seeds)}: allowed: a whole number from 1 to {MOST:,}")
        if "seed" not in model.model_fields:
            raise InputError(f"--seeds: {experiments.name_of(module.__name__)} has no parameter 'seed'; allowed: "
                             f"{', '.join(model.model_fields)}")
        if "seed" in given:
            raise InputError("--seeds: --grid seed=… is given too; allowed: one of the two")
        given["seed"] = list(range(seeds))
    for name in given:
        if name in fixed:
            raise InputError(f"-p {name}: {name} is on the grid too; allowed: one of the two")
    count = math.prod(map(len, given.values()))
    if count > MOST:  # before the values are checked one by one, which takes its time
        raise InputError(f"{count:,} runs; allowed: up to {MOST:,}")
    chosen = {name: _checked(model, name, values) for name, values in given.items()}
    runs = [model.checked({**fixed, **dict(zip(chosen, values, strict=True))}, scale=scale)
            for values in itertools.product(*chosen.values())]
    return Grid(module, chosen, tuple(sorted(runs, key=order)))


def order(run: Parameters) -> tuple:
    """Return what runs are sorted by: their parameters in order of declaration, none first."""
    return tuple((value is not None, value) for value in run.as_dict().values())


def values_of(text: str, whole: bool = False) -> list:
    """Return the values that a text means: parsed, never evaluated.

    A list ``1,2,5``; ``geomspace(first,last,count)`` or ``linspace(first,last,count)``, both ends included; or
    ``range(first,beyond)``, whole numbers. The items of a list are returned as text.

    Parameters
    ----------
    text
        The text.
    whole
        Whether whole numbers are wanted: values that are whole but for rounding are then returned as such.

    Raises
    ------
    InputError
        One line: what is allowed.

    Examples
    --------
    >>> values_of("geomspace(1,100,3)"), values_of("range(2,5)", whole=True), values_of("1,2")
    ([1.0, 10.0, 100.0], [2, 3, 4], ['1', '2'])
    """
    call = re.fullmatch(r"(\w+)\((.*)\)", text.strip(" "), re.DOTALL)
    if not call:
        items = [item.strip(" ") for item in text.split(",")]
        if re.search(r"[\[\](){}]", text):
            raise InputError(f"{shown(text)}: brackets; allowed: {FORMS}, without brackets around a list")
        if not all(items):
            raise InputError(f"{shown(text)} holds no value, or an empty one; allowed: {FORMS}")
        return items
    name, arguments = call.groups()
    if name not in SPACINGS:
        raise InputError(f"{shown(text)}: nothing is called {shown(name)}{nearest(name, SPACINGS)}; allowed: {FORMS}")
    try:
        values = _spaced(name, [item.strip(" ") for item in arguments.split(",")])
    except ValueError:
        raise InputError(f"{shown(text)}: allowed: {SPACINGS[name]}{_conditions(name)}") from None
    return [round(value) if whole and math.isclose(value, round(value), rel_tol=1e-9) else value for value in values]


def _conditions(name: str) -> str:
    return {"geomspace": f", first and last > 0 and finite, count from 1 to {MOST:,}",
            "linspace": f", first, last and their difference finite, count from 1 to {MOST:,}",
            "range": f", whole numbers, first < beyond, at most {MOST:,} of them"}[name]


def _spaced(name: str, arguments: list[str]) -> list:
    """Return evenly spaced numbers; raise ValueError where the arguments are not what the name allows."""
    if name == "range":
        first, beyond = map(whole_from, arguments)
        if not 0 < beyond - first <= MOST:
            raise ValueError
        return list(range(first, beyond))
    first, last, count = arguments
    first, last, count = number_from(first), number_from(last), whole_from(count)
    if not 1 <= count <= MOST:
        raise ValueError
    if name == "linspace":
        if not math.isfinite(last - first):
            raise ValueError
        return np.linspace(first, last, count).tolist()
    if min(first, last) <= 0:
        raise ValueError
    return np.geomspace(first, last, count).tolist()


def _axis(model: type[Parameters], name: str, text: str) -> list:
    """Return the values of one axis as given, each once; only the first is checked, and with it the name."""
    field = model.model_fields.get(name)
    whole = field is not None and int in (field.annotation, *typing.get_args(field.annotation))
    try:
        given = list(dict.fromkeys(values_of(text, whole)))
    except InputError as error:
        raise InputError(f"--grid {plain(name)}: {error}") from None
    model.each({name: given[0]}, where="--grid")
    return given


def _checked(model: type[Parameters], name: str, given: list) -> tuple:
    """Return the values of one axis, checked one by one against the field, sorted, each once."""
    checked = {model.each({name: value}, where="--grid")[name] for value in given}
    return tuple(sorted(checked, key=lambda value: (value is not None, value)))
