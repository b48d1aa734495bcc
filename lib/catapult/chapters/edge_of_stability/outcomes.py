"""What is read off the runs: η · sharpness/2, its mean at the edge, and how often the loss rises."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.edge_of_stability.experiment import rises
from catapult.chapters.edge_of_stability_images.experiment import EDGE, RATES

NETWORKS = (("tanh", "squared"), ("relu", "squared"), ("tanh", "cross_entropy"))
"""Of the four networks and losses on images those that come to the edge and stay; the other has fitted before."""
LONG = 200
"""Steps of a long lag on images."""
TANH = ("tanh", "squared")
"""The network and loss of which minibatches, more steps and more images are recorded."""


def image_share(runs: xr.Dataset, activation: str, loss: str, place: int | None = None) -> np.ndarray:
    """Return η · sharpness/2 on images, (seed, look), at a rate by its place in ``RATES``; that of ``EDGE`` if None."""
    place = EDGE[loss] if place is None else place
    values = runs.sharpness.sel(activation=activation, loss_name=loss, place=place).transpose("seed", "look").values
    return values * RATES[loss][place] / 2


def image_losses(runs: xr.Dataset, activation: str, loss: str, place: int | None = None) -> np.ndarray:
    """Return the loss at every step, (seed, step), as :func:`image_share`."""
    place = EDGE[loss] if place is None else place
    return runs.loss.sel(activation=activation, loss_name=loss, place=place).transpose("seed", "step").values


def crossing(share: np.ndarray) -> int:
    """Return the first look at which a run (look,) is above 2/η; the number of looks if it never is."""
    return int(np.argmax(share > 1)) if (share > 1).any() else len(share)


def at_edge(share: np.ndarray) -> float:
    """Return the mean of η · sharpness/2 over the second half of the looks from the first crossing; NaN without one."""
    after = share[crossing(share):]
    return float(after[len(after) // 2:].mean()) if len(after) else np.nan


def on_images(runs: xr.Dataset) -> np.ndarray:
    """Return :func:`at_edge` for the networks that stay there, (seed, network)."""
    return np.array([[at_edge(run) for run in image_share(runs, *network)] for network in NETWORKS]).T


def rises_on_images(runs: xr.Dataset, lag: int) -> np.ndarray:
    """Return the share of steps from the crossing on after which the loss is higher ``lag`` later, (seed, network)."""
    found = [[rises(loss[int(runs.look[crossing(share)]):], [lag])[0] for share, loss in
              zip(image_share(runs, *network), image_losses(runs, *network), strict=True)] for network in NETWORKS]
    return np.array(found).T


def flow_share(runs: xr.Dataset) -> np.ndarray:
    """Return η · sharpness/2 of gradient flow in the end, tanh and squared loss, at the rate of ``EDGE``, (seed,)."""
    ends = runs.flow_sharpness.sel(activation="tanh", loss_name="squared").isel(moment=-1)
    return ends.values * RATES["squared"][EDGE["squared"]] / 2


def flow_over_descent(runs: xr.Dataset, place: int) -> np.ndarray:
    """Return log2 of the sharpness of gradient flow over that of descent at equal time, (seed,), tanh, squared loss.

    At the last time that both have.
    """
    one, rate = runs.sel(activation="tanh", loss_name="squared"), RATES["squared"][place]
    times, found = runs.look.values * rate, []
    for seed in runs.seed.values:
        run = one.sel(seed=seed)
        at = min(times[-1], float(run.flow_time[-1]))
        flow = np.interp(at, run.flow_time.values, run.flow_sharpness.values)
        found.append(np.log2(flow / np.interp(at, times, run.sharpness.sel(place=place).values)))
    return np.array(found)


def late(share: np.ndarray) -> np.ndarray:
    """Return the mean over the second half of the looks, the last axis."""
    return late_looks(share).mean(-1)


def late_looks(share: np.ndarray) -> np.ndarray:
    """Return the second half of the looks."""
    return share[..., share.shape[-1] // 2:]


def batch_shares(runs: xr.Dataset, quantity: str) -> np.ndarray:
    """Return η/2 times a quantity of the minibatch runs, (seed, batch, look): whole_sharpness or batch_sharpness."""
    values = runs[quantity].sel(activation=TANH[0], loss_name=TANH[1]).transpose("seed", "batch", "look").values
    return values * RATES[TANH[1]][EDGE[TANH[1]]] / 2


def eigenvalue_shares(runs: xr.Dataset, loss: str) -> np.ndarray:
    """Return η/2 times the largest eigenvalues along a run of tanh, seed 0, (look, eigenvalue), where seen."""
    values = runs.eigenvalues.sel(activation="tanh", loss_name=loss, seed=0).transpose("look", "eigenvalue").dropna(
        "look").values
    return values * RATES[loss][EDGE[loss]] / 2


def polynomial_share(runs: xr.Dataset, factor: float, rate: float) -> np.ndarray:
    """Return η · sharpness/2 on the Chebyshev task, (seed, look), at a rate in units of ``rate``."""
    return runs.sharpness.sel(factor=factor).transpose("seed", "look").values * factor * rate / 2


def crossed(runs: xr.Dataset, rate: float) -> np.ndarray:
    """Return which seeds are above 2/η, at η itself, in the first two thirds of the time."""
    share = polynomial_share(runs, 1.0, rate)
    return np.array([crossing(run) < 2 * len(run) // 3 for run in share])


def distance_ratio(runs: xr.Dataset, rate: float) -> np.ndarray:
    """Return how far descent is from the central flow over how far from gradient flow, last third of the time.

    A number for each seed that crossed.
    """
    last = 2 * runs.sizes["look"] // 3
    near, far = (runs[f"{name}_distance"][last:].mean("look").values for name in ("central", "flow"))
    return (near / far)[crossed(runs, rate)]
