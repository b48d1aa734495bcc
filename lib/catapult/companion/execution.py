"""Executing the pages: once for one state of its cells, its code and its data, several pages at a time.

Jupyter Book finds what this leaves in its execution cache, by the cells of the page. Of what else a page depends on
that cache knows nothing: a page is stale, too, when a module that it imports, directly or not, a row of the ledger that
it prints, its data, a recorded table or a numerical library has changed; comments and layout do not count.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from catapult import THREADS, paths
from catapult.companion import claims, registry, sentences
from catapult.datasets import DataMissing
from catapult.runs import keys, recorded, store

CACHE = paths.BUILD / ".jupyter_cache"
AT_ONCE = max(2, (os.cpu_count() or 1) - 1)
"""Pages that are executed at a time."""
LIMIT = 600
"""Seconds that a cell may take."""


class PageFailed(RuntimeError):
    """A cell of a page raised; the message has the traceback."""


def state(page: Path) -> str:
    """Return the hash of what the outputs of a page depend on besides its cells."""
    cells = _code(page)
    modules = {name for name in keys.imported(ast.parse(cells)) if name.startswith("catapult")}
    named = re.findall(r'claims\.verdicts\("([\w-]+)"', cells)
    scored = sentences.__name__ in modules
    named += sentences.chapters() if scored else []
    modules |= {claims.checks_of(chapter) for chapter in named}
    rows = named or ([chapter.id for chapter in registry.every()] if "catapult.companion.claims" in modules else [])
    chapter = _chapter(page)
    data = ""
    with contextlib.suppress(DataMissing):  # such a page says so itself, and shows what was recorded
        data = keys.data_checksum(chapter.experiment, chapter.parameters()) if chapter else ""
    return keys.digest([keys.code_version(*modules), scored and paths.text(sentences.TABLE),
                        [claims.text_of(chapter) for chapter in rows], rows and claims.theorems(),
                        recorded.tables(*modules), data, sys.version])


def _code(page: Path) -> str:
    """Return the code of a page's cells."""
    return "\n".join(cell.source for cell in _notebook(page).cells if cell.cell_type == "code")


def _notebook(page: Path):
    """Return a page's source as a notebook, not to be changed."""
    return _read(page, paths.text(page))


@functools.lru_cache(maxsize=64)
def _read(page: Path, text: str):
    from myst_nb.core.read import read_myst_markdown_notebook

    return read_myst_markdown_notebook(text, add_source_map=True, path=str(page))


def refresh(pages: list[Path], say: Callable[[str], None], force: bool = False) -> None:
    """Execute the stale ones of these pages, or with ``force`` all; the ledger, which shows what others measure, last.

    What was executed stays, whatever happens to the others or to this process.

    Raises
    ------
    PageFailed
        With the traceback, after the pages that were begun have ended.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    notebooks = [page for page in pages if _is_notebook(page)]
    now = {page.stem: state(page) for page in notebooks}
    stale = [page for page in notebooks
             if force or _states().get(page.stem) != now[page.stem] or not _is_cached(page)]
    for waiting in ([page for page in stale if _chapter(page)], [page for page in stale if not _chapter(page)]):
        # Pages that read data take longest: they go first.
        waiting.sort(key=lambda page: not hasattr(getattr(_chapter(page), "experiment", None), "data"))
        _execute_all(waiting, now, say)


def _execute_all(waiting: list[Path], now: dict[str, str], say: Callable[[str], None]) -> None:
    # Each page has its share of the cores: more workers would only load the library once more.
    share = max(1, (os.cpu_count() or 1) // min(AT_ONCE, len(waiting) or 1))
    environment = {**dict.fromkeys(THREADS, "1"), "LOKY_MAX_CPU_COUNT": str(share), **os.environ,
                   "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    environment.pop("MPLBACKEND", None)  # the kernels' own backend is the one that shows figures
    running: dict[Path, tuple[subprocess.Popen, float]] = {}
    failed = ""
    while running or (waiting and not failed):
        while waiting and len(running) < AT_ONCE and not failed:
            page = waiting.pop(0)
            say(f"executing {page.stem}")
            process = subprocess.Popen([sys.executable, "-m", __name__, str(page), str(CACHE)], env=environment,
                                       text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            running[page] = process, time.monotonic()
        for page, (process, started) in list(running.items()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                output, _ = process.communicate(timeout=0.2)
                del running[page]
                if process.returncode:
                    failed = f"{page.name} stopped:\n{output.strip()}"
                else:
                    store.write(CACHE / "states.json", json.dumps({**_states(), page.stem: now[page.stem]}).encode())
                    say(f"executed {page.stem} in {time.monotonic() - started:.0f} s")
    if failed:
        raise PageFailed(failed)


def _chapter(page: Path) -> registry.Chapter | None:
    return next((chapter for chapter in registry.every() if chapter.path == page), None)


def _is_notebook(page: Path) -> bool:
    return "\nkernelspec:" in paths.text(page).partition("\n---\n")[0]


def _states() -> dict[str, str]:
    """Return the state in which each page was executed last."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads((CACHE / "states.json").read_bytes())
    return {}


def _is_cached(page: Path) -> bool:
    from jupyter_cache import get_cache

    with contextlib.suppress(KeyError):
        return bool(get_cache(CACHE).match_cache_notebook(_notebook(page)))
    return False


def executed(page: Path, cache: Path):
    """Return a page as a notebook with the outputs that it has in the cache; raise KeyError if it was not executed."""
    from jupyter_cache import get_cache

    return get_cache(cache).merge_match_into_notebook(_notebook(page))[1]


def execute(page: Path, cache: Path) -> None:
    """Execute one page and put it into the cache in this folder; raise PageFailed if a cell raises."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn
    from jupyter_cache.executors.utils import single_nb_execution

    notebook = copy.deepcopy(_notebook(page))
    result = single_nb_execution(notebook, cwd=str(page.parent), timeout=LIMIT, allow_errors=False)
    if result.err is not None:
        raise PageFailed(result.exc_string)
    bundle = CacheBundleIn(notebook, str(page), data={"execution_seconds": result.time})
    get_cache(cache).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


if __name__ == "__main__":
    try:
        execute(*map(Path, sys.argv[1:]))
    except PageFailed as error:
        sys.exit(str(error))
