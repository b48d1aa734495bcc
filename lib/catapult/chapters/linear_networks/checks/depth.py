"""Checks of deeper linear networks on the degenerate pair: where they diverge."""

from __future__ import annotations

import numpy as np

from catapult.companion.measurement import Measurement
from catapult.oracles.linear_networks import LinearNetworks

NARROW = 50  # a width
BOUNDARY = 8.0  # η²/m up to which nothing diverges on the pair
PAIR = np.array([[1.0], [-1.0]])


def depth_edge() -> Measurement:
    """Squared loss, degenerate pair, m = 50, at 2.04 units of 2/λ0: the share of deeper networks that diverge.

    Two or three hidden layers, the larger share. Effect: that of one hidden layer.
    """
    seeds = 20
    at = {(hidden, multiple): _deep_divergence(hidden, multiple, seeds, NARROW, 120, squared=True)[1].mean()
          for hidden in (1, 2, 3) for multiple in (2.04, 3.2)}
    below = [_deep_divergence(hidden, 1.96, seeds, NARROW, 120, squared=True)[1].mean() for hidden in (1, 2, 3)]
    return Measurement(np.maximum(at[2, 2.04], at[3, 2.04]), effect=at[1, 2.04], conditions={
        "at 2.04 units every network with one hidden layer diverges": at[1, 2.04] == 1,
        "at 1.96 units none does with one, and of the deeper ones at most one in twenty":
            bool(below[0] == 0 and np.max(below) <= 0.05),
        "at 3.2 units all do": all(at[hidden, 3.2] == 1 for hidden in (1, 2, 3))})


def logistic_one_layer() -> Measurement:
    """Logistic loss, degenerate pair, one hidden layer, m = 100: the share of seeds that diverge at 14 units.

    Effect: the share at 8 units.
    """
    seeds = 200
    safe, gone = np.hstack([_deep_divergence(1, multiple, seeds) for multiple in (6.6, 6.8, 7.0, 7.2)])
    at_14, at_8 = (_deep_divergence(1, multiple, seeds)[1].mean() for multiple in (14.0, 8.0))
    return Measurement(at_14, effect=at_8, conditions={
        "none with η² ≤ 8m diverges": not (safe & gone).any(),
        "some with η² ≤ 8m are near it": bool(safe.any() and (~safe).any())})


def logistic_depth() -> Measurement:
    """Logistic loss, degenerate pair, m = 100, at 6 units: how many of 40 deeper networks diverge though η² ≤ 8m.

    With 2 or with 3 hidden layers, whichever are fewer. Effect: how many of 200 with one.
    """
    counts = []
    for hidden, seeds in ((1, 200), (2, 40), (3, 40)):
        safe, gone = _deep_divergence(hidden, 6.0, seeds, steps=150)
        counts.append((safe & gone).sum())
    return Measurement(np.min(counts[1:]), effect=counts[0],
                       conditions={"with one hidden layer none does": counts[0] == 0})


def _deep_divergence(hidden: int, multiple: float, seeds: int, width: int = 100, steps: int = 400,
                     squared: bool = False) -> np.ndarray:
    """Deep linear networks on the degenerate pair, all seeds at once: is η² ≤ 8m, and do they diverge?

    At ``multiple`` units of 8/λ0 with the logistic loss, of 2/λ0 with the squared loss f²/2. Shape (2, seeds).
    """
    networks = LinearNetworks.drawn((1, *[width] * hidden, 1), np.random.default_rng(hidden), seeds)
    rate = (2 if squared else 8) * multiple / networks.ntk(np.ones(1))
    with np.errstate(over="ignore", invalid="ignore"):
        f = networks.descend(PAIR, rate, steps, "squared" if squared else "logistic").product[:, 0]
        gone = ~(np.abs(f) < 1e6)
    return np.stack([rate**2 <= BOUNDARY * width, gone])
