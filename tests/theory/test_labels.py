"""One meaning a label: a network on the pair has the same from its training as from the map of its two numbers."""

from __future__ import annotations

import numpy as np
import pytest

from catapult import datasets, phases
from catapult.networks import Network
from catapult.theory import two_layer
from catapult.training import train

pytestmark = pytest.mark.slow

GRIDS = {"squared": np.geomspace(0.5, 6, 28), "logistic": np.geomspace(2, 60, 28),  # ηλ0
         "exponential": np.geomspace(0.2, 4, 28)}


def both(loss, seed, width=30, steps=1500):
    """Return the labels by training and by the map, and the largest rise over L_0, at the rates of a grid."""
    network = Network((1, width, 1))
    w1, w2 = (matrix.numpy().ravel() for matrix in network.initialise(seed))
    f0, ntk0 = w1 @ w2 / width**0.5, (w1 @ w1 + w2 @ w2) / width
    rates = GRIDS[loss] / ntk0
    run = train(datasets.degenerate_pair(), network, rates, loss=loss, seeds=seed, steps=steps).isel(seed=0)
    rises = [phases.largest_rise(row) / row[0] for row in run.loss.values]
    return run.phase.values, two_layer.phase_map(loss, f0, ntk0, width, rates), np.array(rises)


@pytest.mark.parametrize("loss", GRIDS)
def test_training_and_the_map_give_a_network_the_same_label(loss):
    seen, same, total = set(), 0, 0
    for seed in range(2):
        for trained, limit, rise in zip(*both(loss, seed), strict=True):
            total, same = total + 1, same + (trained == limit)
            seen |= {trained} & {limit}
            unseen = (trained, limit) == ("lazy", "catapult") and rise <= phases.RISE
            assert trained in (limit, "unsettled") or unseen, (seed, trained, limit, rise)
    assert seen == {"lazy", "catapult", "divergent"}
    assert same >= 0.9 * total


@pytest.mark.parametrize("factor", [1.003, 1.03])
def test_a_small_rise_is_a_catapult_though_the_network_ends_sharper(factor):
    # f0 = 5, λ0 = 4, m = 30: the start is so far out that its sharpness is small.
    sign, width = np.where(np.arange(30) % 2, 1.0, -1.0), 30
    along, across = ((4.0 / 2 + way * 5.0 / width**0.5) / 2 for way in (1, -1))
    first, second = (along**0.5 + way * across**0.5 * sign for way in (1, -1))
    rate = factor * float(two_layer.critical_learning_rate("logistic", 5.0, 4.0, width))
    run = train(datasets.degenerate_pair(), Network((1, width, 1)), rate, steps=500, record=("sharpness",),
                every=500, initial_weights=[first[:, None], second[None]]).isel(learning_rate=0, seed=0)
    assert run.sharpness[-1] > 2 * run.sharpness[0]
    assert run.phase == two_layer.phase_map("logistic", 5.0, 4.0, width, rate) == "catapult"
