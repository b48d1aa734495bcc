"""The scorecard: every sentence leads to rows of the ledger, and every row of the papers to a sentence."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree as ET

import pytest

from catapult import paths
from catapult.companion import claims, sentences
from catapult.parameters import InputError

EVERY = sentences.every()
LEDGER = {claim.id: claim for claim in claims.ledger()}
PAPERS = list(dict.fromkeys(sentence.paper for sentence in EVERY))


def test_ids_are_unique():
    assert len({sentence.id for sentence in EVERY}) == len(EVERY) > 40


@pytest.mark.parametrize("sentence", EVERY, ids=lambda sentence: sentence.id)
def test_every_row_that_a_sentence_names_exists_and_only_ours_stand_beside(sentence):
    assert set(sentence.rows) | set(sentence.beside) <= set(LEDGER)
    assert {row for row in sentence.beside if row.startswith("ours-")} == set(sentence.beside)
    assert claims.cited(sentence.paper)


def test_every_row_named_after_the_papers_answers_a_sentence_or_is_reconstructed():
    papers = ("huang", "liu", "lewkowycz", "lrbench", "moroshko", "gissin")
    rows = {row for row in LEDGER if row.split("-")[0] in papers}
    answering = {row for sentence in EVERY for row in sentence.rows}
    others = sentences.table()["reconstructed"]
    assert {row for row in answering if not row.startswith("ours-")} | set(others) == rows
    assert not answering & set(others)
    assert {LEDGER[row].basis for row in others} == {"reconstructed"}


@pytest.mark.parametrize("name", ["huang2021", "", "Huang"])
def test_an_unknown_paper_is_refused(name):
    with pytest.raises(InputError, match=r"no sentence is of the paper .* allowed: huang2020, "):
        sentences.scorecard(name)


@pytest.mark.parametrize("more", [{}, {"rows": ["a"], "missing": "b"}])
def test_a_sentence_has_rows_or_says_what_is_missing(monkeypatch, more):
    monkeypatch.setattr(sentences, "table", lambda: {"sentences": [{"id": "X1", "paper": "p", "says": "s", **more}]})
    with pytest.raises(InputError, match=r"X1: .*not both"):
        sentences.every()


@pytest.mark.slow
def test_the_outcome_of_a_sentence_is_that_of_its_rows():
    def row(*verdicts):
        return next(claim.id for claim in LEDGER.values() if claim.verdict in verdicts)

    seen, corrected, undecided, refuted = row("holds"), row("corrected"), row("open"), row("fails", "refuted")

    def of(*rows, **more):
        return sentences.outcome(sentences.Sentence(id="X1", paper="p", says="s", rows=list(rows), **more))

    assert [of(seen), of(corrected), of(undecided), of(refuted)] == ["seen", "corrected", "undecided", "refuted"]
    assert (of(seen, undecided), of(missing="a chapter")) == ("differing", "not yet")
    assert of(undecided, beside=[seen]) == "undecided"
    counted = sentences.counts()
    assert sum(counted.values()) == len(EVERY)
    assert counted["not yet"] == sum(bool(sentence.missing) for sentence in EVERY)


@pytest.mark.slow
@pytest.mark.parametrize("paper", PAPERS)
def test_the_card_of_a_paper_shows_each_sentence_and_row_as_the_pages_measured_it(monkeypatch, paper):
    measured = claims.Measurement(0.5, effect=-2.25, interval=(-3.5, -1.5), control=0.125)
    monkeypatch.setattr(claims, "measured", lambda claim, scale: measured)
    entries = re.split('(?=<div class="sentence")', sentences.scorecard(paper).data)[1:]
    mine = sentences.of(paper)
    assert [re.search(r'id="sentence-(\w+)"', entry)[1] for entry in entries] == [sentence.id for sentence in mine]
    for sentence, entry in zip(mine, entries, strict=True):
        assert f">{sentences.outcome(sentence)}</span>" in entry
        assert html.escape(sentence.says) in entry
        named = [*sentence.rows, *sentence.beside]
        answers = entry.split('<div class="answer')[1:]
        for name, answer, beside in zip(named, answers, [False] * len(sentence.rows) + [True] * len(sentence.beside),
                                        strict=True):
            assert re.findall(r"catapult verify ([\w-]+)<", answer) == [name]
            assert re.findall(r"claims\.html#claim-([\w-]+)\"", answer) == [name]
            assert f"<strong>{LEDGER[name].verdict}</strong>" in answer
            assert f'href="{LEDGER[name].chapter}.html"' in answer
            assert "effect −2.25 [−3.5, −1.5] · control 0.125" in answer
            assert ("ours, beside it" in answer) == answer.startswith(" beside") == beside


def drawn(verdict_bound="<= 1", **measured):
    """Return the places of what the drawing of a row shows, from left to right, and what it says."""
    row = LEDGER["huang-mnist-catapult"].model_copy(update={"bound": verdict_bound})
    found = claims.Outcome(row, "passed", seconds=0, **{"effect": None, "interval": None, **measured})
    picture = ET.fromstring(sentences._picture(found))
    places = {}
    for mark in picture:
        kind = mark.get("class")
        if mark.tag == "circle":
            places[kind] = float(mark.get("cx"))
        elif kind == "none":
            places[kind] = float(mark.get("d").split()[0][1:])
        elif kind == "interval":
            places[kind] = tuple(map(float, re.findall(r"[MH]([\d.]+)", mark.get("d"))))
        elif kind == "bound":
            places[kind] = (float(mark.get("x")), float(mark.get("x")) + float(mark.get("width")))
    return places, picture.get("aria-label")


def test_the_drawing_of_an_effect_is_to_scale_with_its_interval_no_effect_and_the_control():
    places, says = drawn(value=9.0, effect=-2.0, interval=(-3.0, -1.0), control=0.5)
    assert "bound" not in places
    unit = (places["none"] - places["dot"]) / 2
    assert unit > 10
    assert places["interval"] == pytest.approx((places["dot"] - unit, places["dot"] + unit), abs=0.2)
    assert places["control"] == pytest.approx(places["none"] + unit / 2, abs=0.2)
    assert says == "effect −2, interval −3 to −1, control 0.5"


@pytest.mark.parametrize(("bound", "value", "inside"), [
    ("<= 1", 0.5, True), ("<= 1", 1.5, False), (">= 1", 1.5, True), (">= 1", 0.5, False), ("in [1, 2]", 1.25, True),
    ("in [1, 2]", 2.5, False), ("== 0", 0.0, True), ("< 1e-12", 3e-15, True)])
def test_the_drawing_of_a_number_shows_whether_it_keeps_to_its_bound(bound, value, inside):
    places, says = drawn(bound, value=value)
    low, high = places["bound"]
    assert (low <= places["dot"] <= high) == inside
    assert "none" not in places
    assert says.endswith(f"bound {bound}")


def test_without_an_interval_of_the_effect_the_number_is_drawn():
    places, _ = drawn(">= 0.98", value=0.98, effect=7.0, interval=(0.98, 1.03))
    assert places["dot"] == places["interval"][0]
    places, says = drawn("== 1", value=1.0, effect=0.5)
    assert "none" not in places
    assert says.startswith("measured 1")


@pytest.mark.parametrize("number", [None, float("inf")])
def test_no_number_is_no_drawing(number):
    assert drawn(value=number) == ({}, None)


def test_the_page_has_a_table_for_each_paper_under_its_citation():
    page = (paths.BOOK / "sentences.md").read_text(encoding="utf-8")
    parts = re.findall(r'\{cite:t\}`(\w+)`\n\n```.*\n.*\n\nsentences\.scorecard\("(\w+)"\)\n```', page)
    assert parts == [(paper, paper) for paper in PAPERS]
    for name in sentences.OUTCOMES:
        assert f"{{glue:text}}`sentences-{name.replace(' ', '-')}`" in page
