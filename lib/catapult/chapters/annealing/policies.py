"""One network from one seed under each policy of the learning rate, from each of some rates k0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from catapult.chapters.annealing.rates import ALIVE, Judge
from catapult.chapters.mnist.experiment import stable_rate
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.training import measures, train
from catapult.training.recording import TENTHS
from catapult.training.schedules import POLICIES

VALIDATION = 2
"""Tenths of the test images, the first ones, on which things are chosen."""
EVERY = 20
"""How often the accuracy on the validation set is taken."""
MEASURES = (*measures.MEASURES, "loss gap")
SETS = ("validation", "test")


def trained(problem: Problem, network: Network, k0: Sequence[float], seed: int, *, steps: int, batch_size: int,
            dtype: str = "float32") -> xr.Dataset:
    """Train from one seed, with minibatches, under each policy at these multiples of η_crit.

    Returns
    -------
    xarray.Dataset
        Over (policy, k0): ``policy_accuracy`` (tenth) at the end; ``policy_measure`` (measure, set) of ``MEASURES`` on
        the validation set and on the other test images; ``policy_curve`` (policy_step), the accuracy on the validation
        set along the way; ``policy_rate``, the mean of the factors. NaN where a run was lost.
    """
    unit, judge = stable_rate(network, "logistic", problem, seed), Judge(problem, network, dtype)
    first = sum(len(part) for part in np.array_split(problem.y_test, TENTHS)[:VALIDATION])
    choosing = Problem(problem.X, problem.y, problem.X_test[:first], problem.y_test[:first])
    read = sorted({*range(0, steps, EVERY), steps})
    found = []
    for policy, schedule in POLICIES.items():
        runs = train(choosing, network, [unit * multiple for multiple in k0], seeds=(seed,), steps=steps,
                     batch_size=batch_size, schedule=policy, dtype=dtype, record=("loss", "test_accuracy", "weights"),
                     every={"loss": [0, steps], "test_accuracy": read}).isel(seed=0, drop=True)
        ends = [_measured(judge, network.matrices(run.weights.values) if run.phase.item() in ALIVE else None, first)
                for _, run in runs.groupby("learning_rate", squeeze=False) for run in [run.isel(learning_rate=0)]]
        found.append(xr.Dataset({
            "policy_accuracy": (("k0", "tenth"), [accuracy for accuracy, _ in ends]),
            "policy_measure": (("k0", "measure", "set"), [values for _, values in ends]),
            "policy_curve": (("k0", "policy_step"), runs.test_accuracy.sel(step=read).values),
            "policy_rate": np.mean([schedule(step, steps) for step in range(steps)])}))
    result = xr.concat(found, "policy").assign_coords(
        policy=list(POLICIES), k0=list(k0), measure=list(MEASURES), set=list(SETS), policy_step=read)
    return result.astype(np.float32)


def _measured(judge: Judge, weights, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the accuracies on the tenths, and the measures on the first test images and on the others."""
    accuracy, train_loss = judge(weights)
    if weights is None:
        return accuracy, np.full((len(MEASURES), len(SETS)), np.nan)
    f, y = judge.outputs(weights, judge.X_test).double().numpy(), judge.y_test.numpy()
    columns = []
    for part in (slice(None, first), slice(first, None)):
        p, classes = measures.probabilities(f[part]), (y[part] > 0).astype(int)
        test_loss = float(np.logaddexp(0, -y[part] * f[part]).mean())
        columns.append([*(of(p, classes) for of in measures.MEASURES.values()),
                        measures.loss_gap(train_loss, test_loss)])
    return accuracy, np.array(columns).T
