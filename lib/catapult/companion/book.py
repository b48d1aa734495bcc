"""Building the book: what is stale, the strict build, the count of pages, the site, one chapter's page.

Pages are executed by :mod:`catapult.companion.execution`; Jupyter Book then finds them in its cache.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from catapult import THREADS, locks, paths
from catapult.companion import execution, registry
from catapult.datasets import DataMissing, sources
from catapult.parameters import InputError
from catapult.runs import keys, store

STAMP = paths.BUILD / "built.json"
LOG = paths.BUILD / "build.log"
PAGE_FOLDERS, PAGE_FILES = ("_static", "_images", "_sources"), ("searchindex.js", "search.html")
"""What stands beside a page that was made alone."""
PLACE_OF_PDF = '<span class="book-as-pdf"></span>'
"""Where the landing page has a link to the PDF, if there is one."""
JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]


class BuildFailed(RuntimeError):
    """The strict build found an error or a warning, or a page is missing."""


def _hash(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(paths.ROOT).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    hidden = {"__pycache__", ".ipynb_checkpoints"}
    return [path for path in folder.rglob("*") if path.is_file() and not hidden & set(path.parts)]


def state() -> dict[str, str]:
    """Return hashes of what the pages are made from: the text, and what the chapters compute with."""
    text = [*_files(paths.BOOK), paths.TOC, paths.CONFIG, paths.ROOT / "CITATION.cff"]
    code = [*_files(paths.LIBRARY), *_files(paths.RECORDED), paths.ROOT / "requirements.txt"]
    numerical = {name: keys.versions()[name] for name in keys.NUMERICAL}
    pixels = [sources.mnist_fingerprint("auto")]
    with contextlib.suppress(DataMissing):
        pixels.append(sources.fingerprint("cifar10"))
    return {"text": _hash(text),
            "code": keys.digest([_hash(code), pixels, sys.version, numerical])}


def expected_pages() -> list[Path]:
    """Return the HTML files that the table of contents promises."""
    return [paths.HTML / f"{name}.html" for name in registry.contents()]


def build(force: bool = False) -> Path:
    """Build the book strictly if anything it is made from has changed, or is ``force``; return the index page.

    Raises
    ------
    BuildFailed
        On any error or warning, or if fewer pages were built than the table of contents names.
    """
    now = state()
    index, stamp = expected_pages()[0], json.dumps(now).encode()
    unchanged = STAMP.exists() and STAMP.read_bytes() == stamp
    if unchanged and not force and all(page.exists() for page in expected_pages()):
        _say("nothing has changed since the last build")
        return index
    with _alone():
        STAMP.unlink(missing_ok=True)
        _say(f"building {len(expected_pages())} pages; those whose text, code or data changed are executed again")
        _execute([paths.ROOT / f"{name}.md" for name in registry.contents()], force)
        shutil.rmtree(paths.HTML, ignore_errors=True)
        _jupyter_book(paths.ROOT, "-W", "-n", "--keep-going")
        missing = [page.name for page in expected_pages() if not page.exists()]
        if missing:
            raise BuildFailed(f"{len(missing)} pages of the table of contents were not built: {', '.join(missing)}")
        store.write(STAMP, stamp)
    return index


def build_some(pages: list[Path], force: bool = False) -> list[Path]:
    """Build the pages with these sources alone, to look at: links to others lead nowhere. Return the built pages."""
    folder = paths.BUILD / "some"
    with _alone():
        _execute(pages, force)
        first, *others = (page.relative_to(paths.ROOT).with_suffix("").as_posix() for page in pages)
        folder.mkdir(parents=True, exist_ok=True)
        contents = {"format": "jb-book", "root": first} | (
            {"chapters": [{"file": name} for name in others]} if others else {})
        (folder / "toc.yml").write_text(yaml.safe_dump(contents), encoding="utf-8")
        _jupyter_book(paths.ROOT, "--toc", str(folder / "toc.yml"), "--path-output", str(folder))
    return [folder / "_build" / "html" / "book" / f"{page.stem}.html" for page in pages]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let no other process build the book at the same time; raise BuildFailed if one does."""
    paths.BUILD.mkdir(parents=True, exist_ok=True)
    held = locks.hold(paths.BUILD / "lock")
    if held is None:
        raise BuildFailed(f"another process is building the book in {paths.BUILD}; wait for its end")
    with held:
        yield


def _execute(pages: list[Path], force: bool) -> None:
    started = time.monotonic()
    try:
        execution.refresh(pages, lambda text: _say(f"{time.monotonic() - started:5.0f} s  {text}"), force)
    except execution.PageFailed as error:
        raise BuildFailed(str(error)) from None


def _jupyter_book(root: Path, *options: str) -> None:
    """Run Jupyter Book; show the steps as they come, keep all of it in the log."""
    command = [*JUPYTER_BOOK, str(root), "--all", *options]
    environment = {**dict.fromkeys(THREADS, "1"), **os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1",
                   "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    environment.pop("MPLBACKEND", None)  # the kernels' own backend is the one that shows figures
    LOG.parent.mkdir(exist_ok=True)
    started, lines = time.monotonic(), []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
                          cwd=root) as process, LOG.open("w", encoding="utf-8") as log:
        for line in process.stdout:
            line = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).rstrip()
            log.write(line + "\n")
            lines.append(line)
            if step := re.search(r"(book/[\w-]+)\.md: (Executing notebook|Executed notebook.*|Using cached)", line):
                _say(f"{time.monotonic() - started:5.0f} s  {step[1]}: {step[2].lower()}")
    if process.returncode:
        complaints = [line for line in lines if re.search(r"WARNING:|ERROR:|Error\b", line)]
        shown = "\n  ".join(complaints[:20] or lines[-20:])
        raise BuildFailed(f"the build failed:\n  {shown}\nthe whole log: {LOG}")


def render(notebook: Path, page: Path) -> None:
    """Write one executed notebook as an HTML page that needs no network, with its assets in ``_static``."""
    with tempfile.TemporaryDirectory(prefix="catapult-page-") as folder:
        root = Path(folder)
        (root / "book").mkdir()
        shutil.copyfile(notebook, root / notebook.name)
        shutil.copytree(paths.BOOK / "_static", root / "book" / "_static")
        shutil.copyfile(paths.BOOK / "references.bib", root / "book" / "references.bib")
        config = yaml.safe_load(paths.text(paths.CONFIG))
        config["execute"] = {"execute_notebooks": "off"}
        config["html"]["home_page_in_navbar"] = False
        (root / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (root / "_toc.yml").write_text(f"format: jb-book\nroot: {notebook.stem}\n", encoding="utf-8")
        done = subprocess.run([*JUPYTER_BOOK, folder, "-q"], capture_output=True,
                              text=True, check=False)
        built = root / "_build" / "html"
        if done.returncode:
            complaint = done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}"
            raise BuildFailed(f"the page could not be made: {complaint}")
        for asset in PAGE_FOLDERS:
            if (built / asset).is_dir():
                shutil.copytree(built / asset, page.parent / asset, dirs_exist_ok=True)
        for name in PAGE_FILES:
            shutil.copyfile(built / name, page.parent / name)
        text = (built / f"{notebook.stem}.html").read_text(encoding="utf-8")
        # The ledger's page is not beside this one: its links become plain text.
        store.write(page, re.sub(r'<a class="claim-id"[^>]*>(.*?)</a>', r"\1", text, flags=re.S).encode())


def one_page() -> Path:
    """Build the whole book as one page of HTML, from what is executed; return the page."""
    folder = paths.BUILD / "one"
    with _alone():
        _jupyter_book(paths.ROOT, "--builder", "singlehtml", "--path-output", str(folder))
    built = folder / "_build" / "singlehtml"
    # Sphinx writes it under the name of the first page, in its folder, but with addresses as from the root.
    shutil.copyfile(built / f"{registry.contents()[0]}.html", built / "index.html")
    return built / "index.html"


def name() -> str:
    """Return the name of the files that hold the whole book, without what says their kind."""
    return f"catapult-companion-{keys.versions()['catapult-companion']}"


def site() -> tuple[Path, Path]:
    """Leave the book as one folder that any static host serves, and as a zip of it; return both.

    The PDF is in it, with a link on the landing page, if ``make pdf`` has printed this book.
    """
    index = build()
    folder = paths.BUILD / "site"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(paths.HTML, folder, ignore=shutil.ignore_patterns(".buildinfo", ".doctrees", "objects.inv.tmp"))
    (folder / ".nojekyll").touch()  # folders that begin with an underscore are served
    if not (folder / index.relative_to(paths.HTML)).exists():
        raise BuildFailed("the index page is missing from the site")
    add_pdf(folder, folder / index.relative_to(paths.HTML))
    archive = shutil.make_archive(str(paths.BUILD / name()), "zip", folder)
    return folder, Path(archive)


def add_pdf(folder: Path, page: Path) -> None:
    """Put the PDF beside the pages, and a link to it on the landing page; neither, if none was printed of this book."""
    file = paths.BUILD / f"{name()}.pdf"
    if not file.exists() or file.stat().st_mtime < STAMP.stat().st_mtime:
        return
    shutil.copyfile(file, folder / file.name)
    address = os.path.relpath(folder / file.name, page.parent)
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(PLACE_OF_PDF, f' · <a href="{address}">the whole book as PDF</a>'), encoding="utf-8")


def report(what: str, make: Callable[[], Path]) -> int:
    """Make one file and say where it is; return the exit status: 1 where it can't be made, and one line says why."""
    try:
        file = make()
    except (BuildFailed, paths.BookMissing) as error:
        print(f"catapult: {error}", file=sys.stderr)
        return 1
    _say(f"{what}: {file} ({file.stat().st_size / 1e6:.0f} MB)")
    return 0


def _say(text: object) -> None:
    print(f"catapult: {text}", flush=True)


def main() -> int:
    """``python -m catapult.companion.book build [--force] | site``; exit status 1: it failed, 2: wrong input."""
    parser = argparse.ArgumentParser(prog="python -m catapult.companion.book")
    parser.add_argument("what", choices=("build", "site"))
    parser.add_argument("--force", action="store_true", help="build although nothing has changed")
    options = parser.parse_args()
    try:
        if options.what == "build":
            _say(f"the book: {build(options.force)}")
        else:
            folder, archive = site()
            _say(f"the site: {folder}\ncatapult: as one file: {archive}")
    except (BuildFailed, paths.BookMissing) as error:
        _say(error)
        return 1
    except InputError as error:
        print(f"catapult: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
