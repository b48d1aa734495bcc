"""What all tests share: a store of their own, and one thread a process so that runs repeat bit for bit."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from catapult import THREADS

sys.path.insert(0, str(Path(__file__).parent))
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's & does that: nothing could be interrupted
    signal.signal(signal.SIGINT, signal.default_int_handler)
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


_PROCESSES = os.environ.get("LOKY_MAX_CPU_COUNT")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """A notebook's kernel computes by itself: its workers would each load the library, and the cores are taken."""
    if item.path.suffix == ".ipynb":
        os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    elif _PROCESSES is None:
        os.environ.pop("LOKY_MAX_CPU_COUNT", None)
    else:
        os.environ["LOKY_MAX_CPU_COUNT"] = _PROCESSES


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture
def empty_store(tmp_path, monkeypatch):
    """An empty store of results for one test."""
    monkeypatch.setenv("CATAPULT_RESULTS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium, closed after its module: Playwright runs once at a time in a process.

    Without one these tests are skipped, where the machine is a person's; continuous integration has to have it.
    """
    from catapult.companion.printing import BROWSERS

    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        message = "no Chromium on this machine, so no page was opened: make browser"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    # What Chromium would otherwise fetch for itself while it runs.
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=quiet)
        yield opened
        opened.close()
