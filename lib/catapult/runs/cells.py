"""Cells: what an experiment is cut into, each computed, keyed and kept by itself: a killed run resumes to the cell.

An experiment with cells says ``cells(parameters)``, a list of mappings that each name one cell; ``cell(parameters,
**name)``, the cell's results; ``join(parameters, datasets)``, the whole from them, in the order of the list; and
``JOINED_OVER``, the parameters that no cell depends on, such as how many seeds there are: with more of them the cells
that are there are kept. Its ``run(parameters)`` is :func:`one_by_one`. An experiment without is one cell.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import joblib
import xarray as xr

from catapult.parameters import Parameters
from catapult.runs import results


def one_by_one(experiment: ModuleType, parameters: Parameters) -> xr.Dataset:
    """Return the experiment's results, computed here, one cell after the other, and nothing kept."""
    return experiment.join(parameters, [experiment.cell(parameters, **name) for name in experiment.cells(parameters)])


def compute(experiment: ModuleType, parameters: Parameters, origin: dict[str, Any]) -> xr.Dataset:
    """Return the experiment's results: the cells that are kept, joined with the others, computed on all cores.

    Each cell is stored by the process that computes it, as soon as it is done. ``origin`` is what the whole depends on
    (:func:`catapult.runs.results.identity`).
    """
    if not hasattr(experiment, "cells"):
        return experiment.run(parameters)
    names = experiment.cells(parameters)
    origins = [of_cell(experiment, origin, name) for name in names]
    found = {number: results.load(results.entry_of(cell)) for number, cell in enumerate(origins)}
    missing = [number for number, dataset in found.items() if dataset is None]
    ours = {name: value for name, value in os.environ.items() if name.startswith("CATAPULT_")}
    started = time.monotonic()
    with joblib.parallel_config("loky", n_jobs=-1, inner_max_num_threads=1):
        done = joblib.Parallel(batch_size=1, return_as="generator_unordered")(
            joblib.delayed(_keep)(number, experiment.__name__, parameters, names[number], origins[number], ours)
            for number in missing)
        for count, (number, dataset) in enumerate(done, start=1):
            found[number] = dataset
            _say(experiment, count, len(missing), time.monotonic() - started)
    return experiment.join(parameters, [found[number] for number in range(len(names))])


def of_cell(experiment: ModuleType, origin: dict[str, Any], name: Mapping[str, Any]) -> dict[str, Any]:
    """Return what one cell depends on, from what the whole does."""
    own = {key: value for key, value in origin["parameters"].items() if key not in experiment.JOINED_OVER}
    return {**origin, "parameters": {**own, "cell": dict(name)}}


def _keep(number: int, module: str, parameters: Parameters, name: Mapping[str, Any], origin: dict[str, Any],
          environment: Mapping[str, str]) -> tuple[int, xr.Dataset]:
    """Compute one cell, in a worker, and store it; return it as it is read back."""
    import torch

    torch.set_num_threads(1)
    os.environ.update(environment)  # a worker may be older than what the caller has set since
    started = time.monotonic()
    dataset = importlib.import_module(module).cell(parameters, **name)
    entry = results.entry_of(origin)
    results.save_or_say(entry, dataset, {**origin, **results.circumstances(time.monotonic() - started)})
    kept = results.load(entry)
    return number, dataset if kept is None else kept


def _say(experiment: ModuleType, done: int, count: int, seconds: float) -> None:
    if sys.stderr.isatty():
        left = seconds / done * (count - done)
        print(f"\rcatapult: {done} of {count} cells, about {left:.0f} s left  ", end="\n" if done == count else "",
              file=sys.stderr, flush=True)
