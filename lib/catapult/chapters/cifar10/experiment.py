r"""Two classes of CIFAR-10, in a version that is certified non-separable and one that is separable, three ways.

Fixed before the recorded runs, after trials of their sizes on single seeds:

* *Data.* A pair of classes (headlines: automobile against dog; cat against dog), n = 512. Non-separable: 50 principal
  components. Separable, the control: the 3,072 pixels. Certified on every seed. All other images of the pair, training
  and test, 11,488, are test images: a tenth to choose on, nine tenths (over 10,000) to judge on.
* *Networks.* One hidden layer of 128, linear and ReLU, no biases, NTK parametrisation, full batch, logistic loss.
* *Rates.* 1/4 to 5.66 times η_crit = 2/sharpness at the start, half an octave apart: five at or below, five above.
* *Comparisons.* Equal steps, equal time, annealed (:mod:`.comparison`): the gain of rates above η_crit over equally
  many at or below. 2 pairs × 2 versions × 2 networks × 3 comparisons = 24 cells are looked at, never pooled. An
  interval at 95 % excludes 0 by chance in one of twenty: what is claimed of one cell has to hold at 10 fresh seeds
  (``first_seed = 10``) too.
* *Seeds.* 10, of images and initial weights. The smallest gain that an interval could resolve is its half-width,
  printed beside each.
* *Sharpness.* At t and t + 1, against 2/η at the end of the steps at the rate itself.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult import parameters
from catapult.chapters.cifar10 import comparison
from catapult.datasets import Problem, certify, cifar10, sources
from catapult.networks import Network
from catapult.runs.cells import one_by_one

VERSIONS = ("non-separable", "separable")
ACTIVATIONS = ("linear", "relu")
PAIRS = (("automobile", "dog"), ("cat", "dog"))
"""The pairs of classes that are recorded."""
JOINED_OVER = ("versions", "seeds", "first_seed")


class Parameters(parameters.Parameters):
    """Which classes, which network, how long. The defaults are what is recorded: some fifteen minutes of one core."""

    positive: Literal[cifar10.CLASSES] = Field("automobile", description="the class with label +1")
    negative: Literal[cifar10.CLASSES] = Field("dog", description="the class with label −1")
    samples: int = Field(512, ge=32, le=9_000, description="training images n")
    components: int = Field(50, ge=1, le=3072, description="principal components that the non-separable version keeps")
    versions: Literal["both", "non-separable"] = Field("both", description="both versions of the data, or one")
    width: int = Field(128, ge=2, le=1024, description="width of the hidden layer")
    steps: int = Field(300, ge=16, le=100_000, description="steps T at the rate itself")
    settle: int = Field(150, ge=1, le=100_000, description="further steps at the smallest rate")
    octaves_down: int = Field(2, ge=1, le=10, description="octaves of learning rates at or below 2/sharpness")
    seeds: int = Field(10, ge=2, le=1000, description="seeds: images and initial weights")
    first_seed: int = Field(0, ge=0, le=10**6, description="the first of them: fresh ones begin at 10")
    dtype: Literal["float64", "float32"] = Field("float32", description="precision of the training")

    @model_validator(mode="after")
    def _fits(self):
        if self.positive == self.negative:
            raise ValueError(f"positive = negative = {self.positive}; allowed: two different classes")
        if self.components > self.samples:
            raise ValueError(f"components = {self.components}, samples = {self.samples}; allowed: at most as many "
                             "components as samples")
        return self

    scales = {"quick": {"samples": 128, "components": 20, "width": 32, "steps": 64, "settle": 16,  # noqa: RUF012
                        "seeds": 2, "versions": "non-separable",
                        "dtype": "float64"}}

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
    versions = {"both": VERSIONS, "non-separable": VERSIONS[:1]}[values.versions]
    return [{"version": version, "seed": seed} for version in versions
            for seed in range(values.first_seed, values.first_seed + values.seeds)]


def cell(values: Parameters, version: str, seed: int) -> xr.Dataset:
    """Follow both networks at every rate on one version of the data, from one seed, and certify its kind."""
    problem = problem_of(values, version, seed)
    runs = [comparison.followed(problem, Network((problem.dimension, values.width, 1), activation), values.multiples,
                                seed, steps=values.steps, settle=values.settle,
                                curvatures=comparison.curvature_steps(values.steps), dtype=values.dtype)
            .expand_dims(activation=[activation]) for activation in ACTIVATIONS]
    both = xr.concat(runs, "activation", combine_attrs="override").assign(certificate=certify(problem.Z).kind)
    return both.expand_dims(version=[version], seed=[seed]).assign_attrs(data=problem.name)


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all cells."""
    names = {dataset.version.item(): dataset.attrs["data"] for dataset in reversed(datasets)}
    runs = xr.combine_by_coords(datasets, combine_attrs="override")
    return runs.sel(version=[version for version in VERSIONS if version in names]).assign_attrs(names)


def problem_of(values: Parameters, version: str, seed: int) -> Problem:
    """Return the problem of one version and seed; all images that are not drawn are test images."""
    features = {"separable": "pixels", "non-separable": "components"}[version]
    return cifar10.two_classes((values.positive, values.negative), samples=values.samples, features=features,
                               components=values.components, seed=seed, unused=True)
