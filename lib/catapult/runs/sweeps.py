"""Sweeps: many runs of one experiment, on the cores of this machine or on a Dask cluster, none of them lost.

The runs of a :class:`~catapult.runs.grids.Grid` are computed chunk by chunk (:mod:`catapult.runs.chunks`), each with
one thread (:mod:`catapult.runs.workers`). Sweeps into one folder share the chunks. Whatever is killed, whenever: the
same sweep started again does what is left, and ends with the same table, bit for bit (on the same kind of machine, with
the same libraries).

``DIR/table.csv``
    One row a run: the parameters in order of declaration, by which the rows are sorted; the results (see
    :mod:`catapult.runs.chunks`); ``error``, empty or one line.
``DIR/results.nc``
    The same as a labelled data set, over the axes of the grid: what a figure or a check takes.
``DIR/sweep.json``
    Where the table came from. A table of another grid that was there is kept, under a name with its checksum.
``DIR/chunks/``
    One file a chunk.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import hashlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import xarray as xr

from catapult.parameters import InputError, plain
from catapult.runs import chunks, experiments, keys, store, workers
from catapult.runs.chunks import Chunk
from catapult.runs.grids import Grid
from catapult.runs.progress import Progress, in_words, steps_to_time


class SweepFailed(RuntimeError):
    """The sweep could not be finished; what was finished is kept. The message is one line."""


@dataclass(frozen=True)
class Summary:
    """What a finished sweep did: runs in the table, those with an error, runs by phase, chunks computed now."""

    runs: int
    failed: int
    phases: dict[str, int]
    computed: int
    columns: tuple[str, ...]  # of the results
    seconds: float
    table: Path

    def in_words(self) -> str:
        """Return the summary that the command prints."""
        phases = "".join(f"\n    {name:12} {count}" for name, count in self.phases.items())
        empty = "" if self.columns or self.failed else "\n    no results in it: this experiment's are arrays"
        return (f"{self.runs} runs, {self.failed} failed; {self.computed} chunks computed in "
                f"{in_words(self.seconds)}{phases}\n{self.table}{empty}")


@dataclass(frozen=True)
class Estimate:
    """What a sweep would do: chunks in all and finished, seconds of one core for the rest, bytes in all."""

    runs: int
    chunks: int
    finished: int
    seconds: float
    source: str  # what the seconds are estimated from
    size: int

    def in_words(self, jobs: int | None, dask: str | None) -> str:
        """Return the lines that the command prints."""
        here = jobs or joblib.cpu_count()
        spread = "" if dask not in (None, "local") else f", {in_words(self.seconds / here)} with {here} processes"
        return (f"{self.runs} runs in {self.chunks} chunks, {self.finished} of them finished\n"
                f"about {in_words(self.seconds)} of computing left{spread} (estimated from {self.source})\n"
                f"about {self.size / 1e6:.2g} MB")


def run(grid: Grid, out: Path, *, jobs: int | None = None, dask: str | None = None, retry_failed: bool = False,
        progress: bool = True) -> Summary:
    """Compute what is not finished of a grid, and write the table.

    Parameters
    ----------
    grid
        From :func:`catapult.runs.grids.grid`.
    out
        The folder; made if need be.
    jobs
        Processes on this machine; None: one a core. Not with the address of a scheduler.
    dask
        None; the address of a Dask scheduler; or "local" for a cluster of ``jobs`` processes here.
    retry_failed
        Whether chunks in which a run failed are computed again, as a whole.
    progress
        Whether to show on standard error how far the sweep is.

    Raises
    ------
    InputError
        If there is no scheduler at the address, or ``jobs`` is not a number of processes.
    SweepFailed
        If workers were killed again and again, or files can't be written.
    """
    started = time.monotonic()
    check(jobs, dask, out)
    every = chunks.split(grid.experiment, grid.runs)
    folder = out / "chunks"
    with _told():
        tasks = [chunk.again(folder) if retry_failed else chunk for chunk in every]
        left = [task for task in tasks if not task.finished(folder)]
        if other := _other_table(_origin(grid, every), out):
            print(f"catapult: {out / 'table.csv'} is not of this grid, code and data; it is kept as {other}",
                  file=sys.stderr)
    with _told(), Progress(len(grid.runs), sum(len(task.runs) for task in left), "run", progress) as shown:
        def done(task: Chunk, files: workers.Files) -> None:
            for name, data in files.items():  # a worker without this file system leaves the writing to us
                if not (folder / name).is_file() or (folder / name).read_bytes() != data:
                    store.write(folder / name, data)
            record = chunks.load(task, folder)
            shown.add(len(task.runs), chunks.failed(record) if record else 0)

        theirs = workers.finish(left, folder, done, jobs=jobs, dask=dask, say=lambda text: shown.say(f"{text} chunks"))
    with _told():
        return _write_table(grid, every, folder, out, len(left) - theirs, started)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Make one line of what stops a sweep inside the context."""
    try:
        yield
    except (OSError, keys.OtherInputs, workers.Stopped) as error:
        raise SweepFailed(_stopped(error)) from None


def check(jobs: int | None, dask: str | None, out: Path) -> None:
    """Raise InputError, one line, for what :func:`run` would refuse; makes nothing."""
    workers.check(jobs, dask)
    try:
        place = (out / "chunks").absolute()
    except FileNotFoundError:
        raise InputError(f"--out {out}: the folder in which this runs is gone; allowed: a path from /") from None
    there = next(path for path in (place, *place.parents) if os.path.lexists(path))
    try:
        with tempfile.TemporaryFile(dir=there):  # asked for permission, /proc says yes
            pass
    except OSError:
        raise InputError(f"--out {plain(out)}: {plain(there)} is no folder that can be written; allowed: one that "
                         "can") from None
    for file in (out / "table.csv", out / "results.nc", out / "sweep.json"):
        if file.is_dir():
            raise InputError(f"--out {out}: {file} is a folder; allowed: where a file of that name can be written")
        if file.exists() and not file.is_file():
            raise InputError(_special(out, file))
    if place.is_dir():
        with os.scandir(place) as entries:
            for entry in entries:
                if os.path.exists(entry) and not entry.is_file() and not entry.is_dir():
                    raise InputError(_special(out, entry.path))


def _special(out: Path, file: Path | str) -> str:
    return f"--out {plain(out)}: {plain(file)} is a pipe or a device; allowed: files, which end when they are read"


def estimate(grid: Grid, out: Path, retry_failed: bool = False) -> Estimate:
    """Return what :func:`run` would have to do; writes nothing.

    The time is that of the finished chunks in ``out``, if there are any; else that of the run in the middle of the
    grid, timed here: alone, and over its first steps only if it has many.

    Raises
    ------
    SweepFailed
        If the run in the middle of the grid fails: there is no time to tell then.
    """
    every = chunks.split(grid.experiment, grid.runs)
    records = [_peek(chunk, out / "chunks") for chunk in every]
    done = [(chunk, record) for chunk, record in zip(every, records, strict=True)
            if record and not (retry_failed and chunks.failed(record))]
    if done:
        per_run = sum(record["seconds"] for _, record in done) / sum(len(chunk.runs) for chunk, _ in done)
        size = len(store.sealed(done[0][1])) / len(done[0][0].runs)
        source = f"{len(done)} finished chunks"
    else:
        per_run, size, source = _probe(grid)
    left = len(grid.runs) - sum(len(chunk.runs) for chunk, _ in done)
    return Estimate(len(grid.runs), len(every), len(done), per_run * left, source, round(size * len(grid.runs)))


def _peek(chunk: Chunk, folder: Path) -> dict[str, Any] | None:
    """Return a finished chunk's record, or None, leaving damaged files where they are."""
    try:
        return chunks.read(chunk, folder)
    except (OSError, ValueError):
        return None


def _probe(grid: Grid) -> tuple[float, float, str]:
    """Return the seconds and the bytes that one run takes, and in words how they were found."""
    middle = grid.runs[len(grid.runs) // 2]
    model = type(middle)
    steps = getattr(middle, "steps", None)

    def timed(**changes) -> tuple[float, float]:
        chunk = chunks.split(grid.experiment, [model(**{**middle.as_dict(), **changes})])[0]
        started = time.monotonic()
        (data,) = chunk.compute().values()
        seconds = time.monotonic() - started
        (row,) = store.unsealed(data)["rows"]
        if row["error"]:
            raise SweepFailed(f"no time can be told: the run in the middle of the grid fails: {row['error']}")
        return seconds, len(data)

    with workers.one_thread():
        some = steps_to_time(model)
        if steps is None or steps <= 2 * some:
            timed()  # the first imports what the second needs
            return *timed(), "the run in the middle of the grid, alone"
        timed(steps=some)
        (few, _), (more, size) = timed(steps=some), timed(steps=2 * some)
    per_run = more + max(more - few, 0) / some * (steps - 2 * some)
    return per_run, size, f"{2 * some} steps of the run in the middle of the grid, alone"


def _stopped(why: object) -> str:
    text = " ".join(str(why).split()).rstrip(".") or type(why).__name__
    return f"the sweep stopped: {text}; what was finished is kept, the same command goes on from there"


def _write_table(grid: Grid, every: list[Chunk], folder: Path, out: Path, computed: int, started: float) -> Summary:
    names = list(type(grid.runs[0]).model_fields)
    rows, seconds = {}, 0.0
    for chunk in every:
        record = chunks.load(chunk, folder)
        if record is None:
            raise SweepFailed(_stopped(f"{chunk.file(folder)} has gone"))
        seconds += record["seconds"]
        rows.update(zip((tuple(run.values()) for run in chunk.runs), record["rows"], strict=True))
    in_order = [(tuple(run.as_dict().values()), rows[tuple(run.as_dict().values())]) for run in grid.runs]
    columns = tuple(dict.fromkeys(name for _, row in in_order for name in row["results"]))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*names, *columns, "error"])
    for values, row in in_order:
        table.writerow([*map(chunks.as_text, values), *(row["results"].get(name, "") for name in columns),
                        row["error"]])
    data = text.getvalue().encode()
    failed = sum(bool(row["error"]) for _, row in in_order)
    origin = _origin(grid, every)
    other = _other_table(origin, out)
    if other and (out / "table.csv").read_bytes() != data:
        store.write(out / other, (out / "table.csv").read_bytes())
        with contextlib.suppress(FileNotFoundError):
            store.write(out / f"{other[:-4]}.json", (out / "sweep.json").read_bytes())
    store.write(out / "table.csv", data)
    store.write(out / "results.nc", bytes(labelled(grid, data.decode()).to_netcdf(engine="h5netcdf")))
    store.write(out / "sweep.json", store.sealed({
        **origin, "runs": len(in_order), "failed": failed, "chunks": len(every),
        "table_sha256": hashlib.sha256(data).hexdigest(), **keys.circumstances(seconds)}))
    phases = collections.Counter(row["results"]["phase"] for _, row in in_order if "phase" in row["results"])
    return Summary(len(in_order), failed, dict(phases.most_common()), computed, columns,
                   time.monotonic() - started, out / "table.csv")


def labelled(grid: Grid, table: str) -> xr.Dataset:
    """Return a sweep's table as a data set over the axes of its grid; the parameters that stay the same are attributes.

    A result that a failed run does not have is NaN, or an empty text; so is "none" as a value of an axis.
    """
    names, *rows = csv.reader(io.StringIO(table))
    inputs = grid.runs[0].as_dict()
    varied = [name for name in inputs if name in grid.axes]  # the rows are their product, the last one fastest
    shape = [len(grid.axes[name]) for name in varied]
    results = {name: (varied, _column(texts).reshape(shape))
               for name, texts in zip(names, zip(*rows, strict=True), strict=True) if name not in inputs}
    fixed = {name: value for name, value in inputs.items() if name not in grid.axes}
    return xr.Dataset(results, {name: _coordinate(grid.axes[name]) for name in varied}, {
        "experiment": experiments.name_of(grid.experiment.__name__), "fixed": json.dumps(fixed)}).transpose(*grid.axes)


def _coordinate(values: tuple) -> np.ndarray:
    if any(isinstance(value, str) for value in values):
        return np.array([value or "" for value in values], dtype=object)
    return np.array(values, dtype=float if None in values else None)


def _column(texts: tuple[str, ...]) -> np.ndarray:
    """Return a column of a table as whole numbers, as numbers, or as it is, whichever comes first."""
    for kind, empty in any(texts) * ((int, "no whole number"), (float, "nan")):
        try:
            return np.array([kind(text or empty) for text in texts])
        except ValueError:
            continue
    return np.array(texts, dtype=object)


def _origin(grid: Grid, every: list[Chunk]) -> dict[str, Any]:
    """Return what a table depends on."""
    return {"experiment": grid.experiment.__name__, "grid": {name: list(values) for name, values in grid.axes.items()},
            "fixed": {name: value for name, value in grid.runs[0].as_dict().items() if name not in grid.axes},
            "code": every[0].code, "data": sorted({chunk.data for chunk in every})}


def _other_table(origin: dict[str, Any], out: Path) -> str | None:
    """Return the name under which to keep the table that is in ``out``, or None if it is this sweep's or none."""
    try:
        table = (out / "table.csv").read_bytes()
    except FileNotFoundError:
        return None
    try:
        record = store.unsealed((out / "sweep.json").read_bytes())
        if keys.digest(origin) == keys.digest({name: record.get(name) for name in origin}):
            return None
    except (FileNotFoundError, ValueError):
        pass  # a table of which nothing is known is no less worth
    return f"table-{hashlib.sha256(table).hexdigest()[:8]}.csv"
