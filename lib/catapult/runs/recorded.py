"""Recorded results: cells that were computed once, at paper scale, and that pages show on any machine.

They lie in ``data/results/EXPERIMENT/``, two files a cell as in the store. The key is made of the experiment's name,
the parameters that are not at their defaults and the cell's name. Code, data, versions and machine are provenance: a
page says with which code its numbers were made, computes a slice of them again and compares.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import xarray as xr

from catapult import paths
from catapult.parameters import InputError, Parameters
from catapult.runs import cells, experiments, keys, store, workers
from catapult.runs.progress import Progress, in_words, steps_to_time

LONGEST = 45 * 60
"""Seconds that a cell may take, so that a recording can be made in parts."""

ASKED = {"values", "code", "data", "date", "versions", "machine", "seconds"}
"""What a record must say."""


class NotRecorded(LookupError):
    """Some cells of an experiment are not recorded at these parameters; the message is one line."""


class RecordingFailed(RuntimeError):
    """The recording could not be finished; the cells that were are kept. The message is one line."""


def folder(experiment: ModuleType) -> Path:
    """Return where an experiment's recorded cells are."""
    return paths.RECORDED / experiments.name_of(experiment.__name__)


def of(experiment: ModuleType, parameters: Parameters) -> list[cells.Cell]:
    """Return the cells of an experiment as they are recorded, with what they depend on here: code, but not data."""
    values = parameters.as_dict()
    defaults = {name: field.default for name, field in type(parameters).model_fields.items()}
    origin = {"experiment": experiment.__name__, "code": keys.code_version(experiment.__name__), "values": values,
              "parameters": {name: value for name, value in values.items() if value != defaults[name]}}
    return cells.of(experiment, parameters, origin, _key_of)


def _key_of(record: Mapping[str, Any]) -> str:
    """Return the key of a cell; KeyError for the record of one that lacks what is asked of it: it is none of ours."""
    if "arrays" in record and not record.keys() >= ASKED:
        raise KeyError(*ASKED - record.keys())
    return keys.digest({name: record[name] for name in ("experiment", "parameters")})[:32]


def record(experiment: ModuleType, parameters: Parameters, *, jobs: int | None = None, dask: str | None = None,
           progress: bool = True) -> str:
    """Compute the cells that are not recorded yet, and record each as soon as it is done; say in words what was done.

    Parameters
    ----------
    experiment, parameters
        What is recorded; most often at the scale ``paper``.
    jobs, dask
        As in :func:`catapult.runs.workers.finish`.
    progress
        Whether to show on standard error how far it is.

    Raises
    ------
    InputError
        If cells are there that were computed from other data, or at another value of a parameter.
    RecordingFailed
        If a cell fails, or workers are killed again and again.
    """
    started, place, data = time.monotonic(), folder(experiment), keys.data_checksum(experiment, parameters)
    every = [cells.Cell(cell.parameters, cell.name, {**cell.origin, "data": data}, _key_of)
             for cell in of(experiment, parameters)]
    there = [cell for cell in every if cell.finished(place)]
    if other := [cell for cell in there if store.record_of(place / cell.key, _key_of)["data"] != data]:
        raise InputError(f"{len(other)} cells in {place} were computed from other data, the first is {other[0].key}; "
                         "allowed: the data that they were computed from, or to remove them first")
    if other := [(cell, changed) for cell in there if (changed := _changed(experiment, cell))]:
        raise InputError(f"{len(other)} cells in {place} were recorded with another {', '.join(other[0][1])}, the "
                         f"default at that time; the first is {other[0][0].key}; allowed: to remove them first")
    missing = [cell for cell in every if cell not in there]
    try:
        with Progress(len(every), len(missing), "cell", progress) as shown:
            def done(cell: cells.Cell, files: workers.Files) -> None:
                for name, content in files.items():  # a worker without this file system leaves the writing to us
                    if not (place / name).is_file():
                        store.write(place / name, content)
                shown.add(1)

            theirs = workers.finish(missing, place, done, jobs=jobs, dask=dask, say=shown.say)
    except InputError:
        raise
    except Exception as error:  # an experiment may raise anything
        raise RecordingFailed(f"the recording stopped: {_brief(error)}; the cells that were finished are kept, the "
                              "same command goes on from there") from error
    size = sum(file.stat().st_size for cell in every for file in place.glob(f"{cell.key}*"))
    return (f"{len(every)} cells, {len(missing) - theirs} of them computed in {in_words(time.monotonic() - started)}; "
            f"{size / 1e6:.2g} MB in {place}")


def estimate(experiment: ModuleType, parameters: Parameters, jobs: int | None = None) -> str:
    """Return in words what :func:`record` would do, and how long it takes; writes nothing.

    The time of a cell is that of a recorded one that differs in its seed alone; else one such cell is timed here, over
    its first steps if it has many.

    Raises
    ------
    RecordingFailed
        If that cell fails: there is no time to tell then.
    """
    place, every = folder(experiment), of(experiment, parameters)
    missing, known = [], {}
    for cell in every:
        kind = tuple((name, value) for name, value in cell.name.items() if name != "seed")
        try:
            known[kind] = float(store.record_of(place / cell.key, _key_of)["seconds"])
        except (OSError, ValueError, KeyError):
            missing.append((kind, cell))
    for kind, cell in missing:
        if kind not in known:
            try:
                known[kind] = _timed(experiment, parameters, cell.name)
            except InputError:
                raise
            except Exception as error:  # an experiment may raise anything
                raise RecordingFailed(f"no time can be told: the cell {dict(cell.name) or 'of all'} fails: "
                                      f"{_brief(error)}") from error
    seconds = sum(known[kind] for kind, _ in missing)
    longest = max((known[kind] for kind, _ in missing), default=0.0)
    beyond = f"; a cell may take {in_words(LONGEST)}: cut them smaller" if longest > LONGEST else ""
    here = jobs or joblib.cpu_count()
    return (f"{len(every)} cells, {len(every) - len(missing)} of them recorded\n"
            f"about {in_words(seconds)} of computing left, {in_words(seconds / here)} with {here} processes; the "
            f"longest cell about {in_words(longest)}{beyond}")


def _timed(experiment: ModuleType, parameters: Parameters, name: Mapping[str, Any]) -> float:
    def seconds(**changes) -> float:
        values = type(parameters)(**{**parameters.as_dict(), **changes})
        started = time.monotonic()
        cells.run(experiment, values, name)
        return time.monotonic() - started

    steps, some = getattr(parameters, "steps", None), steps_to_time(type(parameters))
    with workers.one_thread():
        if steps is None or steps <= 4 * some:
            return seconds()
        few, more = min(seconds(steps=some), seconds(steps=some)), seconds(steps=2 * some)
    return more + max(more - few, 0) / some * (steps - 2 * some)


def load(experiment: ModuleType, parameters: Parameters) -> xr.Dataset:
    """Return the recorded results of an experiment at these parameters.

    Raises
    ------
    NotRecorded
        If a cell is not there, or is damaged, or was computed at another value of a parameter.
    """
    every = of(experiment, parameters)
    parts = [_whole(experiment, cell) for cell in every]
    if None in parts:  # then one of them says why
        return cells.joined(experiment, parameters, [_load(experiment, cell) for cell in every])
    origin = {"experiment": experiment.__name__, "parameters": parameters.as_dict(), "data": keys.digest(parts),
              "code": every[0].origin["code"]}
    entry = store.entry_of(origin)
    joined = store.load(entry)
    if joined is None:
        started = time.monotonic()
        joined = cells.joined(experiment, parameters, [_load(experiment, cell) for cell in every])
        store.save_or_say(entry, joined, {**origin, **keys.circumstances(time.monotonic() - started)})
    return joined


def _whole(experiment: ModuleType, cell: cells.Cell) -> str | None:
    """Return the sha256 of a recorded cell's arrays, or None if it can't be used: many small files are slow to open."""
    try:
        sha = store.sha_of(folder(experiment) / cell.key, _key_of)
        return None if _changed(experiment, cell) else sha
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _load(experiment: ModuleType, cell: cells.Cell) -> xr.Dataset:
    place = folder(experiment)
    modified = tuple(sorted((file.name, file.stat().st_mtime_ns) for file in place.glob(f"{cell.key}*")))
    dataset = _read(place / cell.key, modified)
    if dataset is None:
        raise NotRecorded(f"{experiments.name_of(experiment.__name__)} is not recorded at these parameters: {place} "
                          f"has no {cell.key}.json, which is the cell {dict(cell.name) or 'of all'}")
    if changed := _changed(experiment, cell):
        raise NotRecorded(f"{place / cell.key}.json was recorded with another {', '.join(changed)}")
    return dataset


@functools.lru_cache(maxsize=1024)
def _read(entry: Path, _modified: tuple) -> xr.Dataset | None:
    """Read one cell, once while its files are not touched: a page asks for its runs, and what they were made with."""
    return store.load(entry, _key_of)


def _changed(experiment: ModuleType, cell: cells.Cell) -> list[str]:
    """Return of which parameters a recorded cell has other values: those that were the defaults when it was made."""
    recorded = store.record_of(folder(experiment) / cell.key, _key_of)["values"]
    over = getattr(experiment, "JOINED_OVER", ())
    return [name for name, value in cell.origin["values"].items()
            if name not in over and recorded.get(name, value) != value]


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def tables(*modules: str) -> str:
    """Return a hash of the recorded files that these modules, or what they import, may read."""
    closure = keys.import_closure(*modules)
    rooms = {path.parent.name.replace("_", "-") for path in closure if path.name == "experiment.py"}
    if any("RECORDED /" in path.read_text(encoding="utf-8") for path in closure if path.parent.parent == paths.ROOMS):
        rooms.add(paths.RECORDED.name)  # a table of a chapter's own
    files = [file for file in sorted(paths.RECORDED.rglob("[!.]*"))  # hidden: what a recorder is at
             if file.suffix != ".damaged" and file.is_file() and file.parent.name in rooms]
    return keys.digest([[file.name, _sha256(file, file.stat().st_mtime_ns)] for file in files])


@functools.lru_cache(maxsize=4096)
def _sha256(file: Path, _modified: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Provenance:
    """With what recorded results were made: code and data as hashes, first and last date, seconds of one process."""

    code: frozenset[str]
    data: frozenset[str]
    versions: frozenset[str]
    machines: frozenset[str]
    first: str
    last: str
    seconds: float
    current: bool  # whether today's code is the one that made them

    def in_words(self) -> str:
        """Return a sentence for the page that shows the results."""
        code = ", ".join(sorted(each[:8] for each in self.code))
        as_now = "as it is now" if self.current else "the code has changed since"
        day = self.first[:10] if self.first[:10] == self.last[:10] else f"{self.first[:10]} to {self.last[:10]}"
        return (f"Recorded on {day} in {in_words(self.seconds)} of one core with code {code} ({as_now}), "
                f"{'; '.join(sorted(self.versions))}, on {'; '.join(sorted(self.machines))}.")


def made_with(experiment: ModuleType, parameters: Parameters) -> Provenance:
    """Return the provenance of the recorded results; raise NotRecorded if a cell is missing."""
    every = of(experiment, parameters)
    for cell in every:
        if _whole(experiment, cell) is None:
            _load(experiment, cell)  # says why it can't be used
    records = [store.record_of(folder(experiment) / cell.key, _key_of) for cell in every]
    dates = sorted(each["date"] for each in records)
    return Provenance(
        code=frozenset(each["code"] for each in records), data=frozenset(each["data"] for each in records),
        versions=frozenset(", ".join(f"{name} {each['versions'][name]}" for name in ("python", "numpy", "torch"))
                           for each in records),
        machines=frozenset(each["machine"] for each in records), first=dates[0], last=dates[-1],
        seconds=sum(each["seconds"] for each in records), current={each["code"] for each in records} == {
            every[0].origin["code"]})


def slice_difference(experiment: ModuleType, parameters: Parameters, name: Mapping[str, Any],
                     variables: Iterable[str], *, along: str = "step", **changes: Any) -> dict[str, float]:
    """Compute one recorded cell again with other parameters, most often fewer steps; return how far it is off.

    For each variable with the dimension ``along``: the largest difference at the steps that both have, relative to the
    largest recorded value there; infinite if one is NaN where the other is not.

    Raises
    ------
    NotRecorded
        If that cell is not recorded.
    """
    cell = next((each for each in of(experiment, parameters) if dict(each.name) == dict(name)), None)
    if cell is None:
        raise NotRecorded(f"no cell is called {dict(name)}")
    kept = _load(experiment, cell)
    again = cells.run(experiment, type(parameters)(**{**parameters.as_dict(), **changes}), name)
    return {variable: _difference(again[variable], kept[variable], along) for variable in variables}


def _difference(again: xr.DataArray, kept: xr.DataArray, along: str) -> float:
    again, kept = (each.dropna(along, how="all") for each in (again, kept))
    again, kept = xr.align(again, kept, join="inner")
    if not again.size:
        raise NotRecorded(f"{kept.name}: no {along} is in both")
    a, b = again.values.astype(float), kept.values.astype(float)
    if (np.isnan(a) != np.isnan(b)).any():
        return np.inf
    there = np.isfinite(b)
    return float(np.abs(a - b)[there].max(initial=0.0) / np.abs(b[there]).max(initial=1e-300))
