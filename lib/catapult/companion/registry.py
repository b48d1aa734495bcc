"""The chapters: what they are, their parameters, checked, and running one with other parameters."""

from __future__ import annotations

import ast
import contextlib
import datetime
import json
import os
import platform
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from catapult import locks, paths
from catapult.companion import book
from catapult.datasets import sources
from catapult.parameters import InputError, Parameters, nearest, plain, shown
from catapult.runs import experiments, results

LARGEST_FILE = 1 << 16
"""Bytes that a file of parameters may have."""


@dataclass(frozen=True)
class Chapter:
    """One chapter of the book: its permanent id, its source and what its front matter says."""

    id: str
    number: int
    path: Path
    title: str
    shows: str
    needs: str

    @property
    def experiment(self) -> ModuleType:
        """The module whose ``Parameters`` are the chapter's and whose ``run`` makes its results."""
        if self.id not in experiments.names():
            raise paths.BookMissing(f"{self.path}: no experiment is called {shown(self.id)}")
        return experiments.get(self.id)

    @property
    def parameters(self) -> type[Parameters]:
        return self.experiment.Parameters


class ChapterFailed(RuntimeError):
    """A chapter was not run to its end; the message is one line, which says why and what was kept."""


def every() -> list[Chapter]:
    """Return the chapters: the pages in ``_toc.yml`` that have parameters, in its order, which numbers them."""
    found: list[Chapter] = []
    for name in book.contents():
        chapter = _read(paths.ROOT / f"{name}.md", len(found) + 1)
        found += [] if chapter is None else [chapter]
    return found


def _read(path: Path, number: int) -> Chapter | None:
    """Return the chapter at ``path``, or None for a page without parameters."""
    front, _, body = paths.text(path).removeprefix("---\n").partition("\n---\n")
    if "\nchapter:" not in front:
        return None
    try:
        about = yaml.safe_load(front)["chapter"]
        title = next(line[2:].strip() for line in body.splitlines() if line.startswith("# "))
        return Chapter(path.stem, number, path, title, *(str(about[name]) for name in ("shows", "needs")))
    except (yaml.YAMLError, LookupError, TypeError, StopIteration):
        raise paths.BookMissing(f"{path} does not begin as a chapter: needed are a front matter with chapter: shows "
                                "and needs, and a title") from None


def get(name: str) -> Chapter:
    """Return the chapter with this number in the book (``2``) or id; raise InputError if there is none."""
    chapters = every()
    for chapter in chapters:
        if name in (chapter.id, str(chapter.number)):
            return chapter
    ids = [chapter.id for chapter in chapters]
    meant = next((f"; did you mean {chapter.number}, {chapter.id}?" for chapter in chapters
                  if name.isdecimal() and name.lstrip("0") == str(chapter.number)), nearest(name, ids))
    raise InputError(f"no chapter is called {shown(name)}{meant}; allowed: a number from 1 to {len(ids)} or "
                     f"{', '.join(ids)}")


def parameters(chapter_id: str, namespace: Mapping[str, Any]) -> Parameters:
    """Check a running chapter's parameters: the values of its parameters cell, as they stand in ``namespace``.

    A name that was set before this call (by the parameters cell, or by papermill after it) and that is no
    parameter is refused, so that a misspelt parameter never goes unnoticed.

    Raises
    ------
    InputError
        As :meth:`catapult.parameters.Parameters.checked`.
    """
    model = get(chapter_id).parameters
    names = _assigned_before_check(namespace.get("In", [])) | (set(model.model_fields) & set(namespace))
    return model.checked({name: namespace[name] for name in sorted(names) if name in namespace},
                         where=f"chapter {chapter_id}")


def _assigned_before_check(cells: list[str]) -> set[str]:
    """Return the names that the cells before the one that calls :func:`parameters` assign."""
    names: set[str] = set()
    for cell in cells:
        if "chapters.parameters(" in cell:
            return names
        with contextlib.suppress(SyntaxError):
            for node in ast.parse(cell).body:
                targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def read_file(file: str | Path) -> dict[str, str | None]:
    """Return the values of a YAML file of parameters, not checked: as text, or None, as ``-p`` would give them.

    Read are lines of ``NAME: VALUE`` only, each name once. What YAML could make of a value (octal numbers, dates,
    lists, objects, copies of copies) is not made.

    Raises
    ------
    InputError
        If it can't be read or is anything else.
    """
    where, allowed = f"parameter file {plain(file)}", "allowed: lines of NAME: VALUE"
    text = _text_of(file, where, allowed)
    values: dict[str, str | None] = {}
    anchors: dict[str, str | None] = {}
    line = 1

    def refused(what: str) -> InputError:
        return InputError(f"{where}, line {line}: {what}; {allowed}")

    try:
        loader = yaml.SafeLoader(text)
        events = iter(loader.get_event, None)
        next(events)
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            return {}
        event = next(events)
        if isinstance(event, yaml.ScalarEvent) and event.value == "" and event.style is None:  # nothing but "---"
            next(events)
        elif isinstance(event, yaml.MappingStartEvent):
            for name in events:
                line = name.start_mark.line + 1
                if isinstance(name, yaml.MappingEndEvent):
                    break
                value = next(events)
                if not isinstance(name, yaml.ScalarEvent) or name.tag:
                    raise refused("a name that is no plain text")
                if name.value in values:
                    raise refused(f"{shown(name.value)} is given twice")
                if isinstance(value, yaml.AliasEvent) and value.anchor in anchors:
                    values[name.value] = anchors[value.anchor]
                    continue
                if not isinstance(value, yaml.ScalarEvent) or value.tag:
                    raise refused(f"{shown(name.value)} is no plain value")
                none = value.style is None and value.value in ("", "~")
                values[name.value] = anchors[value.anchor] = None if none else value.value
            next(events)
        else:
            line = event.start_mark.line + 1
            raise refused("not a mapping of names to values")
        event = next(events)
        if not isinstance(event, yaml.StreamEndEvent):
            line = event.start_mark.line + 1
            raise refused("a second document")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else line
        raise refused("not valid YAML") from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        line = loader.line + 1  # an escape beyond Unicode, which the scanner does not foresee
        raise refused("not valid YAML") from None
    return values


def _text_of(file: str | Path, where: str, allowed: str) -> str:
    """Return the text of a file that somebody named, without waiting for it and without reading it for ever."""
    what = f"{allowed} in a file of at most {LARGEST_FILE:,} bytes, in UTF-8"
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError(f"{where}: no file but a folder, a pipe or a device; {what}")
            data = opened.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise InputError(f"{where}: too large; {what}")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{where}: not in UTF-8; {what}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: {getattr(error, 'strerror', None) or 'no name of a file'}; {what}") from None


def read_assignments(texts: list[str]) -> dict[str, str]:
    """Return the values of texts ``NAME=VALUE``, not checked.

    Raises
    ------
    InputError
        For a text without ``=``, or a name that is given twice.
    """
    values = {}
    for text in texts:
        name, equals, value = (part.strip(" ") for part in text.partition("="))
        if not equals or not name:
            raise InputError(f"-p {shown(text)}: no value; allowed: -p NAME=VALUE")
        if name in values:
            raise InputError(f"-p {plain(name)}: given twice; allowed: once")
        values[name] = value
    return values


def prepare_output(folder: Path, chapter: Chapter) -> Path:
    """Return the folder, absolute, made if need be.

    Raises
    ------
    InputError
        If it can't be written, or something there is in the way of what :func:`run` will write.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{chapter.id}.results.nc.", suffix=".probe"):
            pass
        folder = folder.resolve()
        for path in (*_files(folder, chapter).values(), *(folder / name for name in book.PAGE_FILES)):
            if os.path.lexists(path) and (not path.is_file() or path.is_symlink()):
                raise OSError(0, f"{plain(path.name)} is there and no file, or a link")
        for path in (folder / name for name in book.PAGE_FOLDERS):
            if os.path.lexists(path) and not path.is_dir():
                raise OSError(0, f"{plain(path.name)} is there and no folder")
    except OSError as error:
        raise InputError(f"--out {plain(folder)}: {error.strerror}; allowed: a folder that can be written") from None
    return folder


def _files(folder: Path, chapter: Chapter) -> dict[str, Path]:
    """Return the files that a run of the chapter makes, those that it removes again last."""
    names = {"notebook": "ipynb", "page": "html", "results": "results.nc", "record": "run.json",
             "unfinished": "unfinished.ipynb", "lock": "lock"}
    return {what: folder / f"{chapter.id}.{suffix}" for what, suffix in names.items()}


@contextlib.contextmanager
def _alone(lock: Path, chapter: Chapter) -> Iterator[None]:
    """Let no other process run the chapter into the same folder; raise ChapterFailed if one does.

    The lock ends with the process that holds it (see :mod:`catapult.locks`); its file, if it stays, hinders nobody.
    """
    held = locks.hold(lock)
    if held is None:
        with contextlib.suppress(FileNotFoundError), lock.open("rb") as file:
            held = plain(file.read(100).decode(errors="replace"))
        raise ChapterFailed(f"chapter {chapter.id} is being run into {plain(lock.parent)} already, by "
                            f"{held or 'another process'}; wait for its end, or name another folder with --out")
    with held:
        try:
            held.truncate(0)
            held.write(f"process {os.getpid()} on {platform.node()}".encode())
            yield
        finally:
            lock.unlink(missing_ok=True)


def notebook(chapter: Chapter):
    """Return the chapter's source as a notebook, not executed.

    Raises
    ------
    BookMissing
        If not exactly one cell is tagged as the one of the parameters: their values would not be used.
    """
    import jupytext

    source = jupytext.reads(paths.text(chapter.path), fmt="md:myst")
    for cell in source.cells:
        cell.metadata.setdefault("tags", [])  # papermill looks for them in every cell
    tagged = sum("parameters" in cell.metadata["tags"] for cell in source.cells)
    if tagged != 1:
        raise paths.BookMissing(f"{chapter.path}: {tagged} cells are tagged [parameters]; needed is one, the one that "
                                "sets them")
    return source


def run(chapter: Chapter, values: Parameters, out: Path, *, progress: bool = True) -> dict[str, Path]:
    """Execute a chapter with these parameters and write what it made under ``out``, in files of its own.

    A notebook gets its name when all its cells have run: until then it is ``ID.unfinished.ipynb``, so that one that
    failed does not stand beside the results of an earlier run. Where the user named a data folder and the chapter
    reads data, the page says what was read.

    Returns
    -------
    dict
        Paths of the ``notebook``, the ``page`` (HTML), the ``results`` (netCDF) and the ``record`` (JSON).

    Raises
    ------
    ChapterFailed
        If a cell raises, a file can't be written, the page can't be made, or another process runs the chapter into
        this folder; what was finished is kept.
    InputError
        If the data that it reads are missing or damaged.
    """
    files = _files(out, chapter)
    try:
        with _alone(files["lock"], chapter):
            _execute(chapter, values, files, progress)
    except (OSError, shutil.Error) as error:
        kept = [plain(path) for path in (files["unfinished"], files["notebook"], files["results"]) if path.exists()]
        why = getattr(error, "strerror", None) or error
        raise ChapterFailed(f"chapter {chapter.id} could not be written to {plain(out)}: {why}; kept: "
                            f"{', '.join(kept) or 'nothing'}") from None
    return {what: files[what] for what in ("notebook", "page", "results", "record")}


def _execute(chapter: Chapter, values: Parameters, files: Mapping[str, Path], progress: bool) -> None:
    import nbformat
    import papermill

    os.environ.pop("MPLBACKEND", None)  # the kernel's own backend is the one that shows figures
    source = notebook(chapter)
    origin, started = results.identity(chapter.experiment, values), time.monotonic()
    used = sources.in_words(origin["data"])
    if used and paths.named_data():
        tagged = next(i for i, cell in enumerate(source.cells) if "parameters" in cell.metadata["tags"])
        note = f"```text\nData of this page: {used}\n```"  # a path is no Markdown
        source.cells.insert(tagged, nbformat.v4.new_markdown_cell(note, metadata={"tags": []}))
    try:
        papermill.execute_notebook(source, str(files["unfinished"]), parameters=values.as_dict(),
                                   cwd=chapter.path.parent, kernel_name="python3", progress_bar=progress,
                                   request_save_on_cell_execute=True,
                                   extra_arguments=["--log-level=ERROR"])  # no word of encryption with itself
    except papermill.PapermillExecutionError as error:
        raise ChapterFailed(f"chapter {chapter.id} stopped at cell {error.exec_count}: {error.ename}: "
                            f"{error.evalue}; kept: {files['unfinished']}") from None
    except (RuntimeError, LookupError) as error:  # a kernel that died, or that there is not
        raise ChapterFailed(f"chapter {chapter.id} stopped: {type(error).__name__}: {error}; kept: "
                            f"{files['unfinished']}") from None
    dataset = results.compute(chapter.experiment, values)
    origin |= results.circumstances(time.monotonic() - started)
    record = {"chapter": chapter.id, **origin, "seeds": _seeds(values), "data_used": used or "none",
              "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}
    for earlier in ("page", "record"):  # they would stand beside results that are not theirs
        files[earlier].unlink(missing_ok=True)
    os.replace(files["unfinished"], files["notebook"])
    results.write(files["results"], bytes(dataset.to_netcdf(engine="h5netcdf")))
    results.write(files["record"], json.dumps(record, indent=1, ensure_ascii=False).encode())
    try:
        book.render(files["notebook"], files["page"])
    except book.BuildFailed as error:
        raise ChapterFailed(f"chapter {chapter.id}: {error}; kept: {files['notebook']}, {files['results']}") from None


def _seeds(values: Parameters) -> Any:
    named = values.as_dict()
    return {name: named[name] for name in named if "seed" in name}
