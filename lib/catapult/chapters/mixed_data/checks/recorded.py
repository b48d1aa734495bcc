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


def seen(scale: str) -> Measurement:
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


def held(scale: str) -> Measurement:
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
    return Measurement(kept[np.argmax(np.abs(np.array(kept) - 1))], effect=np.max(outside),
                       control=small.isel(multiple=0).mean(), conditions=_conditions())


def gains(scale: str) -> Measurement:
    """How many of the gains of f on images outside E have an interval above 0. Effect: how many below.

    Control: how many of the gains of f within E, on all images, have an interval above 0.
    """
    found = outcomes.gains().values()
    within = outcomes.gains("f within E", "all").values()
    return Measurement(sum(low > 0 for _, low, _ in found), effect=sum(high < 0 for *_, high in found),
                       control=sum(low > 0 for _, low, _ in within), conditions=_conditions())


def linear_gains(scale: str) -> Measurement:
    """The mean gain of f, images outside E, that is farthest from 0, of one predictor and linear networks, in points.

    Effect: half the length of the widest of these intervals.
    """
    found = [interval for (_, network, _), interval in outcomes.gains().items() if network != "ReLU, 1 hidden"]
    means = [mean for mean, *_ in found]
    return Measurement(means[np.argmax(np.abs(means))], effect=np.max([high - low for _, low, high in found]) / 2,
                       conditions=_conditions())


