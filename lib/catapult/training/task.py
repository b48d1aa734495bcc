"""What a call of :func:`catapult.training.train` asks for, checked: data as tensors, runs, minibatches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from catapult import losses
from catapult.networks import Network
from catapult.parameters import InputError, nearest
from catapult.training import schedules

DTYPES = ("float64", "float32")


@dataclass(frozen=True, eq=False)
class Task:
    """A checked call: every learning rate with every seed is one run, named by its two indices."""

    name: str
    X: Tensor  # (n, d)
    y: Tensor  # (n,), ±1
    X_test: Tensor | None
    y_test: Tensor | None
    network: Network
    loss: losses.Loss
    learning_rates: np.ndarray  # (L,)
    seeds: tuple[int, ...]
    steps: int
    batch_size: int | None  # None: full batch
    factors: np.ndarray  # (steps,), from the schedule
    record: tuple[str, ...]
    steps_of: Mapping[str, np.ndarray]  # for each quantity recorded, the steps at which it is
    divergence: float
    initial_weights: list[Tensor] | None

    @cached_property
    def recorded(self) -> np.ndarray:
        """The steps at which anything is recorded, and the last."""
        return np.unique(np.concatenate([*self.steps_of.values(), [self.steps]]))

    @cached_property
    def observed(self) -> np.ndarray:
        """The steps whose training loss is computed: for full batches all, else 0 and those recorded."""
        return np.arange(self.steps + 1) if self.batch_size is None else np.union1d([0], self.recorded)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.learning_rates), len(self.seeds)

    @cached_property
    def runs(self) -> np.ndarray:
        """All runs, shape (L·S, 2): index of the learning rate, index of the seed; seed by seed."""
        return np.array([(i, j) for j in range(self.shape[1]) for i in range(self.shape[0])])

    @cached_property
    def span(self) -> tuple[Tensor, Tensor] | None:
        """With n < d: Q (d, n) and R (n, n) with Xᵀ = Q Rᵀ, Q with orthonormal columns; else None.

        Gradient descent moves the first layer only within the span of Q: V₁ Q on the data R is the same problem.
        """
        if self.X.shape[0] >= self.X.shape[1]:
            return None
        Q, triangle = torch.linalg.qr(self.X.mT)
        return Q, triangle.mT.contiguous()

    def start(self, seed: int) -> list[Tensor]:
        """Return the initial weights of the seed with this index."""
        if self.initial_weights is not None:
            return self.initial_weights
        dtype = str(self.X.dtype).removeprefix("torch.")
        return self.network.initialise(self.seeds[seed], dtype, str(self.X.device))

    def stacked_start(self, runs: np.ndarray) -> list[Tensor]:
        """Return fresh copies of the initial weights of these runs: matrices of shape (R, m_out, m_in)."""
        starts = {seed: self.start(seed) for seed in set(runs[:, 1])}
        by_layer = zip(*(starts[seed] for seed in runs[:, 1]), strict=True)
        return [torch.stack(matrices) for matrices in by_layer]

    def rates(self, runs: np.ndarray) -> Tensor:
        """Return the learning rates of these runs, shape (R,)."""
        return torch.as_tensor(self.learning_rates[runs[:, 0]]).to(self.X)

    def batches(self, seed: int) -> Iterator[np.ndarray]:
        """Yield the minibatches of the seed with this index for ever: without replacement within an epoch.

        They depend on the seed alone, not on the learning rate. The last of an epoch may be smaller.
        """
        generator = np.random.default_rng(self.seeds[seed])
        while True:
            order = generator.permutation(len(self.X))
            yield from (order[i:i + self.batch_size] for i in range(0, len(order), self.batch_size))


def check(problem: Any, network: Network, learning_rates, *, loss, seeds, steps, batch_size, schedule, record,
          every, dtype, device, divergence, initial_weights, quantities: Sequence[str]) -> Task:
    """Return the checked task; raise InputError, one line, for the first thing that is wrong."""
    if dtype not in DTYPES:
        raise InputError(f"dtype = {dtype!r}{nearest(dtype, DTYPES)}; allowed: {', '.join(DTYPES)}")
    steps = _whole("steps", steps, 1)
    like = {"dtype": getattr(torch, dtype), "device": _device(device)}
    X, y = _data("X", problem.X, problem.y, network, like)
    X_test, y_test = getattr(problem, "X_test", None), getattr(problem, "y_test", None)
    if X_test is not None:
        X_test, y_test = _data("X_test", X_test, y_test, network, like)
    record = (record,) if isinstance(record, str) else tuple(record)
    for name in record:
        if name not in quantities:
            raise InputError(f"record: nothing is called {name!r}{nearest(name, quantities)}; allowed: "
                             f"{', '.join(quantities)}")
    if "test_accuracy" in record and X_test is None:
        raise InputError("record: test_accuracy needs a test set, and the problem has none")
    if batch_size is not None and _whole("batch_size", batch_size, 1) > len(X):
        raise InputError(f"batch_size = {batch_size}; allowed: None or at most the {len(X)} samples")
    if not (math.isfinite(divergence) and divergence > 1):
        raise InputError(f"divergence = {divergence!r}; allowed: a finite number > 1")
    if initial_weights is not None:
        initial_weights = _weights(initial_weights, network, like)
    return Task(
        name=getattr(problem, "name", ""), X=X, y=y, X_test=X_test, y_test=y_test, network=network,
        loss=losses.get(loss), learning_rates=_learning_rates(learning_rates), seeds=_seeds(seeds),
        steps=steps, batch_size=None if batch_size in (None, len(X)) else int(batch_size),
        factors=schedules.factors(schedule, steps), record=record, steps_of=_steps_of(record, every, steps),
        divergence=float(divergence), initial_weights=initial_weights)


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} = {value!r}; allowed: a whole number ≥ {least}")
    return int(value)


def _steps_of(record: Sequence[str], every, steps: int) -> dict[str, np.ndarray]:
    """Return the steps at which each quantity is recorded; ``every`` is one rule for all, or one for each."""
    rules = dict(every) if isinstance(every, Mapping) else dict.fromkeys(record, every)
    for name in rules:
        if name not in record:
            raise InputError(f"every: {name!r} is not recorded{nearest(name, record)}; "
                             f"allowed: {', '.join(record)}")
    return {name: _recorded(rules.get(name, 1), steps) for name in record}


def _recorded(rule, steps: int) -> np.ndarray:
    """Return the multiples of a whole number and the last step, or the steps of a list."""
    if isinstance(rule, Sequence | np.ndarray) and not isinstance(rule, str) and len(rule):
        chosen = np.unique([_whole("every", step, 0) for step in rule])
        if chosen[-1] > steps:
            raise InputError(f"every: step {chosen[-1]}; allowed: up to {steps}, the last step")
        return chosen
    return np.unique(np.r_[0:steps + 1:_whole("every", rule, 1), steps])


def _device(device: str) -> torch.device:
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError):
        known = "cpu, cuda" if torch.cuda.is_available() else "cpu (no GPU here)"
        raise InputError(f"device = {device!r}; allowed: {known}") from None


def _data(name: str, X, y, network: Network, like: dict) -> tuple[Tensor, Tensor]:
    X, y = (_tensor(array).to(**like) for array in (X, y))
    labels = name.replace("X", "y")
    if network.outputs != 1:
        raise InputError(f"widths = {network.widths}: {network.outputs} outputs; allowed: one, for labels ±1")
    if X.ndim != 2 or len(X) == 0 or X.shape[1] != network.widths[0]:
        raise InputError(f"{name} has shape {tuple(X.shape)}; allowed: (n, {network.widths[0]}), "
                         f"{network.widths[0]} being the network's inputs")
    if y.shape != X.shape[:1]:
        raise InputError(f"{labels} has shape {tuple(y.shape)}; allowed: ({len(X)},), one a row of {name}")
    if not X.isfinite().all():
        raise InputError(f"{name} holds values that are not finite")
    if not (y.abs() == 1).all():
        wrong = y[y.abs() != 1][0].item()
        raise InputError(f"{labels} holds the label {wrong:g}; allowed: 1 and -1, for one output")
    return X, y


def _tensor(array) -> Tensor:
    # A copy: torch warns about numpy arrays that are read-only.
    return array.detach() if isinstance(array, Tensor) else torch.as_tensor(np.array(array))


def _weights(weights, network: Network, like: dict) -> list[Tensor]:
    shapes = list(zip(network.widths[1:], network.widths[:-1], strict=True))
    weights = [_tensor(matrix).to(**like) for matrix in weights]
    if [tuple(matrix.shape) for matrix in weights] != shapes:
        given = [tuple(matrix.shape) for matrix in weights]
        raise InputError(f"initial_weights have shapes {given}; allowed: {shapes}")
    return weights


def _learning_rates(learning_rates) -> np.ndarray:
    values = np.atleast_1d(np.asarray(learning_rates, dtype=float))
    if values.ndim != 1 or not values.size:
        raise InputError("learning_rates: allowed: a number, or a list of at least one")
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        raise InputError(f"learning_rates: {values[wrong][0]:g}; allowed: finite and > 0")
    return values


def _seeds(seeds) -> tuple[int, ...]:
    seeds = (seeds,) if isinstance(seeds, int | np.integer) else tuple(seeds)
    if not seeds:
        raise InputError("seeds: none given; allowed: at least one whole number ≥ 0")
    return tuple(_whole("seeds", seed, 0) for seed in seeds)
