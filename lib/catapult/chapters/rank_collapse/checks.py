"""Checks of the chapter on collapse of rank: kernels in closed form and fit by fit, networks as recorded."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.rank_collapse import experiment, fitting, outcomes, sharpness
from catapult.chapters.rank_collapse.grid import walled
from catapult.companion.measurement import Measurement
from catapult.oracles import rank as oracle
from catapult.runs import recorded
from catapult.theory import rank

TORUS = (8, 0.95, 1.0, 1.0)
"""Side, discount, width of the kernel and ridge."""
FITS = (1, 2, 5, 10, 20, 50)
LONG = 1000
OWN, EXACT, PENALISED, ANOTHER = "bootstrapped", "value iteration", "with penalty", "of another network"
STILL = "best values"
ALL, PART = experiment.DATA
LARGER, NARROW, WIDE = "101 states", "layers of 24", "layers of 128"
FEWER = "three quarters"
SLOW, FAST = "Adam 0.0003", "Adam 0.003"
STABLE, BEYOND = ("descent 0.3", "descent 1", "descent 3", experiment.LONGER), "descent 5"
SLICE, SAME, ABOVE, FINISHED, COARSE = 3, 1e-6, 0.05, 1e-3, 0.05


@functools.cache
def table(parts: str = "arms") -> xr.Dataset:
    """Return the recorded table."""
    return recorded.load(experiment, experiment.Parameters.checked({"parts": parts}, scale="paper"))


@functools.cache
def slice_difference() -> float:
    """Return how far the first fits of one seed, computed again, are from the table in srank and return."""
    values = experiment.Parameters(seeds=1, fits=SLICE)
    again = [experiment.cell(values, part, experiment.FIRST, 1) for part in experiment.DATA]
    return difference(xr.concat(again, "data"))


def difference(again: xr.Dataset) -> float:
    """Return the largest difference of the first fits from the table, of arms that look at no other seed.

    Later ones are left out: single precision rounds otherwise on another machine.
    """
    arms = [arm for arm in fitting.ARMS if arm != ANOTHER]
    again = again.sel(arm=arms, fit=slice(0, SLICE))
    kept = table().sel(arm=arms, seed=again.seed, fit=again.fit, data=again.data)
    return float(np.max([np.abs(again[name] - kept[name]).max() for name in ("srank", "returned")]))


def _conditions() -> dict[str, bool]:
    return {"a slice computed again is what was recorded": slice_difference() <= SAME}


def kernels(fits: tuple[int, ...], iterated: bool = False) -> xr.Dataset:
    """Return srank of S^k, ``bare``, and of M_k, ``rewarded``, over ``fits``: in closed form, or fit by fit."""
    if iterated:
        found = [oracle.fitted(*TORUS, k) for k in fits]
    else:
        eigenvalues = rank.torus_eigenvalues(*TORUS)
        found = [(rank.distilled(eigenvalues, k), rank.rewarded(eigenvalues, k)) for k in fits]
    ranks = [[int(rank.srank(each)) for each in pair] for pair in found]
    return xr.Dataset({name: ("fits", [pair[i] for pair in ranks]) for i, name in enumerate(("bare", "rewarded"))},
                      coords={"fits": list(fits)})


def ranks_of_fits(fits: int) -> tuple[int, int]:
    """Return srank of A S^(k−1), the k-th fit without rewards, and of A M_k, with them, on the torus."""
    eigenvalues, one = rank.torus_eigenvalues(*TORUS), rank.torus_fit(TORUS[0], *TORUS[2:])
    return (int(rank.srank(one * rank.distilled(eigenvalues, fits - 1))),
            int(rank.srank(one * rank.rewarded(eigenvalues, fits))))


def distilled() -> Measurement:
    """Srank of S^50 on the torus; effect: how much less than of S; control: with rewards, M_50."""
    closed, by_fits = kernels(FITS), kernels(FITS, iterated=True)
    return Measurement(float(closed.bare[-1]), effect=float(closed.bare[0] - closed.bare[-1]),
                       control=float(closed.rewarded[-1]),
                       conditions={"fit by fit the ranks are the same": bool(closed.equals(by_fits))})


def rewarded() -> Measurement:
    """Least ratio of two eigenvalues of M_k on the torus over k ≤ 1000, over its floor; control: of S^50."""
    eigenvalues = rank.torus_eigenvalues(*TORUS)
    lower, upper = np.min(eigenvalues[eigenvalues >= 0]), np.max(eigenvalues)
    positive = np.array([lower, upper])
    ratios = np.array([np.divide(*rank.rewarded(positive, k)) for k in range(1, LONG + 1)])
    floor = (1 - upper) / (1 - lower)
    bare = np.divide(*rank.distilled(positive, FITS[-1]))
    return Measurement(float(np.min(ratios) / floor), effect=float(floor), control=float(bare / floor),
                       conditions={"it never rises": bool((np.diff(ratios) <= 1e-15).all()),
                                   "srank is never below 62 of 64": bool(
                                       (kernels(tuple(range(1, LONG + 1))).rewarded >= 62).all())})


def _lost(arm: str, data: str = ALL) -> xr.DataArray:
    return outcomes.lost(table().srank.sel(arm=arm, data=data))


def lost_more(data: str = ALL) -> xr.DataArray:
    """Return by seed what own targets lose in srank less what exact iterates do."""
    return _lost(OWN, data) - _lost(EXACT, data)


def coarsely_more(data: str = ALL) -> xr.DataArray:
    """Return :func:`lost_more` with a part of 0.05 in srank: of the ends alone, as the starts are the same."""
    own, exact = (rank.srank(table().singular.sel(arm=arm, data=data).transpose("seed", "value").values, COARSE)
                  for arm in (OWN, EXACT))
    return xr.DataArray(exact - own, {"seed": table().seed})


def _untold(values: xr.DataArray) -> bool:
    """Return whether the interval over seeds holds 0."""
    _, low, high = outcomes.interval(values)
    return low <= 0 <= high


def sizes() -> dict[str, xr.DataArray]:
    """Return by name of the size, and by seed, what own targets lose less what exact iterates do, all pairs."""
    lost = outcomes.by_size(table("all"))
    more = lost.sel(arm=OWN) - lost.sel(arm=EXACT)
    return {name: more.sel(size=name) for name in more["size"].values}


def above() -> tuple[xr.DataArray, xr.DataArray]:
    """Return by seed how many singular values of the features are above 0.05 at the start and at the end, own, all."""
    kept = table().singular.sel(arm=OWN, data=ALL)
    first = sharpness.singular_at_start(kept.seed.values.tolist())
    return xr.zeros_like((kept > ABOVE).sum("value")) + (first > ABOVE).sum(-1), (kept > ABOVE).sum("value")


def falls() -> Measurement:
    """Mean srank lost from the start to the end, own targets, all pairs, with interval; control: exact iterates."""
    mean, *ends = outcomes.interval(_lost(OWN))
    first, last = above()
    sized = outcomes.by_size(table("all")).sel(arm=OWN)
    narrow, wide = (outcomes.interval(sized.sel(size=name)) for name in (NARROW, WIDE))
    return Measurement(mean, effect=mean, interval=tuple(ends), control=float(_lost(EXACT).mean()), conditions={
        **_conditions(), "in the ten new seeds, too": outcomes.repeats(_lost(OWN)),
        "from fit 50 on by less than one": outcomes.interval(
            outcomes.change(table().srank.sel(arm=OWN, data=ALL)))[1] > -1,
        "with exact iterates by more": outcomes.interval(lost_more())[2] < 0,
        "with layers of 128, too, with layers of 24 it rises": narrow[2] < 0 < wide[1],
        "more singular values are above 0.05 at the end": outcomes.interval(last - first)[1] > 0})


def performance() -> Measurement:
    """Mean change of the return from fit 50 to the end, own targets, nine tenths; effect: correlation with srank."""
    mean, *ends = outcomes.interval(outcomes.change(table().returned.sel(arm=OWN, data=PART)))
    best = float(table().returned.isel(fit=-1).sel(data=ALL).min())
    later = outcomes.interval(outcomes.change(table().srank.sel(arm=OWN, data=PART)))
    conditions = {**_conditions(), "srank changes by less than a half there": later[1] > -0.5 and later[2] < 0.5,
                  "on all pairs every network ends with the best policy": best > 1 - SAME,
                  "on all pairs the rank falls": outcomes.interval(_lost(OWN))[1] > 0}
    return Measurement(mean, effect=outcomes.together(table(), OWN), interval=tuple(ends), conditions=conditions)


def bootstrapping() -> Measurement:
    """Mean of what own targets lose in srank less what exact iterates do, all pairs, paired, with interval."""
    mean, *ends = outcomes.interval(lost_more())
    other, *_ = outcomes.interval(_lost(OWN) - _lost(ANOTHER))
    resolved = outcomes.least(lost_more()) < float(_lost(OWN).mean()) / 3
    still, new = _lost(OWN) - _lost(STILL), {"seed": outcomes.NEW_TEN}
    return Measurement(mean, effect=mean, interval=tuple(ends), control=other, conditions={
        **_conditions(), "a third of what is lost would be resolved": resolved,
        "they lose less, of twenty": ends[1] < 0, "of ten it is not resolved": _untold(
            lost_more().sel(seed=outcomes.FIRST_TEN)),
        "at a part of 0.05, too": outcomes.interval(coarsely_more())[2] < 0,
        "another network's are not told apart from own": _untold(_lost(OWN) - _lost(ANOTHER)),
        "more than with Q*, of twenty, not of the new ten": outcomes.interval(still)[1] > 0 and _untold(still.sel(new)),
        "with layers of 24 less, with 128 it is not resolved": bool(
            outcomes.interval(sizes()[NARROW])[2] < 0 and _untold(sizes()[WIDE])),
        "on the mean own targets lose more at no size": bool(
            np.max([outcomes.interval(more)[0] for more in sizes().values()]) <= 0),
        "on 101 states they lose less": outcomes.interval(sizes()[LARGER])[2] < 0})


def more_with_exact() -> Measurement:
    """Mean of what exact iterates lose in srank more than own targets, nine tenths, new ten; control: another's."""
    more = -lost_more(PART)
    mean, *ends = outcomes.interval(more.sel(seed=outcomes.NEW_TEN))
    fewer = _lost_in_settings().sel(plan=FEWER)
    other = (_lost(ANOTHER, PART) - _lost(OWN, PART)).sel(seed=outcomes.NEW_TEN)
    return Measurement(mean, effect=mean, interval=tuple(ends), control=float(other.mean()), conditions={
        **_conditions(), "the first ten say the same": outcomes.repeats(more),
        "at a part of 0.05, too": outcomes.interval(coarsely_more(PART).sel(seed=outcomes.NEW_TEN))[2] < 0,
        "another network's are not told apart from own, of twenty": _untold(_lost(ANOTHER, PART) - _lost(OWN, PART)),
        "on all pairs of all twenty, too": outcomes.interval(lost_more())[2] < 0,
        "with three quarters of the pairs, too": outcomes.interval(fewer.sel(arm=EXACT) - fewer.sel(arm=OWN))[1] > 0})


def penalty() -> Measurement:
    """Mean return with the penalty less without, at the end, nine tenths, paired; control: another network's."""
    last = table().isel(fit=-1).sel(data=PART)
    better, other = (last.sel(arm=arm) - last.sel(arm=OWN) for arm in (PENALISED, ANOTHER))
    mean, *ends = outcomes.interval(better.returned)
    seeds = range(experiment.FIRST, experiment.FIRST + last.sizes["seed"])
    into = experiment.seen(experiment.DATA[PART], seeds) & (walled(experiment.SIDE).rewards > 0)
    return Measurement(
        mean, effect=float(better.srank.mean()), interval=tuple(ends), control=float(other.returned.mean()),
        conditions={
            **_conditions(), "in both tens": outcomes.repeats(better.returned),
            "another network's targets are not seen to raise it": _untold(other.returned),
            "on all pairs it keeps rank, in both tens": outcomes.repeats(_lost(OWN) - _lost(PENALISED)),
            "one singular value is 0": bool((last.singular.sel(arm=PENALISED).min("value") < 1e-9).all()),
            "every network sees the reward": bool(into.any((1, 2)).all() and (last.returned > 0).all())})


def _lost_in_settings() -> xr.DataArray:
    return outcomes.lost(outcomes.settings(table("all")).srank)


def rates() -> Measurement:
    """Mean of what Adam at 0.003 takes more than at 0.0003, paired, the lesser of own targets and exact iterates."""
    lost = _lost_in_settings()
    each = np.array([outcomes.interval((lost.sel(plan=FAST) - lost.sel(plan=SLOW)).sel(arm=arm))
                     for arm in experiment.TWO])
    mean, *ends = each[np.argmin(each[:, 0])]
    coarse = [outcomes.interval(xr.DataArray(outcomes.more_at_a_larger_rate(table("all"), arm, COARSE, (SLOW, FAST))))
              for arm in experiment.TWO]
    return Measurement(mean, effect=np.max(each[:, 0]), interval=tuple(ends), conditions={
        **_conditions(), "with both arms the interval lies above 0": bool((each[:, 1] > 0).all()),
        "at a part of 0.05 it is not resolved": all(low < 0 < high for _, low, high in coarse)})


@functools.cache
def edges() -> np.ndarray:
    """Return 2/sharpness at the start of each seed."""
    return 2 / sharpness.at_start(range(experiment.FIRST, experiment.FIRST + table().sizes["seed"]))


def descent() -> Measurement:
    """Largest mean srank lost by stable descent, own or exact; effect: beyond 2/sharpness; control: Adam."""
    lost = _lost_in_settings()
    each = np.array([outcomes.interval(lost.sel(plan=plan, arm=arm)) for plan in STABLE for arm in experiment.TWO])
    mean, *ends = each[np.argmax(each[:, 0])]
    most, beyond = (experiment.PLANS[plan]["rate"] for plan in (STABLE[-1], BEYOND))
    error = table("all").map_left.sel(plan=experiment.LONGER).mean()
    brief = np.array([end for plan, (_, _, end) in zip(np.repeat(STABLE, 2), each, strict=True)
                      if plan != experiment.LONGER])
    return Measurement(mean, effect=float(lost.sel(plan=BEYOND, arm=EXACT).mean()), interval=tuple(ends),
                       control=float(lost.sel(plan=outcomes.SETTING, arm=EXACT).mean()), conditions={
        **_conditions(), "beyond 2/sharpness at least half of the rank goes": outcomes.interval(
            lost.sel(plan=BEYOND, arm=EXACT))[1] > 15,
        "with 50 steps the intervals end at 3": bool((brief <= 3).all()),
        "with 400 below 5": bool((each[:, 2] < 5).all()),
        "2/sharpness at each start is between the rates": bool((edges() > most).all() and (edges() < beyond).all()),
        "with eight times as many steps the fits are finished": bool(error < FINISHED)})
