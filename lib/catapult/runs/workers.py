"""Workers: tasks done by processes of this machine or of a Dask cluster, each by one of them, and none of it lost.

A worker writes what a task leaves itself, and holds a file beside it while it computes (:mod:`catapult.locks`): other
processes that work in the folder do other tasks meanwhile, and so does the next one where a worker has outlived its
own. Whatever is killed, whenever: the same tasks asked for again, only those that are not finished are done.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import gc
import logging
import os
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from pathlib import Path
from typing import Protocol

import joblib
import threadpoolctl

from catapult import locks, paths
from catapult.parameters import InputError
from catapult.runs import store

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
"""What says how many threads linear algebra takes; the last, how many processes an experiment may start itself."""
CONNECTING = 10
"""Seconds in which a Dask scheduler must answer."""
PATIENCE = 3
"""How often in a row workers may be killed before any task is finished."""
WAITING = 0.3
"""Seconds between looks at tasks that other processes are at, when there is nothing else to do."""
IDLE = 3600
"""Seconds after which a worker leaves that has nothing to do. One that leaves while a task is sent is waited for, for
ever: so none leaves before its process does."""

_busy = threading.Lock()  # held in a worker while it is at a task
Files = dict[str, bytes]  # what a task leaves, by name, in the order in which it is written


class Stopped(RuntimeError):
    """Not all tasks could be done; those that were are kept. The message is one line."""


class Task(Protocol):
    """Something to compute, once: it can be sent to another process."""

    key: str

    def finished(self, folder: Path) -> bool:
        """Return whether what it leaves is in the folder, whole."""

    def compute(self) -> Files:
        """Return what it leaves."""


Done = Iterator[tuple[int, Files | None]]  # what _work returns
Pool = Callable[[Callable[[int, Task], tuple[int, Files | None]], list[Task]], Done]


def finish(tasks: list[Task], folder: Path | None, done: Callable[[Task, Files], None], *, jobs: int | None = None,
           dask: str | None = None, say: Callable[[str], None] = lambda text: None) -> int:
    """Do tasks until what each leaves is in the folder; return how many of them other processes did.

    Parameters
    ----------
    tasks
        Those that are not finished; no two with one key.
    folder
        Where their files are, made if need be; a worker that does not see it hands over what it has computed. None:
        nothing is kept.
    done
        Called with a task and the files that it left, as they were computed here, or none, when it is done.
    jobs
        Processes on this machine; None: one a core.
    dask
        None; the address of a Dask scheduler; or "local" for a cluster of ``jobs`` processes here.
    say
        Called with what a person who waits wants to know.

    Raises
    ------
    InputError
        If there is no scheduler at the address.
    Stopped
        If workers were killed again and again.
    """
    if not tasks:
        _clear(folder)
        return 0
    with _pool(min(jobs or joblib.cpu_count(), len(tasks)), dask) as pool:
        if folder is not None:
            folder = folder.absolute()
            folder.mkdir(parents=True, exist_ok=True)
        work = functools.partial(_work, folder=folder, data=paths.named_data(),
                                 parent=None if dask else os.getpid())
        barren, waiting, theirs, left = 0, False, 0, list(tasks)
        while left:
            taken, over = set[str](), set[str]()
            with contextlib.suppress(BrokenExecutor), warnings.catch_warnings(), \
                    contextlib.closing(pool(work, left)) as completed:  # a worker was killed: the next pool is new
                warnings.filterwarnings("ignore", ".*still being processed by the workers", UserWarning)  # after Ctrl-C
                # A worker that has grown large is replaced; as an error that ends the thread that collects results.
                warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
                for number, files in completed:
                    task = left[number]
                    if files is None:
                        taken.add(task.key)
                        continue
                    theirs += not files
                    done(task, files)
                    over.add(task.key)
            before, left = left, _unfinished([task for task in left if task.key not in over], folder)
            still = {task.key for task in left}
            for task in before:
                if task.key not in still | over:
                    theirs += task.key in taken
                    done(task, {})
            if left and still <= taken:
                if not waiting:
                    say(f"other processes are at the last {len(left)}")
                waiting = True
                time.sleep(WAITING)
            barren = barren + 1 if len(left) == len(before) and not taken else 0
            if barren == PATIENCE:
                raise Stopped("workers are killed again and again (out of memory?)")
    _clear(folder)
    return theirs


def check(jobs: int | None, dask: str | None) -> None:
    """Raise InputError, one line, for processes that :func:`finish` can't start."""
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs {jobs}: allowed: a whole number ≥ 1")
    if jobs is not None and dask not in (None, "local"):
        raise InputError(f"--jobs {jobs}: the cluster at {dask} has its own workers; allowed: without --dask, or "
                         "with --dask local")


def _unfinished(tasks: list[Task], folder: Path | None) -> list[Task]:
    return [task for task in tasks if folder is None or not task.finished(folder)]


def _clear(folder: Path | None) -> None:
    """Remove what was killed has left in the folder: files half written, and those that were held meanwhile."""
    left = collections.defaultdict(list)
    for file in folder.glob(".*") if folder is not None else ():
        if ours := re.fullmatch(rf"{store.NAMES['unfinished']}|\.([0-9a-f]{{32}})\.lock", file.name):
            left[ours[1] or ours[2]].append(file)
    for key, files in left.items():
        lock = folder / f".{key}.lock"
        with contextlib.suppress(OSError):
            held = locks.hold(lock)
            if held is not None:
                with held:
                    for file in {*files, lock}:
                        file.unlink(missing_ok=True)


def _work(number: int, task: Task, *, folder: Path | None, data: Path | None, parent: int | None
          ) -> tuple[int, Files | None]:
    """Do a task, in a worker or here; return its number and what it leaves.

    That is empty if another process had finished it, and None if one is at it. Only workers that see the folder
    share tasks with other processes. A process that has lost the ``parent`` that started it takes up no more work.
    """
    if os.getpid() == parent:
        return number, _done(task, folder)
    _take_one_thread()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    if data is not None:
        os.environ["CATAPULT_DATA"] = str(data)
    if parent is None:
        return number, _done(task, folder)
    _leave_with(parent)
    with _busy:
        if os.getppid() != parent:
            os._exit(1)
        return number, _done(task, folder)


def _done(task: Task, folder: Path | None) -> Files | None:
    if folder is None or not folder.is_dir():
        return task.compute()
    lock = folder / f".{task.key}.lock"
    held = locks.hold(lock)
    if held is None:
        return None
    with held:
        try:
            if task.finished(folder):
                return {}
            files = task.compute()
            with contextlib.suppress(OSError):  # who asked for it writes it, or says why that can't be done
                for name, content in files.items():
                    store.write(folder / name, content)
        finally:
            lock.unlink(missing_ok=True)
    return files


@functools.cache
def _leave_with(parent: int) -> None:
    """Let this process end when its parent has, as soon as it is at no task."""
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WAITING)
        with _busy:
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _pool(jobs: int, dask: str | None) -> Iterator[Pool]:
    """Give a function that does work on tasks, in processes of this machine or on a Dask cluster, in any order."""
    if dask is None:
        # With one job joblib computes in this process: its threads are limited here, and given back.
        with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1, idle_worker_timeout=IDLE), \
                one_thread() if jobs == 1 else contextlib.nullcontext():
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
                raise Stopped(f"the Dask cluster did not start: {error}") from None
        client = None
        with contextlib.suppress(OSError, ValueError, ImportError):
            client = stack.enter_context(distributed.Client(dask, timeout=CONNECTING))
        if client is None:
            gc.collect()  # a half-made client that is collected while another one starts blocks that one for ever
            raise InputError(f"--dask {dask}: no Dask scheduler answers there; allowed: local, or an address as "
                             "tcp://host:8786")
        address = client.scheduler.address

        # Not joblib's backend for Dask: it waits for ever when a task has killed its workers.
        def completed(work, left: list[Task]) -> Done:
            futures = client.map(work, range(len(left)), left, pure=False)
            for future in distributed.as_completed(futures):
                try:
                    yield future.result()
                    future.release()
                except (CancelledError, distributed.comm.CommClosedError):
                    raise Stopped(f"the Dask scheduler at {address} is gone") from None

        try:
            yield completed
        except distributed.KilledWorker:
            raise Stopped("one task killed every worker that took it up (out of memory?)") from None


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


def _take_one_thread() -> threadpoolctl.threadpool_limits:
    """Let linear algebra use one thread from now on: libraries that are loaded, and those that will be."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    return threadpoolctl.threadpool_limits(1)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
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
