"""Files that must have a known sha256: looking at them, reading them, and writing them whole or not at all."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from catapult import locks
from catapult.parameters import InputError, plain

CHUNK = 1 << 20


class Refused(RuntimeError):
    """What a stream holds is not the file that was asked for."""


class Unwritable(RuntimeError):
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
        raise InputError(f"{plain(path)} cannot be read: {error.strerror or error}") from None


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require(path: Path, expected: str, remedy: str = "") -> None:
    """Raise InputError, naming the file, unless it is there with the expected sha256."""
    _same(path, sha256(path), expected, remedy)


def read(path: Path, expected: str, remedy: str = "") -> bytes:
    """Return a file's bytes if their sha256 is the expected one; InputError, naming the file, if not.

    The bytes that are returned are those that were hashed: parse or unpickle them and not the file, which may have
    become another one since.
    """
    try:
        data = path.read_bytes() if path.is_file() else None
    except (FileNotFoundError, NotADirectoryError):
        data = None
    except OSError as error:
        raise InputError(f"{plain(path)} cannot be read: {error.strerror or error}") from None
    _same(path, None if data is None else hashlib.sha256(data).hexdigest(), expected, remedy)
    return data


def _same(path: Path, found: str | None, expected: str, remedy: str) -> None:
    if found != expected:
        what = "is missing" if found is None else f"is truncated or altered: sha256 {found}, not {expected}"
        raise InputError(f"{plain(path)} {what}{remedy and '; ' + remedy}")


@contextlib.contextmanager
def nameless(folder: Path) -> Iterator[BinaryIO]:
    """Give an open file without a name in ``folder``: nobody can swap it, and nothing of it stays, whatever is killed.

    Raises ``Unwritable`` if there can be none.
    """
    with contextlib.ExitStack() as stack:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(tempfile.TemporaryFile(dir=folder, buffering=0))
        yield file


def receive(stream: BinaryIO, file: BinaryIO, folder: Path, expected: str, size: int, origin: str,
            progress: Callable[[int], None] = lambda received: None) -> None:
    """Copy a stream into an open file, from its beginning, and go back there.

    Parameters
    ----------
    folder
        Where the file is, for the message.
    expected, size
        The sha256 and the number of bytes that the stream must have; what goes on beyond is not read.
    origin
        Where the stream comes from, for the message.
    progress
        Called with the number of bytes so far.

    Raises
    ------
    Refused
        If the stream is longer, or its sha256 differs.
    Unwritable
        If there is no room for it. Errors of the stream are passed on.
    """
    digest, received = hashlib.sha256(), 0
    file.seek(0)
    file.truncate()
    while chunk := stream.read(min(CHUNK, size + 1 - received)):
        received += len(chunk)
        if received > size:
            raise Refused(f"{origin} holds more than the {size} bytes that were published")
        with writing(folder):
            _write_all(file, chunk)
        digest.update(chunk)
        progress(received)
    if digest.hexdigest() != expected:
        raise Refused(f"{origin} is truncated or altered: sha256 {digest.hexdigest()}, not {expected}")
    file.seek(0)


def store(data: bytes, path: Path) -> None:
    """Write bytes under ``path``, by a temporary file beside it: ``path`` is never half a file.

    Raises ``Unwritable`` if that fails; then ``path`` is as before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with locks.hold(temporary) as file:  # held, it is no leftover
                _write_all(file, data)
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _write_all(file: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:  # without a buffer a write may be of a part: the error then comes with the next one
        left = left[file.write(left):]


def remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed while they stored ``path`` have left beside it."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.\d+-[0-9a-f]{{8}}")
    with contextlib.suppress(OSError):
        for left in [file for file in path.parent.iterdir() if ours.fullmatch(file.name)]:
            held = locks.hold(left)
            if held is not None:  # else another process is about to finish it
                with held:
                    left.unlink()


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Make ``Unwritable`` of the errors inside the context, which writes into this folder."""
    try:
        yield
    except OSError as error:
        raise Unwritable(f"{plain(folder)} cannot be written to: {error.strerror or error}; name another folder in "
                         "CATAPULT_CACHE") from None
