"""The second rule: every seed at the rates that it survives; those with none above the stable rate are left out."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.cifar10 import comparison
from catapult.chapters.cifar10_convolution import outcomes

MULTIPLES = [0.25, 0.5, 1.0, 2.0, 4.0]


def made_up(phase):
    """Return runs whose accuracy is the place of the rate among the multiples, in hundredths, at every tenth."""
    shape = (len(phase), len(MULTIPLES), len(comparison.COMPARISONS), 10)
    accuracy = np.broadcast_to(0.01 * np.arange(len(MULTIPLES))[None, :, None, None], shape)
    phase = np.array(phase)
    return xr.Dataset({"accuracy": (("seed", "multiple", "comparison", "tenth"), accuracy),
                       "phase": (("seed", "multiple"), phase),
                       "learning_rate": (("seed", "multiple"), np.broadcast_to(np.array(MULTIPLES), phase.shape)),
                       "sharpness": (("seed", "multiple", "step"), np.broadcast_to(4.0, (*phase.shape, 2)))},
                      coords={"seed": np.arange(len(phase)), "multiple": MULTIPLES,
                              "comparison": list(comparison.COMPARISONS)})


def test_every_seed_is_compared_at_the_rates_that_it_survives():
    runs = made_up([["lazy"] * 5, ["lazy"] * 3 + ["catapult", "dead"], ["lazy"] * 3 + ["divergent"] * 2,
                    ["dead"] * 3 + ["lazy"] * 2, ["lazy", "lazy", "dead", "lazy", "dead"]])
    assert np.isnan(comparison.gain_interval(runs, "annealed")).all()  # no rate above is survived by all
    gain = outcomes.own_gain(runs, "annealed")
    # Two above and the two nearest at or below; one and one; nothing above; nothing below; one, and not at 1 itself.
    np.testing.assert_allclose(gain, np.repeat([[0.02], [0.01], [0.02]], 9, 1))


def test_the_dead_have_no_sharpness():
    runs = made_up([["lazy", "lazy", "catapult", "unsettled", "dead"]])
    # η = multiple, so the sharpness at the start is 2, and 4 is an octave more.
    np.testing.assert_allclose(outcomes.log_change(runs), [[1, 1, 1, 1, np.nan]])
