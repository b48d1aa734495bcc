"""Initial weights that any program makes alike: what they are, number by number, and how large."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.edge_of_stability import uniform
from catapult.chapters.edge_of_stability.polynomial import GAIN, Fit


def test_first_numbers():
    """Park and Miller's: from 1, 48271 and 182605794 of 2147483647; fan-in 2."""
    first, second = uniform.start(Fit(8), 1)[0, :2]
    scale = GAIN * np.sqrt(1.5)
    assert first == pytest.approx(scale * (2 * 48271 / 2147483647 - 1), rel=1e-15)
    assert second == pytest.approx(scale * (2 * 182605794 / 2147483647 - 1), rel=1e-15)


def test_size_is_that_of_the_chapters_starts():
    fit = Fit(64)
    for ours, drawn in zip(fit.matrices(uniform.start(fit, 7)), fit.matrices(fit.start([0])), strict=True):
        expected = GAIN**2 / ours.shape[2]
        for matrix in (ours, drawn):
            assert (matrix**2).mean() == pytest.approx(expected, rel=5 / np.sqrt(matrix.size))
        assert abs(ours).max() <= np.sqrt(3 * expected)
