"""What is added to the theme's pages, as functions of text; how it looks is tested in a browser."""

from __future__ import annotations

import json
import re

import pytest
from docutils import nodes
from docutils.utils import new_document

from catapult import paths
from catapult.companion import pages, registry

MATH = r'<span class="math notranslate nohighlight">\(\eta\)</span>'


@pytest.mark.parametrize(("before", "after"), [
    ('<a href="_sources/1.ipynb" target="_blank"\n class="b">', '<a href="_sources/1.ipynb" download\n class="b">'),
    ('<a href="https://example.org" target="_blank">', '<a href="https://example.org" target="_blank">'),
    ('<th class="h"><p></p></th><th class="h"><p>a</p></th>', '<td class="h"></td><th class="h"><p>a</p></th>'),
    ("<tr><th> </th><th>x</th></tr><thead>", "<tr><td></td><th>x</th></tr><thead>"),
    ('<div role="list" class="citation-list"><div class="citation" id="c" role="doc-biblioentry">',
     '<div class="citation-list"><div class="citation" id="c">'),
    ('<div class="sidebar-primary-item">\n<a class="navbar-brand',
     '<div class="sidebar-primary-item" role="navigation" aria-label="Start of the book">\n<a class="navbar-brand'),
    (f"so ({MATH}), and {MATH} is", f'so <span class="unbroken">({MATH}),</span> and {MATH} is'),
    ('<p id="a"></p><i class="x" id="a"><b id="b" data-id="b">', '<p id="a"></p><i class="x"><b id="b" data-id="b">'),
])  # fmt: skip
def test_page_is_mended(before, after):
    assert pages.mended(before) == after
    assert pages.mended(after) == after


def test_description_is_what_a_chapter_shows_or_the_first_paragraph_or_the_title():
    chapter = registry.every()[0]
    assert pages.description(chapter.id, "Title", None)[:20] == chapter.shows[:20]
    page = new_document("index")
    page += [nodes.paragraph(text="Short."), nodes.paragraph(text="A paragraph with $mathematics$, and long. " * 9)]
    about = pages.description("index", "Title", page)
    assert about.startswith("A paragraph with mathematics, and long. A")
    assert len(about) <= pages.LONGEST
    assert about.endswith("…")
    assert pages.description("search", "Search, Large learning rates", None) == "Search, Large learning rates"


def test_a_link_card_escapes_what_it_shows_and_has_a_picture_once_the_book_has_an_address():
    card = pages.link_card('A "title"', "1 < 2", "")
    assert '<meta property="og:title" content="A &quot;title&quot;" />' in card
    assert '<meta name="description" content="1 &lt; 2" />' in card
    assert "og:image" not in card
    picture = '<meta property="og:image" content="https://example.org/book/_static/phenomenon.png" />'
    assert picture in pages.link_card("T", "about", "https://example.org/book/")
    assert (paths.BOOK / "_static" / "phenomenon.png").is_file()


def test_script_hands_over_the_text_of_a_file(tmp_path):
    file = tmp_path / "a 'b'.md"
    file.write_text('"η"\n</script>\u2028', encoding="utf-8")
    name, text = json.loads(f"[{pages.script(file).removeprefix('saveDownload(').rpartition(');')[0]}]")
    assert (name, text) == (file.name, file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(paths.BOOK.glob("*.md")), ids=lambda path: path.stem)
def test_no_line_of_prose_begins_with_a_plus_which_makes_a_list_of_a_formula(path):
    prose = re.sub(r"(?ms)^ *(```+)\{(math|code-cell)\}.*?^ *\1$", "", path.read_text(encoding="utf-8"))
    assert not re.findall(r"(?m)^ *\+ .*", prose)
