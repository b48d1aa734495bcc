r"""All ten classes of CIFAR-10 at once, cross-entropy, in a matched pair of data sets: one separable, one not.

Fixed before anything was run but the certificates of two seeds and a timing on seed 100, which printed its accuracies:

* *Data.* 1,000 images, 100 of each class, 20 principal components. Separable, the control: those that the minimiser of
  the cross-entropy of linear outputs gets right. Non-separable: a random subset of the same size. Certified on every
  seed (:mod:`catapult.datasets.class_separability`). The 10,000 published test images: a tenth to choose on.
* *Networks.* One hidden layer of 64, linear and ReLU, ten outputs, NTK parametrisation, full batch.
* *Rates and comparisons.* 1/2 to 2.83 times η_crit = 2/sharpness at the start, three at or below, three above; equal
  steps (200), equal time, annealed (100 more) as in :mod:`catapult.chapters.cifar10.comparison`: 2 versions ×
  2 networks × 3 comparisons = 12 gains are looked at, never pooled. *Headline*: the ReLU network on non-separable data,
  its three gains; the linear network and the separable version are its controls.
* *Flatter*: log2 of the final sharpness at the largest rate compared over that at the smallest, linear network,
  non-separable; control: η_crit itself.
* *Seeds.* 10 were planned, of images and initial weights; 8 are recorded, so that a verdict stays open. The smallest
  gain that could be resolved is the half-width of its interval.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.cifar10 import comparison
from catapult.chapters.cifar10.experiment import ACTIVATIONS, VERSIONS
from catapult.datasets import Problem, cifar10, sources
from catapult.datasets.class_separability import certify_classes, minimiser, separates
from catapult.networks import Network
from catapult.runs.cells import one_by_one

MULTIPLES = (2.0 ** (np.arange(-2, 4) / 2)).tolist()
JOINED_OVER = ("seeds", "first_seed")


class Parameters(parameters.Parameters):
    """Which size, how long. The defaults are what is recorded."""

    samples: int = Field(1_000, ge=100, le=50_000, multiple_of=10, description="images drawn, as many of each class")
    components: int = Field(20, ge=2, le=1_000, description="principal components")
    width: int = Field(64, ge=2, le=1024, description="width of the hidden layer")
    steps: int = Field(200, ge=16, le=100_000, description="steps T at the rate itself")
    settle: int = Field(100, ge=1, le=100_000, description="further steps at the smallest rate")
    seeds: int = Field(8, ge=2, le=1000, description="seeds: images and initial weights")
    first_seed: int = Field(0, ge=0, le=10**6, description="the first of them: fresh ones begin at 10")
    dtype: Literal["float64", "float32"] = Field("float32", description="precision of the training")

    scales = {"quick": {"samples": 400, "components": 10, "width": 16, "steps": 32, "settle": 16,  # noqa: RUF012
                        "seeds": 2, "dtype": "float64"}}


def data(values: Parameters) -> str:
    """Return the checksum of the photographs."""
    return sources.fingerprint("cifar10")


def run(values: Parameters) -> xr.Dataset:
    """Return what :func:`.comparison.followed` does, over (version, activation, seed, …), ``certificate`` and ``n``."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str | int]]:
    """Return the cells: a seed each, with both versions, which are parts of one draw."""
    return [{"seed": seed} for seed in range(values.first_seed, values.first_seed + values.seeds)]


def cell(values: Parameters, seed: int) -> xr.Dataset:
    """Follow both networks at every rate on both versions of the data, from one seed."""
    runs = []
    for version, problem in versions_of(values, seed).items():
        networks = [comparison.followed(problem, Network((problem.dimension, values.width, len(cifar10.CLASSES)), name),
                                        MULTIPLES, seed, steps=values.steps, settle=values.settle,
                                        curvatures=[values.steps - 1, values.steps], dtype=values.dtype)
                    .expand_dims(activation=[name]) for name in ACTIVATIONS]
        both = xr.concat(networks, "activation", combine_attrs="override")
        runs.append(both.assign(certificate=certify_classes(problem.X, problem.y), n=len(problem.y))
                    .expand_dims(version=[version], seed=[seed]).assign_attrs(data=problem.name))
    return xr.concat(runs, "version", combine_attrs="override")


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all seeds."""
    return xr.concat(datasets, "seed", combine_attrs="override")


def versions_of(values: Parameters, seed: int) -> dict[str, Problem]:
    """Return the two versions of one seed's draw: as many images, in the same components."""
    whole = cifar10.ten_classes(samples=values.samples, components=values.components, seed=seed)
    right = np.flatnonzero(separates(minimiser(whole.X, whole.y), whole.X, whole.y))
    random = np.sort(np.random.default_rng([seed, 2]).permutation(len(whole.y))[:len(right)])
    return {version: Problem(whole.X[kept], whole.y[kept], whole.X_test, whole.y_test,
                             f"{whole.name}, {len(kept)} of them")
            for version, kept in zip(VERSIONS, (random, right), strict=True)}
