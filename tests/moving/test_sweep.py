"""What the figure of the recorded sweep looks up is what Python reads off the recorded tables by their labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from catapult.chapters.mnist_phases.experiment import MULTIPLES, VERSIONS
from catapult.chapters.mnist_sides import outcomes

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PRESETS = [("non-separable", 0, 4.0), ("separable", 0, 4.0), ("separable", 0, 0.25)]
LISTS = ["learning_rate", "loss", "start", "end", "accuracy", "right", "wrong", "outputs"]
RUNS = [*PRESETS, *[(version, seed, multiple) for version in VERSIONS for seed in (0, 3, 9) for multiple in MULTIPLES]]


@pytest.fixture(scope="module")
def table():
    return json.loads(outcomes.element().partition(">")[2].removesuffix("</script>"))


def wrong(recursions, table, runs):
    """Return of which runs anything that JavaScript finds in a table is not what is recorded."""
    without = {key: value for key, value in table.items() if key != "pictures"}
    held = nan(without)
    found = json.loads(recursions("sweep.at", [[held, *run] for run in runs]))
    return [run for run, theirs in zip(runs, found, strict=True) if not agree(theirs, outcomes.at(*run))]


def nan(values):
    """Return a table as ``sweep.parse`` has it: what is not there is NaN, which travels into the browser as such."""
    if isinstance(values, dict):
        return {key: nan(value) for key, value in values.items()}
    return [nan(value) for value in values] if isinstance(values, list) else np.nan if values is None else values


def agree(theirs, ours):
    assert theirs.keys() == ours.keys()
    return theirs.pop("phase") == ours.pop("phase") and all(
        np.allclose(np.array(theirs[name], dtype=float), ours[name], rtol=10.0 ** (1 - outcomes.DIGITS), equal_nan=True)
        for name in ours)


def test_what_is_shown_is_what_is_recorded(recursions, table):
    assert wrong(recursions, table, RUNS) == []


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_index_off_by_one_is_seen(recursions, table, axis):
    """Of version, seed or rate: at each of three presets if it is off everywhere, at one of them in any single list."""
    def moved(*names):
        return {**table, **{name: np.roll(np.array(table[name], dtype=object), 1, axis).tolist() for name in names}}

    assert wrong(recursions, moved(*LISTS), PRESETS) == PRESETS
    for name in LISTS:  # some runs end alike: on non-separable data the outputs do at all rates
        knows = (name, axis) != ("start", 2)  # the start knows of no rate
        assert bool(wrong(recursions, moved(name), PRESETS)) == knows, name


def test_between_the_recorded_rates_the_nearest_is_taken(recursions, table):
    between = [0.01, 0.03, 0.13, 0.29, 0.31, 1.18, 1.19, 11.4, 99.0]
    places = json.loads(recursions("sweep.nearest", [[{"multiples": table["multiples"]}, one] for one in between]))
    assert [MULTIPLES[place] for place in places] == [outcomes._nearest(one) for one in between]


def test_mistakes_are_counted(recursions, table):
    labels = {"labels": table["labels"]}
    right = [0.1 * label for label in table["labels"]]
    cases = [right, [-one for one in right], [-right[0], *right[1:]], [float("nan"), *right[1:]]]
    assert json.loads(recursions("sweep.mistaken", [[labels, one] for one in cases])) == [0, 16, 1, "NaN"]


def test_what_is_not_there_is_not_a_number(recursions):
    (parsed,) = json.loads(recursions("sweep.parse", [['{"a":[1,null]}']]))
    assert parsed == {"a": [1, "NaN"]}
