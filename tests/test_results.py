"""The store: same key, same results; a damaged entry is noticed, set aside and computed again."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from pydantic import Field

from catapult import paths, results
from catapult.parameters import Parameters


class Length(Parameters):
    length: int = Field(3, description="how many")


@pytest.fixture
def experiment(empty_store):
    """An experiment that counts how often it is run; it borrows the import closure of a real module."""
    runs = []

    def run(parameters):
        runs.append(parameters)
        return xr.Dataset({"x": ("i", np.arange(parameters.length) / 3), "label": ("i", ["a"] * parameters.length)})

    return SimpleNamespace(__name__="catapult.networks", Parameters=Length, run=run, runs=runs)


def entry_of(experiment, parameters):
    return paths.results() / "networks" / results.key(experiment, parameters)


def arrays_of(experiment, parameters):
    entry = entry_of(experiment, parameters)
    (file,) = entry.parent.glob(f"{entry.name}.*.nc")
    return file


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
    keys = {results.key(experiment, Length()), results.key(experiment, Length(length=4))}
    experiment.data = lambda parameters: "one checksum"
    keys.add(results.key(experiment, Length()))
    experiment.data = lambda parameters: "another checksum"
    keys.add(results.key(experiment, Length()))
    monkeypatch.setattr(results, "code_version", lambda module: "changed")
    keys.add(results.key(experiment, Length()))
    assert len(keys) == 5


def test_code_version_sees_what_is_imported_but_not_comments(tmp_path, monkeypatch):
    package = tmp_path / "catapult"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from catapult import b\n")
    (package / "b.py").write_text("X = 1\n")
    (package / "c.py").write_text("Y = 1\n")
    monkeypatch.setattr(paths, "LIBRARY", package)
    before = results.code_version("catapult.a")
    (package / "b.py").write_text("X = 1  # a comment\n\n")
    assert results.code_version("catapult.a") == before
    (package / "c.py").write_text("Y = 2\n")
    assert results.code_version("catapult.a") == before
    (package / "b.py").write_text("X = 2\n")
    assert results.code_version("catapult.a") != before


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


@pytest.mark.parametrize("record", ["", "{", "[]", "{}"])
def test_damaged_record_is_set_aside_and_computed_again(experiment, record):
    results.compute(experiment, Length())
    entry_of(experiment, Length()).with_suffix(".json").write_text(record)
    results.compute(experiment, Length())
    assert len(experiment.runs) == 2


def test_entry_without_its_record_does_not_exist(experiment):
    results.compute(experiment, Length())
    entry_of(experiment, Length()).with_suffix(".json").unlink()
    assert results.load(entry_of(experiment, Length())) is None


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
    assert list(results.entries()) == []


def test_clean_removes_what_todays_code_would_not_use(experiment, monkeypatch):
    results.compute(experiment, Length())
    assert [entry.current for entry in results.entries()] == [True]
    assert results.clean() == 0
    monkeypatch.setattr(results, "code_version", lambda module: "changed")
    assert [entry.current for entry in results.entries()] == [False]
    assert results.clean() == 1
    assert list(results.entries()) == []


def test_temporary_store_is_empty_and_goes_away(experiment):
    results.compute(experiment, Length())
    with results.temporary_store() as folder:
        results.compute(experiment, Length())
        assert len(experiment.runs) == 2
    assert not folder.exists()
    results.compute(experiment, Length())
    assert len(experiment.runs) == 2
