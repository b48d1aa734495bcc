"""Random command lines and parameter files, the same for the same seed: ``python tests/fuzzing.py 2000`` runs so many.

Nothing is computed, downloaded or removed: what would do so is replaced.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import tempfile
from pathlib import Path
from unittest import mock

from catapult import cli
from catapult.companion import claims, running
from catapult.datasets import downloading
from catapult.runs import results, store, sweeps, workers

NUMBERS = [
    "0", "1", "-1", "2", "3.5", "1e-3", "1e999", "nan", "inf", "-0.0", "0100", "1_0", "٣", "１", "0x1f",
    "9" * 30, "9" * 4400, "true", "None", "null", "1,2,3", "1,,2", "[1,2]", "range(1,5)", "range(5,1)",
    "geomspace(1,10,3)", "geomspace(0,10,3)", "linspace(1,2,1e9)", "range(0,9999999999)",
    "__import__('os').getpid()", "{}", "()", "1;2",
]  # fmt: skip
ODD = [
    "", " ", "\t", "\n", "a\nb", "\x1b[31m", "\u202e", "é", "日本", "🚀", "\ud800", "\x7f", "'", '"', "\\",
    "$HOME", "*", "--", "-", "---", "=", "==", "=1", "a=", "%s", "{x}", "x" * 300, "x" * 9000, "/" * 300,
    "../..", "~nobody/x", "!!", "&a", "*a", "#", ":", "? ", "|", ">", "@", "`", "NaN", "on", "2020-01-01",
]  # fmt: skip
PATHS = [
    "out", "file.yaml", "folder", "nowhere", "file.yaml/x", "/dev/null", "/dev/zero", "/dev/full",
    "/proc/self/mem", "fifo", "link", ".", "..", "/", "folder/a/b", "x" * 255, "x" * 256, "a/" * 2100,
    "out\x01", "ü",
]  # fmt: skip
COMMANDS = [
    ["chapters"], ["parameters"], ["run"], ["sweep"], ["verify"], ["data"], ["data", "status"],
    ["data", "fetch"], ["results"], ["results", "list"], ["results", "clean"], [],
]  # fmt: skip
OPTIONS = [
    "-p", "--parameter", "-f", "--file", "--scale", "--data", "--out", "--grid", "--seeds", "--jobs",
    "--dask", "--dry-run", "--retry-failed", "--json", "--all", "--mirror", "--help", "-h", "-x",
    "--nothing", "--", "--sca",
]  # fmt: skip
NAMES = [
    "w0", "loss", "steps", "grid", "width", "seed", "learning_rate", "samples", "source", "seeds", "wo",
    "stepz", "In",
]  # fmt: skip
VALUES = [
    "!!bool maybe", "!!timestamp abc", "!!python/object/apply:os.getcwd []", "&a 1", "*a", "[*a, *a]", "{a: *a}",
    "|\n  3", "'3'", '"3\\n"', "~", "[" * 2000, "<<: *a",
]  # fmt: skip
WORDS = [
    "2", "2", "3", "critical-learning-rates", "mnist", "cifar10", "landing-page", "mnist-sweep",
    "quick", "paper", "default", "huang-smooth-descent", "logistic", "auto", "local", "tcp://127.0.0.1:9",
    "tls://x:1", "http://127.0.0.1:9", "ftp://x", "all",
]  # fmt: skip


def word(rng: random.Random) -> str:
    """Return something that somebody might type, or a cat."""
    kind = rng.randrange(8)
    text = rng.choice([NUMBERS, ODD, PATHS, OPTIONS, NAMES, WORDS, WORDS, WORDS][kind])
    if rng.random() < 0.25:
        text = f"{rng.choice(NAMES)}={rng.choice(NUMBERS + ODD + WORDS)}"
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice([*"aZ09-=.,:[](){}'\" \n\t\x00é", rng.choice(ODD)]) + text[at + rng.randrange(2):]
    return text.replace("\x00", "")  # no process can be given one


RUN = {"-p": ["w0=3", "steps=50", "loss=logistic", "grid=30"], "-f": ["file.yaml"], "--scale": ["quick"],
       "--data": ["folder", "."], "--out": ["out"]}  # fmt: skip
SWEEP = {"-p": ["steps=10", "width=4", "rates=5"], "--scale": ["quick"], "--data": ["folder"], "--out": ["out"],
         "--grid": ["width=2,4", "seed=range(0,3)", "lowest=geomspace(1,2,3)"], "--seeds": ["2"], "--jobs": ["1"],
         "--dask": ["local", "127.0.0.1:9"], "--dry-run": None, "--retry-failed": None}  # fmt: skip
KNOWN = [
    (["run", "2"], RUN), (["run", "mnist"], RUN), (["sweep", "landing-page", "--out", "out"], SWEEP),
    (["sweep", "mnist-sweep", "--out", "out"], SWEEP), (["parameters", "2"], {}), (["results", "list"], {}),
    (["verify", "huang-smooth-descent"], {"--json": None, "--scale": ["quick"]}),
    (["results", "clean"], {"--all": None}), (["data", "fetch", "mnist"], {"--mirror": ["http://127.0.0.1:9/x"]}),
    (["data", "status"], {"--data": ["folder"]}), (["chapters"], {}),
]
"""Command lines that are right, with the options that may follow and values that are right or nearly so."""


def command_line(rng: random.Random) -> list[str]:
    """Return the words of a command line: right ones with one or two of them wrong, or words at random."""
    if rng.random() < 0.2:
        return [*rng.choice(COMMANDS), *(word(rng) for _ in range(rng.randrange(5)))]
    words, options = rng.choice([line for line in KNOWN for _ in range(1 + len(line[1]))])
    words = list(words)
    for _ in range(rng.randrange(4) if options else 0):
        option = rng.choice(list(options))
        words.append(option)
        if options[option]:
            words.append(rng.choice(options[option]))
            name = words[-1].partition("=")[0]
            if "=" in words[-1] and rng.random() < 0.5:
                words[-1] = f"{name}={rng.choice(NUMBERS + ODD + WORDS)}"
    for _ in range(rng.choice([0, 1, 1, 2])):
        at = rng.randrange(len(words)) if rng.random() < 0.4 else len(words) - 1
        words[at:at + (rng.random() < 0.8)] = [word(rng) if rng.random() < 0.8 else rng.choice(OPTIONS)]
    return words


def parameter_file(rng: random.Random) -> bytes:
    """Return the bytes of a file that is nearly, or not at all, one of parameters."""
    if rng.random() < 0.1:
        return rng.randbytes(rng.randrange(200))
    lines = []
    for _ in range(rng.randrange(6)):
        if rng.random() < 0.7:
            lines.append(f"{rng.choice(['w0', 'loss', 'steps', 'grid'])}: {rng.choice(NUMBERS + WORDS + VALUES)}")
        else:
            lines.append(rng.choice([*NAMES, *ODD, "<<", "? [a]"]) + rng.choice([": ", ": ", ":", " ", " = "])
                         + rng.choice([*NUMBERS, *ODD, *WORDS, *VALUES]))
    data = rng.choice([*["\n"] * 8, "\r\n", "\n---\n", "\n  "]).join(lines).encode("utf-8", "surrogatepass")
    if rng.random() < 0.15 and data:
        at = rng.randrange(len(data))
        data = data[:at] + rng.randbytes(rng.randrange(4)) + data[at + rng.randrange(3):]
    return data


def case(seed: int) -> tuple[list[str], bytes]:
    """Return a command line and the content of ``file.yaml``; every third is of a parameter file."""
    rng = random.Random(seed)
    if seed % 3:
        return command_line(rng), parameter_file(rng)
    return ["run", "2", "-f", "file.yaml", "--out", "out", *(["--scale", "quick"] if rng.random() < 0.3 else [])], \
        parameter_file(rng)


def furnish(folder: Path, content: bytes) -> None:
    """Leave in a folder what the paths of the command lines lead to."""
    (folder / "folder").mkdir(exist_ok=True)
    (folder / "file.yaml").write_bytes(content)
    if not (folder / "fifo").exists():
        os.mkfifo(folder / "fifo")
        (folder / "link").symlink_to("gone")


def wrong(status: int, output: str, complaint: str) -> str:
    """Return what is wrong with the end of a command, or nothing."""
    if status not in (0, 1, 2):
        return f"status {status}"
    if "Traceback" in complaint + output or "unexpected " in complaint:
        return "a fault of ours"
    if status and (complaint.count("\n") != 1 or not complaint.startswith("catapult: ")):
        return f"not one line but {complaint.count(chr(10))}"
    if status == 2 and (output or "allowed" not in complaint.lower()):
        return "output, or no word of what is allowed"
    if len(complaint) > 2500 or not complaint.replace("\n", "").isprintable():
        return "a message that is too long, or no text"
    return ""


class Text(io.StringIO):
    """A standard stream in memory."""

    def reconfigure(self, **_):
        pass


@contextlib.contextmanager
def harmless():
    """Replace all that computes, downloads and removes."""
    summary = sweeps.Summary(1, 0, {}, 1, (), 0.0, Path("table.csv"))
    estimate = sweeps.Estimate(1, 1, 0, 1.0, "nothing", 1)
    with contextlib.ExitStack() as stack:
        for module, name, result in ((running, "run", {}), (sweeps, "run", summary), (sweeps, "estimate", estimate),
                                     (claims, "verify", ()), (store, "clean", 0),
                                     (results, "seconds_to_compute", None), (downloading, "fetch", Path("x"))):
            stack.enter_context(mock.patch.object(module, name, lambda *given, result=result, **named: result))
        stack.enter_context(mock.patch.object(workers, "CONNECTING", 0.1))
        yield


def in_process(words: list[str]) -> tuple[int, str, str]:
    """Run a command line here; return its status, output and complaints."""
    output, complaint = Text(), Text()
    with mock.patch.object(sys, "argv", ["catapult", *words]), mock.patch.dict(os.environ), \
            contextlib.redirect_stdout(output), contextlib.redirect_stderr(complaint):
        try:
            cli.main()
        except SystemExit as end:
            return end.code, output.getvalue(), complaint.getvalue()
        except BaseException as error:
            return -1, "", f"Traceback: {error!r}"
    return -2, "", "no end"


def in_a_process(words: list[str]) -> tuple[int, str, str]:
    """Run a command line in a copy of this process; return its status, output and complaints."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaint:
        sys.stdout.flush()
        if not (child := os.fork()):
            os.dup2(output.fileno(), 1)
            os.dup2(complaint.fileno(), 2)
            sys.argv[1:] = words
            try:
                cli.main()
            except SystemExit as end:
                sys.stdout.flush()
                os._exit(end.code)
            os._exit(99)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        ended = []
        for file in (output, complaint):
            file.seek(0)
            ended.append(file.read().decode())
        return status, *ended


def faults(seeds: range, run=in_process) -> list[str]:
    """Return what is wrong with these cases, in an empty folder of their own."""
    found = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), harmless():
        in_process(["chapters"])  # what the cases load is loaded once
        for seed in seeds:
            words, content = case(seed)
            furnish(Path(folder), content)
            ended = run(words)
            if what := wrong(*ended):
                found.append(f"case {seed}: {what}: {[w[:99] for w in words]} {content[:200]!r} → {ended[0]} "
                             f"{ended[2][:900]}")
    return found


if __name__ == "__main__":
    count, first, how = [*sys.argv[1:], *["2000", "0", "in_process"][len(sys.argv) - 1:]]
    print(*faults(range(int(first), int(first) + int(count)), globals()[how]), sep="\n")
