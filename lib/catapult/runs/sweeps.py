"""Sweeps: many runs of one experiment, on the cores of this machine or on a Dask cluster, none of them lost.

The runs of a :class:`~catapult.runs.grids.Grid` are computed chunk by chunk (:mod:`catapult.runs.chunks`), each with
one thread. A worker writes a chunk's file itself, and holds a file beside it while it computes
(:mod:`catapult.locks`): other sweeps into the folder do other chunks meanwhile, and so does the next sweep where a
worker has outlived its own. Whatever is killed, whenever: the same sweep started again does what is left, and ends
with the same table, bit for bit (on the same kind of machine, with the same libraries).

``DIR/table.csv``
    One row a run: the parameters in order of declaration, by which the rows are sorted; the results (see
    :mod:`catapult.runs.chunks`); ``error``, empty or one line.
``DIR/sweep.json``
    Where the table came from. A table of another grid that was there is kept, under a name with its checksum.
``DIR/chunks/``
    One file a chunk.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import functools
import gc
import hashlib
import io
import logging
import os
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import threadpoolctl

from catapult import locks, paths
from catapult.parameters import InputError, plain
from catapult.runs import chunks, results
from catapult.runs.chunks import Chunk
from catapult.runs.grids import Grid

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
"""What says how many threads linear algebra takes; the last, how many processes an experiment may start itself."""
CONNECTING = 10
"""Seconds in which a Dask scheduler must answer."""
PATIENCE = 3
"""How often in a row workers may be killed before any chunk is finished."""
WAITING = 0.3
"""Seconds between looks at chunks that other processes are at, when there is nothing else to do."""
LINES = 30
"""Seconds between lines of progress where standard error is no terminal."""


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
    work = functools.partial(_work, folder=folder.absolute(), data=paths.named_data(),
                             parent=None if dask else os.getpid())
    with _told():
        tasks = [Task(chunk, _failed_before(chunk, folder) if retry_failed else None) for chunk in every]
        left = _unfinished(tasks, folder)
        if other := _other_table(_origin(grid, every), out):
            print(f"catapult: {out / 'table.csv'} is not of this grid, code and data; it is kept as {other}",
                  file=sys.stderr)
    computed = len(left)
    if left:
        with _workers(min(jobs or joblib.cpu_count(), len(left)), dask) as do, \
                _Progress(len(grid.runs), sum(len(task.chunk.runs) for task in left), progress) as shown:
            computed -= _compute_all(do, work, left, folder, shown)
    with _told():
        return _write_table(grid, every, folder, out, computed, started)


@dataclass(frozen=True)
class Task:
    """A chunk to compute, and the digest of a record of it with failures that does not count, if there is one."""

    chunk: Chunk
    stale: str | None


def _failed_before(chunk: Chunk, folder: Path) -> str | None:
    record = chunks.load(chunk, folder)
    return results.digest(record) if record is not None and chunks.failed(record) else None


def _finished(task: Task, folder: Path) -> bool:
    record = chunks.load(task.chunk, folder)
    return record is not None and (task.stale is None or results.digest(record) != task.stale)


def _unfinished(tasks: list[Task], folder: Path) -> list[Task]:
    return [task for task in tasks if not _finished(task, folder)]


def _compute_all(do: Callable[[Work, list[Task]], Done], work: Work, left: list[Task], folder: Path,
                 shown: _Progress) -> int:
    """Compute chunks until all are there, some perhaps by other sweeps; return how many are theirs."""
    with _told():
        folder.mkdir(parents=True, exist_ok=True)
    barren, waiting, theirs = 0, False, set[str]()
    while left:
        taken: set[str] = set()
        with _told():
            with contextlib.suppress(BrokenExecutor):  # a worker was killed: the next pool is new
                _compute(do, work, left, folder, shown, theirs, taken)
            before, left = left, _unfinished(left, folder)
        still = {task.chunk.key for task in left}
        for task in before:
            if task.chunk.key in taken - still:
                theirs.add(task.chunk.key)
                shown.add(task.chunk, folder)
        if left and still <= taken:
            shown.say(f"other processes are at the last {len(left)} chunks" * (not waiting))
            waiting = True
            time.sleep(WAITING)
        barren = barren + 1 if len(left) == len(before) and not taken else 0
        if barren == PATIENCE:
            raise SweepFailed(_stopped("workers are killed again and again (out of memory?)"))
    for file in folder.glob(".*.lock"):  # of what was killed
        _remove_lock(file)
    return len(theirs)


def _remove_lock(file: Path) -> None:
    with contextlib.suppress(OSError):
        held = locks.hold(file)
        if held is not None:
            with held:
                file.unlink()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Make one line of what stops a sweep inside the context."""
    try:
        yield
    except (OSError, chunks.OtherInputs) as error:
        raise SweepFailed(_stopped(error)) from None


def check(jobs: int | None, dask: str | None, out: Path) -> None:
    """Raise InputError, one line, for what :func:`run` would refuse; makes nothing."""
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs {jobs}: allowed: a whole number ≥ 1")
    if jobs is not None and dask not in (None, "local"):
        raise InputError(f"--jobs {jobs}: the cluster at {dask} has its own workers; allowed: without --dask, or "
                         "with --dask local")
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
    for file in (out / "table.csv", out / "sweep.json"):
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
        size = len(results.sealed(done[0][1])) / len(done[0][0].runs)
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
        data = chunks.compute(chunk)
        seconds = time.monotonic() - started
        (row,) = results.unsealed(data)["rows"]
        if row["error"]:
            raise SweepFailed(f"no time can be told: the run in the middle of the grid fails: {row['error']}")
        return seconds, len(data)

    with _one_thread():
        rules = model.model_fields["steps"].metadata if steps else ()
        some = max([100, *(getattr(rule, "ge", 0) for rule in rules)])
        if steps is None or steps <= 2 * some:
            timed()  # the first imports what the second needs
            return *timed(), "the run in the middle of the grid, alone"
        timed(steps=some)
        (few, _), (more, size) = timed(steps=some), timed(steps=2 * some)
    per_run = more + max(more - few, 0) / some * (steps - 2 * some)
    return per_run, size, f"{2 * some} steps of the run in the middle of the grid, alone"


Done = Iterator[tuple[int, bytes | None]]  # what _work returns
Work = Callable[[int, Task], tuple[int, bytes | None]]


@contextlib.contextmanager
def _workers(jobs: int, dask: str | None) -> Iterator[Callable[[Work, list[Task]], Done]]:
    """Give a function that does work on tasks, in processes of this machine or on a Dask cluster, in any order."""
    if dask is None:
        # With one job joblib computes in this process: its threads are limited here, and given back.
        with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1), \
                _one_thread() if jobs == 1 else contextlib.nullcontext():
            yield lambda work, left: joblib.Parallel(batch_size=1, return_as="generator_unordered")(
                joblib.delayed(work)(number, task) for number, task in enumerate(left))
        return
    import distributed

    with contextlib.ExitStack() as stack:
        log = logging.getLogger("distributed.client")
        stack.callback(log.setLevel, log.level)
        log.setLevel(logging.CRITICAL + 1)  # what goes wrong is said below, in one line
        if dask == "local":
            try:
                with _deaf():
                    dask = stack.enter_context(distributed.LocalCluster(
                        n_workers=jobs, threads_per_worker=1, dashboard_address=None, silence_logs=50))
            except Exception as error:  # a worker that is killed meanwhile, a limit of processes: any of the library's
                raise SweepFailed(_stopped(f"the Dask cluster did not start: {error}")) from None
        client = None
        with contextlib.suppress(OSError, ValueError, ImportError):
            client = stack.enter_context(distributed.Client(dask, timeout=CONNECTING))
        if client is None:
            gc.collect()  # a half-made client that is collected while another one starts blocks that one for ever
            raise InputError(f"--dask {dask}: no Dask scheduler answers there; allowed: local, or an address as "
                             "tcp://host:8786")
        address = client.scheduler.address

        # Not joblib's backend for Dask: it waits for ever when a chunk has killed its workers.
        def completed(work: Work, left: list[Task]) -> Done:
            futures = client.map(work, range(len(left)), left, pure=False)
            for future in distributed.as_completed(futures):
                try:
                    yield future.result()
                    future.release()
                except (CancelledError, distributed.comm.CommClosedError):
                    raise SweepFailed(_stopped(f"the Dask scheduler at {address} is gone")) from None

        try:
            yield completed
        except distributed.KilledWorker:
            raise SweepFailed(_stopped("a chunk killed every worker that took it up (out of memory?)")) from None


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Ignore Ctrl-C, and let the processes that are started inside the context ignore it for good."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _compute(do: Callable[[Work, list[Task]], Done], work: Work, left: list[Task], folder: Path, shown: _Progress,
             theirs: set[str], taken: set[str]) -> None:
    """Compute chunks; each is in its file when it counts as done.

    The keys of those that others have finished are added to ``theirs``, of those that others are at to ``taken``.
    """
    with warnings.catch_warnings(), contextlib.closing(do(work, left)) as finished:
        warnings.filterwarnings("ignore", ".*still being processed by the workers", UserWarning)  # after Ctrl-C
        for number, data in finished:
            task, file = left[number], left[number].chunk.file(folder)
            if data is None:
                taken.add(task.chunk.key)
                continue
            if not data:
                theirs.add(task.chunk.key)
            # A worker without this file system leaves the writing to us.
            elif not file.is_file() or file.read_bytes() != data:
                results.write(file, data)
            shown.add(task.chunk, folder)


def _work(number: int, task: Task, *, folder: Path, data: Path | None, parent: int | None) -> tuple[int, bytes | None]:
    """Compute a chunk in a worker; return its number and its file's contents.

    They are empty if another process had finished it, and None if one is at it. Only workers that see the folder
    share chunks with other sweeps. A process that has lost the ``parent`` that started it takes up no more work.
    """
    if os.getpid() != parent:
        if parent is not None and os.getppid() != parent:
            os._exit(1)
        _take_one_thread()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
        if data is not None:
            os.environ["CATAPULT_DATA"] = str(data)
    if not folder.is_dir():
        return number, chunks.compute(task.chunk)
    lock = folder / f".{task.chunk.key}.lock"
    held = locks.hold(lock)
    if held is None:
        return number, None
    with held:
        try:
            if _finished(task, folder):
                return number, b""
            computed = chunks.compute(task.chunk)
            results.write(task.chunk.file(folder), computed)
        finally:
            lock.unlink(missing_ok=True)
    return number, computed


def _take_one_thread() -> threadpoolctl.threadpool_limits:
    """Let linear algebra use one thread from now on: libraries that are loaded, and those that will be."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    return threadpoolctl.threadpool_limits(1)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let linear algebra use one thread inside the context."""
    before = {name: os.environ.get(name) for name in THREADS}
    torch_threads = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
    limits = _take_one_thread()
    try:
        yield
    finally:
        limits.restore_original_limits()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        if torch_threads is not None:
            sys.modules["torch"].set_num_threads(torch_threads)


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
        results.write(out / other, (out / "table.csv").read_bytes())
        with contextlib.suppress(FileNotFoundError):
            results.write(out / f"{other[:-4]}.json", (out / "sweep.json").read_bytes())
    results.write(out / "table.csv", data)
    results.write(out / "sweep.json", results.sealed({
        **origin, "runs": len(in_order), "failed": failed, "chunks": len(every),
        "table_sha256": hashlib.sha256(data).hexdigest(), **results.circumstances(seconds)}))
    phases = collections.Counter(row["results"]["phase"] for _, row in in_order if "phase" in row["results"])
    return Summary(len(in_order), failed, dict(phases.most_common()), computed, columns,
                   time.monotonic() - started, out / "table.csv")


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
        record = results.unsealed((out / "sweep.json").read_bytes())
        if results.digest(origin) == results.digest({name: record.get(name) for name in origin}):
            return None
    except (FileNotFoundError, ValueError):
        pass  # a table of which nothing is known is no less worth
    return f"table-{hashlib.sha256(table).hexdigest()[:8]}.csv"


class _Progress:
    """How far a sweep is and how long it will take: a bar in a terminal, elsewhere a line now and then."""

    def __init__(self, total: int, left: int, wanted: bool):
        self.total, self.done, self.failed, self.now = total, total - left, 0, 0
        self.started = self.said = time.monotonic()
        self.wanted, self.bar = wanted, None
        if wanted and left and sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=total, initial=self.done, unit="run", file=sys.stderr, dynamic_ncols=True)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_) -> None:
        if self.bar is not None:
            self.bar.close()

    def add(self, chunk: Chunk, folder: Path) -> None:
        """Count the runs of a finished chunk."""
        record = chunks.load(chunk, folder)
        self.done, self.now = self.done + len(chunk.runs), self.now + len(chunk.runs)
        self.failed += chunks.failed(record) if record else 0
        if self.bar is not None:
            self.bar.update(len(chunk.runs))
            if self.failed:
                self.bar.set_postfix(failed=self.failed)
        elif self.wanted and time.monotonic() - self.said > LINES:
            self.said = time.monotonic()
            left = (self.said - self.started) / self.now * (self.total - self.done)
            self.say(f"{self.done} of {self.total} runs, {self.failed} failed, about {in_words(left)} left")

    def say(self, text: str) -> None:
        """Print a line, unless it is empty or none is wanted."""
        if self.wanted and text:
            with self.bar.external_write_mode(file=sys.stderr) if self.bar is not None else contextlib.nullcontext():
                print(f"catapult: {text}", file=sys.stderr, flush=True)


def in_words(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
