"""The store: an experiment's results, kept under a key, written atomically, with their provenance.

The key is made of the experiment's name, its parameters, the checksum of the data it reads and a hash of
its import closure (the experiment's module and all modules of this package that it imports, directly or
not) and of the versions of the numerical libraries. Same key, same results: in a chapter, in a sweep, after a crash.

An entry is two files: ``KEY.SHA.nc`` (netCDF, arrays only, nothing pickled), SHA being the start of its
sha256, and ``KEY.json``, the record: provenance, the sha256 of the first and one of its own. Both are written
to a temporary name and renamed, the record last: without it the entry does not exist. Since a record names its
arrays by what they hold, two processes that write the same key can't mix theirs up.
"""

from __future__ import annotations

import ast
import contextlib
import datetime
import functools
import hashlib
import json
import os
import platform
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import xarray as xr

from catapult import paths
from catapult.parameters import Parameters
from catapult.runs import experiments

NUMERICAL = ("numpy", "scipy", "torch", "numba", "python-flint")
"""The libraries that compute the numbers: their versions are part of what results depend on."""
LIBRARIES = (*NUMERICAL, "torchvision", "xarray")
SILENT = ("datasets/downloading.py", "datasets/torchvision_import.py", "locks.py")
"""Modules that change no number, whatever they do: what is read is known by its checksum."""
LEFTOVER = 3600
"""Age in seconds from which a file that belongs to no entry is taken for the rest of a killed process."""
_NAME = r"([0-9a-f]{32})\.(?:json|[0-9a-f]{16}\.nc)"
NAMES = {"written": _NAME, "unfinished": rf"\.{_NAME}\.\d+-[0-9a-f]{{8}}",
         "damaged": rf"{_NAME}\.[0-9a-f]{{8}}\.damaged"}
"""The names that the store gives to files, the first group being the key: nothing else in its folder is touched."""


def digest(value: Any) -> str:
    """Return the sha256 of a JSON-able value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def import_closure(*modules: str) -> list[Path]:
    """Return the source files of this package that these modules import, directly or not, themselves included."""
    waiting, seen, found = list(modules), set(), {}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _source(name)
        if path is None or path.relative_to(paths.LIBRARY).as_posix() in SILENT:
            continue
        found[name] = path
        # Importing a.b.c runs a and a.b first.
        parts = name.split(".")
        waiting += [".".join(parts[:i]) for i in range(1, len(parts))]
        waiting += _parsed(path, path.stat().st_mtime_ns)[0]
    return [found[name] for name in sorted(found)]


def _source(name: str) -> Path | None:
    if name.split(".")[0] != "catapult":
        return None
    base = paths.LIBRARY.joinpath(*name.split(".")[1:])
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def imported(tree: ast.AST) -> tuple[str, ...]:
    """Return the names that a program imports, and those that may be modules of what it imports from."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


def _meaning(path: Path) -> str:
    """Return a text that is the same for sources that differ in what changes no number: see :class:`_Numbers`."""
    return _parsed(path, path.stat().st_mtime_ns)[1]


@functools.lru_cache(maxsize=256)
def _parsed(path: Path, _modified: int) -> tuple[tuple[str, ...], str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return imported(tree), ast.dump(_Numbers().visit(tree))


class _Numbers(ast.NodeTransformer):
    """Leaves of a program what can change numbers: no comments, layout, docstrings, printing or words of errors."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return super().generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        return ast.Raise(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, None)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        printing = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "print"
        return ast.Pass() if printing else self.generic_visit(node)


def code_version(*modules: str) -> str:
    """Return the hash of what these modules import and of the numerical libraries; words do not count."""
    return digest([[path.relative_to(paths.LIBRARY).as_posix(), _meaning(path)] for path in import_closure(*modules)]
                  + [[name, versions()[name]] for name in NUMERICAL])


def key(experiment: ModuleType, parameters: Parameters) -> str:
    """Return the key of an experiment's results at these parameters."""
    return _key_of(identity(experiment, parameters))


def identity(experiment: ModuleType, parameters: Parameters) -> dict[str, Any]:
    """Return what results depend on, as the code and the data are now: the key is made of it."""
    return {
        "experiment": experiment.__name__,
        "parameters": parameters.as_dict(),
        "data": data_checksum(experiment, parameters),
        "code": code_version(experiment.__name__),
    }


_IDENTITY = {"experiment", "parameters", "data", "code"}


def _key_of(record: dict[str, Any]) -> str:
    return digest({name: record[name] for name in _IDENTITY})[:32]


def data_checksum(experiment: ModuleType, parameters: Parameters) -> str:
    """Return the checksum of the data that the experiment reads, or an empty string if it reads none."""
    return experiment.data(parameters) if hasattr(experiment, "data") else ""


def circumstances(seconds: float) -> dict[str, Any]:
    """Return when, in how many seconds, with which versions and on what machine something was computed."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "versions": versions(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
    }


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of the numerical libraries; not to be changed."""
    return {"python": platform.python_version(), "catapult-companion": metadata.version("catapult-companion"),
            **{name: metadata.version(name) for name in LIBRARIES}}


def compute(experiment: ModuleType, parameters: Parameters) -> xr.Dataset:
    """Return the experiment's results at these parameters, from the store if they are there, else cell by cell.

    Raises whatever the experiment raises; then nothing is stored. A store that can't be written is no error:
    one line on standard error says so.
    """
    from catapult.runs import cells

    origin = identity(experiment, parameters)  # before the run: the library may be edited meanwhile
    entry = entry_of(origin)
    stored = load(entry)
    if stored is not None:
        return stored
    started = time.monotonic()
    dataset = cells.compute(experiment, parameters, origin)
    save_or_say(entry, dataset, {**origin, **circumstances(time.monotonic() - started)})
    return dataset


def save_or_say(entry: Path, dataset: xr.Dataset, origin: dict[str, Any]) -> None:
    """Write a dataset and its provenance under ``entry``; say so on standard error if that can't be done."""
    try:
        save(entry, dataset, origin)
    except OSError as error:
        print(f"catapult: {entry} could not be stored ({error.strerror}); the results are used all the same",
              file=sys.stderr)


def entry_of(origin: dict[str, Any]) -> Path:
    return paths.results() / experiments.name_of(origin["experiment"]) / _key_of(origin)


def seconds_to_compute(experiment: ModuleType, parameters: Parameters) -> float | None:
    """Return how long the stored results at these parameters took to compute, or None if there are none."""
    entry = entry_of(identity(experiment, parameters))
    try:
        return float(_record(entry)["seconds"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _record(entry: Path) -> dict[str, Any]:
    """Return the record of an entry; ValueError if it is damaged, or another's; OSError if it can't be read."""
    record = unsealed(entry.with_suffix(".json").read_bytes())
    if not set(record) >= _IDENTITY or _key_of(record) != entry.name:
        raise ValueError("it belongs to another key")
    return record


def save(entry: Path, dataset: xr.Dataset, origin: dict[str, Any]) -> None:
    """Write a dataset and its provenance under ``entry``, atomically."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    data = bytes(dataset.to_netcdf(engine="h5netcdf"))
    sha = hashlib.sha256(data).hexdigest()
    write(_arrays(entry, sha), data)
    write(entry.with_suffix(".json"), sealed({**origin, "arrays": sha}))


def write(path: Path, data: bytes) -> None:
    """Write bytes to a temporary file beside ``path``, then rename it: never half a file under the name."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sealed(record: dict[str, Any]) -> bytes:
    """Return a record as JSON, with a sha256 of its own content."""
    return json.dumps({**record, "sha256": digest(record)}, indent=1).encode()


def unsealed(data: bytes) -> dict[str, Any]:
    """Return a sealed record without its sha256; raise ValueError if that does not match, or it is no record."""
    try:
        record = json.loads(data)
        seal = record.pop("sha256")
        whole = seal == digest(record)
    except (ValueError, RecursionError, AttributeError, LookupError, TypeError):
        raise ValueError("it is no record") from None
    if not whole:
        raise ValueError("its checksum does not match")
    return record


def load(entry: Path) -> xr.Dataset | None:
    """Return the dataset stored under ``entry``, or None if there is none.

    A damaged entry is set aside (``.damaged``) with a message on standard error, and counts as none; so does one
    that can't be read.
    """
    record_file = entry.with_suffix(".json")
    files = [record_file]
    try:
        record = _record(entry)
        files.insert(0, _arrays(entry, record["arrays"]))
        data = files[0].read_bytes()
        if hashlib.sha256(data).hexdigest() != record["arrays"]:
            raise ValueError("its checksum does not match")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, KeyError, IsADirectoryError) as error:
        set_aside(files, error)
        return None
    except OSError as error:
        print(f"catapult: {files[0]} can't be read ({error.strerror}); computed again", file=sys.stderr)
        return None
    try:
        with xr.open_dataset(data, engine="h5netcdf") as dataset:
            return dataset.load()
    except Exception as error:  # whatever the reader raises for bytes that it can't read
        set_aside(files, error)
        return None


def set_aside(files: list[Path], why: Exception) -> None:
    """Rename damaged files to ``….damaged``, with a message; in a store that can't be written they stay."""
    print(f"catapult: {files[0]} is damaged ({' '.join(str(why).split())[:200]}); set aside and computed again",
          file=sys.stderr)
    for path in files:
        with contextlib.suppress(OSError):
            os.replace(path, path.with_name(f"{path.name}.{secrets.token_hex(4)}.damaged"))


def _arrays(entry: Path, sha: str) -> Path:
    return entry.with_name(f"{entry.name}.{sha[:16]}.nc")


@dataclass(frozen=True)
class Entry:
    """One stored result: its experiment, key, size in bytes, date, and whether today's code would use it."""

    experiment: str
    key: str
    size: int
    date: str
    current: bool


def _files(kind: str) -> Iterator[tuple[str, Path]]:
    """Yield the store's own files of one kind (see ``NAMES``) with their keys; whatever else is there is not ours."""
    ours_are = experiments.names()
    for path in paths.results().glob("*/*"):
        ours = re.fullmatch(NAMES[kind], path.name)
        if ours and path.is_file() and path.parent.name in ours_are:
            yield ours[1], path


def entries() -> Iterator[Entry]:
    """Yield what the store holds, oldest first within an experiment."""
    records = [(path.parent.name, _written(path), key, path) for key, path in _files("written")
               if path.suffix == ".json"]
    for experiment, _, key, record_file in sorted(records):
        entry = record_file.with_suffix("")
        try:
            record = _record(entry)
            if experiments.name_of(record["experiment"]) != experiment:
                raise ValueError("it belongs to another experiment")
            current = record["code"] == code_version(record["experiment"])
            size = _arrays(entry, record["arrays"]).stat().st_size
            yield Entry(experiment, key, size, str(record["date"]), current)
        except (ValueError, TypeError, KeyError, OSError):
            yield Entry(experiment, key, 0, "damaged", False)


class NotRemoved(RuntimeError):
    """Some files of the store could not be removed; the message is one line."""


def clean(everything: bool = False) -> int:
    """Remove the results that today's code would not use, or all of them; return how many went.

    Unfinished files and arrays without a record go too, once they are older than ``LEFTOVER`` seconds: younger
    ones another process may be about to complete. Files that the store did not write stay.

    Raises
    ------
    NotRemoved
        If files can't be removed; the others are gone then.
    """
    gone = {(entry.experiment, entry.key) for entry in entries() if everything or not entry.current}
    files = [file for key, file in _files("written")
             if (file.parent.name, key) in gone or (_left_over(file) and not file.with_name(f"{key}.json").exists())]
    files += [file for _, file in _files("unfinished") if _left_over(file)]
    files += [file for _, file in _files("damaged")]
    files += (paths.results() / "claims").glob("*.json")  # what pages measured: soon measured again
    kept = []
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            kept.append(f"{file}: {error.strerror}")
    if kept:
        raise NotRemoved(f"{len(kept)} of {len(files)} files of the store could not be removed; the first is {kept[0]}")
    return len(gone)


def _left_over(path: Path) -> bool:
    return time.time() - _written(path) > LEFTOVER


def _written(path: Path) -> float:
    """Return when a file was written last; now, if it has just gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


@contextlib.contextmanager
def temporary_store() -> Iterator[Path]:
    """Use an empty store inside the context, here and in child processes; remove it afterwards."""
    before = os.environ.get("CATAPULT_RESULTS")
    with tempfile.TemporaryDirectory(prefix="catapult-") as folder:
        os.environ["CATAPULT_RESULTS"] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["CATAPULT_RESULTS"]
            else:
                os.environ["CATAPULT_RESULTS"] = before
