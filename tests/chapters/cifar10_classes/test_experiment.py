"""Ten classes: two certified versions of one size; runs are those of the plain loop with the cross-entropy."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.cifar10 import comparison
from catapult.chapters.cifar10_classes import experiment as classes
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.training import train


@pytest.mark.slow
def test_followed_trains_several_outputs_as_the_plain_loop_does():
    rng = np.random.default_rng(5)
    data = Problem(rng.normal(size=(30, 4)), rng.integers(0, 3, 30), rng.normal(size=(40, 4)), rng.integers(0, 3, 40))
    network, steps, settle = Network((4, 6, 3), "relu"), 16, 4
    run = comparison.followed(data, network, [0.25, 0.5], 1, steps=steps, settle=settle, curvatures=[15, 16],
                              dtype="float64").isel(multiple=1)
    plain = train(data, network, run.learning_rate.item(), loss="cross_entropy", seeds=(1,), steps=steps,
                  record=("loss", "tenth_accuracy", "sharpness"), engine="reference").isel(seed=0, learning_rate=0)
    at = run.loss.dropna("step").step
    at = at[at <= steps]
    np.testing.assert_allclose(run.loss.sel(step=at), plain.loss.sel(step=at), rtol=1e-6)
    np.testing.assert_allclose(run.accuracy.sel(comparison="equal steps"), plain.tenth_accuracy[-1], rtol=1e-6)
    np.testing.assert_allclose(comparison.final_sharpness(run), plain.sharpness[-2:].mean(), rtol=1e-4)
    assert run.learning_rate * plain.sharpness[0] == pytest.approx(1, rel=1e-3)


def test_the_versions_are_parts_of_one_draw_and_of_one_size(monkeypatch):
    rng = np.random.default_rng(4)
    whole = Problem(rng.normal(size=(200, 3)), np.arange(200) % 10, rng.normal(size=(20, 3)), np.arange(20) % 10, "x")
    monkeypatch.setattr(classes.cifar10, "ten_classes", lambda **_: whole)
    random, right = classes.versions_of(classes.Parameters(), 0).values()
    assert random.X.shape == right.X.shape
    rows = {tuple(row) for row in whole.X}
    assert {tuple(row) for row in random.X} < rows
    assert {tuple(row) for row in right.X} < rows
    assert classes.certify_classes(right.X, right.y) == "separable"
