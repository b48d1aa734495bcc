"""What is recorded along the runs: quantities at chosen steps, losses at every step, blow-ups and phases.

One path for all engines: an engine shows the training outputs and, when asked, the weights of its runs, in the
directions in which they move (:class:`catapult.training.reduced.Reduced`): what is recorded needs no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from catapult import curvature, phases
from catapult.networks import WeightMatrices
from catapult.training.task import Task

TENTHS = 10
"""Parts of the test set whose accuracies `tenth_accuracy` records."""


class Engine(Protocol):
    """Trains some runs of a task side by side. R is the number of runs that it holds at the moment."""

    block: int  # how many runs it likes to hold

    @staticmethod
    def lacks(task: Task) -> list[str]:
        """Return what the task asks for and this engine has not, in words."""

    @staticmethod
    def pays(task: Task) -> bool:
        """Return whether it beats the plain loop on a task that it can do."""

    def __init__(self, task: Task): ...

    def start(self, runs: np.ndarray) -> None:
        """Take up these runs, shape (R, 2), at their initial weights."""

    def outputs(self) -> Tensor:
        """Return the training outputs and remember what a full-batch step needs.

        Their shape is (R, n) for one output, else (R, n, k).
        """

    def step(self, factor: float, batch: np.ndarray | None) -> None:
        """Update the weights, learning rate times ``factor``, by the gradient on the samples ``batch``.

        Its shape is (R, b); None: on all samples; then ``outputs`` was called before.
        """

    def reduced_weights(self) -> list[Tensor]:
        """Return the weights, matrices of shape (R, m_out, m_in), in the directions of ``task.reduced``."""

    def keep(self, alive: Tensor) -> None:
        """Drop the runs where ``alive`` (R,) is False."""


class Snapshot:
    """The runs of an engine at one step, as the quantities below see them."""

    def __init__(self, task: Task, step: int, runs: np.ndarray, outputs: Tensor, engine: Engine, top: dict):
        self.task, self.step, self.runs, self.outputs = task, step, runs, outputs
        self._engine, self._top = engine, top
        self._sharpness: dict[int, float] = {}

    @cached_property
    def weights(self) -> list[Tensor]:
        """The weights in the directions in which they move."""
        return self._engine.reduced_weights()

    @cached_property
    def all_weights(self) -> list[Tensor]:
        """The weights, (R, m_out, m_in)."""
        return self.task.reduced.restored(self.weights, self.runs)

    def sharpness_of(self, rows: list[int]) -> list[float]:
        """Return the sharpness of these runs, warm-started from the last top vector of each."""
        missing = [r for r in rows if r not in self._sharpness]
        if missing:
            keys = [tuple(self.runs[r].tolist()) for r in missing]
            guesses = [self._top.get(key) for key in keys]
            weights = [matrix[missing] for matrix in self.weights]
            noise = [(self.task.seeds[seed], self.step, 1 + rate) for rate, seed in keys]
            values, vectors = _sharpness(self.task, weights, noise, None if None in guesses else torch.stack(guesses))
            self._sharpness.update(zip(missing, values.tolist(), strict=True))
            self._top.update(zip(keys, vectors, strict=True))
        return [self._sharpness[r] for r in rows]


def _sharpness(task: Task, weights: list[Tensor], noise: list[tuple[int, int, int]],
               guess: Tensor | None = None) -> tuple[np.ndarray, Tensor]:
    """Return the sharpness and its vectors, in the directions of ``task.reduced``: there the Hessian is largest."""
    return curvature.sharpness_of_runs(task.network, task.loss, weights, task.reduced.X, task.y, guess, seeds=noise)


def loss(state: Snapshot) -> Tensor:
    """Mean training loss."""
    return state.task.loss.of(state.outputs, state.task.y).mean(1)


def train_accuracy(state: Snapshot) -> Tensor:
    """Share of training samples that are right: y f > 0 (0 is an error), or the largest output that of the class."""
    return state.task.loss.correct(state.outputs, state.task.y).double().mean(1)


def test_accuracy(state: Snapshot) -> Tensor:
    """The same share of the test samples."""
    outputs = state.task.reduced.test_outputs(state.weights, state.runs)
    return state.task.loss.correct(outputs, state.task.y_test).double().mean(1)


def tenth_accuracy(state: Snapshot) -> Tensor:
    """The same share in each tenth of the test samples, in their order: to choose on one, and judge on the others.

    nan for an empty one: fewer than ten samples.
    """
    outputs = state.task.reduced.test_outputs(state.weights, state.runs)
    correct = state.task.loss.correct(outputs, state.task.y_test).double()
    return torch.stack([tenth.mean(1) for tenth in correct.tensor_split(TENTHS, 1)], 1)


def sharpness(state: Snapshot) -> list[float]:
    """Largest eigenvalue of the Hessian of the mean training loss."""
    return state.sharpness_of(list(range(len(state.runs))))


def ntk(state: Snapshot) -> list[float]:
    """Largest eigenvalue of Θ/n on the training set."""
    X = state.task.reduced.X
    return [curvature.largest_ntk_eigenvalue(state.task.network, [matrix[r] for matrix in state.weights], X)
            for r in range(len(state.runs))]


def weight_norm(state: Snapshot) -> Tensor:
    """Euclidean norm of all weights together."""
    return state.task.reduced.norm(state.weights, state.runs)


def zero_fraction(state: Snapshot) -> Tensor:
    """Share of training samples whose outputs are exactly 0: 1 for a dead network."""
    zero = state.outputs == 0
    return (zero if zero.ndim == 2 else zero.all(2)).double().mean(1)


def eigenvalues(state: Snapshot) -> np.ndarray:
    """Largest eigenvalues of the Hessian of the mean training loss in all weights, falling, with multiplicity."""
    task, values = state.task, []
    mean_loss = curvature.mean_loss(task.network, task.loss, task.X, task.y)
    for r, (rate, seed) in enumerate(state.runs.tolist()):
        values.append(curvature.hessian_eigenvalues(
            mean_loss, [W[r] for W in state.all_weights], task.record["eigenvalues"],
            seed=(task.seeds[seed], state.step, 1 + rate)))
    return np.stack(values)


def feature_singular_values(state: Snapshot) -> Tensor:
    """Singular values, falling, of the last hidden layer's values φ on the training set, (n, m), over √n.

    Their squares are the eigenvalues of the features' second moment, not centred.
    """
    task = state.task
    features = [task.network.forward_with_hidden([W[r] for W in state.weights], task.reduced.X)[1][-1].flatten(1)
                for r in range(len(state.runs))]
    values = torch.linalg.svdvals(torch.stack(features)) / len(task.X)**0.5
    # Hidden units that the reduced weights leave out are combinations of theirs: the other values are 0.
    return torch.nn.functional.pad(values, (0, task.record["feature_singular_values"] - values.shape[1]))


def class_loss(state: Snapshot) -> Tensor:
    """Mean loss of the training samples of each class; nan for a class without any."""
    return _by_class(state, state.task.loss.of(state.outputs, state.task.y))


def class_accuracy(state: Snapshot) -> Tensor:
    """Share of the training samples of each class that are right; nan for a class without any."""
    return _by_class(state, state.task.loss.correct(state.outputs, state.task.y).double())


def _by_class(state: Snapshot, values: Tensor) -> Tensor:
    return torch.stack([values[:, state.task.y == label].mean(1) for label in _classes(state.task.network, 0)], 1)


def weights(state: Snapshot) -> Tensor:
    """All weights after the last step, in one vector: see :meth:`catapult.networks.WeightMatrices.matrices`."""
    return torch.cat([W.flatten(1) for W in state.all_weights], 1)


def _classes(network: WeightMatrices, n: int) -> Sequence[int]:
    return range(network.outputs) if network.outputs > 1 else (-1, 1)


def _all_weights(network: WeightMatrices, n: int) -> range:
    return range(sum(m_out * m_in for m_out, m_in in network.shapes))


@dataclass(frozen=True)
class Quantity:
    """What can be recorded. It is made of outputs and weights, which every engine shows.

    Attributes
    ----------
    of
        Its values for the R runs of a snapshot: R numbers, or (R, count) where it has a dimension of its own.
    dimension, along
        The name of that dimension, and the labels along it, by the network and n; None and "": one number a run.
    usual
        How many are recorded, from the first, where it is not said; None: all, which can't be chosen.
    lacking
        What it needs that is not there, by the network and X_test; None where nothing is lacking.
    last
        Whether the last step is the only one that is kept.
    """

    of: Callable[[Snapshot], Any]
    dimension: str = ""
    along: Callable[[WeightMatrices, int], Sequence[int]] | None = None
    usual: int | None = None
    lacking: Callable[[WeightMatrices, Tensor | None], str | None] = lambda network, X_test: None
    last: bool = False


QUANTITIES = {quantity.of.__name__: quantity for quantity in (
    Quantity(loss),
    Quantity(train_accuracy),
    Quantity(test_accuracy, lacking=lambda network, X_test: None if X_test is not None else (
        "a test set, and the problem has none")),
    Quantity(tenth_accuracy, "tenth", lambda network, n: range(TENTHS),
             lacking=lambda network, X_test: None if X_test is not None else "a test set, and the problem has none"),
    Quantity(sharpness),
    Quantity(ntk),
    Quantity(weight_norm),
    Quantity(zero_fraction),
    Quantity(eigenvalues, "eigenvalue", _all_weights, usual=5),
    Quantity(feature_singular_values, "singular_value", lambda network, n: range(min(n, network.shapes[-1][1])),
             lacking=lambda network, X_test: None if network.depth > 1 else (
                 "a hidden layer, and the network has none")),
    Quantity(class_loss, "class", _classes),
    Quantity(class_accuracy, "class", _classes),
    Quantity(weights, "weight", _all_weights, last=True),
)}


class Recorder:
    """Collects what the runs of a task show, and labels each when it ends."""

    def __init__(self, task: Task):
        self.task = task
        self.values = {name: np.full([*task.shape, *sizes.values()], np.nan) for name, sizes in self._sizes().items()}
        self.losses = np.full((*task.shape, len(task.observed)), np.nan)
        self.blow_up_step = np.full(task.shape, -1)
        self.phase = np.full(task.shape, "", dtype=f"U{max(map(len, phases.LABELS))}")
        self._steps_of = {name: set(steps.tolist()) for name, steps in task.steps_of.items()}
        self._top: dict[tuple, Tensor] = {}  # the top Hessian eigenvector last seen of each run
        self._at_start: dict[int, tuple[float, Tensor]] = {}  # sharpness and its vector, by seed
        self._last_outputs: dict[tuple, list[np.ndarray]] = {}

    def _sizes(self) -> dict[str, dict[str, int]]:
        """Return for each quantity its dimensions beside learning rate and seed, and how long they are."""
        return {name: ({} if QUANTITIES[name].last else {"step": len(self.task.recorded)}) | (
            {QUANTITIES[name].dimension: count} if count else {}) for name, count in self.task.record.items()}

    def observe(self, step: int, outputs: Tensor, runs: np.ndarray) -> np.ndarray:
        """Take the training loss of the runs at a step; return which of them are still alive, shape (R,)."""
        i, j = runs.T
        losses = self.task.loss.of(outputs, self.task.y).mean(1).cpu().numpy()
        self.losses[i, j, np.searchsorted(self.task.observed, step)] = losses
        alive = np.isfinite(losses) & (losses <= self.task.divergence * self.losses[i, j, 0])
        self.blow_up_step[i[~alive], j[~alive]] = step
        self.phase[i[~alive], j[~alive]] = "divergent"
        for run in map(tuple, runs[~alive]):
            self._top.pop(run, None)
        return alive

    def record(self, step: int, outputs: Tensor, runs: np.ndarray, engine: Engine) -> None:
        """Record the quantities asked for, of runs that are alive; label them at the last step."""
        i, j = runs.T
        if self.task.batch_size is None and step > self.task.steps - 3:
            for run, f in zip(map(tuple, runs), outputs.flatten(1).cpu().numpy(), strict=True):
                self._last_outputs.setdefault(run, []).append(f)
        state = Snapshot(self.task, step, runs, outputs, engine, self._top)
        wanted = [name for name in self.values if step in self._steps_of[name]]
        if step == 0 and "sharpness" in wanted:
            self._top.update({tuple(run): self._initial_sharpness(run[1])[1] for run in runs})
        for name in wanted:
            at = (i, j) if QUANTITIES[name].last else (i, j, np.searchsorted(self.task.recorded, step))
            self.values[name][at] = torch.as_tensor(QUANTITIES[name].of(state), dtype=torch.float64).cpu()
        if step == self.task.steps:
            self._label(state)

    def _initial_sharpness(self, seed: int) -> tuple[float, Tensor]:
        if seed not in self._at_start:
            values, vectors = _sharpness(self.task, [matrix[None] for matrix in self.task.reduced.start(seed)],
                                         [(self.task.seeds[seed], 0, 0)])
            self._at_start[seed] = values[0].item(), vectors[0]
        return self._at_start[seed]

    def _label(self, state: Snapshot) -> None:
        # A linear or tanh network whose outputs are all 0 is not dead: its gradient is not 0 for it.
        dead = zero_fraction(state) * self.task.network.phi.dies
        for r, run in enumerate(map(tuple, state.runs)):
            self.phase[run] = phases.label(
                self.losses[run], divergence=self.task.divergence, zero_fraction=dead[r].item(),
                outputs=self._last_outputs.pop(run, None))
            self._top.pop(run, None)

    def dataset(self, **attrs) -> xr.Dataset:
        """Return everything recorded, with dimensions learning_rate, seed, step, and those of each quantity."""
        grid = ("learning_rate", "seed")
        finite = np.where(np.isfinite(self.losses), self.losses, -np.inf).max(axis=2)
        sizes, network, n = self._sizes(), self.task.network, len(self.task.X)
        own = {quantity.dimension: list(quantity.along(network, n)[:count]) for name, count in self.task.record.items()
               if (quantity := QUANTITIES[name]).dimension}
        return xr.Dataset(
            {**{name: ((*grid, *sizes[name]), values) for name, values in self.values.items()},
             "phase": (grid, self.phase), "blow_up_step": (grid, self.blow_up_step),
             "peak_loss": (grid, np.where(np.isfinite(finite), finite, np.nan))},
            coords={"learning_rate": self.task.learning_rates, "seed": list(self.task.seeds),
                    "step": self.task.recorded, **own},
            attrs=attrs)
