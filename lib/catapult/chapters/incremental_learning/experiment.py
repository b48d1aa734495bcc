r"""Incremental learning: the toy model's threshold, the four settings of the paper's figure at small size, large rates.

Fixed before the recorded runs, after trials on draws 0 to 2:

* *Toy.* The threshold of σ0 at (s, f) = (1/4, 3/4) over r and depth, by quadrature, and its law as r → 1
  (:mod:`catapult.theory.incremental`); and for gradient descent at depth 2, at parts of 2/sharpness at the larger
  value, the exponent κ of how far the second is, σ0^κ, when the first gets to f r, from σ0 = e^(−60) and e^(−600).
* *Settings* (:mod:`.settings`). Each at depth 1 and at the paper's from σ0 = 10⁻³, and at the paper's from σ0 = 1; down
  to a hundredth of the loss at the start. The first and the last are the controls.
* *Rates.* One rule for all. Down a grid of factors √2 from 8: *large* is the largest at which training gets to its end
  within 20,000 steps; *tuned* the largest at which the loss moreover never rises, nor at *slow*, a quarter of it (the
  last added after a run that a single step had taken to the end).
* *Measure.* How many values are active, n = (Σσ)²/Σσ², when half of the loss is gone and at the end. ``late``: the part
  of those at the end that came after half, 1 − n_half/n_end, and 0 where there were more: 0 is no increments.
* *Large rates.* ``late`` at the large rate less at the slow one, paired by draw, from 10⁻³ at the paper's depth.
"""

from __future__ import annotations

import sys
from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.incremental_learning.settings import GOAL, SETTINGS, Setting
from catapult.runs.cells import one_by_one
from catapult.theory import incremental

RATIOS = (1 + np.geomspace(0.02, 4, 24)).tolist()
TOY_DEPTHS = (2, 3, 4, 6)
MULTIPLES = (0.01, 0.125, 0.25, 0.5, 0.75, 1.0)
STARTS = (-60.0, -600.0)
STEP_RATIOS = (1.25, 1.5, 2.0, 4.0)
CASES = {"depth 1": (1, 1e-3), "deep": (None, 1e-3), "deep, from 1": (None, 1.0)}
"""Depth, None for that of the paper, and σ0."""
RATES = ("slow", "tuned", "large")
GRID = 8 * 2.0 ** (-np.arange(40) / 2)
SLOWER = 4
MOST = 20_000
POINTS, LARGEST = 60, 5
PARTS = {"all": tuple(SETTINGS), "classifying": tuple(SETTINGS)[2:]}
JOINED_OVER = ("parts", "draws")


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    parts: Literal[tuple(PARTS)] = Field("classifying", description="all four settings, or the two that classify")
    draws: int = Field(1, ge=1, le=100, description="draws of data and weights")

    scales: ClassVar = {"quick": {}, "paper": {"parts": "all", "draws": 10}}


def run(values: Parameters) -> xr.Dataset:
    """Return the toy model's thresholds and what each draw gives."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, int | str]]:
    """Return the cells: the toy model, and each setting and draw."""
    return [{"part": "toy", "draw": 0}, *({"part": name, "draw": draw} for name in PARTS[values.parts]
                                          for draw in range(values.draws))]


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the whole."""
    toy, *rest = datasets
    names = PARTS[values.parts]
    each = [xr.concat(rest[i * values.draws:(i + 1) * values.draws], "draw") for i in range(len(names))]
    every = xr.concat(each, "setting").assign_coords(setting=list(names))  # concat cuts names to the first's length
    return xr.merge([toy, every], combine_attrs="override")


def cell(values: Parameters, part: str, draw: int) -> xr.Dataset:
    """Return the toy model's thresholds, or one setting and draw."""
    if part == "toy":
        return toy()
    build, depth = SETTINGS[part]
    cases = [trained(build(given or depth, start, draw)) for given, start in CASES.values()]
    whole = xr.concat(cases, "case").assign_coords(case=list(CASES))
    return whole.expand_dims(setting=[part], draw=[draw])


def toy() -> xr.Dataset:
    """Return log10 σ0 of the flow's ``threshold`` and its ``law``, (depth, r), and the ``exponent`` of steps."""
    ten = np.log(10)
    found = {name: (("depth", "r"), [[f(depth, r) / ten for r in RATIOS] for depth in TOY_DEPTHS])
             for name, f in (("threshold", incremental.log_threshold), ("law", incremental.log_law))}
    kappa = [[exponent(r, multiple) for r in STEP_RATIOS] for multiple in MULTIPLES]
    return xr.Dataset({**found, "exponent": (("multiple", "step_r"), kappa)},
                      coords={"depth": list(TOY_DEPTHS), "r": RATIOS, "multiple": list(MULTIPLES),
                              "step_r": list(STEP_RATIOS)})


def exponent(r: float, multiple: float) -> float:
    """Return κ of gradient descent at depth 2: between ``STARTS`` log σ of the second grows by κ times log σ0."""
    one, other = (incremental.log_second_of_steps(2, r, multiple, start) for start in STARTS)
    return (other - one) / (STARTS[1] - STARTS[0])


def active(values: np.ndarray) -> float:
    """Return how many values are active, (Σσ)²/Σσ²: k if k are equal and the others 0."""
    return float(values.sum() ** 2 / (values**2).sum())


def descend(setting: Setting, rate: float, most: int = MOST) -> dict | None:
    """Follow gradient descent to the end; None if it does not get there.

    ``half`` and ``end``: active values; ``steps``; ``falls``: the loss never rose; ``curve``: the largest values at
    ``POINTS`` steps, evenly spaced.
    """
    u, first = setting.start.copy(), setting.loss(setting.start)
    before, half, falls, kept, every = first, None, True, [], 1
    for step in range(most + 1):
        if step % every == 0:
            kept.append(np.sort(setting.values(u))[::-1][:LARGEST])
            if len(kept) == 8 * POINTS:
                kept, every = kept[::2], 2 * every
        if half is None and before <= first / 2:
            half = active(setting.values(u))
        if before <= GOAL * first:
            places = np.linspace(0, len(kept) - 1, POINTS).round().astype(int)
            return {"half": half, "end": active(setting.values(u)), "steps": step, "falls": falls,
                    "curve": np.array(kept)[places]}
        with np.errstate(over="ignore", invalid="ignore"):
            u = u - rate * setting.gradient(u)
            loss = setting.loss(u)
        if not loss <= 1e3 * first:
            return None
        falls &= loss <= before * (1 + 1e-9)
        before = loss
    return None


def trained(setting: Setting) -> xr.Dataset:
    """Return the runs at the three rates of the rule, over (rate,)."""
    large = None
    for rate in GRID:
        tuned = descend(setting, rate)
        large = large or (tuned and (rate, tuned))
        slow = descend(setting, rate / SLOWER, SLOWER * 2 * MOST) if tuned and tuned["falls"] else None
        if slow and slow["falls"]:
            break
    else:
        raise parameters.InputError("no rate of the grid gets to the end without a rise of the loss")
    runs = [slow, tuned, large[1]]
    return xr.Dataset({**{name: ("pace", [float(each[name]) for each in runs]) for name in ("half", "end", "steps")},
                       "learning_rate": ("pace", [rate / SLOWER, rate, large[0]]),
                       "curve": (("point", "largest"), slow["curve"].astype(np.float32))},
                      coords={"pace": list(RATES)})
