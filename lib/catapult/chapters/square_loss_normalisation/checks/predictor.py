"""Checks of a linear predictor with normalisation and decay, exactly."""

from __future__ import annotations

import functools
from itertools import product

import numpy as np
import xarray as xr

from catapult.chapters.square_loss_normalisation import experiment
from catapult.companion.measurement import Measurement
from catapult.oracles import normalised as oracle
from catapult.theory import normalised

DRAWS = (0, 1)
DECAYED = experiment.LINEAR_DECAY
SMALLER, LARGER = 0.2, 3.0
"""Factors of the points, whose shortest solutions are then long and short."""


@functools.cache
def linear() -> xr.Dataset:
    """Return the linear predictor's ends over draws."""
    return xr.concat([experiment.linear(draw) for draw in DRAWS], "seed")


@functools.cache
def remaining(factor: float, decay: float) -> xr.DataArray:
    """Return the part of w that no point sees over |shortest w|, normalised, with points times a factor, (draw, start).

    Without decay by the root of an equation, with it by the flow to λt = ``LAST``, from the first start and the last.
    """
    starts = experiment.STARTS if decay == 0 else experiment.STARTS[::len(experiment.STARTS) - 1]
    found = np.zeros((len(DRAWS), len(starts)))
    for (i, draw), (j, start) in product(enumerate(DRAWS), enumerate(starts)):
        Z, v = experiment.points(draw)
        least, unseen = shortest(draw, factor), float(np.linalg.norm(normalised.outside(Z, v)))
        if decay:
            rho, direction, _ = oracle.flow(factor * Z, start, v, decay, experiment.LAST / decay)
            found[i, j] = abs(rho) * np.linalg.norm(normalised.outside(Z, direction)) / least
        else:
            rho = normalised.length_at_end(least, unseen, start)
            found[i, j] = rho * unseen * normalised.remembered(rho, start) / least
    return xr.DataArray(found, dims=("draw", "start"), coords={"draw": list(DRAWS), "start": list(starts)})


def shortest(draw: int, factor: float = 1.0) -> float:
    """Return the length of the shortest w with points times a factor."""
    return float(np.linalg.norm(normalised.least_norm(factor * experiment.points(draw)[0])))


def minimum_norm() -> Measurement:
    """Largest |part of w that no point sees| over |shortest w|, normalised with decay; control: without, the least.

    Effect: length over the shortest without decay, the largest.
    """
    ends = linear().sel(kind="normalised")
    left = ends.unseen.sel(linear_decay=DECAYED)
    same = linear().unseen.sel(kind="plain", linear_decay=DECAYED)
    return Measurement(float(left.max()), effect=float(ends.length.sel(linear_decay=0.0).max()),
                       control=float(ends.unseen.sel(linear_decay=0.0).min()),
                       conditions={"decay alone does it, too": bool(same.max() <= left.max() + 1e-6),
                                   "without decay a third and more is left": bool(
                                       ends.unseen.sel(linear_decay=0.0).min() >= 1 / 3),
                                   "smaller points: without decay a thousandth and less": bool(
                                       remaining(SMALLER, 0.0).max() <= 1e-3),
                                   "larger points: with decay a twentieth and more": bool(
                                       remaining(LARGER, DECAYED).min() >= 1 / 20)})


def memory() -> Measurement:
    """Largest distance of the law of prop-sn-memory from the flow, of the unseen part over |shortest w|.

    Effect: the least unseen part that a start of 1/10 leaves with normalisation and without decay.
    """
    ends = linear()
    laws = [abs(closed(draw, start) - integrated(draw, start)) for draw in DRAWS for start in experiment.STARTS]
    left = ends.unseen.sel(linear_decay=0.0, start=0.1)
    normal, plain = float(left.sel(kind="normalised").min()), float(left.sel(kind="plain").max())
    return Measurement(float(np.max([np.abs(np.abs(ends.law) - ends.unseen).max(), *laws])), effect=normal,
                       control=plain, conditions={"normalised, a third and more is left": normal >= 1 / 3,
                                                  "plain, a tenth and less": plain <= 0.1})


def closed(draw: int, start: float) -> float:
    """Return ρ at the end without decay by the root of an equation."""
    Z, v = experiment.points(draw)
    least, unseen = (float(np.linalg.norm(each)) for each in (normalised.least_norm(Z), normalised.outside(Z, v)))
    return normalised.length_at_end(least, unseen, start)


def integrated(draw: int, start: float) -> float:
    """Return it by the flow, where ρ may turn its sign."""
    Z, v = experiment.points(draw)
    return abs(oracle.flow(Z, start, v, 0.0, experiment.LONG)[0])
