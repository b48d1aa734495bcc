"""The archive: what git tracks and the pages, in one file whose checksums hold, the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile

import pytest

from catapult import paths
from catapult.companion import archive, book


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    """A small git checkout in the place of the project, with a site of one page."""
    root, pages = tmp_path / "root", tmp_path / "pages"
    for folder in (root / "data", pages):
        folder.mkdir(parents=True)
    (root / "data" / "a name.nc").write_bytes(b"\0\1")
    (root / ".gitignore").write_text("build/\n")
    (pages / "index.html").write_text("<p>")
    for command in (["init", "-q"], ["add", "-A"],
                    ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    (root / "build").mkdir()
    monkeypatch.setattr(paths, "ROOT", root)
    monkeypatch.setattr(paths, "BUILD", root / "build")
    monkeypatch.setattr(book, "site", lambda: (pages, pages / "site.zip"))
    return root


def test_source_and_pages_with_checksums_that_hold(checkout):
    file = archive.archive()
    with zipfile.ZipFile(file) as packed:
        held = {name.removeprefix(f"{file.stem}/"): packed.read(name) for name in packed.namelist()}
    assert held.keys() == {"ARCHIVE.json", "SHA256SUMS", "book/index.html", "source/.gitignore",
                           "source/data/a name.nc"}
    sums = dict(reversed(line.split("  ", 1)) for line in held.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in held.items()}
    commit = subprocess.run(["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, check=True).stdout
    assert json.loads(held["ARCHIVE.json"])["commit"] == commit.decode().strip()


def test_same_bytes_again(checkout):
    first = archive.archive().read_bytes()
    assert archive.archive().read_bytes() == first


def test_what_is_not_committed_is_refused(checkout, capsys):
    (checkout / "new.py").write_text("")
    assert archive.main() == 1
    assert "new.py" in capsys.readouterr().err


def test_no_checkout_is_one_line(checkout, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    assert archive.main() == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_inside_another_checkout_is_refused(checkout, monkeypatch, capsys):
    (checkout / "build" / "unpacked").mkdir()
    monkeypatch.setattr(paths, "ROOT", checkout / "build" / "unpacked")
    assert archive.main() == 1
    assert "no checkout of its own" in capsys.readouterr().err


def test_without_git_it_is_one_line(checkout, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert archive.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "git does not start" in line
