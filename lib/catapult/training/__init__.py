"""Gradient descent on classification problems: one call trains one network at many learning rates and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from catapult import losses, phases
from catapult.networks import WeightMatrices
from catapult.parameters import InputError, nearest
from catapult.training.convolutional import Convolutional
from catapult.training.dense import Dense
from catapult.training.linear import Linear
from catapult.training.recording import QUANTITIES, Engine, Recorder
from catapult.training.reference import Reference
from catapult.training.schedules import Schedule
from catapult.training.task import Task, check

__all__ = ["ENGINES", "QUANTITIES", "train"]

# The later ones are the faster where they apply.
ENGINES = {"reference": Reference, "dense": Dense, "linear": Linear, "convolutional": Convolutional}


def train(problem: Any, network: WeightMatrices, learning_rates: float | Sequence[float], *,
          loss: str | losses.Loss | losses.ClassLoss = "logistic", seeds: int | Sequence[int] = (0,), steps: int,
          batch_size: int | None = None, schedule: Schedule | str | None = None,
          record: str | Sequence[str] | Mapping[str, int | None] = ("loss",), every: Any = 1, engine: str = "auto",
          dtype: str = "float64", device: str = "cpu", divergence: float = phases.DIVERGENCE,
          initial_weights: Any = None, momentum: float = 0, weight_decay: float = 0) -> xr.Dataset:
    r"""Train a network by gradient descent, once for each learning rate and seed; return what was recorded.

    :math:`W_{t+1} = W_t - \eta\,c_t\,\nabla L(W_t)` with L the MEAN loss over the training set (or the
    minibatch), c_t the factor of the schedule, no biases; in place of the gradient with momentum μ and weight decay λ
    :math:`v_{t+1} = \mu v_t + \nabla L(W_t) + \lambda W_t`, :math:`v_0 = 0` (as ``torch.optim.SGD``).

    Parameters
    ----------
    problem
        Anything with ``X`` (n, d), ``y`` (n,) of ±1 or, for a network with k > 1 outputs, of class numbers
        0 … k−1, and ``X_test``, ``y_test`` or None; numpy or torch.
    network
        A :class:`catapult.Network` or a :class:`catapult.ConvolutionalNetwork`. Its parametrisation ("ntk" or
        "standard") sets the scale of the learning rate. With batch normalisation a minibatch's gradient takes the
        statistics of the minibatch; all that is recorded takes those of the training set.
    learning_rates
        η, finite and > 0.
    loss
        "exponential", "logistic" or "squared"; with several outputs "cross_entropy", of the softmax ("logistic",
        which it generalises, means the same there), "squared", ½‖f − one-hot(y)‖², or "huber" (δ = 1): summed over the
        outputs.
    seeds
        Whole numbers from 0 to 2⁶³ − 1. Each draws its initial weights and its order of minibatches, the same for
        every learning rate.
    steps
        Number of updates, ≥ 1.
    batch_size
        None: full batch. Else minibatches of this size, from 1 to n, without replacement within an epoch.
    schedule
        None, a name in ``catapult.training.schedules.SCHEDULES``, or a function ``(step, steps) -> factor``.
    record
        Any of ``QUANTITIES`` (defined in :mod:`catapult.training.recording`): loss, train_accuracy, test_accuracy,
        sharpness, ntk, weight_norm, zero_fraction; with a dimension of their own eigenvalues (the 5 largest of the
        Hessian), feature_singular_values, class_loss, class_accuracy, tenth_accuracy (of each tenth of the test
        samples, in their order), and weights (after the last step). Or a mapping that says how many eigenvalues:
        ``{"loss": None, "eigenvalues": 10}``, None for all else.
    every
        Record at the multiples of this step, and at the last; or at the steps of a list; or, by a mapping,
        each quantity in its own way (1 where it is not named). What is not recorded at a step is NaN there.
        An even number shows only one side of a run that bounces between two states.
    engine
        "auto": the fastest that applies; "reference": the plain autograd loop, which alone has normalisation, momentum
        and weight decay. All give the same numbers up to rounding. "dense", "linear" and "convolutional" name one.
    dtype
        "float64" or "float32".
    device
        "cpu", or "cuda" where there is such a GPU.
    divergence
        A run whose loss exceeds this multiple of its initial loss, finite and > 1, or is not finite, has diverged
        and stops.
    initial_weights
        Finite matrices (m_out, m_in) from which every run starts, instead of drawing them.
    momentum, weight_decay
        μ, from 0 to below 1, and λ, finite and ≥ 0. Loss and curvature stay those of L, without :math:`\lambda|W|^2/2`.

    Returns
    -------
    xarray.Dataset
        Each quantity with dimensions (learning_rate, seed, step), and its own after these: the value before the update
        of that step, NaN from the blow-up on; ``step`` runs from 0 to ``steps``. The weights, in one vector that
        ``network.matrices`` takes apart, have no dimension step. And with dimensions (learning_rate, seed):
        ``phase`` (see :mod:`catapult.phases`), ``blow_up_step`` (−1: none) and ``peak_loss``, the largest
        finite loss. These three look at the training loss at every step for full batches, at step 0 and
        the recorded steps for minibatches, where it costs an extra pass over the data.

    Raises
    ------
    InputError
        Before any work, in one line, for wrong input.

    Examples
    --------
    >>> from catapult.datasets import degenerate_pair
    >>> from catapult.networks import Network
    >>> result = train(degenerate_pair(), Network((1, 64, 1)), [0.5, 8.0], loss="squared", steps=40,
    ...                record={"loss": None, "eigenvalues": 2})
    >>> dict(result.eigenvalues.sizes)
    {'learning_rate': 2, 'seed': 1, 'step': 41, 'eigenvalue': 2}
    >>> result.phase.values.ravel().tolist()
    ['lazy', 'divergent']
    """
    task = check(problem, network, learning_rates, loss=loss, seeds=seeds, steps=steps, batch_size=batch_size,
                 schedule=schedule, record=record, every=every, dtype=dtype, device=device,
                 divergence=divergence, initial_weights=initial_weights, momentum=momentum, weight_decay=weight_decay,
                 quantities=QUANTITIES)
    name = _choose(engine, task)
    recorder, worker = Recorder(task), ENGINES[name](task)
    for first in range(0, len(task.runs), worker.block):
        _follow(worker, task.runs[first:first + worker.block], task, recorder)
    return recorder.dataset(
        problem=task.name, network=str(network), loss=task.loss.name, steps=task.steps,
        schedule=_name(schedule), batch_size=task.batch_size or "full", dtype=dtype, engine=name,
        divergence=task.divergence, momentum=task.momentum, weight_decay=task.weight_decay,
        conventions="mean loss; no biases; values before their step's update; ntk: largest eigenvalue of Θ/n")


def _name(schedule) -> str:
    """Return the name of a schedule, the same in every process."""
    return getattr(schedule, "__qualname__", None) or str(schedule or "fix")


def _choose(engine: str, task: Task) -> str:
    names = ["auto", *ENGINES]
    if engine not in names:
        raise InputError(f"engine = {engine!r}{nearest(engine, names)}; allowed: {', '.join(names)}")
    lacking = {name: kind.lacks(task) for name, kind in ENGINES.items()}
    able = [name for name in ENGINES if not lacking[name]]
    if engine == "auto":
        return next(name for name in reversed(able) if ENGINES[name].pays(task))
    if lacking[engine]:
        raise InputError(f"engine = {engine!r}: lacks {', '.join(lacking[engine])}; allowed: auto, {', '.join(able)}")
    return engine


def _follow(engine: Engine, runs: np.ndarray, task: Task, recorder: Recorder) -> None:
    """Train a block of runs until the last step or until all have diverged; those that have are dropped."""
    engine.start(runs)
    batches = {seed: task.batches(seed) for seed in set(runs[:, 1])} if task.batch_size else {}
    observed = set(task.observed)
    for step in range(task.steps + 1):
        if step in observed:
            outputs = engine.outputs()
            alive = recorder.observe(step, outputs, runs)
            if not alive.all():
                runs, mask = runs[alive], torch.as_tensor(alive, device=outputs.device)
                outputs = outputs[mask]
                engine.keep(mask)
            if not len(runs):
                return
            recorder.record(step, outputs, runs, engine)
        if step < task.steps:
            drawn = {seed: next(indices) for seed, indices in batches.items()}
            engine.step(task.factors[step], np.stack([drawn[seed] for seed in runs[:, 1]]) if drawn else None)
