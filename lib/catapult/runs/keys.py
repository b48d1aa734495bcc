"""Keys: what results depend on, and a hash of it: same key, same results, in a chapter, in a sweep, after a crash.

A key is made of the experiment's name, its parameters, the checksum of the data it reads, a hash of its import closure
(the experiment's module and all modules of this package that it imports, directly or not) and of the versions of the
numerical libraries. What changes no number, such as words and layout, changes no key.
"""

from __future__ import annotations

import ast
import datetime
import functools
import hashlib
import json
import os
import platform
from importlib import metadata
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any

from catapult import _HOMES, paths
from catapult.parameters import Parameters

NUMERICAL = ("numpy", "scipy", "torch", "numba", "python-flint", "mpmath")
"""The libraries that compute the numbers: their versions are part of what results depend on."""
LIBRARIES = (*NUMERICAL, "torchvision", "xarray")
SILENT = ("datasets/downloading.py", "datasets/torchvision_import.py", "locks.py")
"""Modules that change no number, whatever they do: what is read is known by its checksum."""
_FRONT = {f"catapult.{name}": home for name, home in _HOMES.items()}  # what the package's front offers, and whence


class OtherInputs(RuntimeError):
    """A worker has other data or other code than the process that made its task."""


def digest(value: Any) -> str:
    """Return the sha256 of a JSON-able value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def import_closure(*modules: str) -> list[Path]:
    """Return the source files of this package that these modules import, directly or not, themselves included."""
    waiting, seen, found = list(modules), set(), {}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _source(name)
        if name in _FRONT:
            waiting.append(_FRONT[name])
        if path is None or path.relative_to(paths.LIBRARY).as_posix() in SILENT:
            continue
        found[name] = path
        # Importing a.b.c runs a and a.b first.
        parts = name.split(".")
        waiting += [".".join(parts[:i]) for i in range(1, len(parts))]
        package = name if path.name == "__init__.py" else ".".join(parts[:-1])
        waiting += [resolve_name(each, package) for each in _parsed(path, path.stat().st_mtime_ns)[0]]
    return [found[name] for name in sorted(found)]


def _source(name: str) -> Path | None:
    if name.split(".")[0] != "catapult":
        return None
    base = paths.LIBRARY.joinpath(*name.split(".")[1:])
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def imported(tree: ast.AST) -> tuple[str, ...]:
    """Return the names that a program imports, and those that may be modules of what it imports from.

    Those that are relative to its package begin with dots.
    """
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
            dot = "." if node.module else ""
            names += [package, *(f"{package}{dot}{alias.name}" for alias in node.names)]
    return tuple(names)


def _meaning(path: Path) -> str:
    """Return a text that is the same for sources that differ in what changes no number: see :class:`_Numbers`."""
    return _parsed(path, path.stat().st_mtime_ns)[1]


@functools.lru_cache(maxsize=256)
def _parsed(path: Path, _modified: int) -> tuple[tuple[str, ...], str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return imported(tree), ast.dump(_Numbers().visit(tree))


class _Numbers(ast.NodeTransformer):
    """Leaves of a program what can change numbers: no comments, layout, docstrings, printing or words of errors.

    A text that stands alone, below a constant, is words, too.
    """

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return super().generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        return ast.Raise(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, None)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        printing = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "print"
        return ast.Pass() if printing or isinstance(node.value, ast.Constant) else self.generic_visit(node)


def code_version(*modules: str) -> str:
    """Return the hash of what these modules import and of the numerical libraries; words do not count."""
    return digest([[path.relative_to(paths.LIBRARY).as_posix(), _meaning(path)] for path in import_closure(*modules)]
                  + [[name, versions()[name]] for name in NUMERICAL])


def key(experiment: ModuleType, parameters: Parameters) -> str:
    """Return the key of an experiment's results at these parameters."""
    return key_of(identity(experiment, parameters))


def identity(experiment: ModuleType, parameters: Parameters) -> dict[str, Any]:
    """Return what results depend on, as the code and the data are now: the key is made of it."""
    return {
        "experiment": experiment.__name__,
        "parameters": parameters.as_dict(),
        "data": data_checksum(experiment, parameters),
        "code": code_version(experiment.__name__),
    }


def key_of(record: dict[str, Any]) -> str:
    """Return the key of results whose record this is; KeyError if it does not say what they depend on."""
    return digest({name: record[name] for name in ("experiment", "parameters", "data", "code")})[:32]


@functools.cache
def code_here(module: str) -> str:
    """Return the code version of a module as this process saw it first: what is loaded, though files be edited."""
    return code_version(module)


def data_checksum(experiment: ModuleType, parameters: Parameters) -> str:
    """Return the checksum of the data that the experiment reads, or an empty string if it reads none."""
    return experiment.data(parameters) if hasattr(experiment, "data") else ""


def circumstances(seconds: float) -> dict[str, Any]:
    """Return when, in how many seconds, with which versions and on what machine something was computed."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "versions": versions(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
    }


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of the numerical libraries; not to be changed."""
    return {"python": platform.python_version(), "catapult-companion": metadata.version("catapult-companion"),
            **{name: metadata.version(name) for name in LIBRARIES}}
