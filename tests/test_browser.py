"""The built book in headless Chromium, opened from files: no errors, no network, readable at every size."""

from __future__ import annotations

import os
import shutil

import pytest

from catapult import book, paths

pytestmark = pytest.mark.browser
PAGES = book.expected_pages()
SCREENSHOTS = paths.BUILD / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What Chromium would otherwise fetch for itself while it runs.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]

# What a page asks for after it is loaded and its mathematics is set would come in this time, in milliseconds.
QUIET_TIME = 500


@pytest.fixture(scope="module")
def browser():
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        message = "no Chromium on this machine, so the pages were not opened: make browser"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    missing = [page.name for page in PAGES if not page.exists()]
    if missing:
        pytest.fail(f"the book is not built ({', '.join(missing)}): make book")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=[("light", 1280), ("dark", 1280), ("light", 360)],
                ids=["light", "dark", "narrow"])
def view(request):
    """The colour scheme and the width of the window in pixels."""
    return request.param


@pytest.fixture(scope="module", params=PAGES, ids=lambda page: page.stem)
def visit(request, browser, view):
    """One page, opened: the page, what its console said, and what it asked for."""
    scheme, width = view
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("requestfailed", lambda sent: said.append(f"failed: {sent.url}"))
    page.goto(request.param.as_uri())
    if page.evaluate("() => !!window.MathJax"):
        page.wait_for_function("() => window.MathJax.startup && window.MathJax.startup.promise")
        page.evaluate("() => window.MathJax.startup.promise")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    page.wait_for_timeout(QUIET_TIME)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{request.param.stem}-{scheme}-{width}.png", full_page=True)
    yield page, said, asked
    context.close()


def test_console_is_silent(visit):
    assert visit[1] == []


def test_nothing_leaves_the_machine(visit):
    assert [url for url in visit[2] if not url.startswith(("file:", "data:", "blob:"))] == []


def test_mathematics_is_rendered(visit):
    page = visit[0]
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    written = page.locator(".math.notranslate").count()
    assert page.locator("mjx-container").count() >= written


def test_every_image_says_what_it_shows(visit):
    texts = visit[0].eval_on_selector_all("article img", "images => images.map(image => image.alt.trim())")
    assert [text for text in texts if len(text) < 20] == []


def test_every_image_is_there(visit):
    broken = "images => images.filter(image => image.complete && !image.naturalWidth).map(image => image.src)"
    assert visit[0].eval_on_selector_all("img", broken) == []


def test_page_does_not_scroll_sideways(visit):
    page = visit[0]
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_page_follows_the_colour_scheme(visit, view):
    colour = visit[0].evaluate("() => getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")[:3])
    assert (brightness > 380) == (view[0] == "light")
