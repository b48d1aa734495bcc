"""Checks of the family F(xy): of the runs of the experiment, and of laws of others on runs of their own."""

from __future__ import annotations

import functools
import math
from itertools import product

import numpy as np
import xarray as xr

from catapult.chapters.regularity import experiment, family, networks, outcomes
from catapult.companion.measurement import Measurement
from catapult.runs import results
from catapult.statistics import mean_interval

SLACK = 1.0
"""Octaves within which the onsets of rise, edge and balancing lie."""
LARGEST = math.sqrt(2)
"""ηG up to which every start converges, G the supremum of |F'|."""
AGREE = 1e-3
"""How far the loss of a run that is computed again may be from the recorded one: single precision."""
REST = 0.3
"""Distance of ηλ from 2 from which a run has left the edge."""


def runs(values: experiment.Parameters) -> xr.Dataset:
    """Return the experiment's results, those of the page at its parameters."""
    return results.compute(experiment, values)


def one_cause(values: experiment.Parameters) -> Measurement:
    """Largest distance, in octaves of η over starts, of the onsets of rise, edge and balancing, growth order 1.

    Effect and interval: its mean. Control: the mean distance of the first rate without convergence from the rise.
    """
    found = runs(values)
    apart = outcomes.spread(found)
    mean, *ends = mean_interval(apart)
    return Measurement(apart.max(), effect=mean, interval=tuple(ends), control=outcomes.reach(found).mean(),
                       conditions={"from nine starts in ten the control is an octave farther than the three lie apart":
                                   bool((outcomes.reach(found) > apart + SLACK).mean() >= 0.9),
                                   "at order 4 eight starts in ten have no run that rises and ends at the edge":
                                   bool(outcomes.onsets(found, 4.0)["edge"].isnull().mean() >= 0.8)})


def likelier_where_regular(values: experiment.Parameters) -> Measurement:
    """Smallest mean difference of windows, in octaves of η, of an order less the next: 1, 1.5, 2, 3.

    Effect and interval: order 1 less order 4. Control: the same of the first rate at which the loss rises.
    """
    found = runs(values)
    windows = outcomes.window(found)
    steps = [mean_interval((windows.sel(growth=low) - windows.sel(growth=high)).values)
             for low, high in ((1, 1.5), (1.5, 2), (2, 3))]
    mean, *ends = mean_interval((windows.sel(growth=1) - windows.sel(growth=4)).values)
    first = [outcomes.onset(found.rises.sel(growth=order)).values for order in (1, 4)]
    return Measurement(np.min([step[0] for step in steps]), effect=mean, interval=tuple(ends),
                       control=(first[0] - first[1]).mean(),
                       conditions={"each interval lies above 0": bool(np.min([step[1] for step in steps]) > 0)})


def flatter(values: experiment.Parameters) -> Measurement:
    """Largest log2 ratio over starts of the sharpness at the end, at 4 over that at 1 times 2/n, growth order 1.

    Of the runs that converge. Effect and interval: the mean. Control: the mean at 1/2 over 1/4.
    """
    found = runs(values)
    ratios = outcomes.log_flatter(found, (0, 2))
    there = np.isfinite(ratios)
    mean, *ends = mean_interval(ratios[there])
    return Measurement(ratios[there].max(), effect=mean, interval=tuple(ends),
                       control=outcomes.log_flatter(found, (-2, -1)).mean(),
                       conditions={"nine runs in ten converge, or more": bool(there.mean() >= 0.9)})


def balancing() -> Measurement:
    """Largest relative error of d⁺ = (1 − a²)d in a step of plain gradient descent, a = ηF'(s), over members.

    Control: by how much d changes over the same time along gradient flow, small steps, relative.
    """
    rng, found, kept = np.random.default_rng(71), [], []
    for member in family.MEMBERS.values():
        x, y = rng.normal(0, 3, (2, 200))
        rate = rng.uniform(0, 2, x.shape)
        a = rate * member.slope(x * y)
        new = (x - rate * member.slope(x * y) * y) ** 2 - (y - rate * member.slope(x * y) * x) ** 2
        found.append(np.abs(new - _contracted(x**2 - y**2, a)) / (x**2 + y**2))
        d = x**2 - y**2
        for _ in range(1000):
            step = rate / 1000 * member.slope(x * y)
            x, y = x - step * y, y - step * x
        kept.append(np.abs(x**2 - y**2 - d) / (x**2 + y**2 + np.abs(d)))
    return Measurement(np.max(found), control=np.max(kept))


def _contracted(gap, a):
    """Return what a step makes of d = x² − y²."""
    return (1 - a**2) * gap


def converges_globally() -> Measurement:
    """Share of drawn starts that converge at 0.98 of the largest rate, slopes below 1; the least of four members.

    Control: the share at 1.05 times that rate.
    """
    shares = []
    for factor in (0.98, 1.05):
        rng = np.random.default_rng(5)
        x, y = rng.normal(0, 5, (2, 60))
        shares.append([family.follow(member, x, y, factor * LARGEST / member.steepest, 12_000).converged.mean()
                       for member in (family.power(1.0, 0.0), family.log_cosh(0.0), family.power(1.0),
                                      family.log_cosh())])
    return Measurement(np.min(shares[0]), control=np.max(shares[1]))


def mean_loss() -> Measurement:
    """Largest mean of F over T steps over n0/((4 − ηn0)ηT): T = 10, 100, 1000, minimum at 0, orders 1, 1.5 and 2.

    Also log cosh. Control: the share of starts that are lost with the squared loss at ηn0 = 4.1.
    """
    rng, ratios = np.random.default_rng(7), []
    for member in (*(family.power(order, 0.0) for order in (1.0, 1.5, 2.0)), family.log_cosh(0.0)):
        x, y = rng.normal(0, 3, (2, 300))
        n = x**2 + y**2
        rate = rng.uniform(0.05, 3.99, n.shape) / n
        ratios += [np.max(family.follow(member, x, y, rate, steps).mean / _bound(n, rate, steps))
                   for steps in (10, 100, 1000)]
    lost = family.follow(family.power(2.0, 0.0), x, y, 4.1 / n, 1000).lost.mean()
    return Measurement(np.max(ratios), control=lost)


def _bound(n, rate, steps):
    """Return the bound on the mean loss of so many steps, F'' ≤ 1."""
    return n / ((4 - rate * n) * rate * steps)


def _near_edge(member: family.Member, rate, excess: float = 0.3, off: float = 0.3):
    """Return starts x, y with ηλ = 2 + excess at the minimum and s off it."""
    n, s = (2 + excess) / (rate * member.second), member.minimiser + off
    plus, minus = np.sqrt(n + 2 * s), np.sqrt(n - 2 * s)
    return (plus + minus) / 2, (plus - minus) / 2


def _rest(member: family.Member, scaled: float) -> float:
    """Return how far below 2 ηλ ends, over :func:`family.end`, at ηF'' = ``scaled`` and half of it, extrapolated."""
    found = []
    for size in (scaled, scaled / 2):
        rate = size / member.second
        steps = int(25 / (2 - family.end(member, rate))) + 500
        runs = family.follow(member, *_near_edge(member, rate), rate, steps)
        found.append((2 - runs.edge(member, rate)) / (2 - family.end(member, rate)))
    return float((4 * found[1] - found[0]) / 3)


def even_end() -> Measurement:
    """(2 − ηλ) at the end over 3η²/|F''''|, extrapolated to η = 0, the farthest from 1: even members, s* = 0 and 1/2.

    Control: the same without extrapolation at η = 0.2, order 1.5.
    """
    members = [make(target) for target in (0.0, 0.5) for make in (
        family.log_cosh, functools.partial(family.power, 1.0), functools.partial(family.power, 1.5))]
    ratios = np.array([_rest(member, 0.1) for member in members])
    coarse = family.follow(members[-1], *_near_edge(members[-1], 0.2), 0.2, 3000)
    return Measurement(ratios[np.argmax(np.abs(ratios - 1))], interval=(ratios.min(), ratios.max()),
                       control=(2 - coarse.edge(members[-1], 0.2)) / (2 - family.end(members[-1], 0.2)))


def product_stability() -> Measurement:
    """(2 − ηλ) at the end over 3η²F''⁴/(3F'''² − F''F''''), extrapolated to η = 0, the farthest from 1; F''' ≠ 0.

    Control: 2 − ηλ at the end from next to the edge where 3F'''² − F''F'''' < 0, the least of two; NaN counts as 2.
    """
    stable = [family.cross_entropy(), family.cross_entropy(0.9), family.quartic(0.75)]
    ratios = np.array([_rest(member, 0.1) for member in stable])
    left = []
    for member in (family.quartic(4.0), family.power(2.5)):
        ends = family.follow(member, *_near_edge(member, 0.05, 0.1, 0.1), 0.05, 5000).edge(member, 0.05)
        left.append(2 - np.nan_to_num(ends))
    return Measurement(ratios[np.argmax(np.abs(ratios - 1))], interval=(ratios.min(), ratios.max()),
                       control=np.min(left), conditions={
                           "without product stability no run rests at the edge": bool(np.min(left) > REST)})


HEADLINES = {"Huber, ReLU": (("huber", "relu", "none"), ("squared", "relu", "none")),
             "Huber, ReLU³": (("huber", "relu3", "none"), ("squared", "relu3", "none")),
             "tanh for ReLU³": (("squared", "tanh", "none"), ("squared", "relu3", "none")),
             "batch normalisation, ReLU": (("squared", "relu", "batch"), ("squared", "relu", "none")),
             "batch normalisation, ReLU³": (("squared", "relu3", "batch"), ("squared", "relu3", "none"))}
"""Changes of loss, activation or normalisation that lower the growth order."""


def _again() -> dict[str, bool]:
    found = networks.slice_difference()
    return {} if found is None else {"a run alone, on all pixels, is the recorded one at first": found <= AGREE}


def network_dynamics() -> Measurement:
    """Smallest gain in octaves of the largest rate that is not lost, over ``HEADLINES``. Effect: the largest.

    Control: the share of published runs whose fate is another than ours.
    """
    found = networks.table()
    gains = [networks.octaves(found, *pair) for pair in HEADLINES.values()]
    lost = np.isnan(networks.largest_rate(found, ("squared", "relu3", "layer")))
    return Measurement(np.min(gains), effect=np.max(gains), control=1 - networks.same_fate(found).mean(), conditions={
        **_again(), "layer normalisation does not save ReLU³ with the squared loss": bool(lost)})


def growth_survival() -> Measurement:
    """Octaves above 2/sharpness at the start that a lower growth order survives more: the least of three predictions.

    Effect and interval: the same, over seeds. Control: batch less layer normalisation, of equal order.
    """
    found = networks.table()
    *gains, control = (networks.survival_gain(found, name) for name in networks.SURVIVAL)
    least = gains[int(np.argmin([gain.mean() for gain in gains]))]
    plain, batch, layer = ({pair: found.survived.sel(combination="-".join((*pair, kind))).mean().item()
                            for pair in product(networks.experiment.LOSSES, networks.experiment.ACTIVATIONS)}
                           for kind in ("none", "batch", "layer"))
    normalised = [pair for pair in batch if batch[pair] != layer[pair]]
    mean, *ends = mean_interval(least)
    return Measurement(mean, effect=mean, interval=tuple(ends), control=control.mean(), conditions={
        **_again(), "every interval is above 0": bool(np.min([mean_interval(gain)[1] for gain in gains]) > 0),
        "the control shows some of it, less than each": bool(0 < control.mean() < mean),
        "the control's is of one network, ReLU³ with the squared loss": normalised == [("squared", "relu3")],
        "with ReLU³ alone Huber's loss survives no more": bool(plain["huber", "relu3"] <= plain["squared", "relu3"]),
        "without normalisation Huber with ReLU, and tanh for ReLU³, survive five octaves more": bool(np.min([
            plain["huber", "relu"] - plain["squared", "relu"],
            *(plain[loss, "tanh"] - plain[loss, "relu3"] for loss in ("squared", "huber"))]) >= 5)})


def not_by_order() -> Measurement:
    """Octaves above 2/sharpness at the start that ReLU³ survives (order 8), less ReLU's (order 4): squared loss.

    Effect and interval: the same, over seeds. Control: that of the largest rates themselves, seed 0.
    """
    found = networks.table()
    pair = ("squared", "relu3", "none"), ("squared", "relu", "none")
    eight, four = (found.survived.sel(combination="-".join(names)).values for names in pair)
    mean, *ends = mean_interval(eight - four)
    return Measurement(mean, effect=mean, interval=tuple(ends), control=networks.octaves(found, *pair),
                       conditions={**_again(), "on every seed": bool((eight > four).all())})


def published_runs() -> Measurement:
    """Largest relative difference of a peak of the loss from the published one.

    Effect: the median of that of the loss after 400 steps. Interval: the least and the largest of these. Control: the
    smallest relative difference of two neighbouring rates' peaks, of the published runs of ReLU with the squared loss
    that have one.
    """
    found = networks.table()
    loss, precision = networks.apart(found, "loss"), networks.precision(found)
    peaks = np.array([run.peak for run in networks.experiment.published(("squared", "relu", "none"))
                      if run.peak and run.rate >= 2e-4])
    return Measurement(networks.apart(found, "peak").max(), effect=np.median(loss), interval=(loss.min(), loss.max()),
                       control=np.abs(np.diff(peaks) / peaks[:-1]).min(), conditions={
                           **_again(), "every run is lost where the published one is, and only there":
                               bool(networks.same_fate(found).all()),
                           "the loss at the start is the same to five digits":
                               bool(networks.apart(found, "start").max() < 1e-5),
                           "the norms of the layers after 400 steps to three":
                               bool(np.max([networks.apart(found, layer).max() for layer in ("first", "second")])
                                    < 1e-3),
                           "losses after 400 steps agree to four digits on the median": bool(np.median(loss) < 1e-4),
                           "with layer normalisation, to five digits at the start, peaks to half a per cent":
                               bool(networks.apart(found, "start", True).max() < 1e-5
                                    and networks.apart(found, "peak", True).max() < 5e-3),
                           "double precision: the same peaks to .2 per cent, losses to one":
                               bool(precision[0].max() < 2e-3 and np.nanmax(precision[1]) < 0.01)})
