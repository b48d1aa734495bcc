"""Standard streams that can't be written, a reader that has gone, and Ctrl-C at any moment: one line at most."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from catapult import cli
from catapult.companion import running
from catapult.runs import sweeps
from commanding import catapult, one_line

pytestmark = pytest.mark.slow

SWEEP = ["sweep", "landing-page", "--grid", "width=10", "-p", "steps=10", "-p", "rates=5"]
COMMANDS = {
    "help": ["--help"], "chapters": ["chapters"], "parameters": ["parameters", "2"],
    "run": ["run", "2", "--out", "o"],
    "sweep": [*SWEEP, "--out", "s"], "dry run": [*SWEEP, "--dry-run", "--out", "s"], "data": ["data"],
    "verify": ["verify", "huang-smooth-descent"], "json": ["verify", "huang-smooth-descent", "--json"],
    "results": ["results"], "clean": ["results", "clean"],
}  # fmt: skip


@pytest.fixture
def stubs(monkeypatch, tmp_path):
    """No long work: what ``run`` and ``sweep`` print is of a run that took no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CATAPULT_RESULTS", str(tmp_path / "store"))
    monkeypatch.setattr(running, "run", lambda *given, **named: {"page": tmp_path / "page"})
    monkeypatch.setattr(sweeps, "run", lambda *given, **named: sweeps.Summary(1, 0, {}, 1, (), 0.0, tmp_path))
    monkeypatch.setattr(sweeps, "estimate", lambda *given, **named: sweeps.Estimate(1, 1, 0, 1.0, "nothing", 1))


@pytest.mark.parametrize("what", COMMANDS)
def test_a_full_disk_behind_standard_output_is_one_line_and_status_one(what, stubs, monkeypatch, capfd):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        status, output, complaint = catapult(monkeypatch, capfd, *COMMANDS[what])
    monkeypatch.undo()
    assert (status, output) == (1, "")
    complaint = complaint[complaint.index("catapult: "):]  # after the rows that verify --json shows
    assert one_line(complaint) == "catapult: standard output cannot be written: No space left on device"


@pytest.mark.parametrize("what", COMMANDS)
def test_a_standard_output_whose_reader_has_gone_ends_quietly(what, stubs, monkeypatch, capfd):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        status, output, complaint = catapult(monkeypatch, capfd, *COMMANDS[what])
    monkeypatch.undo()
    assert (status, output) == (0, "")
    assert "catapult: " not in complaint


@pytest.mark.parametrize("what", COMMANDS)
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_is_one_line_on_the_other_and_status_one_before_work(what, closed, stubs, monkeypatch, capfd):
    monkeypatch.setattr(sys, closed, None)
    status, output, complaint = catapult(monkeypatch, capfd, *COMMANDS[what])
    monkeypatch.undo()
    assert status == 1
    told, silent = (complaint, output) if closed == "stdout" else (output, complaint)
    assert silent == ""
    name = {"stdout": "output", "stderr": "error"}[closed]
    assert one_line(told).startswith(f"catapult: standard {name} is closed; allowed: ")


def test_no_work_is_lost_because_standard_error_is_full(stubs, monkeypatch, capfd):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        status, output, _ = catapult(monkeypatch, capfd, *COMMANDS["json"])
        assert status == 1
        rows, _, line = output.rpartition("catapult: ")
        assert '"status": "passed"' in rows
        assert line == "standard error cannot be written: No space left on device\n"
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert catapult(monkeypatch, capfd, "rnu")[:2] == (2, f"catapult: {line}")


def test_an_output_that_is_not_open_for_writing_is_one_line(stubs, monkeypatch, capfd):
    descriptor = os.open("/dev/null", os.O_RDONLY)
    with open(descriptor, "w") as readable:
        monkeypatch.setattr(sys, "stdout", readable)
        status, _, complaint = catapult(monkeypatch, capfd, "parameters", "2")
    monkeypatch.undo()
    assert status == 1
    assert "standard output cannot be written: Bad file descriptor" in one_line(complaint)


def test_what_main_changes_it_gives_back(stubs, monkeypatch, capfd):
    import signal

    before = sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT), sys.unraisablehook
    catapult(monkeypatch, capfd, "rnu")
    assert (sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT), sys.unraisablehook) == before


PROGRAM = f"{sys.executable} -c 'from catapult.cli import main; main()'"


@pytest.mark.parametrize(("line", "status", "output", "complaint"), [
    ("--help > /dev/full", 1, "", "catapult: standard output cannot be written: No space left on device\n"),
    ("--help >&-", 1, "", "catapult: standard output is closed; allowed: one that can be written, such as /dev/null\n"),
    ("--help 2>&-", 1, "catapult: standard error is closed; allowed: one that can be written, such as /dev/null\n", ""),
    ("--help >&- 2>&-", 1, "", ""), ("rnu 2>/dev/full", 2, "catapult: standard error cannot be written: No space left "
                                     "on device\n", ""),
    ("--help <&- | head -1; exit ${PIPESTATUS[0]}", 0, "Usage: catapult [OPTIONS] COMMAND [ARGS]...\n", ""),
    ("--help 2>&1 | head -1; exit ${PIPESTATUS[0]}", 0, "Usage: catapult [OPTIONS] COMMAND [ARGS]...\n", ""),
], ids=["full", "no output", "no error", "neither", "full error", "head", "head of both"])  # fmt: skip
def test_streams_of_a_process(line, status, output, complaint):
    done = subprocess.run(["bash", "-c", f"{PROGRAM} {line}"], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (status, output, complaint)


INTERRUPTING = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from catapult.cli import main
main()
"""


@pytest.mark.parametrize("module", ["typer", "pydantic", "numpy.linalg", "xarray", "catapult.chapters", "torch"])
def test_ctrl_c_while_modules_load_is_one_line(module, tmp_path):
    command = ["verify", "huang-mnist-catapult"] if module == "torch" else ["chapters"]
    done = subprocess.run([sys.executable, "-c", INTERRUPTING.format(module=module), *command],
                          capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"catapult: {cli.INTERRUPTED}\n")
