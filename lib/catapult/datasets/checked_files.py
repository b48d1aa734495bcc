"""Files that must have a known sha256: looking at them, and writing them whole or not at all."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from catapult.parameters import InputError

CHUNK = 1 << 20


class Unwritable(InputError):
    """The folder for downloads can't be written, or is full: no other source of the file would help."""


def sha256(path: Path) -> str | None:
    """Return the sha256 of a file's bytes in hexadecimal, or None if there is no such file.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        facts = path.stat()
        return _sha256(path, facts.st_size, facts.st_mtime_ns) if path.is_file() else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require(path: Path, expected: str, remedy: str = "") -> None:
    """Raise InputError, naming the file, unless it is there with the expected sha256."""
    found = sha256(path)
    if found == expected:
        return
    what = "is missing" if found is None else f"is truncated or altered: sha256 {found}, not {expected}"
    raise InputError(f"{path} {what}{remedy and '; ' + remedy}")


def store(stream: BinaryIO, path: Path, expected: str, origin: str,
          progress: Callable[[int], None] = lambda received: None) -> None:
    """Write a stream under ``path`` if its sha256 is the expected one.

    It goes to a temporary file beside ``path`` that is renamed at the end, so that ``path`` is never half a
    file; on any error the temporary file is removed and ``path`` is as before.

    Parameters
    ----------
    origin
        Where the stream comes from, for the message.
    progress
        Called with the number of bytes so far.

    Raises
    ------
    InputError
        If the sha256 differs; ``Unwritable``, if the file cannot be written. Errors of the stream are passed on.
    """
    temporary = private(path)
    digest, received = hashlib.sha256(), 0
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = temporary.open("xb", buffering=0)
    try:
        with file:
            while chunk := stream.read(CHUNK):
                with _writing(path):
                    left = memoryview(chunk)
                    while left:  # without a buffer a write may be of a part: the error then comes with the next one
                        left = left[file.write(left):]
                digest.update(chunk)
                received += len(chunk)
                progress(received)
        if digest.hexdigest() != expected:
            raise InputError(f"{origin} is truncated or altered: sha256 {digest.hexdigest()}, not {expected}")
        with _writing(path):
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def private(path: Path) -> Path:
    """Return a name beside ``path`` that no other process uses."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritable(f"{path.parent} cannot be written to: {error.strerror}; name another folder in "
                         "CATAPULT_CACHE") from None
