"""Docstrings: every example in the library gives what it says, and every name of the public face has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import types

import pytest

import catapult
from catapult import paths

FACE = ["catapult.curvature", "catapult.datasets", "catapult.datasets.decomposition", "catapult.losses",
        "catapult.networks", "catapult.networks.activations", "catapult.phases", "catapult.statistics",
        "catapult.training", "catapult.training.schedules",
        *(f"catapult.theory.{name}" for path in sorted((paths.LIBRARY / "theory").iterdir())
          if (path.suffix == ".py" or path.is_dir()) and not (name := path.stem).startswith("_"))]
"""The modules whose public names are the face: those of ``__all__``, else the functions and classes they define."""
ENTRIES = ["catapult.datasets.class_separability.certify_classes", "catapult.parameters.Parameters",
           "catapult.runs.grids.values_of"]
"""What a reader meets of modules that are not of the face as a whole. An experiment's results, of ``runs.results`` and
``runs.recorded``, are not among them: they come from a store and from tables, which an example would read or write."""
EXCEPTIONS = {
    "catapult.datasets.fetch": "downloads",
    "catapult.datasets.status": "says what is on this machine",
    "catapult.losses.ClassLoss": "what the losses of classes share: it is no loss by itself",
    "catapult.networks.WeightMatrices": "what networks share: it has no shapes",
    "catapult.training.schedules.Cyclic": "what the policies that rise and fall share: it has no wave",
    "catapult.training.schedules.Fading": "as Cyclic",
    "catapult.training.schedules.Halving": "as Cyclic",
}


def dotted(path) -> str:
    parts = path.relative_to(paths.LIBRARY.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {dotted(path): text.count(">>> ") for path in sorted(paths.LIBRARY.rglob("*.py"))
           if ">>> " in (text := path.read_text(encoding="utf-8"))}
SLOW = {"catapult.chapters.mnist_edges.experiment", "catapult.curvature", "catapult.theory.diagonal",
        "catapult.theory.three_points", "catapult.training"}
"""Those that load or compile more than the others."""


def run(module: types.ModuleType) -> tuple[int, int, str]:
    """Return how many examples of a module were run, how many failed, and what is said of those."""
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder().find(module, module.__name__):
        runner.run(test, out=said.append)
    return runner.tries, runner.failures, "".join(said)


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
                                  for name in SOURCES])
def test_examples_give_what_they_say(name):
    tried, failed, said = run(importlib.import_module(name))
    assert not failed, said
    assert tried == SOURCES[name], "an example stands where doctest does not look"


def members(name: str) -> dict[str, object]:
    """Return the public functions and classes of a module, by their full names."""
    module = importlib.import_module(name)
    if hasattr(module, "__all__"):
        found = {each: getattr(module, each) for each in module.__all__}
    else:
        found = {each: value for each, value in vars(module).items()
                 if not each.startswith("_") and getattr(value, "__module__", "") == name}
    return {f"{name}.{each}": value for each, value in found.items() if inspect.isfunction(value)
            or (inspect.isclass(value) and not issubclass(value, BaseException))}  # which are raised, not called


def has_example(value) -> bool:
    return ">>> " in (value.__doc__ or "")


def lacking(names: dict[str, object]) -> list[str]:
    """Return the names that have no example, nor are what a function among them returns that has one."""
    returned = " ".join(str(inspect.signature(value).return_annotation) for value in names.values()
                        if inspect.isfunction(value) and has_example(value))
    shown = set(re.findall(r"\w+", returned))
    return [name for name, value in names.items() if not has_example(value) and name not in EXCEPTIONS
            and not (inspect.isclass(value) and value.__name__ in shown)]


@pytest.mark.parametrize("name", FACE)
def test_every_name_of_the_face_has_an_example(name):
    assert not lacking(members(name))


def test_what_the_front_offers_and_single_entries_have_an_example():
    names = {f"catapult.{each}": getattr(catapult, each) for each in catapult._HOMES}
    for entry in ENTRIES:
        module, _, each = entry.rpartition(".")
        names[entry] = getattr(importlib.import_module(module), each)
    assert not lacking(names)


def test_exceptions_are_names_of_the_face_without_an_example():
    names = {name: value for module in FACE for name, value in members(module).items()}
    assert EXCEPTIONS.keys() <= names.keys()
    assert not [name for name in EXCEPTIONS if has_example(names[name])]


def test_a_wrong_number_and_a_lacking_example_are_seen():
    module = types.ModuleType("made")
    exec('def twice(x):\n    """Twice.\n\n    >>> twice(2)\n    5\n    """\n    return 2 * x\n\n\n'
         'def half(x):\n    """Half."""\n', module.__dict__)
    module.half.__module__ = module.twice.__module__ = "made"
    tried, failed, said = run(module)
    assert (tried, failed) == (1, 1)
    assert "Expected:\n    5\nGot:\n    4" in said
    assert lacking({"twice": module.twice, "half": module.half}) == ["half"]
