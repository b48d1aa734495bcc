"""The built book: all pages, all links, permanent anchors, downloads; and what makes it stale."""

from __future__ import annotations

import csv
import functools
import json
import os
import re
import shutil
import subprocess
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from catapult import paths
from catapult.companion import book, claims, directives, registry, revision

pytestmark = pytest.mark.book
PAGES = book.expected_pages()


@functools.cache
def read(page: Path) -> Addresses:
    """Return what a page points at, and its ids."""
    parser = Addresses()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


class Addresses(HTMLParser):
    """Collects what a page points at, and the ids that can be pointed at."""

    def __init__(self):
        super().__init__()
        self.targets, self.ids = [], set()

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.ids.add(named.get("id"))
        self.targets += [named[key] for key in ("href", "src") if named.get(key)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_address_leads_somewhere_inside_the_book(page):
    for target in read(page).targets:
        if target.startswith(("https://", "http://", "data:", "mailto:")):
            assert page.stem != "index" or "github" not in target  # no repository is known yet
            continue
        address = urllib.parse.urlsplit(target)
        path = (page.parent / urllib.parse.unquote(address.path)).resolve() if address.path else page
        assert path.exists(), target
        if address.fragment and path.suffix == ".html":
            assert urllib.parse.unquote(address.fragment) in read(path).ids, target


def test_every_claim_has_a_permanent_anchor():
    ids = read(paths.HTML / "book" / "claims.html").ids
    for claim in claims.ledger():
        assert f"claim-{claim.id}" in ids


@pytest.mark.parametrize("chapter", registry.every(), ids=lambda chapter: chapter.id)
def test_chapter_offers_its_executed_notebook_its_source_and_its_command(chapter):
    page = paths.HTML / "book" / f"{chapter.id}.html"
    targets = read(page).targets
    assert f"../notebooks/{chapter.id}.ipynb" in targets
    assert f"../sources/{chapter.id}.md" in targets
    assert f"catapult run {chapter.number}" in re.sub("<[^>]+>", "", page.read_text(encoding="utf-8"))
    executed = nbformat.read(paths.HTML / "notebooks" / f"{chapter.id}.ipynb", as_version=4)
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")
    assert sum(bool(cell.get("outputs")) for cell in executed.cells) >= 3
    assert (paths.HTML / "sources" / f"{chapter.id}.md").read_bytes() == chapter.path.read_bytes()


def test_no_claim_of_the_built_book_failed():
    text = (paths.HTML / "book" / "claims.html").read_text(encoding="utf-8")
    assert "✓ passed" in text
    assert "✗ failed" not in text


def test_the_ledger_lies_beside_its_page_as_data_with_every_row():
    folder = paths.HTML / "book"
    rows = json.loads((folder / "claims.json").read_text(encoding="utf-8"))["claims"]
    assert [row["id"] for row in rows] == [claim.id for claim in claims.ledger()]
    with (folder / "claims.csv").open(encoding="utf-8", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [row["id"] for row in rows]
    for row in rows:
        for address in filter(None, (row["address"], row["theorem"], row["figure"])):
            page, _, anchor = address.partition("#")
            assert anchor in read(folder / page).ids, row["id"]


def test_missing_page_fails_the_build(monkeypatch, tmp_path):
    html = tmp_path / "html"
    for name in ("HTML", "BUILD"):
        monkeypatch.setattr(paths, name, html if name == "HTML" else tmp_path)
    monkeypatch.setattr(book, "STAMP", tmp_path / "STAMP")
    monkeypatch.setattr(book.execution, "refresh", lambda *_: None)
    monkeypatch.setattr(book, "_jupyter_book", lambda root, *options: [
        (page.parent.mkdir(parents=True, exist_ok=True), page.touch()) for page in book.expected_pages()[:-1]])
    with pytest.raises(book.BuildFailed, match="1 pages of the table of contents were not built"):
        book.build()


def test_truncated_stamp_is_a_stale_book(monkeypatch, tmp_path):
    for name in ("HTML", "BUILD"):
        monkeypatch.setattr(paths, name, tmp_path / "html" if name == "HTML" else tmp_path)
    monkeypatch.setattr(book, "STAMP", tmp_path / "STAMP")
    monkeypatch.setattr(book.execution, "refresh", lambda *_: None)
    book.STAMP.write_text(json.dumps(book.state())[:-9])
    built = []

    def build(root, *options):
        built.append(root)
        for page in book.expected_pages():
            page.parent.mkdir(parents=True, exist_ok=True)
            page.touch()

    monkeypatch.setattr(book, "_jupyter_book", build)
    book.build()
    book.build()
    assert len(built) == 1
    assert json.loads(book.STAMP.read_text()) == book.state()


def test_wrong_input_is_one_line_and_status_two(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("CATAPULT_DATA", str(tmp_path / "none"))
    monkeypatch.setattr("sys.argv", ["book", "build"])
    assert book.main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "none") in line


def test_state_sees_the_data(monkeypatch):
    before = book.state()
    monkeypatch.setattr(book.sources, "mnist_fingerprint", lambda source: "other data")
    after = book.state()
    assert (after["code"] != before["code"], after["text"] == before["text"]) == (True, True)


@pytest.mark.parametrize("library", ["numpy", "scipy", "torch", "numba", "python-flint"])
def test_state_sees_the_versions_of_numerical_libraries(monkeypatch, library):
    before, found = book.state(), book.keys.versions()
    monkeypatch.setattr(book.keys, "versions", lambda: {**found, library: "0.0.1"})
    assert book.state()["code"] != before["code"]


@pytest.mark.parametrize(("name", "key"), [("BOOK", "text"), ("LIBRARY", "code"), ("RECORDED", "code")])
def test_state_sees_a_changed_file(monkeypatch, tmp_path, name, key):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    for attribute in ("BOOK", "LIBRARY", "RECORDED"):
        monkeypatch.setattr(paths, attribute, tmp_path / attribute)
        (tmp_path / attribute).mkdir()
        (tmp_path / attribute / "file.py").write_text("before")
    for attribute, file in (("TOC", "toc"), ("CONFIG", "config")):
        monkeypatch.setattr(paths, attribute, tmp_path / file)
        (tmp_path / file).touch()
    for file in ("CITATION.cff", "requirements.txt"):
        (tmp_path / file).touch()
    before = book.state()
    (tmp_path / name / "file.py").write_text("after")
    after = book.state()
    assert {part for part in after if after[part] != before[part]} == {key}


def test_site_is_one_folder_and_a_zip(monkeypatch, tmp_path):
    folder, archive = book.site()
    assert (folder / ".nojekyll").exists()
    assert (folder / "index.html").exists()
    for page in PAGES:
        assert (folder / page.relative_to(paths.HTML)).exists()
    shutil.unpack_archive(archive, tmp_path)
    assert (tmp_path / "book" / "index.html").read_bytes() == (folder / "book" / "index.html").read_bytes()


@pytest.mark.parametrize("printed", ["not", "of another book", "of this book"])
def test_the_site_has_the_pdf_and_a_link_to_it_if_one_was_printed_of_this_book(monkeypatch, tmp_path, printed):
    monkeypatch.setattr(paths, "BUILD", tmp_path)
    monkeypatch.setattr(book, "STAMP", tmp_path / "built.json")
    page = tmp_path / "site" / "book" / "index.html"
    page.parent.mkdir(parents=True)
    landing = (paths.BOOK / "index.md").read_text(encoding="utf-8")
    page.write_text(landing, encoding="utf-8")
    book.STAMP.touch()
    file = tmp_path / f"{book.name()}.pdf"
    if printed != "not":
        file.write_bytes(b"%PDF-")
        os.utime(file, (book.STAMP.stat().st_mtime + (9 if printed == "of this book" else -9),) * 2)
    book.add_pdf(tmp_path / "site", page)
    link = f'<a href="../{file.name}">the whole book as PDF</a>'
    assert ((tmp_path / "site" / file.name).exists(), page.read_text(encoding="utf-8").count(link)) == (
        (True, 1) if printed == "of this book" else (False, 0))
    if printed != "of this book":
        assert page.read_text(encoding="utf-8") == landing


def test_the_commit_is_said_only_where_the_book_is_made_from_it(monkeypatch, tmp_path):
    def git(*command):
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org", *command],
                       check=True, capture_output=True)

    monkeypatch.setattr(paths, "ROOT", tmp_path)
    assert revision.commit() == ""
    git("init")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.md").write_text("text")
    git("add", ".")
    git("commit", "-m", "a book")
    assert re.fullmatch("[0-9a-f]{40}", revision.commit())
    (tmp_path / "notes").write_text("no part of the pages")
    assert revision.commit()
    (tmp_path / "book" / "index.md").write_text("another text")
    assert revision.commit() == ""


def test_citation_leaves_out_what_is_not_known_yet():
    entry = directives.bibtex_entry()
    assert "version = {0.1.0}" in entry
    assert "doi" not in entry
    assert "url" not in entry
    assert "commit" not in entry
    assert ", commit 0123456789ab}" in directives.bibtex_entry(commit="0123456789abcdef")
    assert "doi     = {10.1/x}" in directives.bibtex_entry(doi="10.1/x")
    assert "https://example.org/r" in directives.bibtex_entry(repository="https://example.org/r")


def test_stamp_is_that_of_this_book():
    assert json.loads(book.STAMP.read_text(encoding="utf-8")) == book.state(), "the book is stale: make book"
