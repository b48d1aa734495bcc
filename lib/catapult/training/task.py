"""What a call of :func:`catapult.training.train` asks for, checked: data as tensors, runs, minibatches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from catapult import losses
from catapult.networks import WeightMatrices
from catapult.parameters import LARGEST_SEED, InputError, nearest, whole
from catapult.training import schedules
from catapult.training.reduced import SEEDS_KEPT, Reduced

DTYPES = ("float64", "float32")
DEVICES = ("cpu", "cuda")
GPU_MEMORY = 4 * 2**30  # bytes that a block of runs may take on a GPU, where all runs go side by side


@dataclass(frozen=True, eq=False)
class Task:
    """A checked call: every learning rate with every seed is one run, named by its two indices."""

    name: str
    X: Tensor  # (n, d)
    y: Tensor  # (n,), ±1; class numbers where the network has several outputs
    X_test: Tensor | None
    y_test: Tensor | None
    network: WeightMatrices
    loss: losses.Loss | losses.ClassLoss
    learning_rates: np.ndarray  # (L,)
    seeds: tuple[int, ...]
    steps: int
    batch_size: int | None  # None: full batch
    factors: np.ndarray  # (steps,), from the schedule
    record: Mapping[str, int | None]  # for each quantity recorded, how many values; None: one number
    steps_of: Mapping[str, np.ndarray]  # for each quantity recorded, the steps at which it is
    divergence: float
    initial_weights: list[Tensor] | None
    momentum: float
    weight_decay: float

    @property
    def extras(self) -> list[str]:
        """What it asks for beyond gradient descent on matrices and activations: the reference alone has it."""
        asked = {f"{self.network.normalisation} normalisation": self.network.normalisation,
                 "momentum": self.momentum, "weight decay": self.weight_decay}
        return [what for what, value in asked.items() if value]

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
    def start(self) -> Callable[[int], list[Tensor]]:
        """The initial weights of the seed with an index. The last few are kept: not to be changed."""
        return lru_cache(maxsize=SEEDS_KEPT)(self._draw)

    def _draw(self, seed: int) -> list[Tensor]:
        if self.initial_weights is not None:
            return self.initial_weights
        dtype = str(self.X.dtype).removeprefix("torch.")
        return self.network.initialise(self.seeds[seed], dtype, str(self.X.device))

    def stacked(self, start: Callable[[int], list[Tensor]], runs: np.ndarray) -> list[Tensor]:
        """Return fresh copies of ``start(seed)`` for these runs, stacked: tensors with a leading dimension R."""
        return [torch.stack(tensors) for tensors in zip(*map(start, runs[:, 1]), strict=True)]

    @cached_property
    def reduced(self) -> Reduced:
        """The same problem in the directions in which it moves."""
        return Reduced(self)

    def block(self, entries: int, cache: int) -> int:
        """Return how many runs to hold at once: as many as fit the cache, or on a GPU its memory."""
        available = cache if self.X.device.type == "cpu" else GPU_MEMORY
        return max(1, available // (entries * self.X.element_size()))

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


def check(problem: Any, network: WeightMatrices, learning_rates, *, loss, seeds, steps, batch_size, schedule, record,
          every, dtype, device, divergence, initial_weights, momentum, weight_decay,
          quantities: Mapping[str, Any]) -> Task:
    """Return the checked task; raise InputError, one line, for the first thing that is wrong."""
    if dtype not in DTYPES:
        raise InputError(f"dtype = {dtype!r}{nearest(dtype, DTYPES)}; allowed: {', '.join(DTYPES)}")
    steps = whole("steps", steps, 1)
    if not isinstance(network, WeightMatrices):
        raise InputError(f"network: a {type(network).__name__}; allowed: a Network or a ConvolutionalNetwork")
    like = {"dtype": getattr(torch, dtype), "device": _device(device)}
    X, y, X_test, y_test = (getattr(problem, name, None) for name in ("X", "y", "X_test", "y_test"))
    if X is None or y is None:
        raise InputError("problem: has no X or no y; allowed: anything with both, as a Problem")
    X, y = _data("X", X, y, network, like)
    if (X_test is None) != (y_test is None):
        raise InputError("X_test and y_test: allowed: both or neither")
    if X_test is not None:
        X_test, y_test = _data("X_test", X_test, y_test, network, like)
    record = _record(record, quantities, network, len(X), X_test)
    if batch_size is not None and whole("batch_size", batch_size, 1) > len(X):
        raise InputError(f"batch_size = {batch_size}; allowed: None or at most the {len(X)} samples")
    if not (isinstance(divergence, Real) and math.isfinite(divergence) and divergence > 1):
        raise InputError(f"divergence = {divergence!r}; allowed: a finite number > 1")
    if not (isinstance(momentum, Real) and 0 <= momentum < 1):
        raise InputError(f"momentum = {momentum!r}; allowed: a number from 0 to below 1")
    if not (isinstance(weight_decay, Real) and 0 <= weight_decay < math.inf):
        raise InputError(f"weight_decay = {weight_decay!r}; allowed: a finite number ≥ 0")
    if initial_weights is not None:
        initial_weights = _weights(initial_weights, network, like)
    return Task(
        name=getattr(problem, "name", ""), X=X, y=y, X_test=X_test, y_test=y_test, network=network,
        loss=losses.get(loss, network.outputs), learning_rates=_learning_rates(learning_rates), seeds=_seeds(seeds),
        steps=steps, batch_size=None if batch_size in (None, len(X)) else int(batch_size),
        factors=schedules.factors(schedule, steps), record=record, steps_of=_steps_of(record, every, steps, quantities),
        divergence=float(divergence), initial_weights=initial_weights, momentum=float(momentum),
        weight_decay=float(weight_decay))


def _several(name: str, values: Any, what: str) -> tuple:
    if not isinstance(values, Iterable):
        raise InputError(f"{name} = {values!r}; allowed: a list of {what}")
    return tuple(values)


def _record(record, quantities: Mapping[str, Any], network: WeightMatrices, n: int, X_test) -> dict[str, int | None]:
    """Return how many values of each quantity are recorded; ``record`` names them, or says how many of each."""
    record = (record,) if isinstance(record, str) else record
    if not isinstance(record, Mapping):
        record = [(name, None) for name in _several("record", record, ", ".join(quantities))]
    counts = {}
    for name, count in dict(record).items():
        if name not in quantities:
            raise InputError(f"record: nothing is called {name!r}{nearest(name, quantities)}; allowed: "
                             f"{', '.join(quantities)}")
        quantity = quantities[name]
        lacking = quantity.lacking(network, X_test)
        if lacking:
            raise InputError(f"record: {name} needs {lacking}")
        available = len(quantity.along(network, n)) if quantity.dimension else None
        if count is None:
            counts[name] = available if quantity.usual is None else min(quantity.usual, available)
            continue
        if quantity.usual is None:
            raise InputError(f"record: {name} = {count!r}; allowed: None, for all that there is of it")
        counts[name] = whole(f"record: {name}", count, 1)
        if count > available:
            raise InputError(f"record: {name} = {count}; allowed: up to the {available} that there are")
    return counts


def _steps_of(record: Mapping[str, Any], every, steps: int, quantities: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the steps at which each quantity is recorded; ``every`` is one rule for all, or one for each."""
    rules = dict(every) if isinstance(every, Mapping) else dict.fromkeys(record, every)
    for name in rules:
        if name not in record:
            raise InputError(f"every: {name!r} is not recorded{nearest(name, record)}; "
                             f"allowed: {', '.join(record)}")
        if quantities[name].last and isinstance(every, Mapping):
            raise InputError(f"every: {name} are kept at the last step only; leave them out")
    return {name: np.array([steps]) if quantities[name].last else _recorded(rules.get(name, 1), steps)
            for name in record}


def _recorded(rule, steps: int) -> np.ndarray:
    """Return the multiples of a whole number and the last step, or the steps of a list."""
    if isinstance(rule, Sequence | np.ndarray) and not isinstance(rule, str) and len(rule):
        chosen = np.unique([whole("every", step, 0) for step in rule])
        if chosen[-1] > steps:
            raise InputError(f"every: step {chosen[-1]}; allowed: up to {steps}, the last step")
        return chosen
    return np.unique(np.r_[0:steps + 1:whole("every", rule, 1), steps])


def _device(device: str) -> torch.device:
    try:
        found = torch.empty(0, device=device).device
        if found.type in DEVICES:
            return found
    except (RuntimeError, AssertionError, TypeError):
        pass
    known = ", ".join(DEVICES) if torch.cuda.is_available() else "cpu (no GPU here)"
    raise InputError(f"device = {device!r}; allowed: {known}")


def _data(name: str, X, y, network: WeightMatrices, like: dict) -> tuple[Tensor, Tensor]:
    labels = name.replace("X", "y")
    X, y = _tensor(name, X).to(**like), _tensor(labels, y).to(**like)
    if X.ndim != 2 or len(X) == 0 or X.shape[1] != network.inputs:
        raise InputError(f"{name} has shape {tuple(X.shape)}; allowed: (n, {network.inputs}), the inputs of {network}")
    if y.shape != X.shape[:1]:
        raise InputError(f"{labels} has shape {tuple(y.shape)}; allowed: ({len(X)},), one a row of {name}")
    if not X.isfinite().all():
        raise InputError(f"{name} holds values that are not finite")
    if network.outputs > 1:
        wrong, allowed = (y < 0) | (y >= network.outputs) | (y != y.round()), f"0 to {network.outputs - 1}"
    else:
        wrong, allowed = y.abs() != 1, "1 and -1"
    if wrong.any():
        plural = "s" if network.outputs > 1 else ""
        raise InputError(f"{labels} holds the label {y[wrong][0].item():g}; allowed: {allowed}, for "
                         f"{network.outputs} output{plural}")
    return X, y.long() if network.outputs > 1 else y


def _tensor(name: str, array) -> Tensor:
    try:  # a copy: torch warns about numpy arrays that are read-only
        return array.detach() if isinstance(array, Tensor) else torch.as_tensor(np.array(array))
    except (TypeError, ValueError):
        raise InputError(f"{name} is not an array of numbers") from None


def _weights(weights, network: WeightMatrices, like: dict) -> list[Tensor]:
    shapes = list(network.shapes)
    weights = [_tensor("initial_weights", matrix).to(**like)
               for matrix in _several("initial_weights", weights, f"matrices, {shapes}")]
    if [tuple(matrix.shape) for matrix in weights] != shapes:
        given = [tuple(matrix.shape) for matrix in weights]
        raise InputError(f"initial_weights have shapes {given}; allowed: {shapes}")
    if not all(matrix.isfinite().all() for matrix in weights):
        raise InputError("initial_weights hold values that are not finite")
    return weights


def _learning_rates(learning_rates) -> np.ndarray:
    try:
        values = np.atleast_1d(np.asarray(learning_rates, dtype=float))
    except (TypeError, ValueError):
        raise InputError("learning_rates: not numbers; allowed: finite and > 0") from None
    if values.ndim != 1 or not values.size:
        raise InputError("learning_rates: allowed: a number, or a list of at least one")
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        raise InputError(f"learning_rates: {values[wrong][0]:g}; allowed: finite and > 0")
    return values


def _seeds(seeds) -> tuple[int, ...]:
    seeds = tuple(whole("seeds", seed, 0) for seed in (seeds if isinstance(seeds, Iterable) else (seeds,)))
    if not seeds:
        raise InputError("seeds: none given; allowed: at least one whole number ≥ 0")
    if max(seeds) > LARGEST_SEED:
        raise InputError(f"seeds: {max(seeds)}; allowed: up to 2**63 - 1")
    return seeds
