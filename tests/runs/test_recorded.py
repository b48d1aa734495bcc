"""What was recorded is found again on any machine, is not computed twice, and says what it was made with."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import xarray as xr
from pydantic import Field

import celled_experiment as experiment
from catapult import locks, paths
from catapult.parameters import InputError
from catapult.runs import keys, recorded, store, workers


@pytest.fixture
def log(tmp_path, monkeypatch, empty_store):
    """The file of the cells that were computed so far; what is recorded lies in a folder of the test's own."""
    monkeypatch.setattr(paths, "RECORDED", tmp_path / "recorded")
    (tmp_path / "log").touch()
    return tmp_path / "log"


def parameters(log, **given):
    return experiment.Parameters(log=str(log), **given)


def computed(log):
    return sorted(map(int, log.read_text().split()))


def record(values):
    return recorded.record(experiment, values, jobs=1, progress=False)


@pytest.mark.slow
def test_recorded_cells_joined_are_the_experiment_bit_for_bit(log):
    values = parameters(log)
    assert record(values).startswith("4 cells, 4 of them computed")
    xr.testing.assert_identical(recorded.load(experiment, values), experiment.run(values))


def test_a_recording_goes_on_from_the_cells_that_are_there_whatever_the_code(log, monkeypatch):
    record(parameters(log, seeds=2))
    monkeypatch.setattr(keys, "code_version", lambda module: "changed")
    assert record(parameters(log, seeds=4)).startswith("4 cells, 2 of them computed")
    assert computed(log) == [0, 1, 2, 3]
    made = recorded.made_with(experiment, parameters(log))
    assert (len(made.code), made.current) == (2, False)
    assert "the code has changed since" in made.in_words()
    assert recorded.made_with(experiment, parameters(log, seeds=1)).current is False


def test_cells_that_another_recorder_computed_meanwhile_are_not_counted(log, monkeypatch):
    def finished(missing, *given, **options):
        record(parameters(log, seeds=3))
        return finish(missing, *given, **options)

    finish, finished_once = workers.finish, [finished]
    monkeypatch.setattr(workers, "finish", lambda *given, **options: (
        finished_once.pop() if finished_once else finish)(*given, **options))
    assert record(parameters(log)).startswith("4 cells, 1 of them computed")
    assert computed(log) == [0, 1, 2, 3]


def test_todays_code_is_said_to_be_the_one(log):
    record(parameters(log))
    assert "as it is now" in recorded.made_with(experiment, parameters(log)).in_words()


def test_what_is_not_recorded_is_said(log):
    record(parameters(log))
    with pytest.raises(recorded.NotRecorded, match=r"which is the cell {'seed': 4}"):
        recorded.load(experiment, parameters(log, seeds=5))
    with pytest.raises(recorded.NotRecorded):
        recorded.load(experiment, parameters(log, factor=2.0))
    with pytest.raises(recorded.NotRecorded, match="no cell is called"):
        recorded.slice_difference(experiment, parameters(log), {"seed": 9}, [])


def test_a_default_that_was_changed_since_does_not_pass_for_the_recorded_one(log, monkeypatch):
    record(parameters(log))
    monkeypatch.setattr(experiment.Parameters.model_fields["factor"], "default", 1.25)
    with pytest.raises(recorded.NotRecorded, match="with another factor"):
        recorded.load(experiment, experiment.Parameters.model_construct(seeds=4, factor=1.25, log=str(log), pause=0.0))


def test_what_was_recorded_at_another_default_is_refused_by_the_recorder_too(log, monkeypatch):
    """Else it says that all is recorded, and the page that nothing is, and no command helps."""
    record(parameters(log))
    monkeypatch.setattr(experiment.Parameters.model_fields["factor"], "default", 1.25)
    changed = experiment.Parameters.model_construct(seeds=5, factor=1.25, log=str(log), pause=0.0)
    with pytest.raises(InputError, match=r"4 cells in .* were recorded with another factor"):
        record(changed)
    assert computed(log) == [0, 1, 2, 3]


def test_a_parameter_that_came_later_keeps_what_was_recorded(log):
    class Later(experiment.Parameters):
        sign: int = 1

    record(parameters(log))
    assert recorded.load(experiment, Later(log=str(log))).sizes == {"seed": 4, "x": 3}
    with pytest.raises(recorded.NotRecorded):
        recorded.load(experiment, Later(log=str(log), sign=-1))


def test_other_data_are_refused_before_work(log, monkeypatch):
    monkeypatch.setattr(experiment, "data", lambda values: "these", raising=False)
    record(parameters(log, seeds=2))
    monkeypatch.setattr(experiment, "data", lambda values: "others")
    with pytest.raises(InputError, match=r"2 cells in .* were computed from other data"):
        record(parameters(log))
    assert computed(log) == [0, 1]
    assert recorded.load(experiment, parameters(log, seeds=2)).sizes["seed"] == 2


def test_a_damaged_cell_is_not_shown(log, capsys):
    record(parameters(log))
    file = min(recorded.folder(experiment).glob("*.nc"))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(recorded.NotRecorded):
        recorded.load(experiment, parameters(log))
    assert "damaged" in capsys.readouterr().err


def test_what_cells_were_made_with_is_told_without_opening_their_arrays_unless_one_is_bad(log, monkeypatch):
    record(parameters(log))
    opened, open_ = [], store.opened
    monkeypatch.setattr(store, "opened", lambda data: opened.append(data) or open_(data))
    assert recorded.made_with(experiment, parameters(log)).current
    assert opened == []  # many small files are slow to open
    file = min(recorded.folder(experiment).glob("*.nc"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(recorded.NotRecorded, match="has no"):
        recorded.made_with(experiment, parameters(log))


@pytest.mark.slow
def test_the_cells_are_joined_once_and_again_when_one_was_damaged_or_made_anew(log, monkeypatch, capsys):
    joined, join = [], experiment.join
    monkeypatch.setattr(experiment, "join", lambda *given: joined.append(given) or join(*given))
    record(parameters(log))
    first, second = (recorded.load(experiment, parameters(log)) for _ in range(2))
    xr.testing.assert_identical(first, second)
    assert len(joined) == 1
    arrays = min(recorded.folder(experiment).glob("*.nc"))
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"?")
    with pytest.raises(recorded.NotRecorded):
        recorded.load(experiment, parameters(log))
    cell = experiment.cell
    monkeypatch.setattr(experiment, "cell", lambda values, seed: 2 * cell(values, seed))
    record(parameters(log))
    changed = (recorded.load(experiment, parameters(log)) / first).numbers.values
    assert sorted(changed.mean(1)) == [1, 1, 1, 2]


@pytest.mark.parametrize("lacking", sorted(recorded.ASKED))
def test_a_sealed_record_that_lacks_a_field_is_set_aside(log, capsys, lacking):
    record(parameters(log))
    file = min(recorded.folder(experiment).glob("*.json"))
    file.write_bytes(store.sealed({name: value for name, value in store.unsealed(file.read_bytes()).items()
                                   if name != lacking}))
    assert record(parameters(log)).startswith("4 cells, 1 of them computed")
    [line] = capsys.readouterr().err.splitlines()
    assert "set aside" in line
    assert len(recorded.made_with(experiment, parameters(log)).code) == 1


def test_units_are_words_and_no_dates(log, monkeypatch):
    cell, units = experiment.cell, {"units": "days since 2000-01-01"}

    def with_units(values, seed):
        dataset = cell(values, seed)
        dataset.numbers.attrs.update(units)
        return dataset

    monkeypatch.setattr(experiment, "cell", with_units)
    record(parameters(log))
    loaded = recorded.load(experiment, parameters(log)).numbers
    assert (loaded.dtype, loaded.attrs) == (np.float64, units)


def test_a_cell_that_fails_keeps_the_others(log, monkeypatch):
    cell = experiment.cell
    monkeypatch.setattr(experiment, "cell", lambda values, seed: cell(values, seed) if seed < 2 else 1 / 0)
    with pytest.raises(recorded.RecordingFailed, match="division by zero; the cells that were finished are kept"):
        record(parameters(log))
    monkeypatch.undo()
    monkeypatch.setattr(paths, "RECORDED", log.parent / "recorded")
    assert recorded.load(experiment, parameters(log, seeds=2)).sizes["seed"] == 2


def test_an_estimate_counts_and_writes_nothing(log, monkeypatch):
    values = parameters(log)
    monkeypatch.setattr(recorded, "_timed", lambda *cell: 0.05)
    assert recorded.estimate(experiment, values, jobs=1).startswith("4 cells, 0 of them recorded\nabout 0.2")
    assert not recorded.folder(experiment).exists()
    record(parameters(log, seeds=3))
    assert recorded.estimate(experiment, values).startswith("4 cells, 3 of them recorded")


def test_an_estimate_takes_no_fewer_steps_than_are_allowed(log, monkeypatch):
    class Long(experiment.Parameters):
        steps: int = Field(3000, ge=300, description="steps")

    taken, cell = [], experiment.cell
    monkeypatch.setattr(experiment, "cell", lambda values, seed: taken.append(values.steps) or cell(values, seed))
    recorded.estimate(experiment, Long(log=str(log)), jobs=1)
    assert taken == [300, 300, 600]


def test_an_estimate_tells_the_error_of_a_cell_that_fails(log, monkeypatch):
    monkeypatch.setattr(experiment, "cell", lambda values, seed: 1 / 0)
    with pytest.raises(recorded.RecordingFailed, match=r"the cell {'seed': 0} fails: division by zero"):
        recorded.estimate(experiment, parameters(log))


def test_what_a_killed_recorder_left_half_written_is_removed_by_the_next_one(log):
    """It lies in a folder that is committed. What another process is at stays."""
    record(parameters(log, seeds=3))
    place, hidden = recorded.folder(experiment), [f".{'0' * 32}.json.7-0123abcd", f".{'0' * 32}.lock",
                                                  f".{'1' * 32}.{'a' * 16}.nc.7-0123abcd", ".mine"]
    theirs = [f".{'2' * 32}.lock", f".{'2' * 32}.json.7-0123abcd"]
    for name in hidden + theirs:
        (place / name).write_bytes(b"half")
    with locks.hold(place / theirs[0]):
        record(parameters(log, seeds=3))
    assert sorted(file.name for file in place.glob(".*")) == sorted([".mine", *theirs])


def test_pages_depend_on_the_recorded_files_and_their_names_but_not_on_what_a_recorder_is_writing(log, monkeypatch):
    place = paths.RECORDED / "mnist"
    place.mkdir(parents=True)
    files = [place / f"{digit * 32}.json" for digit in "01"]
    for file in files:
        file.write_bytes(file.name.encode())
    before = recorded.tables("catapult.chapters.mnist.experiment")
    for name in (f".{'2' * 32}.json.7-0123abcd", f".{'2' * 32}.lock", f"{'2' * 32}.json.0123abcd.damaged"):
        (place / name).write_bytes(b"")
    assert recorded.tables("catapult.chapters.mnist.experiment") == before
    files[1].rename(place / f"{'3' * 32}.json")
    assert recorded.tables("catapult.chapters.mnist.experiment") != before


@pytest.mark.parametrize(("changed", "off"), [(0.0, 0.0), (0.02, 0.02)])
def test_a_slice_computed_again_shows_how_far_it_is_off(log, monkeypatch, changed, off):
    def cell(values, seed):
        steps = np.arange(0, 40 if values.pause else 100, 4 if values.pause else 5)
        return xr.Dataset({"loss": ("step", (seed + 1) * np.exp(-steps / 50))}, {"step": steps})

    monkeypatch.setattr(experiment, "cell", cell)
    record(parameters(log))
    monkeypatch.setattr(experiment, "cell", lambda values, seed: cell(values, seed) * (1 + changed))
    found = recorded.slice_difference(experiment, parameters(log), {"seed": 2}, ["loss"], pause=1.0)
    assert found["loss"] == pytest.approx(off, abs=1e-12)


def test_a_slice_is_compared_along_the_dimension_that_is_named(log, monkeypatch):
    monkeypatch.setattr(experiment, "cell", lambda values, seed: xr.Dataset(
        {"loss": ("look", [1.0, 4.0, 9.0])}, {"look": [0, 51, 102]}))
    record(parameters(log))
    monkeypatch.setattr(experiment, "cell", lambda values, seed: xr.Dataset(
        {"loss": ("look", [1.0, 4.2])}, {"look": [0, 51]}))
    found = recorded.slice_difference(experiment, parameters(log), {"seed": 0}, ["loss"], along="look", pause=1.0)
    assert found["loss"] == pytest.approx(0.05)


def test_a_slice_that_is_nan_where_the_recorded_is_not_is_infinitely_far(log, monkeypatch):
    monkeypatch.setattr(experiment, "cell", lambda values, seed: xr.Dataset(
        {"loss": (("rate", "step"), [[1.0, np.nan if values.pause else 2.0], [3.0, 4.0]])}, {"step": [0, 1]}))
    record(parameters(log))
    found = recorded.slice_difference(experiment, parameters(log), {"seed": 0}, ["loss"], pause=1.0)
    assert found["loss"] == np.inf


def test_the_command_refuses_and_counts(log, monkeypatch, capsys):
    from catapult import cli

    for arguments, said in ((["record", "mnistt"], "did you mean 'mnist'"),
                            (["record", "mnist", "-p", "nosuch=1"], "-p"),
                            (["record", "mnist", "--jobs", "0"], "--jobs"), (["record"], "EXPERIMENT is missing"),
                            (["record", "mnist", "--scale", "tiny"], "quick, default, paper")):
        monkeypatch.setattr(sys, "argv", ["catapult", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2, arguments
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not paths.RECORDED.exists()
