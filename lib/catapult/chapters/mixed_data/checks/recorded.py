"""Checks of the recorded runs on mixed data: what the test images can see, where networks are held, what rates gain."""

from __future__ import annotations

import numpy as np

from catapult.chapters.mixed_data import outcomes
from catapult.chapters.mixed_data.experiment import SEEN
from catapult.companion.measurement import Measurement

AGREE = 1e-4


def _conditions() -> dict[str, bool]:
    return {f"{name}: a slice computed again is what was recorded": difference <= AGREE
            for name in outcomes.RECORDED if (difference := outcomes.slice_difference(name)) is not None}


def seen() -> Measurement:
    """The largest share of MNIST's test images with a component outside E, of mixed sets of 512 to 4,096 images.

    Effect: the largest of the shipped digits, 100 to 800. Control: how many of MNIST's sets are mixed.
    """
    shares = {}
    for name in outcomes.PARTS:
        table = outcomes.parts(name)
        mixed = (table.rank_E > 0) & (table.separable > 0)
        shares[name] = table.outside.where(mixed), int(mixed.sum())
    return Measurement(shares["MNIST"][0].max(), effect=shares["shipped digits"][0].max(), control=shares["MNIST"][1],
                       conditions={"of the shipped digits some set is seen": bool(
                           (shares["shipped digits"][0] >= SEEN).any())})


def held() -> Measurement:
    """Linear networks with hidden layers on made data, far: the mean of η λ_E/2 at 1.41 and 2 η_crit, farthest from 1.

    λ_E is the largest eigenvalue of the Hessian of the part of the loss that is not separable. Effect: the largest mean
    of the same of the separable part. Control: the mean at the smallest rate, one hidden layer, even noise.
    """
    kept, outside = [], []
    for name in list(outcomes.RECORDED)[:2]:
        for network in ("linear, 1 hidden", "linear, 3 hidden"):
            edge = outcomes.table(name).edge.sel(network=network, comparison="far", multiple=[2**0.5, 2])
            kept += edge.sel(part="E").mean("seed", skipna=False).values.tolist()
            outside += edge.sel(part="P").mean("seed", skipna=False).values.tolist()
    small = outcomes.table("made, even noise").edge.sel(network="linear, 1 hidden", comparison="far", part="E")
    small = small.isel(multiple=0).mean().item()
    return Measurement(kept[np.argmax(np.abs(np.array(kept) - 1))], effect=np.max(outside), control=small,
                       conditions=_conditions() | {
                           "the separable part has next to no curvature": bool(np.max(outside) < 0.01),
                           "at the smallest rate it is far below the edge": small < 0.5})


def _excludes_zero(interval: outcomes.Interval) -> bool:
    _, low, high = interval
    return low > 0 or high < 0


def gains() -> Measurement:
    """How many of the gains of f on images outside E have an interval without 0: linear, at equal time, of 12.

    Effect: how many of the gains of all networks and comparisons have an interval above 0, of 48. Control: of the gains
    of f within E, on all images.
    """
    found, within = outcomes.gains(), outcomes.gains("f within E", "all")
    return Measurement(
        sum(_excludes_zero(interval) for (_, network, at), interval in found.items()
            if network != "ReLU, 1 hidden" and at == "equal time"),
        effect=sum(low > 0 for _, low, _ in found.values()), control=sum(low > 0 for _, low, _ in within.values()),
        conditions=_conditions() | {"all 48 cells are there": len(found) == 48})


def far_beyond() -> Measurement:
    """One predictor, annealed, fresh seeds: what f outside E gains from 32 η_crit over η_crit, the lesser made set.

    In points, on the images outside E, with its interval. Effect: the same of f itself on MNIST. Control: the largest
    difference of f within E, on all images, either sign, made sets.
    """
    made = list(outcomes.RECORDED)[:2]
    outside = [outcomes.far_beyond(name, "annealed", "f outside E") for name in made]
    outside = outside[np.argmin([mean for mean, *_ in outside])]
    within = [abs(outcomes.far_beyond(name, "annealed", "f within E", "all")[0]) for name in made]
    loss = outcomes.far_beyond("MNIST", "annealed")
    return Measurement(outside[0], interval=outside[1:], effect=loss[0], control=np.max(within),
                       conditions=_conditions() | {
                           "the interval lies above 0": outside[1] > 0,
                           "within E nothing differs": np.max(within) < 0.1,
                           "f itself is resolved on neither made set": not any(
                               _excludes_zero(outcomes.far_beyond(name, "annealed")) for name in made),
                           "on MNIST the interval of f lies below 0": loss[2] < 0})


def linear_gains() -> Measurement:
    """The mean gain of f, images outside E, farthest from 0, of one predictor and linear networks at equal time.

    In points. Effect: half the length of the widest of these intervals.
    """
    found = [interval for (_, network, at), interval in outcomes.gains().items()
             if network != "ReLU, 1 hidden" and at == "equal time"]
    means = [mean for mean, *_ in found]
    return Measurement(means[np.argmax(np.abs(means))], effect=np.max([high - low for _, low, high in found]) / 2,
                       conditions=_conditions())


