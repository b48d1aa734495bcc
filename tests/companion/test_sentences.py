"""The scorecard: every sentence leads to rows of the ledger, and every row of the papers to a sentence."""

from __future__ import annotations

import re

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
    rows = {row for row in LEDGER if row.split("-")[0] in ("huang", "liu", "lewkowycz", "lrbench")}
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
def test_the_table_of_a_paper_shows_each_sentence_and_row_as_the_pages_measured_it(monkeypatch, paper):
    measured = claims.Measurement(0.5, effect=-2.25, interval=(-3.5, -1.5), control=0.125)
    monkeypatch.setattr(claims, "measured", lambda claim, scale: measured)
    lines = sentences.scorecard(paper).data.splitlines()
    cells = [re.split(r" ?\| ?", line)[1:-1] for line in lines]
    assert {len(row) for row in cells} == {8}
    mine = sentences.of(paper)
    assert [row[0] for row in cells[2:] if row[0]] == [f"**{sentence.id}**" for sentence in mine]
    named = [row for sentence in mine for row in (*sentence.rows, *sentence.beside)]
    assert re.findall(r"catapult verify ([\w-]+)<", "\n".join(lines)) == named
    assert re.findall(r"claims\.html#claim-([\w-]+)\"", "\n".join(lines)) == named
    answers = [row for row in cells[2:] if row[4]]
    assert [(row[4], row[5]) for row in answers] == [("-2.25 [-3.5, -1.5]", "0.125")] * len(named)
    for row, name in zip(answers, named, strict=True):
        assert f"**{LEDGER[name].verdict}**" in row[2]
        assert f'href="{LEDGER[name].chapter}.html"' in row[7]


def test_the_page_has_a_table_for_each_paper_under_its_citation():
    page = (paths.BOOK / "sentences.md").read_text(encoding="utf-8")
    parts = re.findall(r'\{cite:t\}`(\w+)`\n\n```.*\n.*\n\nsentences\.scorecard\("(\w+)"\)\n```', page)
    assert parts == [(paper, paper) for paper in PAPERS]
    for name in sentences.OUTCOMES:
        assert f"{{glue:text}}`sentences-{name.replace(' ', '-')}`" in page
