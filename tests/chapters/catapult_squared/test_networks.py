"""The networks of the catapult chapters have the output, the kernel and the size that are asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from catapult.chapters.catapult_squared import networks


def test_weights_have_the_output_and_the_kernel_that_are_asked_for():
    for seed in (0, 1):
        w1, w2 = (matrix.numpy().ravel() for matrix in networks.weights(-1.5, 2.5, 40, seed))
        assert w1 @ w2 / math.sqrt(40) == pytest.approx(-1.5, rel=1e-12)
        assert (w1 @ w1 + w2 @ w2) / 40 == pytest.approx(2.5, rel=1e-12)


@pytest.mark.parametrize("loss", networks.SIZES)
def test_the_size_is_read_off_the_loss_and_is_that_of_the_signed_orbit(loss):
    start = networks.weights(0.8, 2.0, 30, 3)
    one = networks.trained(loss, 30, [0.7], 5, initial_weights=start).isel(learning_rate=0)
    f, scaled = networks.orbit(loss, start, 0.7, 5)
    assert one["size"].values == pytest.approx(np.abs(f), rel=1e-6)
    assert 0.7 * one.ntk.values == pytest.approx(scaled, rel=1e-12)


def test_an_orbit_is_nan_after_it_has_left():
    start = networks.weights(2.0, 9.0, 30, 3)
    f, _ = networks.orbit("squared", start, 0.7, 6, largest=np.inf)
    assert (np.diff(np.abs(f)) > 0).all()
    cut, _ = networks.orbit("squared", start, 0.7, 6, largest=0.99 * abs(f[3]))
    assert np.array_equal(cut, np.where(np.arange(7) > 3, np.nan, f), equal_nan=True)
