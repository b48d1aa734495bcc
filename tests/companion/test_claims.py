"""The ledger: rows that keep the schema, bounds that can fail, outcomes that are honest."""

from __future__ import annotations

import ast
import csv
import html
import io
import json
import math
import re
import sys

import nbformat
import pytest

from catapult import paths
from catapult.chapters.mnist import experiment
from catapult.chapters.three_points import experiment as another
from catapult.companion import claims, exports, ledger, registry
from catapult.companion.measurement import Measurement
from catapult.parameters import InputError
from catapult.runs import recorded

LEDGER = claims.ledger()


def test_ledger_is_large_enough_and_ids_are_unique():
    assert len(LEDGER) >= 15
    assert len({claim.id for claim in LEDGER}) == len(LEDGER)


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_row_names_a_chapter_an_author_and_a_check(claim):
    assert claim.chapter in {chapter.id for chapter in registry.every()}
    author = {"lrbench": "wu2019"}.get(claim.id.partition("-")[0], claim.id.partition("-")[0])  # a work has a name
    assert author in {"ours", "tempting"} or any(key.startswith(author) for key in claim.sources)
    assert claim.sources or claim.basis == "ours"
    assert all(claims.cited(key) for key in claim.sources)
    if claim.verdict == "refuted":
        assert claim.basis in ("abstract", "read")
    assert (author == "tempting") == (claim.basis == "reconstructed" and claim.verdict == "fails")
    if claim.verdict == "known":
        assert claim.sources
    if claim.verdict == "new":
        assert claim.basis == "ours"
    assert callable(claims.check(claim))


def test_every_entry_of_the_bibliography_is_cited():
    keys = re.findall(r"^@\w+\{([^,]+),", (paths.BOOK / "references.bib").read_text(encoding="utf-8"), re.MULTILINE)
    text = " ".join(page.read_text(encoding="utf-8") for page in paths.BOOK.glob("*.md"))
    cited = {key for keys in re.findall(r"\{cite:\w\}`([^`]*)`", text) for key in keys.split(",")}
    cited |= {key for claim in LEDGER for key in claim.sources}
    assert len(keys) == len(set(keys))
    assert set(keys) == cited


def test_the_figure_of_a_claim_is_in_its_chapter():
    shown = [claim for claim in LEDGER if claim.figure]
    assert len(shown) > 25
    for claim in shown:
        page = (paths.BOOK / f"{claim.chapter}.md").read_text(encoding="utf-8")
        assert f"    name: {claim.figure}\n" in page, claim.id


@pytest.mark.parametrize(
    ("bound", "inside", "outside"),
    [("<= 1e-12", 1e-12, 2e-12), (">= 0.5", 0.5, 0.49), ("== 0", 0.0, 1e-300), ("< 1", 0.9, 1.0), ("> -1", 0.0, -1.0),
     ("in [1.9, 2.1]", 2.0, 2.2)],
)
def test_bound_separates(bound, inside, outside):
    assert claims.keeps(bound, inside)
    assert not claims.keeps(bound, outside)
    assert not any(claims.keeps(bound, value) for value in (math.nan, math.inf, -math.inf))


@pytest.mark.parametrize("bound", ["", "1", "=< 1", "<= x", "in (0, 1)", "<= 1; import os"])
def test_unreadable_bound_is_refused(bound):
    with pytest.raises(ValueError, match="allowed"):
        claims.keeps(bound, 0.0)


def outcome(monkeypatch, check):
    """Return the outcome of the ledger's first claim when its check is this function."""
    claim = LEDGER[0]
    monkeypatch.setattr(claims, "check", lambda claim: check)
    (result,) = claims.verify([claim])
    return result


def test_pages_measure_a_claim_once_until_its_code_changes(monkeypatch, empty_store):
    calls = []

    def check():
        calls.append("measured")
        return Measurement(math.inf, effect=0.5, interval=(1.0, math.inf), conditions={"it holds": True})

    monkeypatch.setattr(claims, "check", lambda claim: check)
    first = claims.measured(LEDGER[0])
    assert claims.measured(LEDGER[0]) == first == check()
    assert len(calls) == 2
    claims.measured(LEDGER[1])
    monkeypatch.setattr(claims.keys, "code_version", lambda module: "another")
    claims._read_by.cache_clear()  # as the next process
    claims.measured(LEDGER[0])
    assert len(calls) == 4
    for file in (empty_store / "claims").glob("*.json"):
        file.write_text(file.read_text()[:-9])
    assert claims.measured(LEDGER[0]) == first
    list(claims.verify([LEDGER[0]]))  # the command always measures
    assert len(calls) == 6
    claims.store.clean()
    assert not list((empty_store / "claims").glob("*"))


def test_a_check_about_runs_takes_the_parameters_of_its_page(monkeypatch, empty_store):
    def check(values: experiment.Parameters):
        return Measurement(values.steps)

    claim = LEDGER[0].model_copy(update={"bound": "<= 50"})
    monkeypatch.setattr(claims, "check", lambda claim: check)
    monkeypatch.setattr(claims, "of", lambda chapter: [claim])
    assert claims.measure(claim).value == experiment.Parameters.checked(scale="quick").steps
    assert claims.measure(claim, "default").value == experiment.Parameters().steps
    assert claims.measure(claim, values=another.Parameters()).value == claims.measure(claim).value
    for steps, kept in ((50, "keep to the row's bound"), (51, "do not keep to the row's bound")):
        shown = ledger.verdicts("mnist", experiment.Parameters(steps=steps))
        assert [outcome.value for outcome in shown.outcomes] == [steps]
        assert f"<em>at these parameters</em> the runs {kept}" in shown.data
    defaults = ledger.verdicts("mnist", experiment.Parameters())
    assert "at these parameters" not in defaults.data
    assert defaults.outcomes[0].value == experiment.Parameters().steps


class Read(Exception):
    """A recorded table was asked for."""


@pytest.mark.parametrize("claim", [claim for claim in LEDGER if claim.recorded], ids=lambda claim: claim.id)
def test_a_row_on_a_recorded_table_reads_one(claim, monkeypatch):
    def load(*_):
        raise Read

    monkeypatch.setattr(recorded, "load", load)
    for name, module in list(sys.modules.items()):
        if name.startswith("catapult.chapters."):
            for function in vars(module).values():
                getattr(function, "cache_clear", lambda: None)()
    with pytest.raises(Read):
        claims.measure(claim)


def test_value_outside_the_bound_fails(monkeypatch):
    bad = -1e9 if LEDGER[0].bound.startswith((">", "in")) else 1e9
    assert outcome(monkeypatch, lambda: Measurement(bad)).status == "failed"


def test_nan_fails_and_is_no_number(monkeypatch):
    result = outcome(monkeypatch, lambda: Measurement(math.nan))
    assert (result.status, result.value) == ("failed", None)


def test_what_is_infinite_is_null_in_json(monkeypatch):
    result = outcome(monkeypatch, lambda: Measurement(math.inf, math.inf, (-1.0, math.inf)))
    row = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert (row["value"], row["effect"], row["interval"]) == (None, None, [-1.0, None])


def test_exception_in_a_check_is_a_failure_told_on_standard_error(monkeypatch, capsys):
    def check():
        raise RuntimeError("the check broke")

    assert outcome(monkeypatch, check).status == "failed"
    assert "the check broke" in capsys.readouterr().err


def test_a_condition_that_does_not_hold_fails_the_row_and_is_named(monkeypatch):
    def check():
        return Measurement(0.0, conditions={"one": True, "the other": False})

    good = outcome(monkeypatch, lambda: Measurement(0.0, conditions={"one": True}))
    bad = outcome(monkeypatch, check)
    assert (good.status, bad.status, bad.broken) == ("passed", "failed", ["the other"])
    assert "does not hold: the other" in ledger.entry(bad, anchor=False)
    assert bad.as_dict()["conditions"] == {"one": True, "the other": False}


def test_a_reference_is_named_as_it_is_printed():
    names = {key: claims.cited(key) for claim in LEDGER for key in claim.sources}
    assert names["huang2020"] == "Huang et al. (2020)"
    assert names["laurent2018"] == "Laurent and von Brecht (2018)"
    assert not [name for name in names.values() if set("{}\\$") & set(name)]


def test_missing_data_is_counted_apart(monkeypatch):
    from catapult.datasets import DataMissing

    def check():
        raise DataMissing("CIFAR-10")

    assert outcome(monkeypatch, check).status.startswith("not checked here: needs")


def test_unknown_claim_gets_the_nearest_name():
    with pytest.raises(InputError, match="did you mean"):
        claims.select([LEDGER[0].id + "x"])


def test_displayed_ledger_carries_every_anchor():
    text = ledger.entry(claims.Outcome(LEDGER[0], "passed", 1.0, None, None, 0.1), anchor=True)
    assert f'id="claim-{LEDGER[0].id}"' in text


@pytest.mark.parametrize("path", sorted([*paths.ROOMS.glob("*/checks.py"), *paths.ROOMS.glob("*/checks/*.py")]),
                         ids=lambda path: path.relative_to(paths.ROOMS).as_posix())
def test_checks_pass_nan_on(path):
    # Python's max and min drop NaN, depending on the order: numpy's keep it, and a NaN fails the row
    names = [node.func.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert {"max", "min"}.isdisjoint(names)


@pytest.mark.parametrize(("measured", "broken"), [
    (Measurement(-1.0, interval=(-2.0, -1.0), control=-0.25), []),
    (Measurement(1.0, interval=(1.0, 2.0), control=0.25), []),
    (Measurement(-1.0, control=0.0), ["its interval excludes no effect", "its control shows no effect"]),
    (Measurement(-1.0, interval=(-2.0, 0.0), control=0.0),
     ["its interval excludes no effect", "its control shows no effect"]),
    (Measurement(-1.0, interval=(-2.0, -1.0)), ["its control shows no effect"]),
    (Measurement(-1.0, interval=(-2.0, -1.0), control=-0.26), ["its control shows no effect"]),
    (Measurement(-1.0, interval=(-2.0, -1.0), control=0.26), ["its control shows no effect"]),
], ids=["below", "above", "no interval", "interval with 0", "no control", "same control", "opposite control"])
def test_what_is_called_reproduced_has_an_effect_and_a_control_without(monkeypatch, measured, broken):
    claim = LEDGER[0].model_copy(update={"verdict": "reproduced", "bound": "in [-9, 9]"})
    monkeypatch.setattr(claims, "check", lambda claim: lambda: measured)
    (result,) = claims.verify([claim])
    assert (result.status, result.broken) == ("failed" if broken else "passed", broken)
    (other,) = claims.verify([claim.model_copy(update={"verdict": "holds"})])
    assert other.status == "passed"


def test_the_page_of_the_ledger_has_every_chapter_with_claims_under_its_title():
    page = (paths.BOOK / "claims.md").read_text(encoding="utf-8")
    part = r'^## \[(.+)\]\((.+)\.md\)\n\n```.*\n.*\n\nclaims\.verdicts\("(.+)", anchor=True\)\n```$'
    parts = re.findall(part, page, re.MULTILINE)
    assert parts == [(chapter.title, chapter.id, chapter.id) for chapter in registry.every()
                     if chapter.id in {claim.chapter for claim in LEDGER}]
    assert {claim.chapter for claim in LEDGER} == {chapter for _, chapter, _ in parts}


def test_the_words_of_the_ledger_are_explained_from_its_tables():
    for table in (claims.BASES, claims.VERDICTS, claims.EVIDENCE):
        listed = [line for line in ledger.definitions("Words", table).data.splitlines() if line.startswith("* ")]
        assert listed == [f"* *{word}*: {table[word]}." for word in table]


def test_the_table_of_papers_counts_every_row_once_and_leads_to_the_rows_it_counts():
    lines = [line.strip("| ").split(" | ") for line in ledger.papers().data.splitlines()]
    head, _, *groups, total = [line for line in lines if len(line) > 1]
    assert head[2:] == list(claims.VERDICTS)
    found = []
    for line in groups:
        for cell in line[2:]:
            if cell == "·":
                continue
            link, number = re.fullmatch(r'<a href="claims\.html\?(.*)">(\d+)</a>', cell).groups()
            chosen = dict(pair.split("=") for pair in link.split("&amp;"))
            rows = [claim.id for claim in LEDGER if chosen == {"basis": claim.basis, "paper": ledger.whose(claim),
                                                               "verdict": claim.verdict}]
            assert len(rows) == int(number)
            found += rows
    assert sorted(found) == sorted(claim.id for claim in LEDGER)
    assert re.search(r">(\d+)<", total[1])[1] == str(len(LEDGER))
    names = json.loads(html.unescape(re.search('data-names="(.*?)"', ledger.filters().data)[1]))
    assert set(names) == {ledger.whose(claim) for claim in LEDGER}


@pytest.mark.parametrize("claim", [claim for claim in LEDGER if claim.theorem], ids=lambda claim: claim.id)
def test_the_theorem_of_a_row_is_in_the_book(claim):
    page, kind = claims.theorems()[claim.theorem]
    assert kind in (*claims.PROVEN, "observation")
    assert (paths.BOOK / f"{page}.md").read_text(encoding="utf-8").count(f":label: {claim.theorem}\n") == 1


def test_a_row_is_proved_by_a_theorem_measured_by_an_observation_or_as_it_says():
    row = LEDGER[0].model_copy(update={"theorem": "thm-cl-eight", "evidence": None})
    assert row.kind_of_evidence == "proved"
    assert row.model_copy(update={"theorem": "obs-cl-edge"}).kind_of_evidence == "measured"
    assert row.model_copy(update={"theorem": None}).kind_of_evidence == "measured"
    assert row.model_copy(update={"evidence": "measured"}).kind_of_evidence == "measured"
    assert {claim.kind_of_evidence for claim in LEDGER} == set(claims.EVIDENCE)
    assert {claim.kind_of_evidence for claim in LEDGER if claim.chapter == "certificates"} == {"ball arithmetic"}
    # what says of itself that it is not proved is not called proved
    said = [claim for claim in LEDGER if re.search(r"[Oo]bserved|not proved", claim.statement)]
    assert len(said) > 5
    assert not [claim.id for claim in said if claim.kind_of_evidence == "proved"]


@pytest.mark.parametrize("verdict", claims.VERDICTS)
def test_a_refutation_passes_when_its_counterexample_stands(verdict):
    claim = LEDGER[0].model_copy(update={"verdict": verdict})
    good, bad, none = (ledger.entry(claims.Outcome(claim, status, 1.0, None, None, 0.1), anchor=True)
                       for status in ("passed", "failed", "not checked here: needs cifar10"))
    refutes = verdict in ("fails", "refuted")
    assert ("✓ the counterexample stands" in good, "✓ passed" in good) == (refutes, not refutes)
    assert ("✗ failed: the counterexample does not stand" in bad, "✗ failed" in bad) == (refutes, True)
    assert "– not checked here: needs cifar10" in none
    assert "counterexample" not in none


def test_a_row_leads_to_its_theorem_figure_command_and_chapter():
    claim = next(claim for claim in LEDGER if claim.id == "huang-kernel-bound")  # its theorem is in another chapter
    outcome = claims.Outcome(claim, "passed", 1.0, None, None, 0.1)
    whole, alone = ledger.entry(outcome, anchor=True), ledger.entry(outcome, anchor=False)
    for address in ("catapult-squared.html#prop-sq-edge", "catapult-logistic.html#fig-cl-finals"):
        assert f'href="{address}"' in whole
    assert '<a href="catapult-logistic.html">catapult-logistic</a>' in whole
    assert 'href="#fig-cl-finals"' in alone
    assert '<a class="claim-id" href="catapult-squared.html#prop-sq-edge">' in alone  # text on a page of its own
    assert all("<code>catapult verify huang-kernel-bound</code>" in text for text in (whole, alone))


def test_the_ledger_as_data_has_every_column_and_reads_back():
    outcome = claims.Outcome(LEDGER[0], "passed", 1.0, None, (-1.0, math.inf), 0.1, 0.5, {"it holds": True})
    shown = ledger.Rows([outcome], "text")
    assert shown._repr_mimebundle_()["text/markdown"] == "text"
    rows = shown._repr_mimebundle_()[ledger.MIME]
    (row,) = json.loads(ledger.as_json(rows))["claims"]
    assert (tuple(row), row["id"], row["interval"]) == (ledger.COLUMNS, LEDGER[0].id, [-1.0, None])
    (cells,) = csv.DictReader(io.StringIO(ledger.as_csv(rows)))
    assert (cells["id"], cells["value"], cells["conditions"]) == (LEDGER[0].id, "1.0", "it holds: holds")
    assert cells["effect"] == ""
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# x"), nbformat.v4.new_code_cell(
        outputs=[nbformat.v4.new_output("execute_result", {"text/markdown": "text", ledger.MIME: rows})])])
    assert exports.rows(page) == rows


def test_each_verdict_falls_into_one_outcome():
    counted = [claims.tally([LEDGER[0].model_copy(update={"verdict": verdict})]) for verdict in claims.VERDICTS]
    where = {verdict: [name for name, number in tally.items() if number and name != "tested"]
             for verdict, tally in zip(claims.VERDICTS, counted, strict=True)}
    assert where.pop("new") == []  # no statement of others
    assert where == {"reproduced": ["seen"], "holds": ["seen"], "known": ["seen"], "corrected": ["corrected"],
                     "fails": ["refuted"], "refuted": ["refuted"], "open": ["undecided"]}


def test_what_was_read_is_explained_once():
    files = [*paths.BOOK.glob("*.md"), paths.ROOT / "README.md"]
    pages = {path.name: path.read_text(encoding="utf-8") for path in files}
    assert [name for name, text in pages.items() if re.search("^Which texts were read$", text, re.M)] == ["index.md"]
    assert all("index.md" in pages[name] for name in ("README.md", "claims.md"))
    assert not [name for name, text in pages.items() if "repeats their experiments" in text]
