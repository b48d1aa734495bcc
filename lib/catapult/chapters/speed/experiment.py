"""The exact reductions, small and plain, with their products counted; how cost grows; phase maps.

The ``…_step`` functions are the chapter's derivations in a few lines each, one run at a time and in numpy: what the
engines of :mod:`catapult.training` do for many runs at once, and independent of them. Timings differ from machine to
machine and from run to run; everything else here repeats to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import datasets, losses, parameters, timing
from catapult.networks import Network
from catapult.theory import two_layer

REDUCTIONS = ("contracted", "span", "kernel", "narrow")
ENGINES = ("reference", "dense", "linear")
AXES = {"samples": "n", "width": "m", "depth": "hidden layers", "runs": "R"}
MAP_LOSSES = ("exponential", "logistic", "squared")
MAP_WIDTH = 100
MAP_NTK = 2.0


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    inputs: int = Field(256, description="inputs d of the networks that are timed", ge=8, le=4096)
    width: int = Field(192, description="their width m, where it does not vary", ge=8, le=2048)
    samples: int = Field(256, description="their samples n, where they do not vary", ge=8, le=8192)
    repeats: int = Field(3, description="turns of every timing", ge=1, le=50)
    grid: int = Field(400, description="points along each axis of the phase maps", ge=20, le=2000)
    seed: parameters.Seed = Field(0, description="seed of data and weights")

    scales: ClassVar = {
        "quick": {"inputs": 32, "width": 32, "samples": 64, "repeats": 1, "grid": 60},
        "paper": {"inputs": 784, "width": 512, "samples": 1024, "repeats": 7, "grid": 1000},
    }


def run(parameters: Parameters) -> xr.Dataset:
    """Return the reductions' errors and counts, the timings over each axis, the phase maps."""
    return xr.merge([_reductions(parameters), _timings(parameters), _maps(parameters)])


# The exact reductions. Weights are a list of matrices (m_l, m_{l-1}), the last with one row; no scales in front.


class Products:
    """Matrix products that count their multiplications."""

    def __init__(self):
        self.count = 0

    def __call__(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        self.count += A.shape[0] * A.shape[1] * B.shape[1]
        return A @ B


def _residual(f, y):
    """Return the derivatives of the mean logistic loss in the outputs f (n, 1)."""
    return y * losses.logistic.slope(y * f) / len(y)


def plain_step(W, X, y, rate, times, activate=lambda z: z, derivative=lambda h: 1.0):
    """One step layer by layer, as autograd does it. Return f before it, (n, 1); ``W`` is updated in place."""
    H = [X]
    for matrix in W[:-1]:
        H.append(activate(times(H[-1], matrix.T)))
    f = times(H[-1], W[-1].T)
    delta = _residual(f, y)
    for layer in reversed(range(len(W))):
        gradient = times(delta.T, H[layer])
        if layer:
            delta = times(delta, W[layer]) * derivative(H[layer])
        W[layer] -= rate * gradient
    return f


def contracted_step(W, X, y, rate, times):
    """One step of a linear network, contracted from the output side; every gradient has rank one."""
    b = [np.ones((1, 1))]
    for matrix in reversed(W):
        b.insert(0, times(b[0], matrix))
    f = times(X, b[0].T)
    a = times(_residual(f, y).T, X)
    for layer, matrix in enumerate(W):
        above = times(a, matrix.T) if layer < len(W) - 1 else None
        matrix -= rate * times(b[layer + 1].T, a)
        a = above
    return f


def kernel_step(state, K, y, rate, times):
    """One step of a two-layer ReLU network in the first layer's kernel form: ``state`` = [A, w2], A = X W₁ᵀ."""
    A, w = state
    H = np.maximum(A, 0)
    f = times(H, w.T)
    delta = _residual(f, y)
    below = times(delta, w) * (H > 0)
    w -= rate * times(delta.T, H)
    A -= rate * times(K, below)
    return f


def counted(form: str, samples: int, widths: tuple[int, ...]) -> int:
    """Return the multiplications of a step in this form, in closed form: see the chapter's formulas."""
    n, weights = samples, sum(a * b for a, b in pairwise(widths))
    if form == "plain":
        return n * (3 * weights - widths[0] * widths[1])
    if form == "contracted":
        return 3 * weights - widths[-2] + 2 * n * widths[0]
    return n * n * widths[1] + 3 * n * widths[1]  # kernel; two layers


def _network(widths, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((after, before)) / before**0.5 for before, after in pairwise(widths)]


def compare(form: str, loss_steps: int = 40, seed: int = 0) -> tuple[float, int, int, int]:
    """Train a small network plainly and in a reduced form.

    Returns
    -------
    The largest difference of the outputs over the steps, relative to the largest output; the multiplications of a
    step in the reduced form, counted; the same by formula; and those of a plain step, counted.
    """
    rng = np.random.default_rng(seed)
    n, widths = (12, (20, 15, 1)) if form in ("kernel", "narrow") else (12, (20, 15, 10, 1))
    X, y = rng.standard_normal((n, widths[0])), np.where(np.arange(n) % 2, 1.0, -1.0)[:, None]
    W = _network(widths, seed)
    step, expected = _reduced(form, [matrix.copy() for matrix in W], X, y)
    relu = (lambda z: np.maximum(z, 0), lambda h: h > 0) if form == "kernel" else ()
    plain, reduced, largest, worst = Products(), Products(), 0.0, 0.0
    for _ in range(loss_steps):
        f = plain_step(W, X, y, 0.5, plain, *relu)
        worst = max(worst, np.abs(step(reduced) - f).max())
        largest = max(largest, np.abs(f).max())
    return worst / largest, reduced.count // loss_steps, expected, plain.count // loss_steps


def _reduced(form: str, W, X, y) -> tuple[Callable[[Products], np.ndarray], int]:
    """Return one step of the reduced form, as a function of what counts, and its multiplications by formula."""
    n, widths = len(X), (X.shape[1], *(len(matrix) for matrix in W))
    if form == "kernel":
        state, K = [X @ W[0].T, W[1]], X @ X.T
        return lambda times: kernel_step(state, K, y, 0.5, times), counted(form, n, widths)
    if form in ("span", "narrow"):
        Q, R = np.linalg.qr(X.T)
        W[0], X = W[0] @ Q, R.T
    if form == "narrow":
        turn = np.linalg.qr(np.hstack([W[0], W[1].T]))[0]
        W = [turn.T @ W[0], W[1] @ turn]
    widths = (X.shape[1], *(len(matrix) for matrix in W))
    return lambda times: contracted_step(W, X, y, 0.5, times), counted("contracted", n, widths)


def _reductions(values: Parameters) -> xr.Dataset:
    rows = np.array([compare(form, seed=values.seed) for form in REDUCTIONS])
    names = ("difference", "multiplications", "multiplications_formula", "multiplications_plain")
    return xr.Dataset({name: ("reduction", column) for name, column in zip(names, rows.T, strict=True)},
                      coords={"reduction": list(REDUCTIONS)})


# How cost grows.


def gaussian(samples: int, inputs: int, seed: int = 0) -> datasets.Problem:
    """Return Gaussian inputs with random labels: what is timed does not depend on what is learnt."""
    rng = np.random.default_rng(seed)
    return datasets.Problem(rng.standard_normal((samples, inputs)), np.sign(rng.standard_normal(samples)),
                            name="Gaussian inputs, random labels")


def training(engine: str, problem: datasets.Problem, network: Network, runs: int, steps: int, **options):
    """Return a function without arguments that trains ``runs`` learning rates, all of them small."""
    import torch

    from catapult.training import train

    def call():
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return train(problem, network, np.geomspace(0.01, 0.1, runs), steps=steps, engine=engine, **options)
        finally:
            torch.set_num_threads(threads)

    return call


def axis_values(values: Parameters) -> dict[str, np.ndarray]:
    """Return the sizes along each axis."""
    return {"samples": values.samples * 2 ** np.arange(6) // 8, "width": values.width * 2 ** np.arange(6) // 8,
            "depth": np.array([1, 2, 4, 6]), "runs": 2 ** np.arange(4)}


def _timings(values: Parameters) -> xr.Dataset:
    """Seconds on the processor a step of one run; along the axis of runs, a step of all of them."""
    variables, axes = {}, axis_values(values)
    for axis, sizes in axes.items():
        seconds = np.array([_time(values, axis, int(size)) for size in sizes])  # (size, engine, repeat)
        variables[f"seconds_{axis}"] = ((axis, "engine", "repeat"), seconds)
        typical = np.median(seconds, axis=2).T
        variables[f"slope_{axis}"] = ("engine", [timing.slope(sizes, engine) for engine in typical])
    return xr.Dataset(variables, coords={"engine": list(ENGINES), **axes})


def _time(values: Parameters, axis: str, size: int) -> list[np.ndarray]:
    size_of = {"samples": values.samples, "width": values.width, "depth": 2, "runs": 4, axis: size}
    network = Network((values.inputs, *(size_of["width"],) * size_of["depth"], 1))
    problem = gaussian(size_of["samples"], values.inputs, values.seed)
    calls, units = {}, {}
    for engine in ENGINES:
        runs = 1 if engine == "reference" and axis != "runs" else size_of["runs"]
        steps = 2 if engine != "linear" else 10
        calls[engine] = training(engine, problem, network, runs, steps)
        units[engine] = steps * (1 if axis == "runs" else runs)
    seconds = timing.alternate(calls, values.repeats)
    return [seconds[engine] / units[engine] for engine in ENGINES]


# Phase maps.


def map_axes(loss: str, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return f0 and the learning rates of a phase map, each of shape (points,)."""
    edge = 8 if loss == "logistic" else 2  # of ηλ0
    return np.linspace(0.01, 3, points), np.geomspace(0.25, 8 if loss == "logistic" else 4, points) * edge / MAP_NTK


def _maps(values: Parameters) -> xr.Dataset:
    """Phase maps over (f0, η), and where a plain Python loop over every seventh point gives another label."""
    phases, wrong = [], []
    for loss in MAP_LOSSES:
        f0, rates = map_axes(loss, values.grid)
        labels = two_layer.phase_map(loss, f0[:, None], MAP_NTK, MAP_WIDTH, rates, steps=1000)
        some = [[python_label(loss, f, rate) for rate in rates[::7]] for f in f0[::7]]
        phases.append(np.select([labels == label for label in two_layer.LABELS], range(4)).astype(np.int8))
        wrong.append(int((labels[::7, ::7] != np.array(some)).sum()))
    rates = [map_axes(loss, values.grid)[1] for loss in MAP_LOSSES]
    return xr.Dataset({"phase": (("loss", "map_f0", "map_rate"), np.array(phases)), "map_differences": ("loss", wrong),
                       "map_learning_rate": (("loss", "map_rate"), rates)},
                      coords={"loss": list(MAP_LOSSES), "map_f0": map_axes("squared", values.grid)[0]})


def python_label(loss: str, f: float, rate: float, steps: int = 1000, ntk: float = MAP_NTK,
                 width: int = MAP_WIDTH, trap: bool = True) -> str:
    """Return the label of one point by a loop in Python.

    It ends as early as ``two_layer.phase_map`` does; without ``trap`` when f has converged, |f| < 10⁻¹⁵, or diverged.
    """
    slope = {"exponential": math.sinh, "logistic": lambda f: 0.5 * math.tanh(0.5 * f), "squared": lambda f: f}[loss]
    h = 0.25 if loss == "logistic" else 1.0
    f, rate = float(f), float(rate)
    scaled, kappa, rises = rate * ntk, rate**2 / width, False
    for _ in range(steps):
        if f == 0:
            return "catapult" if rises else "lazy"
        if not scaled < 1e30 or (loss == "exponential" and abs(f) > 700):
            return "divergent"
        g = slope(f)
        if (trap and scaled * g / f <= 2 and h * scaled <= 2) or abs(f) < 1e-15:
            return "catapult" if rises else "lazy"
        after = f * (1 + kappa * g * g) - scaled * g
        scaled += kappa * g * (scaled * g - 4 * f)
        rises = rises or abs(after) > abs(f) * (1 + 1e-12)
        f = after
    return "unsettled"


def numpy_map(loss: str, f0: np.ndarray, rates: np.ndarray, steps: int = 1000, ntk: float = MAP_NTK,
              width: int = MAP_WIDTH, chunk: int = 4096) -> np.ndarray:
    """Return the codes of the labels at points f0, rates (same shape (N,)) with arrays; finished points are dropped."""
    from catapult.theory.linear_predictor import slope

    h, codes = 0.25 if loss == "logistic" else 1.0, np.full(len(f0), 3, dtype=np.int8)
    for first in range(0, len(f0), chunk):
        where = np.arange(first, min(first + chunk, len(f0)))
        f, scaled, kappa = f0[where], rates[where] * ntk, rates[where] ** 2 / width
        rises = np.zeros(len(f), dtype=bool)
        for _ in range(steps):
            with np.errstate(all="ignore"):
                g = slope(loss, f)
                trapped = (f == 0) | ((scaled * g / f <= 2) & (h * scaled <= 2))
                blown = ~(scaled < 1e30) | ~np.isfinite(g)
                codes[where[trapped]], codes[where[blown]] = rises[trapped], 2
                left = ~(trapped | blown)
                if not left.all():
                    where, f, g, scaled, kappa, rises = (v[left] for v in (where, f, g, scaled, kappa, rises))
                if not len(f):
                    break
                after = f * (1 + kappa * g * g) - scaled * g
                scaled = scaled + kappa * g * (scaled * g - 4 * f)
                rises = rises | (np.abs(after) > np.abs(f) * (1 + 1e-12))
                f = after
    return codes
