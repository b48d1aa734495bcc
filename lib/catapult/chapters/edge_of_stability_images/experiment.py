r"""Gradient descent, gradient flow and minibatches on photographs, with the sharpness along the way.

Fixed before the recorded runs, after trials of sizes and rates on seed 0, at widths of 100 and 200:

* *Data.* 1,000 images of CIFAR-10, 100 of each class, each colour less its mean and over its deviation. In the
  coordinates of an orthonormal basis of their span: the same problem (:mod:`catapult.training.reduced`).
* *Networks.* Two hidden layers of 64, tanh and ReLU, ten outputs, no biases, entries N(0, 1/(3 fan-in)): the variance
  of PyTorch's default. Squared loss ½‖f − one-hot‖² and cross-entropy.
* *Descent.* 714 full-batch steps at three rates a loss (``RATES``): the least below the edge all along, the control;
  the next one was meant to cross 2/η by progressive sharpening, and with the squared loss did not get there in time.
  What is said of the edge is therefore of the rates ``EDGE``, chosen after the runs. tanh with the squared loss starts
  above 2/η there: a catapult. ReLU with the cross-entropy has fitted its images before.
* *Edge.* Mean of η · sharpness/2 over the second half of the looks from the first one above 2/η on.
* *Flow.* Runge and Kutta's fourth-order method, steps ≤ 1/sharpness, tanh, up to ``FLOW_TIME``, from the same weights.
* *Seeds.* 3, of images and weights.

Fixed later, after all of this and before what follows was run:

* *Minibatches.* tanh, squared loss, the rate of ``EDGE``, batches of ``BATCHES``; sharpness of the whole loss.
  Prediction: over the second half of the looks the sharpness is lower the smaller the batch, on every seed, and
  with batches of 32 below 2/η.
* *Batch sharpness*, fixed after these, before it was computed: the mean over ``DRAWN`` batches of gᵀHg/|g|², the
  curvature of a batch's loss along its own gradient, which Andreyev and Beneventano (2024) find at 2/η. Prediction:
  over the second half of the looks between .8 and 1.25 times 2/η for each size and seed, and with batches of 32 nearer
  to 2/η than the sharpness is. It failed: for 32, about .4 and still rising, and for 128 on one seed; nor were batches
  of 32 nearer. So, chosen after looking: the same with 2,142 steps. Prediction: between .8 and 1.25 for each size and
  seed.
  Then, as batches of 32 were still rising after these and trials of 8,000 steps reached 2/η: 8,007 steps. Prediction:
  over the second half of the looks between .9 and 1.1 times 2/η for each size and seed; the sharpness below it for 32.
* *Eigenvalues.* The largest four along one run a loss, tanh, seed 0. Prediction: with the squared loss, which hovers a
  quarter above 2/η, two or more are above .9 · 2/η at the end; with the cross-entropy one.
* *More steps.* tanh, squared loss, 2,142 steps. Prediction: the middle rate crosses 2/η on every seed.
* *More images.* tanh, squared loss, 5,000 images. Prediction: the largest rate is at the edge, between 1 and 1.3 as
  with 1,000, and the middle one is sharper at the end than with 1,000, on every seed.

The sharpness is looked at every 51 steps: an odd number sees both sides of a period of two.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import torch
import xarray as xr
from pydantic import Field

from catapult import curvature, losses, parameters
from catapult.curvature import hessians, lanczos
from catapult.datasets import Problem, cifar10, sources
from catapult.networks import Network
from catapult.runs.cells import one_by_one
from catapult.training import train

ACTIVATIONS = ("tanh", "relu")
RATES = {"squared": (0.004, 0.012, 0.04), "cross_entropy": (0.004, 0.03, 0.1)}
EDGE = {"squared": 2, "cross_entropy": 1}
"""Which of the rates reaches 2/η and stays there for a while."""
FLOW_TIME = {"squared": 8.0, "cross_entropy": 10.0}
BATCHES = (32, 128, 512)
DRAWN = 16  # batches at a look
COUNT = 4  # largest eigenvalues
TOLERANCE = 0.01  # of the sharpness, relative
JOINED_OVER = ("seeds", "parts")


class Parameters(parameters.Parameters):
    """How many images, how wide, how long. The defaults are what is recorded."""

    samples: int = Field(1_000, ge=100, le=50_000, multiple_of=10, description="images drawn, as many of each class")
    width: int = Field(64, ge=2, le=1024, description="width of the two hidden layers")
    steps: int = Field(714, ge=8, le=100_000, description="steps of gradient descent")
    every: int = Field(51, ge=1, le=1000, description="steps from one look at the sharpness to the next")
    seeds: int = Field(3, ge=2, le=1000, description="seeds: images and initial weights")

    parts: Literal["runs", "descent", "minibatches", "eigenvalues"] = Field(
        "runs", description="descent and gradient flow; or, of tanh, descent with the squared loss alone; or "
                            "minibatches with it; or the largest eigenvalues along a run")

    scales = {"quick": {"samples": 100, "width": 16, "steps": 140, "seeds": 2}}  # noqa: RUF012


def data(values: Parameters) -> str:
    """Return the checksum of the photographs."""
    return sources.fingerprint("cifar10")


def run(values: Parameters) -> xr.Dataset:
    """Return what :func:`join` does."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str | int]]:
    """Return the cells of the parts asked for: a network, loss and seed each."""
    seeds = range(values.seeds)
    named = {"runs": [*(("descent", activation, loss, seed) for seed in seeds for activation in ACTIVATIONS
                        for loss in RATES),
                      *(("flow", "tanh", loss, seed) for seed in seeds for loss in RATES)],
             "descent": [("descent", "tanh", "squared", seed) for seed in seeds],
             "minibatches": [("batches", "tanh", "squared", seed) for seed in seeds],
             "eigenvalues": [("spectrum", "tanh", loss, 0) for loss in RATES]}[values.parts]
    return [dict(zip(("part", "activation", "loss", "seed"), each, strict=True)) for each in named]


def cell(values: Parameters, part: str, activation: str, loss: str, seed: int) -> xr.Dataset:
    """Compute one part, from one seed, over (seed, activation, loss_name, …)."""
    problem, network, weights = start(values, activation, seed)
    found = PARTS[part](values, problem, network, weights, loss, seed)
    return found.expand_dims(activation=[activation], loss_name=[loss], seed=[seed])


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return all parts; what was not computed for a network, loss or seed is NaN there."""
    every = xr.merge(datasets, compat="no_conflicts", join="outer", combine_attrs="override")
    return every.assign_coords({name: every[name].astype(str) for name in ("activation", "loss_name")})


def start(values: Parameters, activation: str, seed: int) -> tuple[Problem, Network, list[torch.Tensor]]:
    """Return images, network and initial weights, float32, all in the span of the images."""
    pictures, rng = cifar10.images(), np.random.default_rng([seed, 12])
    drawn = np.concatenate([rng.permutation(np.flatnonzero(pictures.train_labels == label))[:values.samples // 10]
                            for label in range(10)])
    colours = pictures.train[drawn] / 255
    X = ((colours - colours.mean((0, 1, 2))) / colours.std((0, 1, 2))).reshape(len(drawn), -1)
    basis = np.linalg.qr(X.T)[0]  # (3072, n)
    network = Network((basis.shape[1], values.width, values.width, 10), activation, "standard")
    drawn_in_pixels = Network((len(basis), *network.widths[1:]), activation, "standard").initialise(seed)
    weights = [matrix / 3**0.5 for matrix in drawn_in_pixels]
    return (Problem(X @ basis, pictures.train_labels[drawn], name=f"{len(drawn)} images"), network,
            [(weights[0] @ torch.as_tensor(basis)).float(), *(matrix.float() for matrix in weights[1:])])


class Curvature:
    """The Hessian of one run, whose last top vector starts the next search."""

    def __init__(self, problem: Problem, network: Network, loss: str, seed: int):
        self.network, self.loss, self.seed, self.vector = network, losses.get(loss, network.outputs), seed, None
        self.X, self.y = torch.as_tensor(problem.X.copy()).float(), torch.as_tensor(problem.y.copy()).long()

    def sharpness(self, weights: list[torch.Tensor], moment: int) -> float:
        """Return the sharpness, to ``TOLERANCE``; the moment draws its noise."""
        (value,), self.vector = curvature.sharpness_of_runs(
            self.network, self.loss, [matrix[None] for matrix in weights], self.X, self.y, self.vector,
            tolerance=TOLERANCE, seeds=[(self.seed, moment)])
        return float(value)

    def eigenvalues(self, weights: list[torch.Tensor], moment: int) -> np.ndarray:
        """Return the ``COUNT`` largest eigenvalues, falling."""
        product, size = hessians.products(self.network, self.loss, [matrix[None] for matrix in weights], self.X, self.y)
        return lanczos.largest_few(product, size, COUNT, (self.seed, moment), TOLERANCE, self.X)[0]

    def along_gradients(self, weights: list[torch.Tensor], size: int, moment: int) -> float:
        """Return the batch sharpness: gᵀHg/|g|² of the loss of a batch of so many, the mean over ``DRAWN`` of them."""
        rng, found = np.random.default_rng([self.seed, moment, size]), []
        weights = [matrix.detach().requires_grad_() for matrix in weights]
        for _ in range(DRAWN):
            batch = torch.as_tensor(rng.permutation(len(self.X))[:size])
            loss = self.loss.of(self.network.forward(weights, self.X[batch]), self.y[batch]).mean()
            slopes = torch.autograd.grad(loss, weights, create_graph=True)
            still = [slope.detach() for slope in slopes]
            square = sum((slope * fixed).sum() for slope, fixed in zip(slopes, still, strict=True))
            products = torch.autograd.grad(square, weights)
            curvature_along = sum((product * fixed).sum() for product, fixed in zip(products, still, strict=True))
            found.append(curvature_along / square.item())
        return float(torch.stack(found).mean())

    def gradient(self, weights: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the gradient of the mean loss."""
        weights = [matrix.detach().requires_grad_() for matrix in weights]
        return list(torch.autograd.grad(self.mean_loss(weights), weights))

    def mean_loss(self, weights: list[torch.Tensor]) -> torch.Tensor:
        """Return the mean loss."""
        return self.loss.of(self.network.forward(weights, self.X), self.y).mean()


def descended(values, problem, network, weights, loss, rate, seed, look, batch_size=None):
    """Follow one run; return its training loss at every step, and what ``look(weights, step)`` sees every so often.

    From the step of a blow-up on all is NaN.
    """
    losses_seen, seen = np.full(values.steps + 1, np.nan), []
    for first in range(0, values.steps + 1, values.every):
        seen.append(look(weights, first))
        length = min(values.every, values.steps - first)
        if not length:
            break
        result = train(problem, network, rate, loss=loss, steps=length, record=("loss", "weights"), dtype="float32",
                       seeds=(1000 * seed + first,), batch_size=batch_size, initial_weights=weights)
        losses_seen[first:first + length + 1] = result.loss.values.ravel()
        if result.phase.item() == "divergent" or not np.isfinite(losses_seen[first + length]):
            break
        weights = [torch.as_tensor(matrix).float() for matrix in network.matrices(result.weights.values.ravel())]
    return losses_seen, seen


def _padded(values: Parameters, seen: list) -> np.ndarray:
    """Return what was seen at :func:`looks`, NaN where a run had blown up."""
    missing = len(looks(values)) - len(seen)
    return np.concatenate([seen, np.full((missing, *np.shape(seen[0])), np.nan)]) if missing else np.array(seen)


def looks(values: Parameters) -> np.ndarray:
    """Return the steps at which the sharpness is looked at."""
    return np.arange(0, values.steps + 1, values.every)


def _descent(values, problem, network, weights, loss, seed):
    runs = [descended(values, problem, network, weights, loss, rate, seed,
                      Curvature(problem, network, loss, seed).sharpness) for rate in RATES[loss]]
    curves, sharpnesses = np.array([run[0] for run in runs]), np.array([_padded(values, run[1]) for run in runs])
    return xr.Dataset({"loss": (("place", "step"), curves.astype(np.float32)),
                       "sharpness": (("place", "look"), sharpnesses.astype(np.float32))},
                      {"place": range(3), "step": range(values.steps + 1), "look": looks(values)})


def _batches(values, problem, network, weights, loss, seed):
    found = []
    for size in BATCHES:
        size, of = min(size, values.samples), Curvature(problem, network, loss, seed)

        def look(weights, step, size=size, of=of):
            return of.sharpness(weights, step), of.along_gradients(weights, size, step)

        curve, seen = descended(values, problem, network, weights, loss, RATES[loss][EDGE[loss]], seed, look, size)
        found.append(np.column_stack([curve[::values.every], _padded(values, seen)]))
    found = np.array(found, np.float32)  # (batch, look, quantity)
    return xr.Dataset({name: (("batch", "look"), found[..., place]) for place, name in enumerate(
        ("batch_loss", "whole_sharpness", "batch_sharpness"))}, {"batch": list(BATCHES), "look": looks(values)})


def _flow(values, problem, network, weights, loss, seed):
    """Runge and Kutta, every step at most the inverse of the last sharpness seen; it is seen every 1/20 of all."""
    of, times, seen = Curvature(problem, network, loss, seed), np.linspace(0, FLOW_TIME[loss], 21), []
    for moment, span in enumerate([*np.diff(times), 0.0]):
        seen.append((float(of.mean_loss(weights)), of.sharpness(weights, moment)))
        count = int(np.ceil(span * seen[-1][1]))
        for _ in range(count):
            weights = runge_kutta(of.gradient, weights, span / count)
    found = np.array(seen, np.float32)
    return xr.Dataset({"flow_loss": ("moment", found[:, 0]), "flow_sharpness": ("moment", found[:, 1])},
                      {"moment": range(len(times))}).assign(flow_time=("moment", times.astype(np.float32)))


def runge_kutta(gradient, weights, step):
    """Return the weights after one step of the fourth-order method along minus the gradient."""
    slope, total = gradient(weights), [torch.zeros_like(matrix) for matrix in weights]
    for weight, ahead in ((1, 0.5), (2, 0.5), (2, 1.0), (1, None)):
        total = [t + weight / 6 * s for t, s in zip(total, slope, strict=True)]
        if ahead is not None:
            slope = gradient([w - ahead * step * s for w, s in zip(weights, slope, strict=True)])
    return [w - step * t for w, t in zip(weights, total, strict=True)]


def _spectrum(values, problem, network, weights, loss, seed):
    of, some = Curvature(problem, network, loss, seed), looks(values)[::2]

    def look(weights, step):
        return of.eigenvalues(weights, step) if step in some else np.full(COUNT, np.nan)

    seen = _padded(values, descended(values, problem, network, weights, loss, RATES[loss][EDGE[loss]], seed, look)[1])
    return xr.Dataset({"eigenvalues": (("look", "eigenvalue"), seen.astype(np.float32))},
                      {"look": looks(values), "eigenvalue": range(1, COUNT + 1)})


PARTS = {"descent": _descent, "flow": _flow, "batches": _batches, "spectrum": _spectrum}
