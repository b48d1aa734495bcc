r"""A small convolutional network on two classes of CIFAR-10, on images that a linear predictor separates, or cannot.

Fixed before the recorded run, after trials of sizes on seed 100 (narrower ReLU networks died at rates below η_crit);
twice as many steps were too slow, and dropped before their one finished cell was looked at:

* *Data.* Automobile against dog, n = 256. Separable, the control: the pixels. Non-separable: the same images projected
  onto their first 50 principal components, still 32 × 32 × 3 pixels, centred before. What is certified there are the 50
  coordinates: a linear predictor of the images is one of those, up to the rounding of the projection. The test images
  are the first 3,000 of all others, in one order for all seeds: a tenth to choose on, nine tenths to judge on.
* *Networks.* Two convolutions, 3 × 3 at stride 3, of 16 and 32 channels, and a linear read-out; linear and ReLU, no
  biases, NTK parametrisation, full batch, logistic loss.
* *Rates and comparisons.* 1/4 to 5.66 times η_crit = 2/sharpness at the start; equal steps (64), equal time, annealed
  (32 more), as in :mod:`catapult.chapters.cifar10.comparison`: 2 versions × 2 networks × 3 comparisons = 12 gains are
  looked at, never pooled. *Headline*: the non-separable version, the separable one is its control.
* *Deaths.* A rate counts where no seed of the cell diverged or died; if that leaves none above η_crit, the gain cannot
  be had. Hence a second rule: every seed at the rates that it itself survives, which its training loss tells; seeds
  with none above η_crit are left out and counted.
* *Seeds.* 10, of images and initial weights. The smallest gain that could be resolved is half the width of its
  interval.
* *Sharpness.* The mean of the last two steps at the rate itself, against 2/η and against the start.
"""

from __future__ import annotations

import functools
import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult import parameters
from catapult.chapters.cifar10 import comparison
from catapult.chapters.cifar10.experiment import ACTIVATIONS, VERSIONS
from catapult.datasets import Problem, certify, cifar10, sources
from catapult.networks.convolutional import ConvolutionalNetwork
from catapult.runs.cells import one_by_one

CLASSES = ("automobile", "dog")
IMAGE = (32, 32, 3)
JOINED_OVER = ("seeds", "first_seed")


class Parameters(parameters.Parameters):
    """Which network, how long. The defaults are what is recorded."""

    samples: int = Field(256, ge=32, le=2_000, description="training images n")
    components: int = Field(50, ge=1, le=2_000, description="principal components that the non-separable images keep")
    test_samples: int = Field(3_000, ge=20, le=8_000, description="test images, of all that a seed does not train on")
    channels: int = Field(16, ge=1, le=256, description="channels of the first convolution; the second has twice these")
    kernel: int = Field(3, ge=1, le=8, description="side of a patch")
    stride: int = Field(3, ge=1, le=4, description="step from patch to patch")
    steps: int = Field(64, ge=16, le=100_000, description="steps T at the rate itself")
    settle: int = Field(32, ge=1, le=100_000, description="further steps at the smallest rate")
    octaves_down: int = Field(2, ge=1, le=10, description="octaves of learning rates at or below 2/sharpness")
    seeds: int = Field(10, ge=2, le=1000, description="seeds: images and initial weights")
    first_seed: int = Field(0, ge=0, le=10**6, description="the first of them: fresh ones begin at 10")
    dtype: Literal["float64", "float32"] = Field("float32", description="precision of the training")

    scales = {"quick": {"samples": 128, "components": 20, "test_samples": 200, "channels": 4,  # noqa: RUF012
                        "steps": 16, "settle": 8, "octaves_down": 1, "seeds": 2, "dtype": "float64"}}

    @model_validator(mode="after")
    def _fits(self):
        if self.components > self.samples:
            raise ValueError(f"components = {self.components}, samples = {self.samples}; allowed: at most as many "
                             "components as samples")
        return self

    @property
    def multiples(self) -> list[float]:
        """The learning rates in units of 2/sharpness at the start: equally many at or below 1 and above."""
        return (2.0 ** (np.arange(-2 * self.octaves_down, 2 * self.octaves_down + 2) / 2)).tolist()


def data(values: Parameters) -> str:
    """Return the checksum of the photographs."""
    return sources.fingerprint("cifar10")


def run(values: Parameters) -> xr.Dataset:
    """Return what :func:`.comparison.followed` does, over (version, activation, seed, …), and ``certificate``."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str | int]]:
    """Return the cells: a version and a seed each."""
    return [{"version": version, "seed": seed} for seed in range(values.first_seed, values.first_seed + values.seeds)
            for version in VERSIONS]


def cell(values: Parameters, version: str, seed: int) -> xr.Dataset:
    """Follow both networks at every rate on one version of the images, from one seed, and certify its kind."""
    problem, coordinates = problem_of(values, version, seed)
    runs = [comparison.followed(problem, network(values, activation), values.multiples, seed, steps=values.steps,
                                settle=values.settle, curvatures=[values.steps - 1, values.steps], dtype=values.dtype)
            .expand_dims(activation=[activation]) for activation in ACTIVATIONS]
    kind = certify(problem.y[:, None] * coordinates).kind
    both = xr.concat(runs, "activation", combine_attrs="override").assign(certificate=kind)
    return both.expand_dims(version=[version], seed=[seed]).assign_attrs(data=problem.name)


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all cells."""
    names = {dataset.version.item(): dataset.attrs["data"] for dataset in reversed(datasets)}
    runs = xr.combine_by_coords(datasets, combine_attrs="override")
    return runs.sel(version=list(VERSIONS)).assign_attrs(names)


def network(values: Parameters, activation: str) -> ConvolutionalNetwork:
    """Return the network: two convolutions and a read-out."""
    return ConvolutionalNetwork(IMAGE, (values.channels, 2 * values.channels), 1, activation, kernel=values.kernel,
                                stride=values.stride)


def problem_of(values: Parameters, version: str, seed: int) -> tuple[Problem, np.ndarray]:
    """Return the problem of one version and seed, its inputs images, and the coordinates in which it is certified.

    The separable version is certified as it stands.
    """
    whole = _drawn(values.samples, values.test_samples, seed)
    return (whole, whole.X) if version == "separable" else projected(whole, values.components)


@functools.lru_cache(maxsize=1)
def _drawn(samples: int, test_samples: int, seed: int) -> Problem:
    """Return one seed's images, of which both versions are made."""
    every = cifar10.two_classes(CLASSES, samples=samples, features="pixels", seed=seed, unused=True)
    return Problem(every.X, every.y, every.X_test[:test_samples], every.y_test[:test_samples],
                   f"{every.name}, the first {test_samples} of these test images")


def projected(problem: Problem, components: int) -> tuple[Problem, np.ndarray]:
    """Return the problem with every input projected onto the first principal components of X, and X's coordinates.

    An input stays of its length d, so that an image stays an image; the mean of |x|² over X stays d. A linear
    predictor w of the projected inputs is one of the coordinates, and each of those is one.
    """
    directions = np.linalg.svd(problem.X, full_matrices=False)[2][:components].T
    coordinates = problem.X @ directions
    scale = np.sqrt(problem.X.size / np.sum(coordinates**2))
    X, X_test = (scale * (inputs @ directions) @ directions.T for inputs in (problem.X, problem.X_test))
    return Problem(X, problem.y, X_test, problem.y_test, f"{problem.name}, projected onto {components} principal "
                   "components of the training images"), scale * coordinates
