"""The store: same key, same results; a damaged entry is noticed, set aside and computed again."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from pydantic import Field

from catapult import cli, paths
from catapult.companion import registry
from catapult.parameters import Parameters
from catapult.runs import keys, results, store


class Length(Parameters):
    length: int = Field(3, description="how many")


@pytest.fixture
def experiment(empty_store):
    """An experiment that counts how often it is run; it borrows the import closure of a real module."""
    runs = []

    def run(parameters):
        runs.append(parameters)
        return xr.Dataset({"x": ("i", np.arange(parameters.length) / 3), "label": ("i", ["a"] * parameters.length)})

    return SimpleNamespace(__name__="catapult.chapters.landing_page.experiment", Parameters=Length, run=run, runs=runs)


def entry_of(experiment, parameters):
    return paths.results() / "landing-page" / keys.key(experiment, parameters)


def arrays_of(experiment, parameters):
    entry = entry_of(experiment, parameters)
    (file,) = entry.parent.glob(f"{entry.name}.*.nc")
    return file



@pytest.mark.slow
def test_what_was_read_joins_with_longer_names(empty_store):
    names = [["a"], ["a much longer name"]]
    for place, name in enumerate(names):
        store.save(empty_store / f"{place:032x}", xr.Dataset({"x": ("name", [1.0])}, {"name": name}), {})
    read = [store.load(empty_store / f"{place:032x}", lambda record, place=place: f"{place:032x}")
            for place in range(2)]
    joined = xr.combine_by_coords(read)
    store.save(empty_store / f"{2:032x}", joined, {})
    again = store.load(empty_store / f"{2:032x}", lambda record: f"{2:032x}")
    assert sorted(again.name.values) == sorted(name for (name,) in names)


def test_second_time_comes_from_the_store_and_is_the_same(experiment):
    first = results.compute(experiment, Length())
    second = results.compute(experiment, Length())
    assert len(experiment.runs) == 1
    xr.testing.assert_identical(first, second)


def test_other_parameters_are_other_results(experiment):
    results.compute(experiment, Length())
    assert results.compute(experiment, Length(length=5)).sizes == {"i": 5}
    assert len(experiment.runs) == 2


def test_key_sees_parameters_data_and_code(experiment, monkeypatch):
    found = {keys.key(experiment, Length()), keys.key(experiment, Length(length=4))}
    experiment.data = lambda parameters: "one checksum"
    found.add(keys.key(experiment, Length()))
    experiment.data = lambda parameters: "another checksum"
    found.add(keys.key(experiment, Length()))
    monkeypatch.setattr(keys, "code_version", lambda module: "changed")
    found.add(keys.key(experiment, Length()))
    assert len(found) == 5


@pytest.mark.parametrize("library", ["numpy", "scipy", "torch", "numba", "python-flint", "mpmath"])
def test_another_version_of_a_numerical_library_computes_again(experiment, monkeypatch, library):
    results.compute(experiment, Length())
    before, found = keys.key(experiment, Length()), keys.versions()
    monkeypatch.setattr(keys, "versions", lambda: {**found, library: "0.0.1"})
    assert keys.key(experiment, Length()) != before
    results.compute(experiment, Length())
    assert len(experiment.runs) == 2
    monkeypatch.setattr(keys, "versions", lambda: {**found, "xarray": "0.0.1"})
    assert keys.key(experiment, Length()) == before


def test_code_version_sees_what_is_imported_but_not_comments(tmp_path, monkeypatch):
    package = tmp_path / "catapult"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from catapult import b\n")
    (package / "b.py").write_text("X = 1\n")
    (package / "c.py").write_text("Y = 1\n")
    monkeypatch.setattr(paths, "LIBRARY", package)
    before = keys.code_version("catapult.a")
    (package / "b.py").write_text("X = 1  # a comment\n\n")
    assert keys.code_version("catapult.a") == before
    (package / "c.py").write_text("Y = 2\n")
    assert keys.code_version("catapult.a") == before
    (package / "b.py").write_text("X = 2\n")
    assert keys.code_version("catapult.a") != before


@pytest.mark.parametrize("statement", [
    "from catapult import b", "from catapult.b import X", "import catapult.b", "from . import b", "from .b import X",
    "def f():\n    from catapult import b", "from catapult import train"])
def test_no_import_escapes_the_key(statement, tmp_path, monkeypatch):
    package = tmp_path / "catapult"
    (package / "training").mkdir(parents=True)
    for name in ("__init__.py", "b.py", "training/__init__.py"):
        (package / name).write_text("X = 1\n")
    (package / "a.py").write_text(f"{statement}\n")
    monkeypatch.setattr(paths, "LIBRARY", package)
    before = keys.code_version("catapult.a")
    (package / "b.py").write_text("X = 2\n")
    (package / "training" / "__init__.py").write_text("X = 2\n")
    assert keys.code_version("catapult.a") != before


SOURCE = '''"""Words."""
LIMIT = 3
"""Words on a number."""
def f(x):
    """More words."""
    if x < 0:
        raise ValueError(f"{x} < 0")
    print("so far", x)
    return x + 1
'''


@pytest.mark.parametrize(("before", "after", "same"), [
    ("\"Words.\"", "\"Other words.\"", True), ("Words on", "More on", True), ("LIMIT = 3", "LIMIT = 4", False),
    ("    \"\"\"More words.\"\"\"\n", "", True), ("so far", "as yet", True),
    ("x} < 0", "x} is negative", True), ("x < 0:", "x < 1:", False), ("ValueError", "OSError", False),
    ("x + 1", "x + 2", False), ("return x", "yield x", False), ("def f", "def g", False)])
def test_words_change_no_key_and_what_computes_does(before, after, same, tmp_path):
    (tmp_path / "a.py").write_text(SOURCE)
    (tmp_path / "b.py").write_text(SOURCE.replace(before, after))
    assert SOURCE.count(before) == 1
    assert (keys._meaning(tmp_path / "a.py") == keys._meaning(tmp_path / "b.py")) is same


def test_the_modules_that_change_no_number_are_there():
    assert all((paths.LIBRARY / name).exists() for name in keys.SILENT)


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:-1] + b"?", lambda data: b""])
def test_damaged_arrays_are_set_aside_and_computed_again(experiment, damage, capsys):
    first = results.compute(experiment, Length())
    array_file = arrays_of(experiment, Length())
    array_file.write_bytes(damage(array_file.read_bytes()))
    again = results.compute(experiment, Length())
    assert "damaged" in capsys.readouterr().err
    assert len(experiment.runs) == 2
    xr.testing.assert_identical(first, again)
    assert list(array_file.parent.glob(f"{array_file.name}.*.damaged"))


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b"{}", b"\xff\0", b"[" * 100_000, b'{"sha256": null}', None])
def test_damaged_record_is_set_aside_and_computed_again(experiment, record):
    results.compute(experiment, Length())
    file = entry_of(experiment, Length()).with_suffix(".json")
    if record is None:
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(record)
    results.compute(experiment, Length())
    results.compute(experiment, Length())
    assert len(experiment.runs) == 2


DAMAGED_RECORDS = {
    "seconds that are none, without a seal": b'{"seconds": "abc"}', "a number without a seal": b'{"seconds": 3}',
    "deep": b"[" * 100_000, "nothing": b"", "no text": b"\xff\0", "a list": b"[1]",
    "a text": b'"seconds"', "null": b"null",
    "deep, and read": b'{"sha256": "0", "a": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a seal of something else": store.sealed({"seconds": 3}),
    "sealed, with a word for a number": store.sealed(
        {"experiment": 1, "parameters": 2, "data": 3, "code": 4, "seconds": "abc", "date": [], "arrays": 5})}


@pytest.mark.parametrize("what", DAMAGED_RECORDS)
def test_no_command_trusts_a_record_without_its_seal(experiment, what, monkeypatch, capsys):
    results.compute(experiment, Length())
    file = entry_of(experiment, Length()).with_suffix(".json")
    monkeypatch.setattr(registry, "every", lambda: [CHAPTER])
    monkeypatch.setattr(registry.Chapter, "experiment", experiment)
    assert " s to compute here" in printed(monkeypatch, capsys, "chapters")
    file.write_bytes(DAMAGED_RECORDS[what])
    assert results.seconds_to_compute(experiment, Length()) is None
    assert "not computed here yet" in printed(monkeypatch, capsys, "chapters")
    assert "damaged" in printed(monkeypatch, capsys, "results", "list")
    assert printed(monkeypatch, capsys, "results", "clean") == "1 results removed\n"
    assert not file.exists()


@pytest.mark.parametrize("changed", [{"seconds": "abc"}, {"seconds": None}, {"arrays": 5}, {"date": []}])
def test_a_sealed_record_of_the_right_key_with_wrong_values_is_no_traceback(experiment, changed, monkeypatch, capsys):
    results.compute(experiment, Length())
    file = entry_of(experiment, Length()).with_suffix(".json")
    file.write_bytes(store.sealed({**store.unsealed(file.read_bytes()), **changed}))
    assert (results.seconds_to_compute(experiment, Length()) is None) == ("seconds" in changed)
    printed(monkeypatch, capsys, "results", "list")
    assert results.compute(experiment, Length()).sizes == {"i": 3}


def test_arrays_that_are_none_are_damaged_though_their_checksum_is_right(experiment, capsys):
    results.compute(experiment, Length())
    entry, data = entry_of(experiment, Length()), b"no netCDF"
    record = store.unsealed(entry.with_suffix(".json").read_bytes())
    sha = hashlib.sha256(data).hexdigest()
    store._arrays(entry, sha).write_bytes(data)
    entry.with_suffix(".json").write_bytes(store.sealed({**record, "arrays": sha}))
    assert results.compute(experiment, Length()).sizes == {"i": 3}
    assert len(experiment.runs) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is damaged" in line


def test_records_of_any_depth_are_records_or_damaged():
    for depth in range(100, 3000, 50):
        with contextlib.suppress(ValueError):
            store.unsealed(b'{"sha256": "0", "a": ' + b"[" * depth + b"]" * depth + b"}")


CHAPTER = registry.Chapter("00-none", Path("none.md"), "None", "Nothing.", "Nothing.", "none")


def printed(monkeypatch, capsys, *arguments):
    """Run a command, which must succeed without complaint; return what it printed."""
    monkeypatch.setattr(sys, "argv", ["catapult", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    output, complaint = capsys.readouterr()
    assert (ended.value.code, complaint) == (0, "")
    return output


def test_clean_that_may_not_remove_is_one_line_and_status_one(experiment, monkeypatch, capsys):
    results.compute(experiment, Length(length=2))
    results.compute(experiment, Length(length=4))
    stuck, unlink = arrays_of(experiment, Length(length=2)), Path.unlink

    def fail(path, **options):
        if path == stuck:
            raise OSError(errno.EROFS, "Read-only file system")
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", fail)
    monkeypatch.setattr(sys, "argv", ["catapult", "results", "clean", "--all"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    output, complaint = capsys.readouterr()
    assert (output, complaint) == (
        "", f"catapult: 1 of 4 files of the store could not be removed; the first is {stuck}: Read-only file system\n")
    assert [file.name for file in stuck.parent.iterdir()] == [stuck.name]  # the others are gone


def test_altered_provenance_is_noticed(experiment):
    results.compute(experiment, Length())
    file = entry_of(experiment, Length()).with_suffix(".json")
    file.write_text(file.read_text().replace('"seconds": ', '"seconds": 1'))
    assert store.load(entry_of(experiment, Length())) is None


def test_entry_under_the_name_of_another_is_noticed(experiment):
    results.compute(experiment, Length(length=2))
    results.compute(experiment, Length(length=4))
    own, other = (keys.key(experiment, Length(length=length)) for length in (2, 4))
    for file in (paths.results() / "landing-page").glob(f"{other}.*"):
        file.with_name(file.name.replace(other, own)).write_bytes(file.read_bytes())
    assert results.compute(experiment, Length(length=2)).sizes == {"i": 2}


def test_store_full_of_garbage_does_no_harm(experiment):
    rng = np.random.default_rng(0)
    first = results.compute(experiment, Length())
    folder = paths.results() / "landing-page"
    for name in ("garbage", "x.json", "y.nc", ".z.nc.1-2", *(file.name for file in folder.iterdir())):
        (folder / name).write_bytes(rng.bytes(2000))
    (paths.results() / "stray").write_bytes(rng.bytes(2000))
    (folder / "folder.json").mkdir()
    xr.testing.assert_identical(results.compute(experiment, Length()), first)
    assert len(experiment.runs) == 2
    (folder / f"{'0' * 32}.json").write_bytes(b"[")
    assert [entry.date for entry in store.entries()].count("damaged") == 1
    assert store.clean() == 1
    results.compute(experiment, Length())
    assert len(experiment.runs) == 2


def test_store_that_cannot_be_written_is_no_error(experiment, empty_store, capsys):
    empty_store.write_text("a file where the folder should be")
    assert results.compute(experiment, Length()).sizes == {"i": 3}
    (line,) = capsys.readouterr().err.splitlines()
    assert "could not be stored" in line


@pytest.mark.parametrize("failing", ["read_bytes", "replace"])
def test_store_that_cannot_be_read_is_no_error(experiment, monkeypatch, capsys, failing):
    results.compute(experiment, Length())
    entry_of(experiment, Length()).with_suffix(".json").write_bytes(b"damaged")

    def fail(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(*((Path, failing) if failing == "read_bytes" else (os, failing)), fail)
    assert results.compute(experiment, Length()).sizes == {"i": 3}
    lines = capsys.readouterr().err.splitlines()
    assert len(experiment.runs) == 2
    assert "computed again" in lines[0]
    assert all(line.startswith("catapult: ") for line in lines)


WRITER = """
import sys
import numpy, xarray
from pathlib import Path
from types import SimpleNamespace
import counting_experiment
from catapult.runs import keys, results, store
entry, number = Path(sys.argv[1]), int(sys.argv[2])
origin = keys.identity(counting_experiment, counting_experiment.Parameters())
for i in range(60):
    store.save(entry, xarray.Dataset({"x": ("i", numpy.full(50_000, 1000.0 * number + i))}), origin)
"""


@pytest.mark.slow
def test_two_processes_that_write_one_key_do_no_harm(empty_store, monkeypatch, capsys):
    """Even if they write different arrays, as two machines may: a reader sees the one or the other, never a mixture."""
    import counting_experiment

    importable = str(Path(counting_experiment.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([importable, os.environ.get("PYTHONPATH", "")]))
    entry = empty_store / "some" / keys.key(counting_experiment, counting_experiment.Parameters())
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(entry), str(number)]) for number in (1, 2)]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        dataset = store.load(entry)
        if dataset is not None:
            seen.update(np.unique(dataset.x).tolist())
            assert dataset.x.min() == dataset.x.max()
        assert list(empty_store.glob("*/*.damaged")) == []
    assert [writer.returncode for writer in writers] == [0, 0]
    assert {value // 1000 for value in seen} == {1, 2}
    assert store.load(entry) is not None
    assert capsys.readouterr().err == ""


def test_clean_leaves_what_another_process_may_be_writing(experiment):
    results.compute(experiment, Length())
    folder = paths.results() / "landing-page"
    key, other = "0" * 32, "1" * 32
    young, old = ([folder / f".{each}.json.7-0123abcd", folder / f"{each}.{'a' * 16}.nc"] for each in (key, other))
    for file in (*young, *old):
        file.write_bytes(b"half")
    make_old(*old)
    store.clean()
    assert [file.exists() for file in young + old] == [True, True, False, False]
    assert len(list(store.entries())) == 1


def make_old(*files):
    for file in files:
        os.utime(file, (time.time() - 2 * store.LEFTOVER,) * 2)


def test_clean_leaves_every_file_that_the_store_did_not_write(experiment, tmp_path):
    results.compute(experiment, Length())
    own, foreign = paths.results() / "landing-page", paths.results() / "thesis"
    theirs = [foreign / "chapter.tex", foreign / f"{'0' * 32}.json", foreign / f"{'0' * 32}.json.0123abcd.damaged",
              own / "package.json", own / "package.lock", own / ".old.nc.1-2", own / "old.damaged",
              own / f"{'0' * 32}.json" / "inside", own / "folder" / "inside", paths.results() / "stray"]
    for file in theirs:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"mine")
    make_old(*theirs, *(file.parent for file in theirs))
    assert [entry.experiment for entry in store.entries()] == ["landing-page"]
    assert store.clean(everything=True) == 1
    assert all(file.read_bytes() == b"mine" for file in theirs)
    assert list(own.glob("*.nc")) == []


def test_result_is_kept_though_the_library_is_edited_while_it_is_computed(experiment, monkeypatch):
    run, version = experiment.run, keys.code_version

    def edited(parameters):
        monkeypatch.setattr(keys, "code_version", lambda module: "edited")
        return run(parameters)

    experiment.run = edited
    results.compute(experiment, Length())
    monkeypatch.setattr(keys, "code_version", version)
    assert store.load(entry_of(experiment, Length())) is not None


def test_entry_without_its_record_does_not_exist(experiment):
    results.compute(experiment, Length())
    entry_of(experiment, Length()).with_suffix(".json").unlink()
    assert store.load(entry_of(experiment, Length())) is None


def test_record_says_where_the_result_came_from(experiment):
    results.compute(experiment, Length(length=2))
    record = json.loads(entry_of(experiment, Length(length=2)).with_suffix(".json").read_text())
    assert record["parameters"] == {"length": 2}
    assert {"experiment", "data", "code", "date", "seconds", "versions", "machine", "sha256"} <= set(record)
    assert {"python", "torch", "numpy", "catapult-companion"} <= set(record["versions"])


def test_failed_run_stores_nothing(experiment):
    def run(parameters):
        raise RuntimeError("no")

    experiment.run = run
    with pytest.raises(RuntimeError):
        results.compute(experiment, Length())
    assert list(store.entries()) == []


def test_clean_removes_what_todays_code_would_not_use(experiment, monkeypatch):
    results.compute(experiment, Length())
    assert [entry.current for entry in store.entries()] == [True]
    assert store.clean() == 0
    monkeypatch.setattr(keys, "code_version", lambda module: "changed")
    assert [entry.current for entry in store.entries()] == [False]
    assert store.clean() == 1
    assert list(store.entries()) == []


def test_temporary_store_is_empty_and_goes_away(experiment):
    results.compute(experiment, Length())
    with store.temporary_store() as folder:
        results.compute(experiment, Length())
        assert len(experiment.runs) == 2
    assert not folder.exists()
    results.compute(experiment, Length())
    assert len(experiment.runs) == 2
