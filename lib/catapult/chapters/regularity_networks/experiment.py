r"""A network with 200 hidden units on 1,000 images of CIFAR-10: losses, activations and normalisations of every order.

*Setting*, that of runs that a co-author of Wang, Xu, Zhao and Tao (2023) has published (:mod:`.theirs`): the first
1,000 training images, pixels standardised over all 50,000, channels first; ten classes; :math:`f = W_2\,\phi(W_1 x)`;
PyTorch's own initial weights from seed 0, rescaled to Frobenius norms 6 and 20; the squared loss
:math:`\frac12|f - e|^2` and Huber's, summed over classes, mean over images; full batches; single precision.
400 steps, where theirs take 400 to 100,000.

Fixed before the recorded runs, after the first steps of two rates a cell:

* *Growth order.* That of the loss in c where all weights are multiplied by c, c → ∞ (:func:`growth_order`): 1 for
  Huber with tanh or with a normalisation, 2 for the squared loss with these and for Huber with ReLU, 4 for the squared
  loss with ReLU and for Huber with ReLU³, 8 for the squared loss with ReLU³.
* *Survival.* From each of ``seeds`` initial weights rates double from 2/sharpness at the start until a run is lost
  within ``survival_steps`` (its loss passes 10⁶ times that at the start); counted are the octaves that it survives, at
  most ``octaves``. *Prediction* (our reading of the abstract's sentence on networks): the lower the growth order, the
  more octaves. Headlines, paired by seed: Huber less squared loss, tanh less ReLU³, batch normalisation less none (of
  ReLU³); control: batch less layer normalisation, which have the same order.
* *Compared with theirs*, run by run: the loss at the start and its peak; loss, sharpness and norms at step 400.
"""

from __future__ import annotations

import functools
import sys
from itertools import product
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.regularity_networks import theirs
from catapult.datasets import Problem, cifar10, sources
from catapult.networks import Network
from catapult.runs.cells import one_by_one

LOSSES, ACTIVATIONS, NORMALISATIONS = ("squared", "huber"), ("relu", "tanh", "relu3"), ("none", "batch", "layer")
COMBINATIONS = tuple(product(LOSSES, ACTIVATIONS, NORMALISATIONS))
GRID = (1e-5, 1e-4, 3e-4, 1e-3)
"""Learning rates without normalisation, and of ReLU with the squared loss; those of the published runs are added."""
COARSE = (1e-4, 1e-3)
"""Those of the other normalised networks, whose steps cost three times as much."""
DOUBLE = ("squared", "relu", "none")
"""The combination that is followed in double precision, too."""
DOUBLE_RATES = (1e-4, 2e-4, 3e-4)
DIVERGENCE = 1e6
"""Loss over that at the start from which a run is lost. The published runs come back from 1,600."""
NORMS = (6.0, 20.0)
JOINED_OVER = ("seeds", "parts", "networks")


class Parameters(parameters.Parameters):
    """How many images and steps. The defaults are what is recorded."""

    samples: int = Field(1000, ge=10, le=50_000, description="training images, the first so many")
    width: int = Field(200, ge=2, le=2048, description="hidden units")
    steps: int = Field(400, ge=5, le=100_000, description="steps at the rates of the grid and of the published runs")
    survival_steps: int = Field(60, ge=4, le=10_000, description="steps within which a rate survives")
    octaves: int = Field(8, ge=1, le=30, description="octaves above 2/sharpness at the start that are tried")
    parts: Literal["both", "survival", "runs"] = Field("both", description="how far rates survive, the runs that are "
                                                       "compared with the published ones, or both and a few "
                                                       "in double precision")
    networks: Literal["all", "batch", "plain"] = Field(
        "all", description="all; without normalisation, and batch normalisation with the squared loss; only the former")
    seeds: int = Field(3, ge=2, le=1000, description="seeds of the initial weights whose survival is counted")

    scales = {"quick": {"samples": 60, "width": 8, "steps": 8, "survival_steps": 8, "octaves": 2,  # noqa: RUF012
                        "seeds": 2}}


def data(values: Parameters) -> str:
    """Return the checksum of the photographs."""
    return sources.fingerprint("cifar10")


def run(values: Parameters) -> xr.Dataset:
    """Return what is recorded of the runs over (combination, rate), and ``survived`` over (combination, seed)."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str | int]]:
    """Return the cells: survival by seed, the runs of each combination, and those in double precision."""
    survival = [_named("survival", names, seed) for seed in range(values.seeds) for names in combinations(values)]
    runs = [_named("runs", names, 0) for names in combinations(values)]
    return {"both": [*survival, *runs, _named("double", DOUBLE, 0)], "survival": survival, "runs": runs}[values.parts]


def combinations(values: Parameters) -> list[tuple[str, str, str]]:
    """Return loss, activation and normalisation of the networks that are asked for."""
    kinds = {"all": lambda loss, normalisation: True, "plain": lambda loss, normalisation: normalisation == "none",
             "batch": lambda loss, normalisation: normalisation == "none" or (loss, normalisation) == (
                 "squared", "batch")}
    return [names for names in COMBINATIONS if kinds[values.networks](names[0], names[2])]


def _named(part: str, names: tuple[str, str, str], seed: int) -> dict[str, str | int]:
    return dict(zip(("part", "loss", "activation", "normalisation", "seed"), (part, *names, seed), strict=True))


def cell(values: Parameters, part: Literal["runs", "double", "survival"], loss: str, activation: str,
         normalisation: str, seed: int) -> xr.Dataset:
    """Return one cell."""
    names = (loss, activation, normalisation)
    if part == "survival":
        found = survival(values, names, seed).expand_dims(seed=[seed])
    elif part == "double":
        followed = _followed(values, names, DOUBLE_RATES, "float64")
        return followed.rename({name: f"double_{name}" for name in followed.data_vars}).rename(rate="double_rate")
    else:
        found = _followed(values, names, rates_of(names), "float32")
    return found.expand_dims(combination=["-".join(names)])


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return all cells in one data set; a rate that a combination has not is NaN there."""
    found = []
    if survival := [each for each in datasets if "survived" in each]:
        found.append(xr.combine_by_coords(survival, combine_attrs="override"))
    if runs := [each for each in datasets if "loss" in each]:
        found.append(xr.concat(runs, "combination", join="outer", combine_attrs="override"))
    found += [each for each in datasets if "double_loss" in each]
    names = ["-".join(each) for each in combinations(values)]
    whole = xr.merge(found, combine_attrs="override", join="outer").sel(combination=names)
    return whole.assign_coords(combination=names)  # concatenated, strings may be cut to the length of the first


def rates_of(names: tuple[str, str, str]) -> list[float]:
    """Return the learning rates of a combination: the grid and those of its published runs."""
    grid = GRID if names[2] == "none" or names[:2] == ("squared", "relu") else COARSE
    return sorted({*grid, *(run.rate for run in published(names))})


def published(names: tuple[str, str, str]) -> tuple[theirs.Run, ...]:
    """Return the published runs of a combination."""
    return theirs.RUNS.get(key(names), ())


def key(names: tuple[str, str, str]) -> tuple[str, str, str | None]:
    """Return loss, activation and normalisation as networks and :mod:`.theirs` name them."""
    loss, activation, normalisation = names
    return loss, activation, None if normalisation == "none" else normalisation


def growth_order(names: tuple[str, str, str]) -> int:
    """Return the order in c of the loss with all weights times c, c → ∞: that of the loss times that of the network."""
    loss, activation, normalisation = names
    hidden = {"relu": 1, "tanh": 0, "relu3": 3}[activation] if normalisation == "none" else 0
    return {"squared": 2, "huber": 1}[loss] * (1 + hidden)


@functools.lru_cache(maxsize=2)
def images(samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first training images (n, 3072), standardised with mean and population deviation over all 50,000.

    Pixels / 255, channels first; single precision.
    """
    pictures = cifar10.images()
    number, total, squares = len(pictures.train), 0, 0
    for part in np.array_split(pictures.train, 50):
        rows = part.transpose(0, 3, 1, 2).reshape(len(part), -1).astype(np.int64)
        total, squares = total + rows.sum(0), squares + (rows**2).sum(0)
    deviation = np.sqrt(number * squares - total**2) / number
    first = pictures.train[:samples].transpose(0, 3, 1, 2).reshape(samples, -1)
    return ((first - total / number) / deviation).astype(np.float32), pictures.train_labels[:samples]


def initial_weights(inputs: int, width: int, seed: int) -> list:
    """Return the initial weights, tensors of shapes (width, inputs) and (10, width), of norms ``NORMS``.

    PyTorch's ``Linear`` draws them, the first layer first, after ``torch.manual_seed(seed)``, whose generator is left
    as it was.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = [torch.nn.Linear(*shape, bias=False).weight.detach() for shape in ((inputs, width), (width, 10))]
    return [matrix / matrix.norm() * norm for matrix, norm in zip(drawn, NORMS, strict=True)]


def setting(values: Parameters, names: tuple[str, str, str], seed: int, dtype: str = "float32",
            reduced: bool = True) -> tuple[Problem, Network, list, float]:
    """Return problem, network, initial weights, and the squared norm of the part of the first layer that never moves.

    ``reduced``: in the span of the images, X = R Qᵀ, in which the first layer moves, normalised or not: the
    preactivations are those of W_1 Q on R. It is a third of the work.
    """
    import torch

    X, y = images(values.samples)
    W1, W2 = initial_weights(X.shape[1], values.width, seed)
    _, activation, normalisation = key(names)
    X, W1 = (torch.as_tensor(each).to(getattr(torch, dtype)) for each in (X, W1))
    still = 0.0
    if reduced:
        Q, R = _span(values.samples)
        still = float(W1.double().square().sum() - (W1.double() @ Q).square().sum())
        X, W1 = R.to(X.dtype), (W1.double() @ Q).to(X.dtype)
    network = Network((X.shape[1], values.width, 10), activation, "standard", normalisation)
    return Problem(X, y), network, [W1, W2.to(X.dtype)], still


@functools.lru_cache(maxsize=2)
def _span(samples: int) -> tuple:
    import torch

    Q, R = torch.linalg.qr(torch.as_tensor(images(samples)[0]).double().mT)
    return Q, R.mT.contiguous()


def _recorded_steps(steps: int) -> list[int]:
    return np.unique([0, 1, 2, 3, 5, *np.linspace(0, steps, 21).round().astype(int)]).tolist()


def _followed(values: Parameters, names: tuple[str, str, str], rates, dtype: str) -> xr.Dataset:
    """Follow one combination at some rates from seed 0.

    Returns
    -------
    xarray.Dataset
        Over ``rate``: ``loss`` at some steps, ``sharpness`` at the first and the last, ``peak``, the largest loss,
        ``norms`` (layer) after the last step, all NaN from where a run is lost, and ``phase``.
    """
    from catapult.training import train

    problem, network, weights, still = setting(values, names, 0, dtype)
    runs = train(problem, network, rates, loss=names[0], steps=values.steps, dtype=dtype, initial_weights=weights,
                 record=("loss", "sharpness", "weights"), divergence=DIVERGENCE,
                 every={"loss": _recorded_steps(values.steps), "sharpness": [0, values.steps]}).isel(seed=0, drop=True)
    norms = np.array([[np.linalg.norm(matrix) for matrix in network.matrices(vector)]
                      for vector in runs.weights.values.astype(float)])
    norms[:, 0] = np.sqrt(norms[:, 0] ** 2 + still)
    return xr.Dataset({
        "loss": runs.loss, "sharpness": runs.sharpness.sel(step=[0, values.steps]).rename(step="end").assign_coords(
            end=["first", "last"]),
        "peak": runs.peak_loss, "norms": (("learning_rate", "layer"), norms), "phase": runs.phase}).rename(
        learning_rate="rate")


def survival(values: Parameters, names: tuple[str, str, str], seed: int) -> xr.Dataset:
    """Return ``stable``, 2/sharpness at the start, and ``survived``: how many octaves above it a rate survives.

    Rates double from ``stable`` on; the first that is lost ends the count, −1 if that is ``stable`` itself.
    """
    from catapult.training import train

    problem, network, weights, _ = setting(values, names, seed)
    start = functools.partial(train, problem, network, loss=names[0], dtype="float32", initial_weights=weights)
    stable = 2 / start(1.0, steps=1, record="sharpness", every=[0]).sharpness.item(0)
    survived = -1
    while survived < values.octaves and start(stable * 2.0 ** (survived + 1), steps=values.survival_steps, every=[0],
                                              divergence=DIVERGENCE).phase.item() != "divergent":
        survived += 1
    return xr.Dataset({"survived": survived, "stable": stable})
