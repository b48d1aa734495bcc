"""Previews: what a link leads to (a theorem, figure, equation or row) shows beside it while it is pointed at.

For each page whose places other places link to, the build writes ``_static/previews/PAGE.js``, the HTML of just these
places; ``book/_static/previews.js`` loads it when a link is first pointed at. Scripts, because a page that was opened
from a file may run them and may read nothing else.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections import defaultdict
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

FOLDER = "_static/previews"
LONGEST = 6_000
"""Characters of HTML beyond which a place is too long to be shown beside a link."""
DROPPED = 'script, style, a.headerlink, details, button, .moving, .panels, [class="proof admonition"]'


def linked(pages: dict[str, BeautifulSoup]) -> dict[str, set[str]]:
    """Return which ids of which pages the articles link to."""
    found = defaultdict(set)
    for name, page in pages.items():
        for link in page.select('.bd-article a[href*="#"]:not(.headerlink)'):
            address, _, anchor = str(link["href"]).partition("#")
            target = address.partition("?")[0].removesuffix(".html") or name
            if anchor and target in pages:
                found[target].add(urllib.parse.unquote(anchor))
    return found


def place(page: BeautifulSoup, anchor: str) -> Tag | None:
    """Return what an id of a page stands for: a theorem, figure, equation or row; None for anything else.

    Works are not among them: their links have the whole reference as their title.
    """
    found = page.find(id=anchor)
    if found is None:
        return None
    if found.name == "span" and found.find_parent("figure") is not None:
        found = found.find_parent("figure")
    if found.name == "figure" or {"proof", "claim", "math"} & set(found.get("class", ())):
        return found
    return None


def preview(found: Tag) -> str:
    """Return the HTML of a place as it is shown beside a link: no ids, nothing that folds, no links of its own."""
    copy = BeautifulSoup(str(found), "html.parser")
    for dropped in copy.select(DROPPED):
        dropped.decompose()
    for element in copy.find_all(True):
        element.attrs.pop("id", None)
        element.attrs.pop("tabindex", None)
        if element.name == "a":
            element.name, element.attrs = "span", {}
    return re.sub(r"\s+", " ", str(copy)).strip()


def write(out: Path) -> None:
    """Write the previews of all pages of a folder of HTML."""
    pages = {file.stem: BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
             for file in sorted((out / "book").glob("*.html"))}
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, anchors in linked(pages).items():
        shown = {anchor: preview(found) for anchor in sorted(anchors)
                 if (found := place(pages[name], anchor)) is not None}
        shown = {anchor: text for anchor, text in shown.items() if len(text) <= LONGEST}
        text = json.dumps(shown, ensure_ascii=False).replace("</", "<\\/")
        (folder / f"{name}.js").write_text(f"catapultPreviews({json.dumps(name)}, {text});\n", encoding="utf-8")


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        write(Path(app.outdir))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hook: after the pages are mended."""
    app.connect("build-finished", _write, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
