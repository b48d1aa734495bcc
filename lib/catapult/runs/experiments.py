"""The experiments, by name: modules with ``Parameters`` and ``run(parameters)``, one in each room of the chapters."""

from __future__ import annotations

import importlib
from types import ModuleType

from catapult import paths
from catapult.parameters import InputError, nearest, shown


def names() -> list[str]:
    """Return the names of all experiments, sorted."""
    return sorted(file.parent.name.replace("_", "-") for file in paths.ROOMS.glob("*/experiment.py"))


def get(name: str) -> ModuleType:
    """Return the experiment with this name; raise InputError if there is none."""
    if name not in names():
        raise InputError(f"no experiment is called {shown(name)}{nearest(name, names())}; allowed: "
                         f"{', '.join(names())}")
    return importlib.import_module(f"catapult.chapters.{name.replace('-', '_')}.experiment")


def name_of(module: str) -> str:
    """Return the experiment's name from its module's: that of its room, or outside the rooms the last part."""
    *_, room, last = ["", *module.split(".")]
    return room.replace("_", "-") if last == "experiment" else last
