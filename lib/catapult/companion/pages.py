"""What the theme's pages lack.

A description, links that download, table corners that are no headers, ids used once, punctuation that stays at its
formula.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from catapult.companion import registry
from catapult.parameters import InputError

LONGEST = 160  # characters of a description: what search engines show
UNBROKEN = re.compile(r'(<span class="unbroken">)?([(\[“]*)'
                      r'<span class="math notranslate nohighlight">[^<]*</span>([,.;:!?)\]”’]*)')
"""A formula in a line, and the punctuation at it."""


def description(name: str, title: str, doctree: nodes.document | None) -> str:
    """Return a sentence about a page: what a chapter shows, else the first paragraph, else the title."""
    try:
        text = registry.get(name).shows
    except InputError:
        paragraphs = doctree.findall(nodes.paragraph) if doctree is not None else ()
        text = next((node.astext() for node in paragraphs if len(node.astext()) > 40), title)
    text = " ".join(re.sub(r"[$`*\\{}]", "", text).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST - 1].rpartition(' ')[0]}…"


def link_card(title: str, about: str, address: str) -> str:
    """Return what search engines, and messages that a link is pasted into, show of a page: as tags of its head.

    The picture needs an absolute address: it is left out until the book has one.
    """
    card = {"og:type": "article", "og:title": title, "og:description": about}
    if address:
        card["og:image"] = f"{address.rstrip('/')}/_static/phenomenon.png"
    shown = [("name", "description", about), *(("property", name, text) for name, text in card.items()),
             ("name", "twitter:card", "summary_large_image" if address else "summary")]
    return "".join(f'<meta {kind}="{name}" content="{html.escape(text)}" />' for kind, name, text in shown)


def mended(page: str) -> str:
    """Return a page of HTML in which downloads are downloads, empty headers of tables plain cells, and ids unique.

    Of an id that is there several times the first stays: links lead there anyway. No line begins with the comma after a
    formula, or ends with the bracket before one.
    """
    seen = set()

    def once(match: re.Match) -> str:
        if match[2] in seen:
            return match[1]
        seen.add(match[2])
        return match[0]

    def unbroken(match: re.Match) -> str:
        wrapped, before, after = match.groups()
        return match[0] if wrapped or not before + after else f'<span class="unbroken">{match[0]}</span>'

    page = re.sub(r'<a href="([^"]*_sources/[^"]*)" target="_blank"', r'<a href="\1" download', page)
    page = UNBROKEN.sub(unbroken, page)
    # For readers that speak: an entry is no item of that list nor of its own kind, and what leads home is a landmark.
    page = page.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    page = re.sub(r'(<div class="citation"[^>]*) role="doc-biblioentry"', r"\1", page)
    page = re.sub(r'(<div class="sidebar-primary-item")(?=>\s*<a class="navbar-brand)',
                  r'\1 role="navigation" aria-label="Start of the book"', page)
    page = re.sub(r"<th\b([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>", r"<td\1></td>", page)
    return re.sub(r'(<[a-z][^<>]*?)\sid="([^"]*)"', once, page)


def _describe(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None) -> None:
    title = re.sub("<[^>]*>", "", context.get("title", pagename))
    about = description(Path(pagename).name, f"{title}, {app.config.project}", doctree)
    context["metatags"] = context.get("metatags", "") + link_card(title, about, app.config.companion_address)


def _mend(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for file in out.rglob("*.html"):
        if "_static" not in file.parts:
            file.write_text(mended(file.read_text(encoding="utf-8")), encoding="utf-8")
    for folder in ("_sources", "notebooks", "sources"):
        for file in [*(out / folder).rglob("*.md"), *(out / folder).rglob("*.ipynb")]:
            file.with_name(f"{file.name}.js").write_text(script(file), encoding="utf-8")


def script(file: Path) -> str:
    """Return a script that saves a file: for pages that were opened from files, which may not (``companion.js``)."""
    return f"saveDownload({json.dumps(file.name)}, {json.dumps(file.read_text(encoding='utf-8'))});\n"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hooks."""
    app.connect("html-page-context", _describe, priority=900)
    app.connect("build-finished", _mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
