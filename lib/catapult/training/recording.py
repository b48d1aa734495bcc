"""What is recorded along the runs: quantities at chosen steps, losses at every step, blow-ups and phases.

One path for all engines: an engine shows the training outputs and, when asked, the weights of its runs.
"""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
import xarray as xr
from torch import Tensor

from catapult import curvature, phases
from catapult.training.task import Task


class Engine(Protocol):
    """Trains some runs of a task side by side. R is the number of runs that it holds at the moment."""

    block: int  # how many runs it likes to hold

    def __init__(self, task: Task): ...

    def start(self, runs: np.ndarray) -> None:
        """Take up these runs, shape (R, 2), at their initial weights."""

    def outputs(self) -> Tensor:
        """Return the training outputs, shape (R, n), and remember what a full-batch step needs."""

    def step(self, factor: float, batch: np.ndarray | None) -> None:
        """Update the weights, learning rate times ``factor``, by the gradient on the samples ``batch``.

        Its shape is (R, b); None: on all samples; then ``outputs`` was called before.
        """

    def weights(self) -> list[Tensor]:
        """Return the weights, matrices of shape (R, m_out, m_in)."""

    def keep(self, alive: Tensor) -> None:
        """Drop the runs where ``alive`` (R,) is False."""


class Snapshot:
    """The runs of an engine at one step, as the quantities below see them."""

    def __init__(self, task: Task, runs: np.ndarray, outputs: Tensor, engine: Engine, top: dict):
        self.task, self.runs, self.outputs, self._engine, self._top = task, runs, outputs, engine, top

    @cached_property
    def weights(self) -> list[Tensor]:
        return self._engine.weights()

    def weights_of(self, r: int) -> list[Tensor]:
        return [matrix[r] for matrix in self.weights]

    def sharpness_of(self, r: int) -> float:
        """Return the sharpness of run ``r``, warm-started from the last top vector of this run."""
        key = tuple(self.runs[r])
        value, self._top[key] = _sharpness(self.task, self.weights_of(r), self._top.get(key))
        return value


def _sharpness(task: Task, weights: list[Tensor], guess: Tensor | None = None) -> tuple[float, Tensor]:
    """Return the sharpness and its vector, in the coordinates of the data's span: elsewhere the Hessian is zero."""
    X = task.X
    if task.span is not None:
        Q, X = task.span
        weights = [weights[0] @ Q, *weights[1:]]
    return curvature.sharpness(curvature.mean_loss(task.network, task.loss, X, task.y), weights, guess)


def loss(state: Snapshot) -> Tensor:
    """Mean training loss."""
    return state.task.loss.value(state.task.y * state.outputs).mean(1)


def train_accuracy(state: Snapshot) -> Tensor:
    """Share of training samples with y f > 0: an output of exactly 0 is an error."""
    return (state.task.y * state.outputs > 0).double().mean(1)


def test_accuracy(state: Snapshot) -> Tensor:
    """Share of test samples with y f > 0."""
    outputs = state.task.network.forward(state.weights, state.task.X_test)
    return (state.task.y_test * outputs > 0).double().mean(1)


def sharpness(state: Snapshot) -> list[float]:
    """Largest eigenvalue of the Hessian of the mean training loss."""
    return [state.sharpness_of(r) for r in range(len(state.runs))]


def ntk(state: Snapshot) -> list[float]:
    """Largest eigenvalue of Θ/n on the training set."""
    return [curvature.largest_ntk_eigenvalue(state.task.network, state.weights_of(r), state.task.X)
            for r in range(len(state.runs))]


def weight_norm(state: Snapshot) -> Tensor:
    """Euclidean norm of all weights together."""
    return sum(matrix.square().sum((1, 2)) for matrix in state.weights).sqrt()


def zero_fraction(state: Snapshot) -> Tensor:
    """Share of training outputs that are exactly 0: 1 for a dead network."""
    return (state.outputs == 0).double().mean(1)


QUANTITIES = {function.__name__: function for function in
              (loss, train_accuracy, test_accuracy, sharpness, ntk, weight_norm, zero_fraction)}


class Recorder:
    """Collects what the runs of a task show, and labels each when it ends."""

    def __init__(self, task: Task):
        self.task = task
        self.values = {name: np.full((*task.shape, len(task.recorded)), np.nan) for name in task.record}
        self.losses = np.full((*task.shape, len(task.observed)), np.nan)
        self.blow_up_step = np.full(task.shape, -1)
        self.phase = np.full(task.shape, "", dtype=f"U{max(map(len, phases.LABELS))}")
        self._steps_of = {name: set(steps.tolist()) for name, steps in task.steps_of.items()}
        self._top: dict[tuple, Tensor] = {}  # the top Hessian eigenvector last seen of each run
        self._at_start: dict[int, tuple[float, Tensor]] = {}  # sharpness and its vector, by seed
        self._last_outputs: dict[tuple, list[np.ndarray]] = {}

    def observe(self, step: int, outputs: Tensor, runs: np.ndarray) -> np.ndarray:
        """Take the training loss of the runs at a step; return which of them are still alive, shape (R,)."""
        i, j = runs.T
        losses = self.task.loss.value(self.task.y * outputs).mean(1).cpu().numpy()
        self.losses[i, j, np.searchsorted(self.task.observed, step)] = losses
        alive = np.isfinite(losses) & (losses <= self.task.divergence * self.losses[i, j, 0])
        self.blow_up_step[i[~alive], j[~alive]] = step
        self.phase[i[~alive], j[~alive]] = "divergent"
        return alive

    def record(self, step: int, outputs: Tensor, runs: np.ndarray, engine: Engine) -> None:
        """Record the quantities asked for, of runs that are alive; label them at the last step."""
        i, j = runs.T
        if self.task.batch_size is None and step > self.task.steps - 3:
            for run, f in zip(map(tuple, runs), outputs.cpu().numpy(), strict=True):
                self._last_outputs.setdefault(run, []).append(f)
        state = Snapshot(self.task, runs, outputs, engine, self._top)
        wanted = [name for name in self.values if step in self._steps_of[name]]
        if step == 0 and "sharpness" in wanted:
            self._top.update({tuple(run): self._initial_sharpness(run[1])[1] for run in runs})
        for name in wanted:
            self.values[name][i, j, np.searchsorted(self.task.recorded, step)] = QUANTITIES[name](state)
        if step == self.task.steps:
            self._label(state)

    def _initial_sharpness(self, seed: int) -> tuple[float, Tensor]:
        if seed not in self._at_start:
            self._at_start[seed] = _sharpness(self.task, self.task.start(seed))
        return self._at_start[seed]

    def _label(self, state: Snapshot) -> None:
        dead = zero_fraction(state)
        for r, run in enumerate(map(tuple, state.runs)):
            self.phase[run] = phases.label(
                self.losses[run], divergence=self.task.divergence, zero_fraction=dead[r].item(),
                sharpness=lambda r=r, seed=run[1]: (self._initial_sharpness(seed)[0], state.sharpness_of(r)),
                outputs=self._last_outputs.pop(run, None))

    def dataset(self, **attrs) -> xr.Dataset:
        """Return everything recorded, with dimensions learning_rate, seed, step."""
        grid = ("learning_rate", "seed")
        finite = np.where(np.isfinite(self.losses), self.losses, -np.inf).max(axis=2)
        return xr.Dataset(
            {**{name: ((*grid, "step"), values) for name, values in self.values.items()},
             "phase": (grid, self.phase), "blow_up_step": (grid, self.blow_up_step),
             "peak_loss": (grid, np.where(np.isfinite(finite), finite, np.nan))},
            coords={"learning_rate": self.task.learning_rates, "seed": list(self.task.seeds),
                    "step": self.task.recorded},
            attrs=attrs)
