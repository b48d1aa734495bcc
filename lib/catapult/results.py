"""The store: an experiment's results, kept under a key, written atomically, with their provenance.

The key is made of the experiment's name, its parameters, the checksum of the data it reads and a hash of
its import closure (the experiment's module and all modules of this package that it imports, directly or
not). Same key, same results: in a chapter, in a sweep, after a crash.

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
import secrets
import shutil
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

LIBRARIES = ("numpy", "scipy", "torch", "torchvision", "xarray")
LEFTOVER = 3600
"""Age in seconds from which a file that belongs to no entry is taken for the rest of a killed process."""


def digest(value: Any) -> str:
    """Return the sha256 of a JSON-able value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def import_closure(module: str) -> list[Path]:
    """Return the source files of this package that ``module`` imports, directly or not, itself included."""
    waiting, seen, found = [module], set(), {}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _source(name)
        if path is None:
            continue
        found[name] = path
        # Importing a.b.c runs a and a.b first.
        parts = name.split(".")
        waiting += [".".join(parts[:i]) for i in range(1, len(parts))]
        waiting += _imports(path)
    return [found[name] for name in sorted(found)]


def _source(name: str) -> Path | None:
    if name.split(".")[0] != "catapult":
        return None
    base = paths.LIBRARY.joinpath(*name.split(".")[1:])
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _imports(path: Path) -> tuple[str, ...]:
    """Return the names that a source file imports, and those that may be modules of what it imports from."""
    return _parsed(path, path.stat().st_mtime_ns)[0]


def _meaning(path: Path) -> str:
    """Return a text that is the same for sources that differ in comments and layout only."""
    return _parsed(path, path.stat().st_mtime_ns)[1]


@functools.lru_cache(maxsize=256)
def _parsed(path: Path, _modified: int) -> tuple[tuple[str, ...], str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names), ast.dump(tree)


def code_version(module: str) -> str:
    """Return the hash of a module's import closure; comments and layout do not count."""
    return digest([[path.relative_to(paths.LIBRARY).as_posix(), _meaning(path)]
                   for path in import_closure(module)])


def key(experiment: ModuleType, parameters: Parameters) -> str:
    """Return the key of an experiment's results at these parameters."""
    return _key_of({
        "experiment": experiment.__name__,
        "parameters": parameters.as_dict(),
        "data": data_checksum(experiment, parameters),
        "code": code_version(experiment.__name__),
    })


def _key_of(record: dict[str, Any]) -> str:
    return digest({name: record[name] for name in ("experiment", "parameters", "data", "code")})[:32]


def data_checksum(experiment: ModuleType, parameters: Parameters) -> str:
    """Return the checksum of the data that the experiment reads, or an empty string if it reads none."""
    return experiment.data(parameters) if hasattr(experiment, "data") else ""


def provenance(experiment: ModuleType, parameters: Parameters, seconds: float) -> dict[str, Any]:
    """Return what is needed to know where a result came from."""
    return {
        "experiment": experiment.__name__,
        "parameters": parameters.as_dict(),
        "data": data_checksum(experiment, parameters),
        "code": code_version(experiment.__name__),
        **circumstances(seconds),
    }


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
    """Return the experiment's results at these parameters, from the store if they are there.

    Raises whatever the experiment raises; then nothing is stored. A store that can't be written is no error:
    one line on standard error says so.
    """
    entry = _entry(experiment, parameters)
    stored = load(entry)
    if stored is not None:
        return stored
    started = time.monotonic()
    dataset = experiment.run(parameters)
    try:
        save(entry, dataset, provenance(experiment, parameters, time.monotonic() - started))
    except OSError as error:
        print(f"catapult: {entry} could not be stored ({error.strerror}); the results are used all the same",
              file=sys.stderr)
    return dataset


def _entry(experiment: ModuleType, parameters: Parameters) -> Path:
    return paths.results() / experiment.__name__.rpartition(".")[2] / key(experiment, parameters)


def seconds_to_compute(experiment: ModuleType, parameters: Parameters) -> float | None:
    """Return how long the stored results at these parameters took to compute, or None if there are none."""
    try:
        return json.loads(_entry(experiment, parameters).with_suffix(".json").read_text(encoding="utf-8"))["seconds"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
    except (ValueError, RecursionError, AttributeError, LookupError, TypeError):
        raise ValueError("it is no record") from None
    if seal != digest(record):
        raise ValueError("its checksum does not match")
    return record


def load(entry: Path) -> xr.Dataset | None:
    """Return the dataset stored under ``entry``, or None if there is none.

    A damaged entry is set aside (``.damaged``) with a message on standard error, and counts as none.
    """
    record_file = entry.with_suffix(".json")
    files = [record_file]
    try:
        record = unsealed(record_file.read_bytes())
        if _key_of(record) != entry.name:
            raise ValueError("it belongs to another key")
        files.insert(0, _arrays(entry, record["arrays"]))
        data = files[0].read_bytes()
        if hashlib.sha256(data).hexdigest() != record["arrays"]:
            raise ValueError("its checksum does not match")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, IsADirectoryError) as error:
        set_aside(files, error)
        return None
    with xr.open_dataset(data, engine="h5netcdf") as dataset:
        return dataset.load()


def set_aside(files: list[Path], why: Exception) -> None:
    """Rename damaged files to ``….damaged``, with a message; another process may do so at the same time."""
    print(f"catapult: {files[0]} is damaged ({why}); set aside and computed again", file=sys.stderr)
    for path in files:
        with contextlib.suppress(FileNotFoundError):
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


def entries() -> Iterator[Entry]:
    """Yield what the store holds, oldest first within an experiment."""
    records = [(path.parent.name, _written(path), path) for path in paths.results().glob("*/*.json")]
    for experiment, _, record_file in sorted(records):
        key = record_file.stem
        try:
            record = unsealed(record_file.read_bytes())
            current = record["code"] == code_version(record["experiment"])
            size = _arrays(record_file.with_suffix(""), record["arrays"]).stat().st_size
            yield Entry(experiment, key, size, record["date"], current)
        except (ValueError, KeyError, OSError):
            yield Entry(experiment, key, 0, "damaged", False)


def clean(everything: bool = False) -> int:
    """Remove the results that today's code would not use, or all of them; return how many went.

    Unfinished files and arrays without a record go too, once they are older than ``LEFTOVER`` seconds: younger
    ones another process may be about to complete.
    """
    gone = 0
    for entry in list(entries()):
        if everything or not entry.current:
            for file in (paths.results() / entry.experiment).glob(f"{entry.key}.*"):
                _remove(file)
            gone += 1
    for file in paths.results().glob("*/*"):
        belongs = file.with_name(f"{file.name.partition('.')[0]}.json").exists()
        if file.suffix == ".damaged" or (not belongs and time.time() - _written(file) > LEFTOVER):
            _remove(file)
    return gone


def _written(path: Path) -> float:
    """Return when a file was written last; now, if it has just gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


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
