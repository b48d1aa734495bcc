"""Downloads that the user asked for (``catapult data fetch``): the only use of the network."""

from __future__ import annotations

import gzip
import http.client
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from catapult import paths
from catapult.datasets import checked_files, sources
from catapult.datasets.torchvision_import import import_torchvision
from catapult.parameters import InputError, nearest

Progress = Callable[[str, int, int | None], None]
TIMEOUT = 30  # seconds without an answer


def fetch(data_set: str, mirror: str | None = None,
          progress: Progress = lambda name, received, total: None) -> Path:
    """Download a data set into the cache, unless it is there unaltered, and return its folder.

    Each file goes to a temporary name, is checked by sha256, and only then unpacked; what is unpacked is
    checked again before it gets its real name. Nothing is resumed.

    Parameters
    ----------
    data_set
        "mnist" (11 MB) or "cifar10" (163 MB).
    mirror
        Base address (http or https) of the published files; by default those that torchvision lists, in turn.
    progress
        Called with the file's name, the bytes so far and the total if known.

    Raises
    ------
    InputError
        For an unknown data set or address, and if no mirror gives an unaltered file: one line with all
        reasons.
    """
    if data_set not in sources.DATA_SETS:
        raise InputError(f"data set {data_set!r} is unknown{nearest(data_set, sources.DATA_SETS)}; allowed: "
                         f"{', '.join(sources.DATA_SETS)}")
    if mirror is not None and not _is_web_address(mirror):
        raise InputError(f"mirror = {mirror!r}; allowed: an address that begins with http:// or https://")
    place = next(place for place in sources.sources(data_set) if place.kind == sources.DOWNLOADED)
    missing = [name for name, expected in place.files
               if checked_files.sha256(place.folder / name) != expected]
    if missing:
        mirrors = [mirror] if mirror else _mirrors(data_set)
        {"mnist": _fetch_mnist, "cifar10": _fetch_cifar10}[data_set](place.folder, missing, mirrors, progress)
    return place.folder


def _is_web_address(text: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _mirrors(data_set: str) -> list[str]:
    torchvision = import_torchvision()
    if data_set == "mnist":
        return list(torchvision.datasets.MNIST.mirrors)
    return [torchvision.datasets.CIFAR10.url.rpartition("/")[0]]


def _fetch_mnist(folder: Path, names: list[str], mirrors: list[str], progress: Progress) -> None:
    for name in names:
        packed = _download(f"{name}.gz", sources.MNIST_GZ[f"{name}.gz"], mirrors, folder, progress)
        try:
            with gzip.open(packed) as stream:
                checked_files.store(stream, folder / name, sources.MNIST_RAW[name],
                                    origin=f"{name}.gz, unpacked,")
        finally:
            packed.unlink(missing_ok=True)


def _fetch_cifar10(folder: Path, names: list[str], mirrors: list[str], progress: Progress) -> None:
    ((archive, expected),) = sources.CIFAR10_ARCHIVE.items()
    packed = _download(archive, expected, mirrors, paths.downloads(), progress)
    try:
        with tarfile.open(packed, "r:gz") as tar:
            for name in names:
                _unpack_member(tar, archive, folder, name)
    finally:
        packed.unlink(missing_ok=True)


def _unpack_member(tar: tarfile.TarFile, archive: str, folder: Path, name: str) -> None:
    """Write one expected member; the archive's own paths and links are never followed."""
    member = f"{folder.name}/{name}"
    try:
        found = tar.getmember(member)
    except KeyError:
        found = None
    if found is None or not found.isfile():
        raise InputError(f"{archive} holds no file {member}")
    checked_files.store(tar.extractfile(found), folder / name, sources.CIFAR10[name],
                        origin=f"{member} in {archive}")


def _download(name: str, expected: str, mirrors: list[str], folder: Path, progress: Progress) -> Path:
    """Store the first mirror's unaltered copy in ``folder``, under a name of this process's own; return its path."""
    reasons, path = [], checked_files.private(folder / name)
    for mirror in mirrors:
        address = f"{mirror.rstrip('/')}/{name}"
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
                total = int(answer.headers.get("Content-Length") or 0) or None
                checked_files.store(answer, path, expected, origin=address,
                                    progress=lambda received, total=total: progress(name, received, total))
            return path
        except checked_files.Unwritable:
            raise
        except InputError as error:
            reasons.append(str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            reasons.append(f"{address}: {getattr(error, 'reason', None) or error}")
    raise InputError(f"{name} could not be downloaded: {'; '.join(reasons)}")
