"""A chunk of a sweep: the runs that are computed together, and the one file that keeps their rows.

What a chunk holds is a function of the full grid alone: the last bits of batched matrix products depend on
what else is in the batch. Runs that differ only in the parameter that the experiment names in
``GROUPED_OVER``, in order, ``group_size`` to a chunk, go to its ``run_group`` together; of an experiment that
names none, each run is a chunk.

A chunk's file is named after the experiment, the runs, the checksum of the data and the code versions of the
experiment and of this module, numerical libraries included; it carries its own sha256 and where it was computed. It is
written to a temporary name and renamed: it is there and whole, or not there.
"""

from __future__ import annotations

import functools
import importlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr

from catapult.parameters import Parameters, one_line
from catapult.runs import keys, store

Row = dict[str, Any]  # {"results": {name: text}, "error": text}
LONGEST = 10
"""Components that a vector may have to be in a table."""


@dataclass(frozen=True)
class Chunk:
    """Some runs of one experiment, by their parameters."""

    experiment: str  # the module's name
    runs: tuple[dict[str, Any], ...]
    data: str
    code: str
    stale: str | None = None  # the digest of a record with failures that does not count

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """What the rows depend on."""
        return {"experiment": self.experiment, "runs": list(self.runs), "data": self.data, "code": self.code,
                "rows_code": _code(__name__)}

    @functools.cached_property
    def key(self) -> str:
        return keys.digest(self.identity)[:32]

    def file(self, folder: Path) -> Path:
        """Return where in the folder of chunks this one is kept."""
        return folder / f"{self.key}.json"

    def finished(self, folder: Path) -> bool:
        """Return whether its file is there, whole."""
        record = load(self, folder)
        return record is not None and (self.stale is None or keys.digest(record) != self.stale)

    def again(self, folder: Path) -> Chunk:
        """Return the same chunk, unfinished if a run of it has failed."""
        record = load(self, folder)
        return self if record is None or not failed(record) else replace(self, stale=keys.digest(record))

    def compute(self) -> dict[str, bytes]:
        """Run it; return its file, by its name.

        A run that fails is a row with its error. If a group fails as a whole, its runs are done one by one, each
        alone: which rows come out of a batch and which do not depends on the chunk alone.

        Raises
        ------
        OtherInputs
            If the code or the data here is not what the chunk was made for.
        """
        experiment = importlib.import_module(self.experiment)
        runs = [experiment.Parameters(**run) for run in self.runs]
        if (_code(self.experiment), _code(__name__)) != (self.code, self.identity["rows_code"]):
            raise keys.OtherInputs("a worker has another version of the code or of a numerical library")
        if keys.data_checksum(experiment, runs[0]) != self.data:
            raise keys.OtherInputs("a worker has other data")
        started = time.monotonic()
        rows = _rows(experiment, runs)
        return {f"{self.key}.json": store.sealed({
            **self.identity, "rows": rows, **keys.circumstances(time.monotonic() - started),
            "attempt": secrets.token_hex(8)})}  # a retry in the same second is another record


def split(experiment: ModuleType, runs: Sequence[Parameters]) -> list[Chunk]:
    """Return the chunks of the runs of a full grid, which are sorted."""
    over = getattr(experiment, "GROUPED_OVER", None)
    groups: dict[tuple, list[Parameters]] = {}
    for run in runs:
        others = tuple((name, value) for name, value in run.as_dict().items() if name != over)
        groups.setdefault(others, []).append(run)
    code, chunks = _code(experiment.__name__), []
    for group in groups.values():
        size = len(group) if over is None else experiment.group_size(group[0])
        data = keys.data_checksum(experiment, group[0])
        chunks += [Chunk(experiment.__name__, tuple(run.as_dict() for run in group[i:i + size]), data, code)
                   for i in range(0, len(group), size)]
    return chunks


def read(chunk: Chunk, folder: Path) -> dict[str, Any]:
    """Return what a finished chunk's file holds; OSError if it can't be read, ValueError if it is damaged."""
    record = store.unsealed(chunk.file(folder).read_bytes())
    if any(record.get(name) != value for name, value in chunk.identity.items()):
        raise ValueError("it belongs to another chunk")
    return record


def load(chunk: Chunk, folder: Path) -> dict[str, Any] | None:
    """Return what a finished chunk's file holds, or None; a damaged file is set aside with a message."""
    try:
        return read(chunk, folder)
    except FileNotFoundError:
        return None
    except (ValueError, IsADirectoryError) as error:
        store.set_aside([chunk.file(folder)], error)
        return None


def failed(record: dict[str, Any]) -> int:
    """Return how many runs of a finished chunk have an error."""
    return sum(bool(row["error"]) for row in record["rows"])


def as_text(value: Any) -> str:
    """Return a value as the table shows it: numbers in the shortest form that gives the same bits back."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.item()
    return "" if value is None else str(value)


def _rows(experiment: ModuleType, runs: list[Parameters]) -> list[Row]:
    if len(runs) > 1:
        try:
            return [_row(run, dataset) for run, dataset in zip(runs, experiment.run_group(runs), strict=True)]
        except Exception:
            pass  # which run it was is found out one by one
    return [_alone(experiment, run) for run in runs]


def _alone(experiment: ModuleType, run: Parameters) -> Row:
    try:
        return _row(run, experiment.run(run))
    except Exception as error:
        return {"results": {}, "error": _one_line(error)}


def _row(run: Parameters, dataset: xr.Dataset) -> Row:
    """Return a run's results as a row.

    Of what has a dimension ``step`` the last, as ``NAME_end``; single values as they are, of vectors of up to
    ``LONGEST`` each component, as ``NAME_0`` and on; larger arrays have no place in a table.
    """
    row = {}
    for name, variable in dataset.data_vars.items():
        if "step" in variable.dims:
            name, variable = f"{name}_end", variable.isel(step=-1)
        columns = {}
        if variable.dims == ():
            columns = {name: as_text(variable.values)}
        elif variable.ndim == 1 and variable.size <= LONGEST:
            columns = {f"{name}_{number}": as_text(value) for number, value in enumerate(variable.values)}
        if twice := sorted(row.keys() & columns.keys()):
            raise ValueError(f"two results are called {', '.join(twice)}")
        row |= columns
    if clash := sorted(set(row) & {*run.as_dict(), "error"}):
        raise ValueError(f"a result is called like a parameter: {', '.join(clash)}")
    return {"results": row, "error": ""}


def _one_line(error: Exception) -> str:
    text = one_line(f"{type(error).__name__}: {error}")
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text)[:300]  # addresses differ from run to run


@functools.cache
def _code(module: str) -> str:
    return keys.code_version(module)
