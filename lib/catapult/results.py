"""The store: an experiment's results, kept under a key, written atomically, with their provenance.

The key is made of the experiment's name, its parameters, the checksum of the data it reads and a hash of
its import closure (the experiment's module and all modules of this package that it imports, directly or
not). Same key, same results: in a chapter, in a sweep, after a crash.

An entry is two files: ``KEY.nc`` (netCDF, arrays only, nothing pickled) and ``KEY.json`` (provenance and
the sha256 of the first). Both are written to a temporary name and renamed, the JSON last: without it the
entry does not exist.
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


def digest(value: Any) -> str:
    """Return the sha256 of a JSON-able value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def import_closure(module: str) -> list[Path]:
    """Return the source files of this package that ``module`` imports, directly or not, itself included."""
    waiting, found = [module], {}
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if path is None or name in found:
            continue
        found[name] = path
        # Importing a.b.c runs a and a.b first.
        parts = name.split(".")
        waiting += [".".join(parts[:i]) for i in range(1, len(parts))]
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [found[name] for name in sorted(found)]


def _source(name: str) -> Path | None:
    if name.split(".")[0] != "catapult":
        return None
    base = paths.LIBRARY.joinpath(*name.split(".")[1:])
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _tree(path: Path) -> ast.Module:
    return _parsed(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _parsed(path: Path, _modified: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def code_version(module: str) -> str:
    """Return the hash of a module's import closure; comments and layout do not count."""
    return digest([[path.relative_to(paths.LIBRARY).as_posix(), ast.dump(_tree(path))]
                   for path in import_closure(module)])


def key(experiment: ModuleType, parameters: Parameters) -> str:
    """Return the key of an experiment's results at these parameters."""
    return digest({
        "experiment": experiment.__name__,
        "parameters": parameters.as_dict(),
        "data": data_checksum(experiment, parameters),
        "code": code_version(experiment.__name__),
    })[:32]


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
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "versions": versions(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of the numerical libraries."""
    return {"python": platform.python_version(), "catapult-companion": metadata.version("catapult-companion"),
            **{name: metadata.version(name) for name in LIBRARIES}}


def compute(experiment: ModuleType, parameters: Parameters) -> xr.Dataset:
    """Return the experiment's results at these parameters, from the store if they are there.

    Raises whatever the experiment raises; then nothing is stored.
    """
    entry = _entry(experiment, parameters)
    stored = load(entry)
    if stored is not None:
        return stored
    started = time.monotonic()
    dataset = experiment.run(parameters)
    save(entry, dataset, provenance(experiment, parameters, time.monotonic() - started))
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
    write(entry.with_suffix(".nc"), data)
    record = {**origin, "sha256": hashlib.sha256(data).hexdigest()}
    write(entry.with_suffix(".json"), json.dumps(record, indent=1).encode())


def write(path: Path, data: bytes) -> None:
    """Write bytes to a temporary file beside ``path``, then rename it: never half a file under the name."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def load(entry: Path) -> xr.Dataset | None:
    """Return the dataset stored under ``entry``, or None if there is none.

    A damaged entry is set aside (``.damaged``) with a message on standard error, and counts as none.
    """
    array_file, record_file = entry.with_suffix(".nc"), entry.with_suffix(".json")
    try:
        record = json.loads(record_file.read_text(encoding="utf-8"))
        data = array_file.read_bytes()
        if hashlib.sha256(data).hexdigest() != record["sha256"]:
            raise ValueError("its checksum does not match")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        print(f"catapult: {array_file} is damaged ({error}); set aside and computed again", file=sys.stderr)
        for path in (array_file, record_file):
            if path.exists():
                os.replace(path, path.with_name(path.name + ".damaged"))
        return None
    with xr.open_dataset(data, engine="h5netcdf") as dataset:
        return dataset.load()


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
    for record_file in sorted(paths.results().glob("*/*.json"), key=lambda p: (p.parent.name, p.stat().st_mtime)):
        try:
            record = json.loads(record_file.read_text(encoding="utf-8"))
            current = record["code"] == code_version(record["experiment"])
            size = record_file.with_suffix(".nc").stat().st_size
            yield Entry(record_file.parent.name, record_file.stem, size, record["date"], current)
        except (ValueError, KeyError, TypeError, OSError):
            yield Entry(record_file.parent.name, record_file.stem, 0, "damaged", False)


def clean(everything: bool = False) -> int:
    """Remove the results that today's code would not use, or all of them; return how many went."""
    gone = 0
    for entry in list(entries()):
        if everything or not entry.current:
            base = paths.results() / entry.experiment / entry.key
            for suffix in (".json", ".nc"):
                base.with_suffix(suffix).unlink(missing_ok=True)
            gone += 1
    for leftover in (*paths.results().glob("*/*.damaged"), *paths.results().glob("*/.*")):
        leftover.unlink(missing_ok=True)
    return gone


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
