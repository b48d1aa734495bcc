"""Where the book, the data, the results and the caches are. The only module that knows a path."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "lib" / "catapult"
ROOMS = LIBRARY / "chapters"
BOOK = ROOT / "book"
TOC = ROOT / "_toc.yml"
CONFIG = ROOT / "_config.yml"
BUILD = ROOT / "_build"
HTML = BUILD / "html"
RECORDED = ROOT / "data" / "results"


class BookMissing(RuntimeError):
    """A file of the book is not there, or not as the library needs it: the message is one line."""


def text(path: Path) -> str:
    """Return the text of a file of the book; raise BookMissing if it can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BookMissing(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): the library needs the "
                          "book's folder beside it, as in a whole checkout") from None


def cache() -> Path:
    """The folder for downloads and computed results: ``CATAPULT_CACHE``, or ``.cache`` beside the library."""
    return Path(os.environ.get("CATAPULT_CACHE") or ROOT / ".cache")


def results() -> Path:
    """The store of computed results: ``CATAPULT_RESULTS``, or a folder of the cache."""
    return Path(os.environ.get("CATAPULT_RESULTS") or cache() / "results")


def downloads() -> Path:
    """Data sets that were downloaded or unpacked on request."""
    return cache() / "data"


def named_data() -> Path | None:
    """The data folder that the user named (``--data`` or ``CATAPULT_DATA``), if any."""
    folder = os.environ.get("CATAPULT_DATA")
    return Path(os.path.expanduser(folder)).absolute() if folder else None  # ~nobody stays as it is: no such folder
