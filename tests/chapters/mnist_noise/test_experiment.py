"""The four sets differ in what they say and in nothing else; the two that mnist-phases has are its own."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.mnist_noise import experiment
from catapult.chapters.mnist_phases import experiment as mnist_phases
from catapult.datasets import certify

QUICK = experiment.Parameters.checked({}, scale="quick")


def sets(seed):
    return {(version, labels): experiment.problem_of(QUICK, version, labels, seed)
            for version in experiment.VERSIONS for labels in experiment.LABELS}


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_flips_a_tenth_of_the_training_labels_and_nothing_else(seed):
    found = sets(seed)
    for version in experiment.VERSIONS:
        clean, noisy = found[version, "clean"], found[version, "noisy"]
        assert np.array_equal(clean.X, noisy.X)
        assert np.array_equal(clean.y_test, noisy.y_test)
        assert (clean.y != noisy.y).sum() == round(QUICK.label_noise * QUICK.samples)
    flips = [found[version, "noisy"].y != found[version, "clean"].y for version in experiment.VERSIONS]
    assert np.array_equal(*flips)


def test_separable_means_certified():
    found = sets(0)
    assert {certify(found["separable", labels].Z).kind for labels in experiment.LABELS} == {"separable"}
    fewer = QUICK.model_copy(update={"components": 5})
    assert certify(experiment.problem_of(fewer, "non-separable", "noisy", 0).Z).kind == "strictly non-separable"


@pytest.mark.slow
def test_the_noisy_non_separable_runs_are_those_of_mnist_phases():
    runs = experiment.cell(QUICK, 1).sel(version="non-separable", labels="noisy", seed=1)
    same = mnist_phases.Parameters.checked({"activation": "relu", "hidden_layers": 2, "width": QUICK.width},
                                           scale="quick")
    theirs = mnist_phases.cell(same, 1).sel(version="non-separable", seed=1)
    for name in ("accuracy", "loss", "annealed_sharpness"):
        assert np.array_equal(runs[name], theirs[name], equal_nan=True)
