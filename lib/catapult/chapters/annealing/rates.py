"""One network from one seed at many learning rates, each followed to its five ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from catapult.chapters.mnist.experiment import stable_rate
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.phases import LABELS
from catapult.training import train
from catapult.training.recording import TENTHS

ENDS = ("throughout, equal steps", "annealed, equal steps", "averaged, equal steps", "throughout, equal time",
        "annealed, equal time")
AVERAGED = 5
"""How many weights an average is made of, evenly spaced over the last steps."""
EVERY = 25
"""The loss at the rate itself is recorded at its multiples, and at the last step."""
ALIVE = [label for label in LABELS if label not in ("divergent", "dead")]
_LEG = 10**7  # beyond every seed of an experiment: later legs draw minibatches of their own

Weights = list[np.ndarray] | None  # None: diverged or dead


@dataclass(frozen=True)
class Legs:
    """Trains one network in legs: each begins where another ended, at its own rate, in multiples of ``unit``."""

    problem: Problem
    network: Network
    seed: int
    unit: float
    batch_size: int | None
    dtype: str

    def go(self, multiple: float, steps: int, start: Weights | str = "drawn", leg: int = 0,
           losses: Sequence[int] | None = None, sharpness: bool = False) -> tuple[Weights, xr.Dataset | None]:
        """Return the weights after so many steps, and what was recorded; nothing from where a run was lost."""
        if start is None:
            return None, None
        record = ("loss", "weights", *(["sharpness"] if sharpness else []))
        every = {"loss": losses or [0, steps], **({"sharpness": [steps]} if sharpness else {})}
        result = train(Problem(self.problem.X, self.problem.y), self.network, self.unit * multiple,
                       seeds=(self.seed + _LEG * leg,), steps=steps, batch_size=self.batch_size, dtype=self.dtype,
                       record=record, every=every, initial_weights=None if start == "drawn" else start)
        result = result.isel(seed=0, learning_rate=0, drop=True)
        alive = result.phase.item() in ALIVE
        return (self.network.matrices(result.weights.values) if alive else None), result


def followed(problem: Problem, network: Network, multiples: Sequence[float], seed: int, *, steps: int, settle: int,
             batch_size: int | None = None, dtype: str = "float32") -> xr.Dataset:
    """Train from one seed at these multiples of η_crit, the smallest first, and follow each to its ``ENDS``.

    Returns
    -------
    xarray.Dataset
        Over ``multiple``: ``loss`` (step) and ``phase`` of ``steps`` steps at the rate itself; ``accuracy`` (end,
        tenth) of the test images and ``train_loss`` (end), NaN where the run was lost; ``sharpness`` after annealing at
        equal steps; ``learning_rate``.
    """
    unit = stable_rate(network, "logistic", problem, seed)
    legs = Legs(problem, network, seed, unit, batch_size, dtype)
    judge = Judge(problem, network, dtype)
    losses = sorted({*range(0, steps, EVERY), steps})
    runs = []
    for multiple in multiples:
        first, recorded = legs.go(multiple, steps, losses=losses)
        small = multiples[0]
        annealed, end = legs.go(small, settle, first, leg=1, sharpness=True)
        last, mean = first, []
        for leg in range(AVERAGED):
            last, _ = legs.go(multiple, settle // AVERAGED, last, leg=2 + leg)
            mean.append(last)
        averaged = None if last is None else [np.mean(matrices, 0) for matrices in zip(*mean, strict=True)]
        equal, _ = legs.go(multiple, max(1, round(steps / multiple)))
        later, _ = legs.go(small, settle, equal, leg=1)
        throughout, _ = legs.go(multiple, max(1, round(settle * small / multiple)), equal, leg=2)
        ends = [judge(weights) for weights in (last, annealed, averaged, throughout, later)]
        runs.append(xr.Dataset({
            "loss": recorded.loss.sel(step=losses), "phase": recorded.phase,
            "accuracy": (("end", "tenth"), [accuracy for accuracy, _ in ends]),
            "train_loss": ("end", [loss for _, loss in ends]),
            "sharpness": np.nan if annealed is None else end.sharpness.sel(step=settle, drop=True)}))
    result = xr.concat(runs, "multiple").assign_coords(multiple=list(multiples), end=list(ENDS))
    small = {name: result[name].astype(np.float32) for name in ("loss", "accuracy", "train_loss", "sharpness")}
    return result.assign(small).assign(learning_rate=("multiple", unit * np.asarray(multiples)))


class Judge:
    """Accuracy of a network on each tenth of the test images, and its loss on the training images."""

    def __init__(self, problem: Problem, network: Network, dtype: str):
        self.network, self.dtype = network, getattr(torch, dtype)
        self.X, self.y = self._both(problem.X, problem.y)
        self.X_test, self.y_test = self._both(problem.X_test, problem.y_test)

    def _both(self, X: np.ndarray, y: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(X, dtype=self.dtype), torch.tensor(y, dtype=self.dtype)

    def __call__(self, weights: Weights) -> tuple[np.ndarray, float]:
        """Return the accuracies, shape (10,), and the loss; NaN without weights."""
        if weights is None:
            return np.full(TENTHS, np.nan), np.nan
        f, f_test = (self.outputs(weights, X) for X in (self.X, self.X_test))
        loss = torch.nn.functional.softplus(-self.y * f).mean().item()
        correct = (self.y_test * f_test > 0).double()
        return np.array([tenth.mean().item() for tenth in correct.tensor_split(TENTHS)]), loss

    def outputs(self, weights: list[np.ndarray], X: torch.Tensor) -> torch.Tensor:
        """Return the outputs on inputs of this precision."""
        return self.network.forward([torch.tensor(np.asarray(W), dtype=self.dtype) for W in weights], X)
