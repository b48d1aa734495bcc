"""The store: results kept under a key, written atomically, with their provenance.

An entry is two files: ``KEY.SHA.nc`` (netCDF, arrays only, nothing pickled), SHA being the start of its
sha256, and ``KEY.json``, the record: provenance, the sha256 of the first and one of its own. Both are written
to a temporary name and renamed, the record last: without it the entry does not exist. Since a record names its
arrays by what they hold, two processes that write the same key can't mix theirs up.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from catapult import paths
from catapult.runs import experiments, keys

LEFTOVER = 3600
"""Age in seconds from which a file that belongs to no entry is taken for the rest of a killed process."""
_NAME = r"([0-9a-f]{32})\.(?:json|[0-9a-f]{16}\.nc)"
NAMES = {"written": _NAME, "unfinished": rf"\.{_NAME}\.\d+-[0-9a-f]{{8}}",
         "damaged": rf"{_NAME}\.[0-9a-f]{{8}}\.damaged"}
"""The names that the store gives to files, the first group being the key: nothing else in its folder is touched."""


def save_or_say(entry: Path, dataset: xr.Dataset, origin: dict[str, Any]) -> None:
    """Write a dataset and its provenance under ``entry``; say so on standard error if that can't be done."""
    try:
        save(entry, dataset, origin)
    except OSError as error:
        print(f"catapult: {entry} could not be stored ({error.strerror}); the results are used all the same",
              file=sys.stderr)


def entry_of(origin: dict[str, Any]) -> Path:
    """Return where the store keeps what has this origin; its files' names begin so."""
    return paths.results() / experiments.name_of(origin["experiment"]) / keys.key_of(origin)


def record_of(entry: Path, key_of: Callable[[dict[str, Any]], str] = keys.key_of) -> dict[str, Any]:
    """Return the record of an entry; ValueError if it is damaged, or another's; OSError if it can't be read."""
    record = unsealed(entry.with_suffix(".json").read_bytes())
    try:
        whose = key_of(record)
    except KeyError:
        whose = None
    if whose != entry.name:
        raise ValueError("it belongs to another key")
    return record


def save(entry: Path, dataset: xr.Dataset, origin: dict[str, Any]) -> None:
    """Write a dataset and its provenance under ``entry``, atomically."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    for name, data in files(entry.name, dataset, origin).items():
        write(entry.with_name(name), data)


def files(key: str, dataset: xr.Dataset, origin: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of an entry, by name: the arrays, then the record, without which they do not count."""
    data = bytes(dataset.to_netcdf(engine="h5netcdf"))
    sha = hashlib.sha256(data).hexdigest()
    return {_arrays(Path(key), sha).name: data, f"{key}.json": sealed({**origin, "arrays": sha})}


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
    return json.dumps({**record, "sha256": keys.digest(record)}, indent=1).encode()


def unsealed(data: bytes) -> dict[str, Any]:
    """Return a sealed record without its sha256; raise ValueError if that does not match, or it is no record."""
    try:
        record = json.loads(data)
        seal = record.pop("sha256")
        whole = seal == keys.digest(record)
    except (ValueError, RecursionError, AttributeError, LookupError, TypeError):
        raise ValueError("it is no record") from None
    if not whole:
        raise ValueError("its checksum does not match")
    return record


def load(entry: Path, key_of: Callable[[dict[str, Any]], str] = keys.key_of) -> xr.Dataset | None:
    """Return the dataset stored under ``entry``, or None if there is none.

    A damaged entry is set aside (``.damaged``) with a message on standard error, and counts as none; so does one
    that can't be read.
    """
    record_file = entry.with_suffix(".json")
    read = [record_file]
    try:
        record = record_of(entry, key_of)
        read.insert(0, _arrays(entry, record["arrays"]))
        data = _checked(read[0], record["arrays"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, KeyError, IsADirectoryError) as error:
        set_aside(read, error)
        return None
    except OSError as error:
        print(f"catapult: {read[0]} can't be read ({error.strerror}); computed again", file=sys.stderr)
        return None
    try:
        return opened(data)
    except Exception as error:  # whatever the reader raises for bytes that it can't read
        set_aside(read, error)
        return None


def opened(data: bytes) -> xr.Dataset:
    """Return the dataset that the bytes of a file hold, in memory.

    How it lay in the file is forgotten: joined with others, a part would cut their names to the length of its own.
    """
    with xr.open_dataset(data, engine="h5netcdf", decode_times=False) as dataset:  # units are words to us
        return dataset.load().drop_encoding()


def sha_of(entry: Path, key_of: Callable[[dict[str, Any]], str] = keys.key_of) -> str:
    """Return the sha256 of an entry's arrays, which it has checked; ValueError, KeyError or OSError if they are bad."""
    sha = record_of(entry, key_of)["arrays"]
    _checked(_arrays(entry, sha), sha)
    return sha


def _checked(file: Path, sha: str) -> bytes:
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha:
        raise ValueError("its checksum does not match")
    return data


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
            record = record_of(entry)
            if experiments.name_of(record["experiment"]) != experiment:
                raise ValueError("it belongs to another experiment")
            current = record["code"] == keys.code_version(record["experiment"])
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
    theirs = [file for key, file in _files("written")
              if (file.parent.name, key) in gone or (_left_over(file) and not file.with_name(f"{key}.json").exists())]
    theirs += [file for _, file in _files("unfinished") if _left_over(file)]
    theirs += [file for _, file in _files("damaged")]
    theirs += (paths.results() / "claims").glob("*.json")  # what pages measured: soon measured again
    kept = []
    for file in theirs:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            kept.append(f"{file}: {error.strerror}")
    if kept:
        raise NotRemoved(f"{len(kept)} of {len(theirs)} files of the store could not be removed; the first is "
                         f"{kept[0]}")
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
