"""The chapters: what they are, their parameters, checked, and running one with other parameters."""

from __future__ import annotations

import ast
import contextlib
import datetime
import importlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from catapult import book, paths, results
from catapult.parameters import InputError, Parameters, nearest


@dataclass(frozen=True)
class Chapter:
    """One chapter of the book: its permanent id, its source and what its front matter says."""

    id: str
    path: Path
    title: str
    shows: str
    needs: str
    experiment_name: str

    @property
    def number(self) -> str:
        return self.id.partition("-")[0]

    @property
    def experiment(self) -> ModuleType:
        """The module whose ``Parameters`` are the chapter's and whose ``run`` makes its results."""
        return importlib.import_module(f"catapult.experiments.{self.experiment_name}")

    @property
    def parameters(self) -> type[Parameters]:
        return self.experiment.Parameters


class ChapterFailed(RuntimeError):
    """A cell of the chapter raised; the notebook up to that cell was kept."""


def every() -> list[Chapter]:
    """Return the chapters that ``_toc.yml`` lists and that have parameters, in order of number."""
    sources = [paths.ROOT / f"{name}.md" for name in book.contents()]
    return sorted(filter(None, map(_read, sources)), key=lambda chapter: chapter.id)


def _read(path: Path) -> Chapter | None:
    """Return the chapter at ``path``, or None for a page without parameters."""
    front, _, body = path.read_text(encoding="utf-8").removeprefix("---\n").partition("\n---\n")
    about = yaml.safe_load(front)["chapter"] if "\nchapter:" in front else None
    if about is None:
        return None
    title = next(line[2:].strip() for line in body.splitlines() if line.startswith("# "))
    return Chapter(path.stem, path, title, about["shows"], about["needs"], about["experiment"])


def get(name: str) -> Chapter:
    """Return the chapter with this number (``2`` or ``02``) or id; raise InputError if there is none."""
    chapters = every()
    number = name.lstrip("0").zfill(2) if name.isdecimal() else name
    for chapter in chapters:
        if number in (chapter.id, chapter.number):
            return chapter
    ids = [chapter.id for chapter in chapters]
    raise InputError(f"no chapter is called {name!r}{nearest(name, ids)}; allowed: a number or {', '.join(ids)}")


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


def read_file(file: Path) -> dict[str, Any]:
    """Return the values of a YAML file of parameters, not checked.

    Raises
    ------
    InputError
        If it can't be read or is not a mapping of names to values.
    """
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise InputError(f"parameter file {file}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # also dates that are none, numbers without end
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = f", line {line + 1}" if line is not None else ""
        raise InputError(f"parameter file {file}{place}: not valid YAML; allowed: lines of NAME: VALUE") from None
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise InputError(f"parameter file {file}: not a mapping; allowed: lines of NAME: VALUE")
    return values


def read_assignments(texts: list[str]) -> dict[str, str]:
    """Return the values of texts ``NAME=VALUE``, not checked; the last of a name counts.

    Raises
    ------
    InputError
        For a text without ``=``.
    """
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"-p {text!r}: no value; allowed: -p NAME=VALUE")
        values[name.strip()] = value.strip()
    return values


def prepare_output(folder: Path) -> Path:
    """Return the folder, made if need be; raise InputError if it can't be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"--out {folder}: {error.strerror}; allowed: a folder that can be written") from None
    return folder.resolve()


def notebook(chapter: Chapter):
    """Return the chapter's source as a notebook, not executed."""
    import jupytext

    source = jupytext.read(chapter.path)
    for cell in source.cells:
        cell.metadata.setdefault("tags", [])  # papermill looks for them in every cell
    return source


def run(chapter: Chapter, values: Parameters, out: Path, *, progress: bool = True) -> dict[str, Path]:
    """Execute a chapter with these parameters and write what it made under ``out``, in files of its own.

    A notebook gets its name when all its cells have run: until then it is ``ID.unfinished.ipynb``, so that one that
    failed does not stand beside the results of an earlier run.

    Returns
    -------
    dict
        Paths of the ``notebook``, the ``page`` (HTML), the ``results`` (netCDF) and the ``record`` (JSON).

    Raises
    ------
    ChapterFailed
        If a cell raises; the executed part of the notebook is kept.
    """
    import papermill

    os.environ.pop("MPLBACKEND", None)  # the kernel's own backend is the one that shows figures
    made = {"notebook": out / f"{chapter.id}.ipynb", "page": out / f"{chapter.id}.html",
            "results": out / f"{chapter.id}.results.nc", "record": out / f"{chapter.id}.run.json"}
    unfinished = out / f"{chapter.id}.unfinished.ipynb"
    origin, started = results.identity(chapter.experiment, values), time.monotonic()
    try:
        papermill.execute_notebook(notebook(chapter), str(unfinished), parameters=values.as_dict(),
                                   cwd=chapter.path.parent, kernel_name="python3", progress_bar=progress,
                                   request_save_on_cell_execute=True)
    except papermill.PapermillExecutionError as error:
        raise ChapterFailed(f"chapter {chapter.id} stopped at cell {error.exec_count}: {error.ename}: "
                            f"{error.evalue}; kept: {unfinished}") from None
    dataset = results.compute(chapter.experiment, values)
    origin |= results.circumstances(time.monotonic() - started)
    os.replace(unfinished, made["notebook"])
    results.write(made["results"], bytes(dataset.to_netcdf(engine="h5netcdf")))
    book.render(made["notebook"], made["page"])
    record = {"chapter": chapter.id, **origin, "seeds": _seeds(values), "data_used": dataset.attrs.get("data", "none"),
              "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}
    results.write(made["record"], json.dumps(record, indent=1, ensure_ascii=False).encode())
    return made


def _seeds(values: Parameters) -> Any:
    named = values.as_dict()
    return {name: named[name] for name in named if "seed" in name}
