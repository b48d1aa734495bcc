"""Checks of the chapter on diagonal networks: they read the recorded table, and compute a part of it again."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.diagonal_networks import experiment, outcomes
from catapult.companion.measurement import Measurement
from catapult.oracles import diagonal as oracle
from catapult.runs import recorded
from catapult.theory import diagonal

AGREE = 1e-5
"""How far what is computed again may be from the table, which is in single precision."""
LARGE, THIRD, ONE, SMALL = (experiment.SCALES[i] for i in (6, 5, 4, 2))
RATE = 2.0
FAR, REMEMBERED = 100.0, 10.0 ** np.arange(1, 5)
"""A scale at which all margins are hard, and ratios γ/α² at which the flow is compared with the program there."""


@functools.cache
def table() -> xr.Dataset:
    """Return the recorded table."""
    return recorded.load(experiment, experiment.Parameters.checked(scale="paper"))


@functools.cache
def signed_inputs(draw: int) -> np.ndarray:
    """Return the signed inputs of a draw."""
    return experiment.signed_inputs(experiment.Parameters(), draw)


@functools.cache
def slice_difference() -> float:
    """Return how far l1 of the first draw, depths 2 and 3 and α = 1, computed again, is from the table, relatively."""
    excess, far = experiment.Excess(signed_inputs(0)), []
    for depth in experiment.DEPTHS:
        again = excess.l1(diagonal.flow(excess.Z, depth, diagonal.start_at(ONE), experiment.DECADES[4:17]).w)
        kept = table().l1.sel(draw=0, depth=depth, scale=ONE).values[4:17]
        far.append(np.nanmax(np.abs(kept / again - 1)))
    return float(np.max(far))


def _conditions() -> dict[str, bool]:
    return {"a slice computed again is what was recorded": slice_difference() <= AGREE,
            "flows at depth 2 keep the logarithm of the loss to 1e-4": float(table().drift.sel(depth=2).max()) <= 1e-4,
            "flows at depth 3 keep it to 1/500": float(table().drift.sel(depth=3).max()) <= 2e-3,
            "programs are solved to a relative gap of 1e-7": float(table().program_gap.max()) <= 1e-7}


def transition() -> Measurement:
    """Mean l1 excess at depth 2 and loss 10^(−1000), α = 10 less α = 3.16; control: both at one log(1/loss)/α²."""
    l1 = outcomes.l1(table()).sel(depth=2)
    at = l1.sel(scale=LARGE).sel(decades=1000, method="nearest")
    mean, *ends = outcomes.interval(at - l1.sel(scale=THIRD).sel(decades=1000, method="nearest"))
    equal = at - l1.sel(scale=THIRD).sel(decades=1000 * (THIRD / LARGE) ** 2, method="nearest")
    return Measurement(mean, effect=mean, interval=tuple(ends), control=float(equal.mean()), conditions=_conditions())


def ridiculous() -> Measurement:
    """log10(1/loss) at a tenth, depth 2, α = 1, the least of the draws; effect: their median; control: α = .1."""
    digits = table().decades_to_tenth.sel(depth=2)
    median, *ends = outcomes.middle(digits.sel(scale=ONE))
    return Measurement(float(digits.sel(scale=ONE).min()), effect=median, interval=tuple(ends),
                       control=outcomes.middle(digits.sel(scale=SMALL))[0], conditions={
        **_conditions(), "half of the draws need more than 1000": median >= 1000,
        "one draw never gets there, at any scale": bool(digits.isnull().all("scale").sum() == 1)})


def in_between() -> Measurement:
    """Smallest mean excess, l1 or l2, depth 2, α = .1 to 1, losses 10⁻¹ to 10⁻¹⁰; control: l2, α = 10 at 10⁻¹⁰⁰."""
    there = {"scale": slice(SMALL, ONE), "decades": slice(1, 10.1)}
    each = [norm(table()).sel(depth=2) for norm in (outcomes.l1, outcomes.l2)]
    means = [norm.sel(**there).mean("draw", skipna=False) for norm in each]
    mean, *ends = outcomes.interval(each[1].sel(scale=ONE).sel(decades=10, method="nearest"))
    return Measurement(float(np.min([m.min() for m in means])), effect=mean, interval=tuple(ends),
                       control=float(each[1].sel(scale=LARGE).sel(decades=100, method="nearest").mean()),
                       conditions=_conditions())


def exact_law() -> Measurement:
    """Largest relative distance of w by the law and LSODA from w by Runge–Kutta on the weights, depths 2 and 3."""
    far = []
    for depth, alpha in ((2, 1.0), (3, 1.0), (2, 0.3), (3, 0.5)):
        w = diagonal.flow(signed_inputs(0), depth, diagonal.start_at(alpha), np.array([1.0])).w[0]
        plain = oracle.flow(signed_inputs(0), depth, alpha, 1.0, steps_each=600)
        far.append(np.abs(w - plain).max() / np.abs(plain).max())
    return Measurement(float(np.max(far)))


def law_of_digits() -> Measurement:
    """Exponent of log10(1/loss) at a tenth in α, from 1 to 3.16, depth 2; control: from .01 to .1."""
    found = table().decades_to_tenth.sel(depth=2)
    rise = np.log(found.sel(scale=THIRD) / found.sel(scale=ONE)).dropna("draw") / np.log(THIRD / ONE)
    early = np.log(found.sel(scale=SMALL) / found.isel(scale=0)).dropna("draw") / np.log(SMALL / found.scale.values[0])
    mean, *ends = outcomes.interval(rise)
    return Measurement(mean, effect=mean, interval=tuple(ends), control=outcomes.interval(early)[0],
                       conditions={**_conditions(), "all draws but one get there": rise.sizes["draw"] >= 19})


@functools.cache
def memory(draws: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return, by draw, how far a multiplier of the program falls along γ, over their sum, and how far flow is off."""
    falls, off = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        Z = signed_inputs(draw)
        solved = [diagonal.program(Z, 2, ratio) for ratio in experiment.RATIOS]
        nu = np.array([each.nu for each in solved])
        falls[draw] = ((np.maximum.accumulate(nu) - nu).max(axis=1) / nu.sum(axis=1)).max()
        w = diagonal.flow(Z, 2, diagonal.start_at(FAR), FAR**2 * REMEMBERED / np.log(10)).w
        off[draw] = experiment.Excess(Z).distance(w, np.array([each.w for each in solved])).max()
    return falls, off


def remembers() -> Measurement:
    """Farthest of the flow at α = 100 from the program where no multiplier falls by 1 ‰; effect: nearest, where 1 %."""
    falls, off = memory()
    return Measurement(float(np.max(off[falls < 1e-3])), effect=float(np.min(off[falls > 1e-2])), conditions={
        "there are draws of both kinds": bool((falls < 1e-3).sum() >= 2 and (falls > 1e-2).sum() >= 2),
        "where one falls by 1 % flow is ten times as far": bool(
            np.min(off[falls > 1e-2]) >= 10 * np.max(off[falls < 1e-3]))})


def deep() -> Measurement:
    """Mean l1 excess at depth 3, α = .316, a loss of 10^(−10⁶); effect: α = 1, less at 10^(−1000); control: depth 2."""
    l1 = outcomes.l1(table())
    last = l1.isel(decades=-1)
    mean, *ends = outcomes.interval(last.sel(depth=3, scale=ONE)
                                    - l1.sel(depth=3, scale=ONE).sel(decades=1000, method="nearest"))
    return Measurement(float(last.sel(depth=3, scale=experiment.SCALES[3]).mean()), effect=mean, interval=tuple(ends),
                       control=float(last.sel(depth=2, scale=experiment.SCALES[3]).mean()), conditions=_conditions())


def large_rate() -> Measurement:
    """Mean of what twice 2/sharpness adds to the l1 excess at a loss of 10⁻¹⁰, depth 2, α = .316; control: depth 1."""
    alpha = experiment.DESCENT_SCALES[0]
    found = {depth: outcomes.added(table(), depth, alpha, 10).sel(multiple=RATE) for depth in (1, 2)}
    mean, *ends = outcomes.interval(found[2])
    later, wider, deeper = rates_elsewhere()
    return Measurement(mean, effect=mean, interval=tuple(ends), control=outcomes.interval(found[1])[0],
                       conditions={**_conditions(), "from a quarter to a half is left at 1e-100":
                                   0.25 <= later[0] / mean <= 0.5,
                                   "at α = 1 it adds less than a fifth": wider[0] < mean / 5,
                                   "at depth 3 the interval at 1e-100 lies below 0": deeper[2] < 0,
                                   "descent by hand ends at the same weights": descent_difference() <= 1e-9})


def rates_elsewhere() -> tuple[tuple[float, float, float], ...]:
    """Return what rates add, with interval: RATE at 10⁻¹⁰⁰, and at α = 1; half of 2/sharpness, depth 3, 10⁻¹⁰⁰."""
    small, one = experiment.DESCENT_SCALES
    settings = {(2, small, 100): RATE, (2, one, 10): RATE, (3, small, 100): 0.5}
    return tuple(outcomes.interval(outcomes.added(table(), *setting).sel(multiple=multiple))
                 for setting, multiple in settings.items())


@functools.cache
def descent_difference() -> float:
    """Return how far the weights of a run are from those of the oracle, entry by entry, relative to the largest."""
    Z, alpha = signed_inputs(0), experiment.DESCENT_SCALES[0]
    rate = RATE * 2 / experiment.sharpness(Z, 2, alpha)
    u, taken = experiment.descend(Z, 2, alpha, np.array([rate]))
    plain, steps = oracle.descent(Z, 2, alpha, rate, experiment.HANDED_OVER)
    return float(np.abs(u[0] - plain).max() / np.abs(plain).max()) if steps == taken[0] else np.inf
