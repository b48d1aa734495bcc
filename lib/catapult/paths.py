"""Where the book, the data, the results and the caches are. The only module that knows a path."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "lib" / "catapult"
BOOK = ROOT / "book"
TOC = ROOT / "_toc.yml"
CONFIG = ROOT / "_config.yml"
CLAIMS = BOOK / "claims.yml"
BUILD = ROOT / "_build"
HTML = BUILD / "html"
RECORDED = ROOT / "data" / "results"


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
    return Path(folder).expanduser().absolute() if folder else None
