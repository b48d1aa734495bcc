"""The table of parts: complete, consistent, and one entry the slow way."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.mixed_digits import experiment
from catapult.runs import results

pytestmark = pytest.mark.slow


def test_some_set_of_shipped_digits_is_mixed_and_lets_a_fifth_of_the_test_images_see_it():
    table = results.compute(experiment, experiment.Parameters.checked(scale="quick"))
    assert bool((table.outside >= 0.2).where(table.rank_E > 0, False).any())
    assert bool((table.rank_E <= table["rank"]).all())
    assert bool(((table.rank_E == 0) == (table.separable == table.n)).all())


def test_what_lies_outside_a_span_is_what_least_squares_leaves():
    rng = np.random.default_rng(0)
    X, spanning = rng.standard_normal((5, 6)), rng.standard_normal((3, 6))
    rests = [x - spanning.T @ np.linalg.lstsq(spanning.T, x, rcond=None)[0] for x in X]
    left = np.linalg.norm(rests, axis=1) / np.linalg.norm(X, axis=1)
    np.testing.assert_allclose(experiment.outside_span(X, spanning, 3), left, rtol=1e-12)
    np.testing.assert_array_equal(experiment.outside_span(X, spanning, 0), 1)
