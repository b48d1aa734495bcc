"""The skeleton of a chapter is a chapter: listed, checked, falsified, and its notebook runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from catapult import paths
from catapult.companion import skeleton
from commanding import refused

PART = """
## [Slow start](slow-start.md)

```{code-cell} ipython3
:tags: [remove-input]

claims.verdicts("slow-start", anchor=True)
```
"""

PROGRAM = """
import sys
from catapult import cli, paths
assert str(paths.ROOT) == sys.argv.pop(1)
cli.main()
"""


@pytest.fixture
def scratch(tmp_path):
    """A copy of the library and the book, and a function that runs a command of it."""
    for folder in (paths.LIBRARY, paths.BOOK, paths.ROOT / "tests"):
        shutil.copytree(folder, tmp_path / folder.relative_to(paths.ROOT), ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("_toc.yml", "_config.yml", "pyproject.toml", "CITATION.cff"):
        shutil.copy(paths.ROOT / file, tmp_path / file)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "lib"), "CATAPULT_CACHE": str(tmp_path / ".cache")}

    def run(*command):
        return subprocess.run([sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True,
                              check=False)

    return tmp_path, run


@pytest.mark.slow
def test_a_new_chapter_is_listed_verified_falsified_and_runs(scratch):
    root, run = scratch

    def catapult(*arguments):
        return run("-c", PROGRAM, str(root), *arguments)

    made = catapult("new", "chapter", "slow-start")
    assert made.returncode == 0, made.stderr
    assert "add the line `- file: book/slow-start` to _toc.yml" in made.stdout
    with (root / "_toc.yml").open("a") as toc:
        toc.write("      - file: book/slow-start\n")
    with (root / "book" / "claims.md").open("a") as page:
        page.write(PART)
    kept = run("tests/references.py", "slow-start")
    assert kept.returncode == 0, kept.stderr
    rows = json.loads(catapult("verify", "ours-slow-start-halves", "--json").stdout)["claims"]
    assert [(row["status"], row["value"]) for row in rows] == [("passed", 0.0)]
    ran = catapult("run", "slow-start", "-p", "steps=3", "--out", str(root / "out"))
    assert ran.returncode == 0, ran.stderr
    assert "1.250e-01" in (root / "out" / "slow-start.ipynb").read_text()
    tested = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/companion/test_falsifications.py",
                 "tests/companion/test_claims.py", "tests/companion/test_reference.py", "-k",
                 "slow-start or slow_start or every_row or figure_of_a_claim or ledger_has_every_chapter")
    assert tested.returncode == 0, tested.stdout[-3000:]


@pytest.mark.parametrize(("arguments", "part"), [
    (("chapter", "mnist"), "'mnist' is taken"), (("chapter", "Mnist"), "'Mnist' is no id"),
    (("chapter", "../x"), "'../x' is no id"), (("chapter", "a--b"), "'a--b' is no id"),
    (("chapter", "claims"), "'claims' is taken"), (("chapter", "mnist-sweep"), "'mnist-sweep' is taken"),
    (("chaptre", "x"), "'chaptre' is nothing that can be made; allowed: chapter")])
def test_a_name_that_is_none_or_taken_is_refused(arguments, part, monkeypatch, capfd):
    before = set(paths.ROOMS.iterdir())
    assert part in refused(monkeypatch, capfd, "new", *arguments)
    assert set(paths.ROOMS.iterdir()) == before


def test_the_skeleton_has_no_word_left_to_fill():
    for text in (skeleton.EXPERIMENT, skeleton.FIGURES, skeleton.CHECKS):
        assert not {"NAME", "ROOM", "TITLE"} & set(text.split())
