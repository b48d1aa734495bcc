"""The front of the book: what it says of papers and version, the ten questions, and the table of symbols."""

from __future__ import annotations

import re

import pytest
import yaml

from catapult import paths
from catapult.companion import directives, registry

CITATION = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
NOTATION = (paths.BOOK / "notation.md").read_text(encoding="utf-8")
LINES = [line for line in NOTATION.splitlines() if line.startswith("| $")]
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in LINES]
NAMES = sorted({name for row in ROWS if len(row) > 3 for name in re.findall("`(.+?)`", row[3])})


def page(name):
    return (paths.BOOK / f"{name}.md").read_text(encoding="utf-8")


def prose(text):
    """Return the text of a page without its front matter, code cells and directives' options."""
    return re.sub(r"(?ms)^(`{3,})\{.*?^\1$", "", text.partition("\n---\n")[2])


def test_the_byline_has_the_papers_their_addresses_the_version_and_the_date():
    line = directives.byline()
    for paper in CITATION["references"]:
        assert f"[{paper['title']}](" in line
        assert str(paper["year"]) in line
        assert all(author["family-names"] in line for author in paper["authors"])
    assert "https://arxiv.org/abs/2011.12547" in line
    assert "https://doi.org/10.3390/app13063961" in line
    released = CITATION["date-released"]
    assert f"version {CITATION['version']}, {released.day} {released:%B} {released.year}" in line


def test_the_landing_page_says_what_was_found_in_ten_lines_before_anything_else():
    text = page("index")
    found = re.findall(r"(?m)^(\d+)\. ", text)
    assert found == [str(number) for number in range(1, len(found) + 1)]
    assert 5 <= len(found) <= 10
    order = ["if-you-train-networks", "{byline}", "fig-phenomenon", "fig-digits", "## What we find",
             "Which texts were read", "## Reading paths", "## Rerun it", "## Cite"]
    assert sorted(map(text.index, order)) == [text.index(name) for name in order]


def test_who_trains_networks_gets_ten_answers_and_every_number_of_theirs_is_computed():
    text = prose(page("if-you-train-networks"))
    answers = re.findall(r"(?ms)^\d+\. \*\*(.*?\?)\*\* (.*?)(?=^\d+\. |\n\n)", text)
    assert len(answers) == 10
    for question, answer in answers:
        assert re.search(r"\*(Yes|No|Not known)\b", answer), question
        typed = re.sub(r"\{[^}]*\}`[^`]*`", "", answer)
        # what is compared, never what came of it: rates in units of 2/sharpness, the height of a peak
        assert not re.search(r"\d", re.sub(r"1/2 to 2 times 2/sharpness|2/sharpness|peaks 5 %", "", typed)), question
    assert "momentum" in answers[-1][1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[1][:20]}")
def test_a_symbol_is_used_in_the_chapters_that_the_table_names(row):
    symbols = re.findall(r"\$(.+?)\$", row[0])
    chapters = re.findall(r"`([\w-]+)`", row[2])
    assert chapters or row[2] == "all"
    for chapter in chapters:
        text = registry.get(chapter).path.read_text(encoding="utf-8")
        for symbol in symbols:
            assert re.search(rf"(?<![A-Za-z\\]){re.escape(symbol)}(?![A-Za-z])", text), (symbol, chapter)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_the_table_is_one_of_the_code(name):
    sources = [path for path in paths.LIBRARY.rglob("*.py") if "chapters" not in path.parts]
    last = name.rpartition(".")[2]
    assert any(re.search(rf"\b{last}\b", path.read_text(encoding="utf-8")) for path in sources)


def test_a_symbol_has_one_meaning_in_the_book_or_stands_among_those_with_another():
    first, _, second = NOTATION.partition("## With another meaning")
    symbols = [symbol for line in first.splitlines() if line.startswith("| $")
               for symbol in re.findall(r"\$(.+?)\$", line.split(" | ")[0])]
    assert len(symbols) == len(set(symbols)) > 30
    assert len(NAMES) > 15
    assert second.count("\n| $") > 10
