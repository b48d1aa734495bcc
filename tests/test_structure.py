"""The shape of the repository: imports run one way, the lock resolves anywhere, the citation is complete."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
import yaml

from catapult import paths

# A module may import modules of its own rank or a lower one.
RANK = {
    "paths": 0, "locks": 0, "parameters": 0, "parameter_files": 0, "statistics": 0, "timing": 0, "panels": 0,
    "style": 0, "oracles": 0, "losses": 1, "phases": 2, "networks": 1, "datasets": 1, "runs": 1, "curvature": 2,
    "theory": 3, "training": 3, "companion": 4, "chapters": 5, "commands": 6, "cli": 6,
}
MODULES = sorted(paths.LIBRARY.rglob("*.py"))


def imported(path):
    """Yield the dotted names that a module of this package imports from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("catapult."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "catapult":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def unit(dotted: str) -> str | None:
    """Return the part of the package that a dotted name belongs to."""
    return next((part for part in dotted.split(".")[1:2] if part in RANK), None)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(paths.LIBRARY).as_posix())
def test_imports_run_one_way(path):
    own = path.relative_to(paths.LIBRARY).with_suffix("").parts[0]
    if own == "__init__":
        return  # the package's front: it offers names of any rank, lazily
    assert own in RANK, f"{own}: give the new module a rank in tests/test_structure.py"
    for dotted in imported(path):
        name = unit(dotted)
        assert name is None or RANK[name] <= RANK[own], f"{own} imports {dotted}"
    assert "import catapult\n" not in path.read_text(encoding="utf-8"), "import the module that is needed"


def test_importing_the_package_does_not_import_torch():
    code = "import sys, catapult; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lock_is_exact_and_resolves_on_any_machine():
    lines = (paths.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    for pin in pins:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", pin), pin  # no local version, path or address
        assert not re.match(r"(?i)nvidia|triton|cuda", pin), pin
    assert {"torch==2.13.0", "torchvision==0.28.0"} <= set(pins)
    assert any(pin.startswith("jupyter-book==1.") for pin in pins)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", name)[0]).lower()


def test_lock_holds_every_dependency_that_is_declared():
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {normal(name) for name in project["dependencies"] + project["optional-dependencies"]["test"]}
    lines = (paths.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    locked = {normal(line) for line in lines if line and not line.startswith("#")}
    assert declared <= locked


def test_environment_is_the_lock():
    pins = dict(line.split("==") for line in (paths.ROOT / "requirements.txt").read_text().split() if "==" in line)
    wrong = {name: (metadata.version(name), pin) for name, pin in pins.items()
             if metadata.version(name).partition("+")[0] != pin}
    assert not wrong


def test_conda_users_get_the_lock():
    environment = yaml.safe_load((paths.ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == ["-r requirements.txt", "-e ."]


def test_citation_names_this_version_and_both_papers():
    citation = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "date-released"} <= set(citation)
    assert citation["version"] == metadata.version("catapult-companion")
    text = str(citation["references"])
    assert "arXiv:2011.12547" in text
    assert "10.3390/app13063961" in text


def test_nothing_names_a_path_of_one_machine():
    # Spelled in halves so that this file passes its own test.
    foreign = re.compile("/(" + "|".join(["wo" + "rk", "fa" + "rm", "ro" + "ot", "home/[a-z]"]) + ")/")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=paths.ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = paths.ROOT / name
        if path.suffix in {".png", ".nc"} or not path.exists():
            continue
        assert not foreign.search(path.read_text(encoding="utf-8")), name
