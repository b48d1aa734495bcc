"""The book as one PDF: printed only when its mathematics is set, and one line where nothing can print."""

from __future__ import annotations

import os
import shutil

import pytest

from catapult import paths
from catapult.companion import book, printing

PAGE = """<title>too-early</title><h1>A heading</h1><script src="mathjax.js"></script>"""
SLOW = """window.MathJax = {startup: {promise: new Promise(done => setTimeout(() => {
  document.title = "mathematics-is-set"; done();
}, 500))}};"""


@pytest.mark.browser
def test_a_page_is_printed_when_its_mathematics_is_set(tmp_path):
    try:
        browser = printing.chromium()
    except book.BuildFailed as error:  # a person's machine may have no Chromium; continuous integration has to have it
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(str(error))
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "mathjax.js").write_text(SLOW)
    printing.printed(browser, tmp_path / "page.html", tmp_path / "book.pdf")
    data = (tmp_path / "book.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"mathematics-is-set" in data
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".html", ".js", ".pdf"]


def test_without_chromium_it_is_one_line_and_status_one(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(book, "build", lambda: pytest.fail("the work began"))
    assert printing.main() == 1
    assert capsys.readouterr().err == \
        "catapult: no Chromium on this machine, and it is what prints: make browser\n"


@pytest.mark.browser
def test_a_browser_that_does_not_start_is_one_line(tmp_path):
    with pytest.raises(book.BuildFailed, match=r"false does not start: [^\n]+$"):
        printing.printed(shutil.which("false"), tmp_path / "page.html", tmp_path / "book.pdf")
    assert list(tmp_path.iterdir()) == []


def test_all_pages_are_one_at_the_root(monkeypatch, tmp_path):
    def built(root, *options):
        assert options[:2] == ("--builder", "singlehtml")
        page = tmp_path / "one" / "_build" / "singlehtml" / "book" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("all")
        (page.parents[1] / "index.html").write_text("moved")

    monkeypatch.setattr(paths, "BUILD", tmp_path)
    monkeypatch.setattr(book, "_jupyter_book", built)
    assert book.one_page().read_text() == "all"
