"""What people type: every mistake is one line that says what, where and what is allowed, before any work."""

from __future__ import annotations

import os

import pytest

from catapult import cli, parameter_files, parameters
from catapult.companion import claims, registry
from catapult.parameters import InputError, shown
from catapult.runs import grids, sweeps
from commanding import catapult, one_line, refused

LONG = "x" * 5000

WORDS = {
    "no such command": (["rnu"], "no command is called 'rnu' (did you mean 'run'?)", "chapters, parameters, run"),
    "an empty command": ([""], "no command is called ''"),
    "no such command of data": (["data", "ftech"], "data: no command", "did you mean 'fetch'?", "status, fetch"),
    "no such command of results": (["results", "claen"], "results: no command", "did you mean 'clean'?"),
    "no command at all": (["--"], "chapters, parameters, run"),
    "no such option": (["--versoin"], "no option is called '--versoin'", "--help"),
    "no such option of run": (["run", "2", "--scael", "quick"], "run: no option", "did you mean '--scale'?", "--out"),
    "no such short option": (["run", "2", "-x"], "run: no option is called '-x'", "-p, --parameter"),
    "no such option of verify": (["verify", "--jsno"], "did you mean '--json'?"),
    "no such option of data": (["data", "--data", "x"], "data: no option is called '--data'"),
    "no chapter": (["run"], "run: CHAPTER is missing", "Its id, or its number"),
    "no chapter for parameters": (["parameters"], "parameters: CHAPTER is missing"),
    "no data set to fetch": (["data", "fetch"], "data fetch: mnist|cifar10 is missing"),
    "no folder for a sweep": (["sweep", "landing-page"], "sweep: --out DIR is missing"),
    "an option without value": (["run", "2", "--scale"], "--scale needs a value", "quick, default or paper"),
    "a parameter without value": (["run", "2", "-p"], "-p needs a value", "NAME=VALUE"),
    "a flag with a value": (["verify", "--json=3"], "--json takes no value"),
    "another flag with a value": (["results", "clean", "--all=1"], "--all takes no value"),
    "two chapters": (["run", "2", "3"], "nothing more may follow, but 3 does", "catapult run [OPTIONS] CHAPTER"),
    "two data sets": (["data", "fetch", "mnist", "cifar10"], "but cifar10 does"),
    "no such chapter": (["run", "99"], "no chapter is called '99'", "critical-learning-rates"),
    "no such page": (["build", "sentence"], "no page is called 'sentence'", "did you mean 'sentences'?"),
    "a scale of no recorded table": (["verify", "wu-split", "--scale", "paper"], "wu-split is measured on no"),
    "digits of another script for a chapter": (["parameters", "٢"], "no chapter is called"),
    "no such claim": (["verify", "huang-smooth-descnt"], "did you mean 'huang-smooth-descent'?"),
    "no such claim, far from all": (["verify", "§"], "ids of the ledger, such as"),
    "a scale that verify has not": (["verify", "--scale", "qick"], "did you mean 'quick'?", "quick, default, paper"),
    "no such scale": (["run", "2", "--scale", "quik"], "did you mean 'quick'?"),
    "an empty scale": (["run", "2", "--scale", ""], "quick, default, paper"),
    "no such data folder": (["run", "2", "--data", "nosuch"], "--data nosuch: no such folder"),
    "an empty data folder's name": (["run", "2", "--data", ""], "no such folder"),
    "a data folder's name too long": (["data", "status", "--data", LONG], "--data xxx", "no such folder"),
    "no name to write to": (["run", "2", "--out", ""], "--out '': no name"),
    "a blank to write to": (["sweep", "landing-page", "--out", " "], "--out ' ': no name"),
    "a name too long to write to": (["run", "2", "--out", LONG], "--out 'xxx", "File name too long"),
    "a path too long to write to": (["sweep", "landing-page", "--out", "x/" * 2500], "File name too long"),
    "a device to write to": (["run", "2", "--out", "/dev/null"], "a file"),
    "inside a device": (["run", "2", "--out", "/dev/null/x"], "Not a directory"),
    "a file's name too long": (["run", "2", "-f", LONG], "File name too long"),
    "no file's name": (["run", "2", "-f", ""], "parameter file : No such file"),
    "seeds in words": (["sweep", "landing-page", "--seeds", "abc", "--out", "o"], "--seeds abc", "from 1 to 1,000,000"),
    "half a seed": (["sweep", "landing-page", "--seeds", "1.5", "--out", "o"], "--seeds 1.5", "whole number"),
    "too many processes": (["sweep", "landing-page", "--jobs", "1000000000000", "--out", "o"], "from 1 to 1,024"),
    "one process too many": (["sweep", "landing-page", "--jobs", "1025", "--out", "o"], "--jobs 1025"),
    "fewer than no processes": (["sweep", "landing-page", "--jobs", "-1", "--out", "o"], "--jobs -1"),
    "a scheduler by TLS": (["sweep", "landing-page", "--dask", "tls://127.0.0.1:9", "--out", "o"], "tcp://host:8786"),
    "a scheduler by UCX": (["sweep", "landing-page", "--dask", "ucx://127.0.0.1:9", "--out", "o"], "tcp://host:8786"),
    "a scheduler by HTTP": (["sweep", "landing-page", "--dask", "http://127.0.0.1:9", "--out", "o"], "'http://127"),
    "a scheduler without a name": (["sweep", "landing-page", "--dask", "", "--out", "o"], "--dask ''"),
    "a scheduler almost local": (["sweep", "landing-page", "--dask", "loacl:/", "--out", "o"], "did you mean 'local'?"),
    "a list in brackets": (["sweep", "landing-page", "--grid", "width=[1,2]", "--out", "o"], "without brackets"),
    "a list in round ones": (["sweep", "landing-page", "--grid", "width=(1,2)", "--out", "o"], "without brackets"),
    "an unfinished call": (["sweep", "landing-page", "--grid", "width=range(1,\n", "--out", "o"], "brackets"),
    "no values": (["sweep", "landing-page", "--grid", "width", "--out", "o"], "NAME=VALUES", "range(first,beyond)"),
    "a name twice": (["run", "2", "-p", "w0=3", "-p", "w0=4"], "-p w0: given twice; allowed: once"),
    "a name twice in a sweep": (["sweep", "landing-page", "-p", "width=3", "-p", "width=3", "--out", "o"],
                                "-p width: given twice; allowed: once"),
    "a whole number with a point": (["run", "2", "-p", "steps=40.0"], "steps = '40.0' is not a whole number",
                                    ", in the digits 0 to 9, as 10"),
    "no number": (["run", "2", "-p", "w0=fast"], "w0 = 'fast' is not a finite number", "≥ 0.1 and ≤ 10"),
    "not a number": (["run", "2", "-p", "w0=nan"], "w0 = 'nan' is not a finite number"),
    "infinity": (["run", "2", "-p", "w0=inf"], "w0 = 'inf' is not a finite number"),
    "no such option of a parameter": (["run", "2", "-p", "loss=logstic"], "did you mean 'logistic'?", "exponential, "),
    "no such parameter": (["run", "2", "-p", "los=1"], "no parameter is called 'los' (did you mean 'loss'?)"),
    "a number with a zero": (["run", "04"], f"did you mean 4, {registry.get('4').id}?", "from 1 to"),
    "almost a chapter": (["run", "02-critical-learning-rate"], "did you mean 'critical-learning-rates'?"),
    "no such data set": (["data", "fetch", "minst"], "did you mean 'mnist'?"),
    "no such experiment": (["sweep", "landing-pag", "--out", "o"], "did you mean 'landing-page'?"),
    "no such file": (["run", "2", "-f", "none.yaml"], "none.yaml: No such file", "NAME: VALUE"),
    "no name": (["run", "2", "-p", "=3"], "-p '=3'", "NAME=VALUE"),
}  # fmt: skip


@pytest.mark.parametrize("what", WORDS)
def test_a_wrong_word_is_refused_with_what_is_allowed(what, monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    arguments, *parts = WORDS[what]
    line = refused(monkeypatch, capfd, *arguments)
    for part in parts:
        assert part in line
    assert list(tmp_path.iterdir()) == []


NO_NUMBERS = {
    "octal": "0100", "octal in words": "0o100", "underscore": "1_0", "hexadecimal": "0x10", "binary": "0b1",
    "Arabic": "٣٠", "full width": "１０", "superscript": "1²", "a fraction": "½", "sexagesimal": "1:30",
    "a line before": "\n10", "a line after": "10\n", "a tab": "\t10", "a no-break space": "\xa010", "two signs": "+-10",
    "too long": "9" * 5000, "nothing": "", "inside out": "1e", "a wide minus": "−10",
}  # fmt: skip
PLACES = {
    "a whole parameter": ["run", "2", "-p", "steps={}"], "a real parameter": ["run", "2", "-p", "w0={}"],
    "a whole axis": ["sweep", "landing-page", "--grid", "steps={}", "--out", "o"],
    "a real axis": ["sweep", "landing-page", "--grid", "lowest={}", "--out", "o"],
    "in a list": ["sweep", "landing-page", "--grid", "steps=10,{},30", "--out", "o"],
    "in a range": ["sweep", "landing-page", "--grid", "seed=range({},90)", "--out", "o"],
    "a first": ["sweep", "landing-page", "--grid", "lowest=geomspace({},90,3)", "--out", "o"],
    "a count": ["sweep", "landing-page", "--grid", "lowest=linspace(1,2,{})", "--out", "o"],
    "seeds": ["sweep", "landing-page", "--seeds", "{}", "--out", "o"],
    "jobs": ["sweep", "landing-page", "--jobs", "{}", "--out", "o"],
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", NO_NUMBERS)
def test_only_decimal_digits_make_a_number(what, place, monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    line = refused(monkeypatch, capfd, *(word.format(NO_NUMBERS[what]) for word in PLACES[place]))
    assert "9" * 201 not in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-0", 0), ("+5", 5), ("10", 10), ("-12", -12)])
def test_whole_numbers(text, value):
    assert parameters.whole_from(text) == value
    assert grids.values_of(f"range({text},100)")[0] == value


@pytest.mark.parametrize(("text", "value"), [("5.", 5), (".5", 0.5), ("0.5", 0.5), ("1e-3", 1e-3), ("-2E+05", -2e5)])
def test_numbers(text, value):
    assert parameters.number_from(text) == value
    assert grids.values_of(f"linspace({text},7,2)")[0] == value
    with pytest.raises(ValueError, match="no whole"):
        parameters.whole_from(text)


REPEATING = [["{}"], ["run", "{}"], ["run", "2", "{}"], ["run", "2", "--{}"], ["run", "2", "-p", "{}"],
             ["run", "2", "-p", "{}=1"], ["run", "2", "-p", "w0={}"], ["run", "2", "-p", "loss={}"],
             ["run", "2", "--scale", "{}"], ["run", "2", "-f", "{}"], ["run", "2", "--out", "{}"],
             ["run", "2", "--data", "{}"], ["verify", "{}"], ["verify", "--scale", "{}"], ["data", "{}"],
             ["data", "fetch", "{}"], ["data", "fetch", "mnist", "--mirror", "{}"], ["sweep", "{}", "--out", "o"],
             *(["sweep", "landing-page", "--out", "o", *end] for end in (
                 ["--grid", "{}"], ["--grid", "{}=1"], ["--grid", "width={}"], ["--grid", "width={}(1)"],
                 ["--seeds", "{}"], ["--jobs", "{}"], ["--dask", "{}://"])), ["results", "clean", "{}"]]  # fmt: skip


@pytest.mark.parametrize("arguments", REPEATING, ids=" ".join)
@pytest.mark.parametrize("long", ["x" * 50_000, "ab " * 20_000, "\x1b[31m" * 9000, "\u202e" * 9000],
                         ids=["letters", "words", "escapes", "backwards"])
def test_no_message_repeats_more_than_200_characters(arguments, long, monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    line = refused(monkeypatch, capfd, *(word.format(long) for word in arguments))
    assert line.count("x") < 400
    assert line.count("ab ") < 100


def test_a_value_is_shown_without_being_expanded():
    bomb = "lol"
    for _ in range(40):
        bomb = [bomb] * 10
    for value in (bomb, {"a": bomb}, 10**100_000, -(10**5000), "\n" * 999, [LONG] * 9, object, float("nan")):
        text = shown(value)
        assert len(text) <= 200
        assert text.isprintable()
    assert shown("a'b") == '"a\'b"'
    assert shown(2**64) == "18446744073709551616"
    with pytest.raises(InputError) as caught:
        registry.get("2").parameters.checked({"w0": bomb})
    assert len(str(caught.value)) < 400


def test_an_input_error_is_one_printable_line_whatever_it_is_made_from():
    error = InputError(f"a\r\n b\x1b[2J {LONG} \ud800 end")
    assert str(error).startswith(r"a b\x1b[2J xxx")
    assert str(error).endswith(r"xxx \ud800 end")
    assert len(str(error)) < 300


FILES = {
    "a tag that does not fit": ("w0: !!bool maybe\n", "line 1: 'w0' is no plain value"),
    "a date that is none": ("w0: !!timestamp abc\n", "line 1: 'w0' is no plain value"),
    "an object": ("w0: !!python/object/apply:os.getcwd []\n", "line 1: 'w0' is no plain value"),
    "an object's name": ("steps: 50\nw0: !!python/name:os.getcwd ''\n", "line 2: 'w0' is no plain value"),
    "bytes": ("w0: !!binary aGVsbG8=\n", "'w0' is no plain value"),
    "a date": ("w0: 2020-01-01\n", "w0 = '2020-01-01' is not a finite number"),
    "a key twice": ("w0: 1\nsteps: 50\nw0: 2\n", "line 3: 'w0' is given twice"),
    "the same twice": ("steps: 50\n'steps': 50\n", "line 2: 'steps' is given twice"),
    "zero": ("0\n", "line 1: not a mapping"), "false": ("false", "line 1: not a mapping"),
    "an empty list": ("[]", "not a mapping"), "an empty text": ("''", "not a mapping"),
    "null": ("null", "not a mapping"),
    "a tilde": ("\n\n~\n", "line 3: not a mapping"), "a list": ("- w0\n", "not a mapping"),
    "a word": ("w0", "not a mapping"),
    "an assignment": ("w0 = 3\n", "not a mapping"),
    "a list as value": ("w0: [1, 2]\n", "'w0' is no plain value"),
    "a mapping as value": ("w0: {a: 1}\n", "'w0' is no plain value"),
    "a list as name": ("? [a]\n: 1\n", "a name that is no plain text"),
    "aliases of aliases": ("a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n" + "".join(
        f"{y}: &{y} [{','.join([f'*{x}'] * 9)}]\n" for x, y in zip("abcdef", "bcdefg", strict=True)),
                           "'a' is no plain"),
    "a merge": ("<<: {w0: 1}\n", "'<<' is no plain value"),
    "an alias to nothing": ("w0: *b\n", "'w0' is no plain value"),
    "an octal number": ("steps: 0100\n", "steps = '0100' is not a whole number"),
    "an underscore": ("steps: 1_0\n", "steps = '1_0'"), "sexagesimal": ("steps: 1:30\n", "steps = '1:30'"),
    "hexadecimal": ("steps: 0x40\n", "steps = '0x40'"), "digits of another script": ("steps: ٣٠\n", "steps = '٣٠'"),
    "infinity": ("w0: .inf\n", "w0 = '.inf'"), "no number": ("w0: .nan\n", "w0 = '.nan'"),
    "yes": ("loss: yes\n", "loss = 'yes'"), "nothing where something is needed": ("w0:\n", "w0 = None"),
    "a text of two lines": ("w0: |\n  3\n", "w0 = '3\\n'"),
    "two documents": ("w0: 1\n---\nw0: 2\n", "line 2: a second document"),
    "a letter beyond Unicode": ('steps: 3\nw0: "\\U00110000"\n', "line 2: not valid YAML; allowed"),
    "a letter far beyond Unicode": ('w0: "\\UFFFFFFFF"\n', "line 1: not valid YAML; allowed"),
    "a reserved sign": ("w0: @3\n", "line 1: not valid YAML"), "a tab": ("w0: 1\n\tsteps: 3\n", "not valid YAML"),
    "not closed": ("w0: [1\n", "'w0' is no plain value"), "too deep": ("w0: " + "[" * 30_000, "'w0' is no plain value"),
    "too deep at once": ("[" * 60_000, "not a mapping"), "a control character": ("w0: \x07\n", "not valid YAML"),
    "a wrong name": ("1: 2\n", "no parameter is called '1'"), "no name": ("'': 2\n", "no parameter is called ''"),
    "an endless name": ("x" * 60_000 + ": 1\n", "line 1: not"),
    "an endless value": ("w0: " + "9" * 60_000, "w0 = '999"),
    "another encoding": ("w0: ½\n".encode("utf-16"), "not in UTF-8"), "half a letter": (b"w0: \xc3\n", "not in UTF-8"),
    "one byte too many": ("#" * (parameter_files.LARGEST_FILE + 1), "too large"),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_a_parameter_file_is_lines_of_names_and_plain_values(what, monkeypatch, capfd, tmp_path):
    content, part = FILES[what]
    file = tmp_path / "odd.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refused(monkeypatch, capfd, "run", "2", "-f", file, "--out", tmp_path / "out")
    assert part in line
    assert "odd.yaml" in line
    assert len(line) < 900
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("content", "values"), [
    ("", {}), ("# only a comment\n\n", {}), ("---\n", {}), ("{}", {}),
    ("\ufeff# a byte-order mark\nw0: 3\n", {"w0": "3"}),
    ("w0: 3\nloss: 'exponential'  # so\n", {"w0": "3", "loss": "exponential"}), ("{w0: 1e-3}\n", {"w0": "1e-3"}),
    ("%YAML 1.2\n---\nw0: &a 3\nsteps: *a\n...\n", {"w0": "3", "steps": "3"}),
    ("batch_size: ~\nother:\nthird: '~'\n", {"batch_size": None, "other": None, "third": "~"}),
], ids=["empty", "comments", "a mark", "braces", "a byte-order mark", "lines", "flow", "anchors", "none"])  # fmt: skip
def test_what_a_parameter_file_may_hold(content, values, tmp_path):
    (tmp_path / "good.yaml").write_text(content, encoding="utf-8")
    assert parameter_files.read_file(tmp_path / "good.yaml") == values


def sparse(file):
    with file.open("wb") as opened:
        opened.truncate(1 << 30)


@pytest.mark.parametrize(("make", "part"), [
    (lambda file: os.mkfifo(file), "a pipe"), (lambda file: file.symlink_to("/dev/zero"), "a device"),
    (lambda file: file.symlink_to("/dev/null"), "a device"), (lambda file: file.mkdir(), "directory"),
    (lambda file: file.symlink_to("nowhere"), "No such file"),
    (lambda file: file.symlink_to(file.name), "symbolic links"),
    (sparse, "too large"), (lambda file: file.symlink_to("/proc/self/mem"), "odd.yaml"),
], ids=["FIFO", "/dev/zero", "/dev/null", "folder", "link to nothing", "link to itself", "1 GiB",
        "memory"])  # fmt: skip
def test_what_is_no_file_of_parameters_is_not_waited_for_nor_read_for_ever(make, part, monkeypatch, capfd, tmp_path):
    make(tmp_path / "odd.yaml")
    assert part in refused(monkeypatch, capfd, "run", "2", "-f", tmp_path / "odd.yaml", "--out", tmp_path / "out")


def test_the_folder_in_which_it_runs_is_gone(monkeypatch, capfd, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for arguments in (["run", "2"], ["sweep", "landing-page", "--out", "o", "--dry-run"], ["data"]):
        assert "is gone" in refused(monkeypatch, capfd, *arguments)
    monkeypatch.chdir(tmp_path)


def test_up_to_1024_processes_are_taken(monkeypatch, capfd, tmp_path):
    taken = []
    monkeypatch.setattr(sweeps, "check", lambda jobs, dask, out: taken.append(jobs))
    monkeypatch.setattr(sweeps, "run", lambda *given, **named: taken.append(named["jobs"]) or sweeps.Summary(
        1, 0, {}, 1, (), 0.0, tmp_path))
    assert catapult(monkeypatch, capfd, "sweep", "landing-page", "--jobs", "1024", "--out", tmp_path / "o")[0] == 0
    assert taken == [1024, 1024]


def test_what_nobody_expected_is_one_line_that_says_where(monkeypatch, capfd):
    def faulty(names):
        raise KeyError("a\nb")

    monkeypatch.setattr(claims, "select", faulty)
    status, output, complaint = catapult(monkeypatch, capfd, "verify")
    assert (status, output) == (1, "")
    assert "unexpected KeyError (test_commands.py, line" in one_line(complaint)
    monkeypatch.setenv("CATAPULT_TRACEBACK", "1")
    with pytest.raises(KeyError):
        cli.main()
