"""The whole book as one PDF: all pages as one of HTML, printed by Chromium, with proofs open and an outline."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from catapult import paths
from catapult.companion import book

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 1_800_000
"""Milliseconds that Chromium may take to set the mathematics of the whole book."""
SCALE = 0.75
"""Size of print over that of the screen."""
MARGINS = {"top": "16mm", "bottom": "18mm", "left": "15mm", "right": "15mm"}
FOOT = '<div style="font-size:8px;width:100%;text-align:center"><span class="pageNumber"></span></div>'


def pdf() -> Path:
    """Print the book, which is built first if it is stale; return the file.

    Raises
    ------
    BuildFailed
        If there is no Chromium, or no Playwright to drive it, or the book can't be built.
    """
    browser = chromium()
    book.build()
    pages = book.one_page()
    target = paths.BUILD / f"{book.name()}.pdf"
    printed(browser, pages, target)
    return target


def chromium() -> str:
    """Return the path of a Chromium; BuildFailed if there is none, or no Playwright."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise book.BuildFailed("no Chromium on this machine, and it is what prints: make browser")
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        raise book.BuildFailed("playwright is missing, which drives Chromium: pip install '.[test]'") from None
    return found


def printed(browser: str, page: Path, target: Path) -> None:
    """Print a page of HTML once its mathematics is set; never half a file under the name."""
    from playwright.sync_api import Error, sync_playwright

    temporary = target.with_suffix(".part")
    with sync_playwright() as playwright:
        try:
            opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        except Error as error:
            raise book.BuildFailed(f"{browser} does not start: {error.message.splitlines()[0]}") from None
        tab = opened.new_page(viewport={"width": 900, "height": 1200}, color_scheme="light")
        tab.set_default_timeout(PATIENCE)
        tab.goto(page.as_uri())
        if tab.locator("script[src*=mathjax]").count():
            tab.wait_for_function("() => window.MathJax?.startup?.promise")
            tab.evaluate("() => window.MathJax.startup.promise")
        tab.evaluate("() => document.fonts.ready.then(() => true)")
        tab.pdf(path=temporary, format="A4", scale=SCALE, margin=MARGINS, print_background=True, outline=True,
                tagged=True, display_header_footer=True, header_template="<span></span>", footer_template=FOOT)
        opened.close()
    temporary.replace(target)


def main() -> int:
    """``python -m catapult.companion.printing``; exit status 1 if it can't be printed."""
    return book.report("the book as one file", pdf)


if __name__ == "__main__":
    sys.exit(main())
