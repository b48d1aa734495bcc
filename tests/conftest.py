"""What all tests share: a store of their own, and one thread a process so that runs repeat bit for bit."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest

from catapult import THREADS

sys.path.insert(0, str(Path(__file__).parent))
gc.disable()  # imports and collection make much that stays: looking through it takes a third of their time
for _name in THREADS:  # before anything loads linear algebra
    os.environ.setdefault(_name, "1")
# Read when a kernel starts: the debugger's warning about frozen modules is no finding of ours.
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
# However busy the machine is, no process of a cluster is given up for being late.
for _name in ("CONNECT", "TCP"):
    os.environ.setdefault(f"DASK_DISTRIBUTED__COMM__TIMEOUTS__{_name}", "3600s")


def pytest_collection_modifyitems(items):
    """A cell of a notebook is marked as what needs the book: nbval collects them, and no file of ours could say it."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker("book")


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture
def empty_store(tmp_path, monkeypatch):
    """An empty store of results for one test."""
    monkeypatch.setenv("CATAPULT_RESULTS", str(tmp_path / "store"))
    return tmp_path / "store"
