"""Rates compared three ways: runs are those of the plain loop, a gain chooses on one tenth and judges on nine."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from catapult.chapters.cifar10 import comparison
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.training import train


def noise(n=24, d=5):
    rng = np.random.default_rng(3)
    return Problem(rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], size=n),
                   rng.normal(size=(40, d)), rng.choice([-1.0, 1.0], size=40))


@pytest.mark.slow
def test_followed_is_the_plain_loop_at_the_rate_then_at_the_smallest():
    data, network, steps, settle, multiples = noise(), Network((5, 4, 1), "relu"), 16, 6, [0.25, 0.5, 2.0]
    found = comparison.followed(data, network, multiples, 7, steps=steps, settle=settle, dtype="float64",
                                curvatures=comparison.curvature_steps(steps))
    unit = found.learning_rate.values[1] / 0.5
    for number, multiple in enumerate(multiples):
        plain = train(data, network, unit * multiple, seeds=(7,), steps=max(steps, round(steps / multiple)),
                      record=("loss", "sharpness", "tenth_accuracy", "weights"), engine="reference")
        plain = plain.isel(seed=0, learning_rate=0)
        run = found.isel(multiple=number)
        at = run.loss.dropna("step").step
        np.testing.assert_allclose(run.loss.sel(step=at), plain.loss.sel(step=at), rtol=1e-6)
        last = run.sharpness.dropna("step").step
        assert last.values[-2:].tolist() == [steps - 1, steps]
        np.testing.assert_allclose(run.sharpness.sel(step=last), plain.sharpness.sel(step=last), rtol=1e-4)
        for name, step in (("equal steps", steps), ("equal time", round(steps / multiple))):
            np.testing.assert_allclose(run.accuracy.sel(comparison=name), plain.tenth_accuracy.sel(step=step),
                                       rtol=1e-6)
        at_rate = train(data, network, unit * multiple, seeds=(7,), steps=steps, record="weights", engine="reference")
        end = train(data, network, unit * multiples[0], seeds=(7,), steps=settle, record="tenth_accuracy",
                    initial_weights=network.matrices(at_rate.weights.values[0, 0]), engine="reference")
        np.testing.assert_allclose(run.accuracy.sel(comparison="annealed"), end.tenth_accuracy[0, 0, -1], rtol=1e-6)


def table(accuracy, phase=None):
    """Return a made-up cell: accuracy of shape (seed, multiple, tenth), the same at each comparison."""
    accuracy = np.asarray(accuracy, dtype=float)
    seeds, rates = accuracy.shape[:2]
    accuracy = np.repeat(accuracy[:, :, None], 3, 2)
    phase = np.full((seeds, rates), "lazy") if phase is None else np.array(phase)
    return xr.Dataset({"accuracy": (("seed", "multiple", "comparison", "tenth"), accuracy),
                       "phase": (("seed", "multiple"), phase)},
                      coords={"multiple": [0.25, 0.5, 1.0, 2.0, 4.0], "comparison": list(comparison.COMPARISONS)})


def test_the_best_is_chosen_on_the_first_tenth_and_judged_on_the_others():
    judged = np.array([0.1, 0.6, 0.7, 0.8, 0.95])  # on the nine
    chosen = np.array([0.0, 0.9, 0.5, 0.9, 0.5])  # on the first: prefers the second of each side to the better one
    cell = np.concatenate([chosen[:, None], np.repeat(judged[:, None], 9, 1)], 1)[None].repeat(2, 0)
    np.testing.assert_allclose(comparison.gain(table(cell), "annealed"), 0.8 - 0.6)
    np.testing.assert_allclose(comparison.gain(table(cell), "annealed", chosen=False), 0.875 - 0.65)
    below, above = comparison.sides(table(cell))
    assert (below.tolist(), above.tolist()) == ([0.5, 1.0], [2.0, 4.0])


def test_a_rate_at_which_a_seed_died_is_not_compared():
    cell = np.random.default_rng(0).random((2, 5, 10))
    phase = [["lazy"] * 5, ["lazy"] * 4 + ["dead"]]
    below, above = comparison.sides(table(cell, phase))
    assert (below.tolist(), above.tolist()) == ([1.0], [2.0])
    none = [["lazy"] * 3 + ["divergent"] * 2] * 2
    assert np.isnan(comparison.gain_interval(table(cell, none), "equal steps")).all()


@pytest.mark.parametrize("steps", [16, 64, 300])
def test_the_sharpness_is_taken_at_pairs_of_steps(steps):
    taken = comparison.curvature_steps(steps)
    assert taken[0] == 0
    assert {steps - 1, steps, steps // 2 - 1, steps // 2} <= set(taken)
