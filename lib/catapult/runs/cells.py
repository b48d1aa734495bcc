"""Cells: what an experiment is cut into, each computed, keyed and kept by itself: a killed run resumes to the cell.

An experiment with cells says ``cells(parameters)``, a list of mappings that each name one cell; ``cell(parameters,
**name)``, the cell's results; ``join(parameters, datasets)``, the whole from them, in the order of the list; and
``JOINED_OVER``, the parameters that no cell depends on, such as how many seeds there are: with more of them the cells
that are there are kept. Its ``run(parameters)`` is :func:`one_by_one`. An experiment without is one cell.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import xarray as xr

from catapult.parameters import Parameters
from catapult.runs import keys, store, workers
from catapult.runs.progress import Progress


def one_by_one(experiment: ModuleType, parameters: Parameters) -> xr.Dataset:
    """Return the experiment's results, computed here, one cell after the other, and nothing kept."""
    return experiment.join(parameters, [experiment.cell(parameters, **name) for name in experiment.cells(parameters)])


@dataclass(frozen=True)
class Cell:
    """One cell of an experiment at some parameters, and the key under which it is kept."""

    parameters: Parameters
    name: Mapping[str, Any]
    origin: Mapping[str, Any]  # what it depends on
    key_of: Callable[[dict[str, Any]], str] = keys.key_of
    made_by: int = field(default_factory=os.getpid)  # the process

    @functools.cached_property
    def key(self) -> str:
        """What its files' names begin with."""
        return self.key_of(dict(self.origin))

    def load(self, folder: Path) -> xr.Dataset | None:
        """Return its results, or None if they are not in the folder, whole."""
        return store.load(folder / self.key, self.key_of)

    def finished(self, folder: Path) -> bool:
        """Return whether its results are in the folder, whole."""
        return self.load(folder) is not None

    def compute(self) -> workers.Files:
        """Compute it; return the files that keep it.

        Raises
        ------
        OtherInputs
            If this is another process than the one that made the cell, and has other code or other data.
        """
        experiment = importlib.import_module(self.origin["experiment"])
        if os.getpid() != self.made_by:
            if keys.code_here(experiment.__name__) != self.origin["code"]:
                raise keys.OtherInputs("a worker has another version of the code or of a numerical library")
            if keys.data_checksum(experiment, self.parameters) != self.origin["data"]:
                raise keys.OtherInputs("a worker has other data")
        started = time.monotonic()
        dataset = run(experiment, self.parameters, self.name)
        return store.files(self.key, dataset, {**self.origin, **keys.circumstances(time.monotonic() - started)})


def run(experiment: ModuleType, parameters: Parameters, name: Mapping[str, Any]) -> xr.Dataset:
    """Return the results of one cell; an experiment without cells has one, and that has no name."""
    return experiment.cell(parameters, **name) if name else experiment.run(parameters)


def of(experiment: ModuleType, parameters: Parameters, origin: Mapping[str, Any],
       key_of: Callable[[dict[str, Any]], str] = keys.key_of) -> list[Cell]:
    """Return the cells of an experiment; ``origin`` is what the whole depends on (:func:`keys.identity`)."""
    if not hasattr(experiment, "cells"):
        return [Cell(parameters, {}, origin, key_of)]
    own = {key: value for key, value in origin["parameters"].items() if key not in experiment.JOINED_OVER}
    return [Cell(parameters, name, {**origin, "parameters": {**own, "cell": dict(name)}}, key_of)
            for name in experiment.cells(parameters)]


def joined(experiment: ModuleType, parameters: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the whole from the results of all cells, in their order."""
    return experiment.join(parameters, datasets) if hasattr(experiment, "cells") else datasets[0]


def compute(experiment: ModuleType, parameters: Parameters, origin: Mapping[str, Any]) -> xr.Dataset:
    """Return the experiment's results: the cells that are kept, joined with the others, computed on all cores."""
    if not hasattr(experiment, "cells"):
        return experiment.run(parameters)
    every = of(experiment, parameters, origin)
    folder = store.entry_of(every[0].origin).parent
    found = {cell.key: cell.load(folder) for cell in every}
    missing = [cell for cell in every if found[cell.key] is None]
    with Progress(len(every), len(missing), "cell", sys.stderr.isatty()) as shown:
        def done(cell: Cell, files: workers.Files) -> None:
            found[cell.key] = store.opened(next(iter(files.values()))) if files else cell.load(folder)
            shown.add(1)

        workers.finish(missing, _writable(folder), done, say=shown.say)
    return joined(experiment, parameters, [found[cell.key] for cell in every])


def _writable(folder: Path) -> Path | None:
    """Return the folder, made if need be; None, and a line that says so, if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        print(f"catapult: {folder} can't be written ({error.strerror}); the results are used all the same",
              file=sys.stderr)
        return None
