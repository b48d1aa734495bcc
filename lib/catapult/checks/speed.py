"""Checks of chapter 14: that what is fast is also exact. Nothing here is timed."""

from __future__ import annotations

from itertools import product

import numpy as np

from catapult import datasets, losses
from catapult.checks import Measurement
from catapult.experiments import speed
from catapult.networks import ACTIVATIONS, Network
from catapult.theory import linear_predictor, two_layer
from catapult.training import train


def _seeds(scale: str) -> range:
    return range(3 if scale == "quick" else 30)


def linear_reductions(scale: str) -> Measurement:
    """Deep linear network, contracted or in its span: largest relative difference of outputs from the plain step."""
    return Measurement(np.max([speed.compare(form, seed=seed)[0]
                               for form in ("contracted", "span") for seed in _seeds(scale)]))


def kernel_form(scale: str) -> Measurement:
    """Two-layer ReLU network in kernel form: largest relative difference of the outputs from the plain step."""
    return Measurement(np.max([speed.compare("kernel", seed=seed)[0] for seed in _seeds(scale)]))


def narrow(scale: str) -> Measurement:
    """Two-layer linear network at width rank + 1: largest relative difference of the outputs from the full width."""
    return Measurement(np.max([speed.compare("narrow", seed=seed)[0] for seed in _seeds(scale)]))


def operation_counts(scale: str) -> Measurement:
    """Multiplications of a step, counted as they happen: largest difference from the formulas."""
    rows = [speed.compare(form, loss_steps=3) for form in speed.REDUCTIONS]
    deep, shallow = speed.counted("plain", 12, (20, 15, 10, 1)), speed.counted("plain", 12, (20, 15, 1))
    plain = [row[3] - (shallow if form in ("kernel", "narrow") else deep)
             for row, form in zip(rows, speed.REDUCTIONS, strict=True)]
    return Measurement(np.max(np.abs([*plain, *(row[1] - row[2] for row in rows)])))


def engines(scale: str) -> Measurement:
    """Largest relative difference of losses and weight norms between the engine that is chosen and the plain loop."""
    worst, shapes = 0.0, (((6, 5, 1), 4), ((6, 5, 4, 1), 20))
    for loss, activation, (shape, samples), batch in product(losses.LOSSES, ACTIVATIONS, shapes, (None, 3)):
        for seed in (0,) if scale == "quick" else range(5):
            options = {"loss": loss, "seeds": (seed,), "batch_size": batch, "record": ("loss", "weight_norm")}
            problem, network = speed.gaussian(samples, 6, seed), Network(shape, activation)
            exact, fast = (speed.training(engine, problem, network, 2, 25, **options)()
                           for engine in ("reference", "auto"))
            for name in options["record"]:
                worst = np.maximum(worst, np.abs(fast[name].values / exact[name].values - 1).max())
    return Measurement(worst)


def phase_maps(scale: str) -> Measurement:
    """Phase maps over grids of f0 and η: points at which the compiled map and a Python loop differ."""
    points, differences = 24 if scale == "quick" else 120, 0
    for loss in losses.LOSSES:
        f0, rates = speed.map_axes(loss, points)
        fast = two_layer.phase_map(loss, f0[:, None], speed.MAP_NTK, speed.MAP_WIDTH, rates, steps=1000)
        slow = [[speed.python_label(loss, f, rate, trap=False) for rate in rates] for f in f0]
        decided = np.array(slow) != "unsettled"  # without the trap a slow orbit may not be done
        differences += int((fast != np.array(slow))[decided].sum())
    return Measurement(differences)


def two_numbers(scale: str) -> Measurement:
    """Two-layer networks on the pair: largest relative difference between their loss and kernel and the recursion's.

    Up to the step at which the loss of the network passes 10⁶ on its way to infinity, if it does.
    """
    worst = 0.0
    for loss, width, seed in product(losses.LOSSES, (2, 30, 300), _seeds(scale)):
        network, rate = Network((1, width, 1)), 0.6 / losses.get(loss).curvature_at_zero
        w1, w2 = (matrix.numpy().ravel() for matrix in network.initialise(seed))
        trained = train(datasets.degenerate_pair(), network, rate, loss=loss, seeds=seed, steps=10,
                        record=("loss", "ntk"), engine="reference").isel(seed=0, learning_rate=0)
        f, ntk = two_layer.iterate(loss, w1 @ w2 / width**0.5, (w1 @ w1 + w2 @ w2) / width, width, rate, 10)
        pairs = ((linear_predictor.excess_risk(loss, f) + losses.get(loss).minimum, trained.loss), (ntk, trained.ntk))
        alive = np.logical_and.accumulate(trained.loss.values < 1e6)
        worst = np.max([worst, *(np.abs(ours / theirs.values - 1)[alive].max() for ours, theirs in pairs)])
    return Measurement(worst)
