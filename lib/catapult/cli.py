"""The ``catapult`` command. Exit status: 0 done, 1 a check or a chapter failed, 2 the input was wrong."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from catapult.parameters import InputError, allowed_values, type_name

app = typer.Typer(
    help="The executable companion to the theory of large learning rates.",
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="What data is at hand; download what is not.", rich_markup_mode=None)
results_app = typer.Typer(help="What the store of computed results holds.", rich_markup_mode=None)
app.add_typer(data_app, name="data", invoke_without_command=True)
app.add_typer(results_app, name="results", invoke_without_command=True)

ChapterName = Annotated[str, typer.Argument(metavar="CHAPTER", help="A number (2 or 02) or an id.")]
Scale = Annotated[str, typer.Option(help="quick, default or paper.")]


def main() -> None:
    """Run the command; turn every mistake of the user into one line and exit status 2."""
    interrupted = False

    def interrupt(*given):
        nonlocal interrupted
        interrupted = True
        signal.default_int_handler(*given)

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that can't show η gets a question mark
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        _require_folder()
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        if status == 130:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt
    except InputError as error:
        status = _complain(error, 2)
    except typer.TyperException as error:
        status = _complain(error.format_message(), 2)
    except (KeyboardInterrupt, typer.Abort):
        status = _complain("interrupted; what was finished is kept", 130)
    except SystemExit as end:  # what typer makes of a pipe that broke: after Ctrl-C, that of a worker that died first
        status = _complain("interrupted; what was finished is kept", 130) if interrupted else end.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status if isinstance(status, int) else 0)


def _require_folder() -> None:
    try:
        os.getcwd()
    except OSError:
        raise InputError("the folder that this was started in is gone; allowed: a folder that is there") from None


def _complain(message: object, status: int) -> int:
    print(f"catapult: {message}", file=sys.stderr)
    return status


@app.command()
def chapters() -> None:
    """List the chapters: what each shows, how many claims it makes, what it costs."""
    from catapult import chapters as book_chapters
    from catapult import claims, results

    ledger = claims.ledger()
    for chapter in book_chapters.every():
        count = sum(claim.chapter == chapter.id for claim in ledger)
        seconds = results.seconds_to_compute(chapter.experiment, chapter.parameters())
        cost = "not computed here yet" if seconds is None else f"its results took {seconds:.1f} s to compute here"
        print(f"{chapter.id}\n    {chapter.title}. {chapter.shows}\n    {count} claims; {cost}")


@app.command()
def parameters(chapter: ChapterName) -> None:
    """Print a chapter's parameters: names, types, ranges, defaults, meaning."""
    from catapult import chapters as book_chapters

    model = book_chapters.get(chapter).parameters
    for name, field in model.model_fields.items():
        others = "".join(f", {scale} {values[name]}" for scale, values in model.scales.items() if name in values)
        print(f"{name} = {field.default}{others}\n    {type_name(model, name)}; allowed: {allowed_values(model, name)}"
              f"\n    {field.description}")


@app.command()
def run(
    chapter: ChapterName,
    assignments: Annotated[list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE",
                                                          help="A parameter's value; may be repeated.")] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", metavar="FILE.yaml",
                                              help="A YAML file of parameters; -p wins over it.")] = None,
    scale: Scale = "default",
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="A folder with data sets.")] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write.")] = Path("out"),
) -> None:
    """Run a chapter with other parameters: leaves the executed notebook, a page, the results and their record."""
    from catapult import chapters as book_chapters

    chosen = book_chapters.get(chapter)
    typed = book_chapters.read_assignments(assignments or [])
    read = book_chapters.read_file(file) if file else {}
    read = {name: value for name, value in read.items() if name not in typed}
    model = chosen.parameters
    values = model.checked({**model.each(read, where=f"-f {file}"), **model.each(typed, where="-p")}, scale=scale)
    _name_data(data)
    folder = book_chapters.prepare_output(out)
    try:
        made = book_chapters.run(chosen, values, folder, progress=sys.stderr.isatty() or "CI" not in os.environ)
    except book_chapters.ChapterFailed as error:
        raise typer.Exit(_complain(error, 1)) from None
    for what, path in made.items():
        print(f"{what:9} {path}")


@app.command()
def sweep(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Such as learning_rate_phases.")],
    grid: Annotated[list[str] | None, typer.Option("--grid", metavar="NAME=VALUES", help=(
        "A list 1,2,5 or geomspace(0.01,100,32), linspace(a,b,n), range(a,b); may be repeated."))] = None,
    seeds: Annotated[int | None, typer.Option(metavar="N", help="Seeds 0 to N-1.")] = None,
    scale: Scale = "default",
    assignments: Annotated[list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE",
                                                          help="A parameter that stays the same.")] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="A folder with data sets.")] = None,
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Processes here; one a core by default.")] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS|local", help="A Dask scheduler's address, or local."
                                             )] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many runs, how long, how large.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Compute again what holds errors.")] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write.")] = ...,
) -> None:
    """Run an experiment over a grid of parameters: leaves table.csv, one row a run. Stopped, it goes on from there.

    Exit status 1 if any run failed: its row holds the error.
    """
    from catapult import chapters as book_chapters
    from catapult import grids, sweeps

    module = grids.experiment(experiment)
    _name_data(data)
    chosen = grids.grid(module, grid or [], book_chapters.read_assignments(assignments or []), seeds=seeds,
                        scale=scale)
    sweeps.check(jobs, dask, out)
    try:
        if dry_run:
            print(sweeps.estimate(chosen, out, retry_failed).in_words(jobs, dask))
            return
        done = sweeps.run(chosen, out, jobs=jobs, dask=dask, retry_failed=retry_failed)
    except sweeps.SweepFailed as error:
        raise typer.Exit(_complain(error, 1)) from None
    print(done.in_words())
    raise typer.Exit(1 if done.failed else 0)


@app.command()
def verify(
    claim: Annotated[list[str] | None, typer.Argument(metavar="[CLAIM]...", help="Ids; all if none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
    scale: Scale = "quick",
) -> None:
    """Check the claims of the ledger on an empty temporary store and print what was measured."""
    from catapult import claims, results

    if scale not in ("quick", "paper"):
        raise InputError(f"--scale {scale}: allowed: quick, paper")
    chosen = claims.select(claim or [])
    outcomes = []
    with results.temporary_store():
        for outcome in claims.verify(chosen, scale):
            outcomes.append(outcome)
            print(_row(outcome), file=sys.stderr if as_json else sys.stdout, flush=True)
    if as_json:
        print(json.dumps({"claims": [outcome.as_dict() for outcome in outcomes]}, indent=1, ensure_ascii=False,
                         allow_nan=False))
    passed = sum(outcome.status == "passed" for outcome in outcomes)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    print(f"{passed} passed, {failed} failed, {len(outcomes) - passed - failed} not checked here",
          file=sys.stderr if as_json else sys.stdout)
    raise typer.Exit(1 if failed else 0)


def _row(outcome) -> str:
    value = "—" if outcome.value is None else f"{outcome.value:.4g}"
    broken = "".join(f"; does not hold: {name}" for name in outcome.broken)
    return (f"{outcome.claim.id:40} {outcome.claim.verdict:10} {value:>11} {outcome.claim.bound:20} "
            f"{outcome.status} ({outcome.seconds:.1f} s){broken}")


@data_app.callback(invoke_without_command=True)
def data(context: typer.Context) -> None:
    """Say what data is at hand, with checksums (the same as `catapult data status`)."""
    if context.invoked_subcommand is None:
        data_status()


@data_app.command("status")
def data_status(
    folder: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="A folder with data sets.")] = None,
) -> None:
    """Say what data is at hand, file by file, with its checksum."""
    from catapult.datasets import sources

    _name_data(folder)
    for row in sources.status():
        print(f"{row.data_set}: {row.source}: {row.state}{', used' if row.used else ''}\n    {row.folder}")
        for file in row.files:
            print(f"    {file.name:28} {file.state:8} sha256 {file.sha256 or '—'}")


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(metavar="mnist|cifar10", help="Which data set.")],
    mirror: Annotated[str | None, typer.Option(help="Download from this address instead.")] = None,
) -> None:
    """Download a data set, check it and keep it in the cache."""
    from catapult.datasets import downloading

    try:
        print(f"catapult: {name} is in {downloading.fetch(name, mirror, _report)}")
    except downloading.DownloadFailed as error:
        raise typer.Exit(_complain(error, 1)) from None


def _report(file: str, received: int, total: int) -> None:
    """Show how far a download is, on one line of standard error."""
    print(f"\r{file}: {received / 1e6:.1f} of {total / 1e6:.1f} MB", end="\n" if received == total else "",
          file=sys.stderr, flush=True)


@results_app.callback(invoke_without_command=True)
def results(context: typer.Context) -> None:
    """List what the store holds (the same as `catapult results list`)."""
    if context.invoked_subcommand is None:
        results_list()


@results_app.command("list")
def results_list() -> None:
    """List the stored results: experiment, key, size, date, and whether today's code would use them."""
    from catapult import results as store

    total = 0
    for entry in store.entries():
        total += entry.size
        use = "current" if entry.current else "old code"
        print(f"{entry.experiment:28} {entry.key}  {entry.size / 1e6:8.2f} MB  {entry.date}  {use}")
    print(f"{total / 1e6:.2f} MB in all")


@results_app.command("clean")
def results_clean(
    everything: Annotated[bool, typer.Option("--all", help="Remove the current ones too.")] = False,
) -> None:
    """Remove results that today's code would not use."""
    from catapult import results as store

    try:
        print(f"{store.clean(everything)} results removed")
    except store.NotRemoved as error:
        raise typer.Exit(_complain(error, 1)) from None


def _name_data(folder: Path | None) -> None:
    """Let ``--data`` name the data folder, here and in the kernels that are started."""
    if folder is None:
        return
    if not folder.is_dir():
        raise InputError(f"--data {folder}: no such folder")
    os.environ["CATAPULT_DATA"] = str(folder.resolve())


