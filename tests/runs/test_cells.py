"""A cell is computed once, whoever asks, and what was computed survives whatever happens to the rest."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import celled_experiment as experiment
from catapult.runs import cells, keys, results, store

RUN = """
import sys, celled_experiment as experiment
from catapult.runs import keys, results, store
results.compute(experiment, experiment.Parameters(seeds=12, pause=0.3, log=sys.argv[1]))
"""


@pytest.fixture
def log(empty_store, tmp_path, monkeypatch):
    """The file of the cells that were computed so far."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(experiment.__file__).parent), *sys.path]))
    (tmp_path / "log").touch()
    return tmp_path / "log"


def computed(log):
    return sorted(map(int, log.read_text().split()))


def parameters(log, **given):
    return experiment.Parameters(log=str(log), **given)


def kept():
    return sorted(path for path in (Path(os.environ["CATAPULT_RESULTS"]) / "celled_experiment").glob("*.json"))


@pytest.mark.slow
def test_cells_joined_are_the_experiment_bit_for_bit(log):
    values = parameters(log)
    xr.testing.assert_identical(results.compute(experiment, values), experiment.run(values))
    assert computed(log) == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.slow
def test_only_what_no_run_has_computed_is_computed(log):
    results.compute(experiment, parameters(log, seeds=2))
    results.compute(experiment, parameters(log, seeds=2))
    assert computed(log) == [0, 1]
    results.compute(experiment, parameters(log, seeds=4))
    assert computed(log) == [0, 1, 2, 3]
    results.compute(experiment, parameters(log, seeds=3))
    assert computed(log) == [0, 1, 2, 3]
    results.compute(experiment, parameters(log, seeds=1, factor=2.0))
    assert computed(log) == [0, 0, 1, 2, 3]


@pytest.mark.slow
def test_a_killed_run_goes_on_from_the_cells_that_it_had_computed(log):
    process = subprocess.Popen([sys.executable, "-c", RUN, str(log)], start_new_session=True)
    while len(kept()) < 3:
        assert process.poll() is None, "the run ended before it was killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    had = len(kept())
    assert 3 <= had < 12
    before = len(computed(log))
    values = parameters(log, seeds=12, pause=0.3)
    xr.testing.assert_identical(results.compute(experiment, values), experiment.run(values))
    assert len(computed(log)) == before + (12 - had) + 12


@pytest.mark.slow
def test_a_damaged_cell_is_computed_again(log, capfd):
    values = parameters(log)
    whole = results.compute(experiment, values)
    origin = keys.identity(experiment, values)
    first, second, *_ = (store.entry_of(cell.origin) for cell in cells.of(experiment, values, origin))
    for entry in (store.entry_of(origin), first):
        entry.with_suffix(".json").write_bytes(b"{")
    (arrays,) = second.parent.glob(f"{second.name}.*.nc")
    arrays.write_bytes(arrays.read_bytes()[:-4])
    xr.testing.assert_identical(results.compute(experiment, values), whole)
    assert computed(log) == [0, 0, 1, 1, 2, 3]
    assert "set aside" in capfd.readouterr().err


def test_a_disk_that_fills_costs_no_results(log, monkeypatch, capsys):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # here, where it is full
    monkeypatch.setattr(store, "write", full)
    values = parameters(log)
    xr.testing.assert_identical(results.compute(experiment, values), experiment.run(values))
    assert computed(log) == [0, 0, 1, 1, 2, 2, 3, 3]
    (line,) = capsys.readouterr().err.splitlines()
    assert "could not be stored (No space left on device)" in line


@pytest.mark.parametrize(("name", "said"), [("code", "another version of the code"), ("data", "other data")])
def test_a_worker_with_other_code_or_data_refuses_a_cell(log, name, said):
    values = parameters(log, seeds=1)
    (cell,) = cells.of(experiment, values, {**keys.identity(experiment, values), name: "other"})
    with pytest.raises(keys.OtherInputs, match=said):
        dataclasses.replace(cell, made_by=0).compute()
    assert computed(log) == []
    cell.compute()  # where it was made the library may be edited meanwhile


def test_what_a_cell_raises_reaches_the_caller(log):
    with pytest.raises(FileNotFoundError):
        results.compute(experiment, parameters("/nowhere/log", seeds=1))
    assert kept() == []
