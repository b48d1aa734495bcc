"""Results: an experiment's at these parameters, from the store if they are there, else computed, cell by cell."""

from __future__ import annotations

import time
from types import ModuleType

import xarray as xr

from catapult.parameters import Parameters
from catapult.runs import cells, keys, store


def compute(experiment: ModuleType, parameters: Parameters) -> xr.Dataset:
    """Return the experiment's results at these parameters, from the store if they are there, else computed.

    An experiment that says what its cells are is computed cell by cell, on all cores, and what a run that was killed
    had computed is not computed again. Raises whatever the experiment raises. A store that can't be written is no
    error: one line on standard error says so.
    """
    origin = keys.identity(experiment, parameters)  # before the run: the library may be edited meanwhile
    entry = store.entry_of(origin)
    stored = store.load(entry)
    if stored is not None:
        return stored
    started = time.monotonic()
    dataset = cells.compute(experiment, parameters, origin)
    store.save_or_say(entry, dataset, {**origin, **keys.circumstances(time.monotonic() - started)})
    return dataset


def seconds_to_compute(experiment: ModuleType, parameters: Parameters) -> float | None:
    """Return how long the stored results at these parameters took to compute, or None if there are none."""
    try:
        return float(store.record_of(store.entry_of(keys.identity(experiment, parameters)))["seconds"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
