"""Panels on a phone: one below the other, each as wide as the page, where a wide page has them side by side.

They are pieces of the one drawing, which says where they lie (:mod:`catapult.panels`); a style sheet shows the drawing
or the pieces.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from sphinx.application import Sphinx

LEAST = 240.0
"""Points of a drawing that are as wide as the page at least: text does not grow without end."""
LINES = 60.0
"""Points of height up to which a piece is a few lines, a legend or a label: a wide one gets smaller, not the panels."""
PICTURE = re.compile(r'<img (?=[^>]*src="(?P<address>[^"]*_images/(?P<file>[^"/]+\.svg))")'
                     r'(?=[^>]*alt="(?P<alt>[^"]*)")[^>]*>(?!<span class="panels")')
"""A drawing whose pieces do not follow it yet: a page that was not written again has them."""


def stacked(page: str, folder: Path) -> str:
    """Return a page of HTML in which drawings with panels side by side are followed by their panels in pieces."""
    def more(picture: re.Match) -> str:
        head = re.match(r'.{0,200}<svg data-panels="([^"]*)"', _head(folder / picture["file"]), re.S)
        panels = json.loads(html.unescape(head[1])) if head else []
        return picture[0] + (pieces(panels, picture["address"], picture["alt"]) if panels else "")

    return PICTURE.sub(more, page)


def pieces(panels: list[dict], address: str, alt: str) -> str:
    """Return panels as HTML: one picture to those who listen, with the words of the whole."""
    widest = max(LEAST, *(panel["width"] for panel in panels if panel["height"] > LINES))
    shown = "".join(_panel(panel, address, widest) for panel in panels)
    return f'<span class="panels" role="img" aria-label="{alt}">{shown}</span>'


def _panel(panel: dict, address: str, widest: float) -> str:
    width, height = panel["width"], panel["height"]
    parts = "".join(  # fetched when they are shown: a wide page never does
        f'<img alt="" loading="lazy" src="{address}#svgView(viewBox({x},{y},{w},{h}))" '
        f'style="left:{_share(left, width)};top:{_share(top, height)};'
        f'width:{_share(w, width)};height:{_share(h, height)}">'
        for x, y, w, h, left, top in panel["pieces"])
    return f'<span style="width:{_share(min(width, widest), widest)};aspect-ratio:{width}/{height}">{parts}</span>'


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%"


def _head(file: Path) -> str:
    with file.open(encoding="utf-8") as drawing:
        return drawing.read(20_000)


def _stack(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        out = Path(app.outdir)
        for file in (out / "book").glob("*.html"):
            file.write_text(stacked(file.read_text(encoding="utf-8"), out / "_images"), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hook: after the pages are mended, once a page."""
    app.connect("build-finished", _stack, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
