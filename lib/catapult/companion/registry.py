"""The chapters: which there are, in which order, and their parameters, checked."""

from __future__ import annotations

import ast
import contextlib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from catapult import paths
from catapult.parameters import InputError, Parameters, nearest, shown
from catapult.runs import experiments


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


def contents() -> list[str]:
    """Return the pages that ``_toc.yml`` lists, the first one first: files from the root, without suffix."""
    try:
        toc = _parsed(paths.text(paths.TOC))
        entries = [*toc.get("chapters", []), *(c for part in toc.get("parts", []) for c in part["chapters"])]
        return [toc["root"], *(entry["file"] for entry in entries)]
    except (yaml.YAMLError, AttributeError, LookupError, TypeError):
        raise paths.BookMissing(f"{paths.TOC} is no table of contents: needed are root, and chapters or parts with "
                                "their files") from None


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    """Return what YAML says, not to be changed: whoever asks for a chapter reads all of them."""
    return yaml.safe_load(text)


def every() -> list[Chapter]:
    """Return the chapters: the pages in ``_toc.yml`` that have parameters, in its order, which numbers them."""
    found: list[Chapter] = []
    for name in contents():
        chapter = _read(paths.ROOT / f"{name}.md", len(found) + 1)
        found += [] if chapter is None else [chapter]
    return found


def _read(path: Path, number: int) -> Chapter | None:
    """Return the chapter at ``path``, or None for a page without parameters."""
    front, _, body = paths.text(path).removeprefix("---\n").partition("\n---\n")
    if "\nchapter:" not in front:
        return None
    try:
        about = _parsed(front)["chapter"]
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


def page(name: str) -> Path:
    """Return the source of a page of the book: of a chapter as :func:`get` has it, or of one without parameters.

    Raises
    ------
    InputError
        If there is none.
    """
    found = {Path(file).name: paths.ROOT / f"{file}.md" for file in contents()}
    found |= {str(chapter.number): chapter.path for chapter in every()}
    if name not in found:
        raise InputError(f"no page is called {shown(name)}{nearest(name, found)}; allowed: a number from 1 to "
                         f"{len(every())} or {', '.join(name for name in found if not name.isdecimal())}")
    return found[name]


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
