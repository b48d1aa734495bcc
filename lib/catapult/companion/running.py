"""Running one chapter with other parameters: its notebook, its page, its results and their record."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from catapult import locks, paths
from catapult.companion import book
from catapult.companion.registry import Chapter, notebook
from catapult.datasets import sources
from catapult.parameters import InputError, Parameters, plain
from catapult.runs import keys, results, store


class ChapterFailed(RuntimeError):
    """A chapter was not run to its end; the message is one line, which says why and what was kept."""


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
    origin, started = keys.identity(chapter.experiment, values), time.monotonic()
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
    origin |= keys.circumstances(time.monotonic() - started)
    record = {"chapter": chapter.id, **origin, "seeds": _seeds(values), "data_used": used or "none",
              "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}
    for earlier in ("page", "record"):  # they would stand beside results that are not theirs
        files[earlier].unlink(missing_ok=True)
    os.replace(files["unfinished"], files["notebook"])
    store.write(files["results"], bytes(dataset.to_netcdf(engine="h5netcdf")))
    store.write(files["record"], json.dumps(record, indent=1, ensure_ascii=False).encode())
    try:
        book.render(files["notebook"], files["page"])
    except book.BuildFailed as error:
        raise ChapterFailed(f"chapter {chapter.id}: {error}; kept: {files['notebook']}, {files['results']}") from None


def _seeds(values: Parameters) -> Any:
    named = values.as_dict()
    return {name: named[name] for name in named if "seed" in name}
