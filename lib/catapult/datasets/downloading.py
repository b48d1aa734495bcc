"""Downloads that the user asked for (``catapult data fetch``): the only use of the network."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.client
import io
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from catapult.datasets import checked_files, sources
from catapult.datasets.checked_files import Refused, Unwritable
from catapult.datasets.sources import Published
from catapult.parameters import InputError, plain, shown

Progress = Callable[[str, int, int], None]
TIMEOUT = 30  # seconds without a byte
WINDOW, SLOWEST = 30, 10_000
"""A server that sends, in so many seconds, fewer bytes a second is given up."""
AROUND = 1_000_000
"""Bytes that an answer may have beside an eighth more than the file: its header and how it is cut into chunks."""


class DownloadFailed(RuntimeError):
    """A data set could not be downloaded; the message is one line."""


def fetch(data_set: str, mirror: str | None = None,
          progress: Progress = lambda name, received, total: None) -> Path:
    """Download a data set into the cache, unless it is there unaltered, and return its folder.

    What comes is checked by size and sha256 before anything opens it; what is unpacked from it is checked again
    before it gets its name. Nothing is resumed; what a killed download left is removed.

    Parameters
    ----------
    data_set
        "mnist" (11 MB) or "cifar10" (163 MB).
    mirror
        Base address (http or https) of the published files; by default those that torchvision lists, in turn.
    progress
        Called with the file's name, the bytes so far and in all.

    Raises
    ------
    InputError
        For an unknown data set or address.
    DownloadFailed
        If no mirror gives an unaltered file, or it can't be kept: one line with all reasons.
    """
    record = sources.published(data_set)
    if mirror is not None and not _is_web_address(mirror):
        raise InputError(f"mirror = {shown(mirror)}; allowed: an address that begins with http:// or https://, in "
                         "ASCII, with a host, a port from 1 to 65535 or none, and no blank, user or #")
    place = next(place for place in sources.sources(data_set) if place.kind == sources.DOWNLOADED)
    for name, _ in place.files:
        checked_files.remove_leftovers(place.folder / name)
    missing = [name for name, expected in place.files
               if checked_files.sha256(place.folder / name) != expected]
    if missing:
        mirrors = [mirror] if mirror else _mirrors(data_set)
        try:
            fetch_missing = _fetch_each if record.each_packed else _fetch_archive
            fetch_missing(record, place.folder, missing, mirrors, progress)
        except (Refused, Unwritable) as error:
            raise DownloadFailed(str(error)) from None
    return place.folder


def _is_web_address(text: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(text)
        (parts.hostname or "").encode("idna")
        port = parts.port
    except ValueError:
        return False
    return (parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and text.isascii()
            and text.isprintable() and not set(text) & set(" #@"))


def _mirrors(data_set: str) -> list[str]:
    return sources.DATA_SETS[data_set].mirrors()


def _fetch_each(record: Published, folder: Path, names: list[str], mirrors: list[str], progress: Progress) -> None:
    """Fetch files that are packed by themselves."""
    with checked_files.nameless(folder) as packed:
        for name in names:
            _download(packed, folder, f"{name}.gz", record, mirrors, progress)
            with gzip.open(packed) as stream:
                _keep(stream.read(), folder / name, record.files[name], f"{name}.gz, unpacked,")


def _fetch_archive(record: Published, folder: Path, names: list[str], mirrors: list[str], progress: Progress) -> None:
    """Fetch the archive that holds all files, and keep those that are missing."""
    (archive,) = record.packed
    with checked_files.nameless(folder) as packed:
        _download(packed, folder, archive, record, mirrors, progress)
        with tarfile.open(fileobj=packed, mode="r:gz") as tar:
            for name in names:
                member = f"{folder.name}/{name}"
                _keep(_member(tar, archive, member), folder / name, record.files[name], f"{member} in {archive}")


def _member(tar: tarfile.TarFile, archive: str, member: str) -> bytes:
    """Return what one expected member holds; the archive's own paths and links are never followed."""
    try:
        found = tar.getmember(member)
    except KeyError:
        found = None
    if found is None or not found.isfile():
        raise Refused(f"{archive} holds no file {member}")
    return tar.extractfile(found).read()


def _keep(data: bytes, path: Path, expected: str, origin: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise Refused(f"{origin} is truncated or altered: sha256 {found}, not {expected}")
    checked_files.store(data, path)


def _download(file: BinaryIO, folder: Path, name: str, record: Published, mirrors: list[str],
              progress: Progress) -> None:
    """Write the first mirror's unaltered copy into an open file, which is in ``folder``."""
    reasons, expected, size = [], record.packed[name], record.sizes[name]
    for mirror in mirrors:
        address = f"{mirror.rstrip('/')}/{name}"
        try:
            with _web(time.monotonic, size + size // 8 + AROUND).open(address, timeout=TIMEOUT) as answer:
                checked_files.receive(answer, file, folder, expected, size, plain(address),
                                      lambda received: progress(name, received, size))
            return
        except Refused as error:
            reasons.append(str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            reasons.append(f"{plain(address)}: {_printable(getattr(error, 'reason', None) or error)}")
    raise Refused(f"{name} could not be downloaded: {'; '.join(reasons)}")


def _printable(text: object) -> str:
    """Return what a server said, in one line, without the characters that would command a terminal."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return shown if len(shown) <= 200 else f"{shown[:200]}…"


def _web(clock: Callable[[], float], most: int) -> urllib.request.OpenerDirector:
    """Return what opens web addresses and no others, not even where it is sent on to.

    An answer that is slower than ``SLOWEST``, or has more than ``most`` bytes in all, is given up.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), urllib.request.UnknownHandler(), _Http(clock, most),
                    _Https(clock, most), urllib.request.HTTPDefaultErrorHandler(), _Redirects(),
                    urllib.request.HTTPErrorProcessor()):
        opener.add_handler(handler)
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects without reading what stands below them, which may have no end."""

    def http_error_302(self, request, answer, code, reason, headers):
        answer.close()  # what is closed reads as empty
        return super().http_error_302(request, answer, code, reason, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class _SteadyConnections:
    """A handler's part: whatever its connections read, from the first line of the answer on, counts for the speed."""

    def __init__(self, clock: Callable[[], float], most: int):
        super().__init__()
        self.clock, self.most = clock, most

    def do_open(self, kind, request, **options):
        def connection(*given, **named):
            made = kind(*given, **named)
            made.response_class = functools.partial(_SteadyAnswer, clock=self.clock, most=self.most)
            return made
        return super().do_open(connection, request, **options)


class _Http(_SteadyConnections, urllib.request.HTTPHandler):
    pass


class _Https(_SteadyConnections, urllib.request.HTTPSHandler):
    pass


class _SteadyAnswer(http.client.HTTPResponse):
    def __init__(self, *given, clock: Callable[[], float], most: int, **named):
        super().__init__(*given, **named)
        self.fp = io.BufferedReader(_Steady(self.fp.detach(), clock, most))


class _Steady(io.RawIOBase):
    """A stream that fails once it has given too few bytes in a window of time, or more than ``most`` in all."""

    def __init__(self, raw: io.RawIOBase, clock: Callable[[], float], most: int):
        self.raw, self.clock, self.left = raw, clock, most
        self.since, self.received = clock(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int | None:
        count = self.raw.readinto(buffer)
        self.received += count or 0
        self.left -= count or 0
        if self.left < 0:
            raise OSError("the answer goes on beyond what the file and its header can need")
        elapsed = self.clock() - self.since
        if elapsed >= WINDOW:
            if self.received < SLOWEST * elapsed:
                raise TimeoutError(f"slower than {SLOWEST / 1000:g} kB a second")
            self.since, self.received = self.clock(), 0
        return count

    def close(self) -> None:
        self.raw.close()
        super().close()
