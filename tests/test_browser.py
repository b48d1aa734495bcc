"""The built book in headless Chromium, opened from files: no errors, no network, readable at every size."""

from __future__ import annotations

import io
import os
import time
import urllib.parse
from pathlib import Path

import pytest
from PIL import Image

from catapult import paths, style
from catapult.companion import book, claims
from catapult.companion.ledger import whose

pytestmark = pytest.mark.browser
PAGES = book.expected_pages()
# What a page asks for after it is loaded and its mathematics is set would come in this time, in milliseconds.
QUIET_TIME = 500
# How long Chromium may take for anything, in milliseconds: a busy machine is no fault of a page.
PATIENCE = 600_000


@pytest.fixture(scope="module")
def browser(chromium):
    missing = [page.name for page in PAGES if not page.exists()]
    if missing:
        pytest.fail(f"the book is not built ({', '.join(missing)}): make book")
    return chromium


@pytest.fixture(scope="module", params=PAGES, ids=lambda page: page.stem)
def visit(request, browser):
    """One page, opened as on a phone: the page, what its console said, what it asked for, and when it was ready."""
    context = browser.new_context(viewport={"width": 360, "height": 900}, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("requestfailed", lambda sent: said.append(f"failed: {sent.url}"))
    page.goto(request.param.as_uri())
    settle(page)
    yield page, said, asked, time.monotonic()
    context.close()


@pytest.fixture(scope="module", params=[("light", 360), ("light", 1280), ("dark", 1280)],
                ids=["narrow", "light", "dark"])
def view(request, visit):
    """The colour scheme and the width of the window in pixels, which the open page is given."""
    scheme, width = request.param
    page = visit[0]
    page.emulate_media(media="screen", color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    settle(page)
    picture(page, scheme, width)
    return request.param


def settle(page) -> None:
    """Wait until what is on a page stays where it is: mathematics is set, fonts are there, nothing slides in or out."""
    if page.evaluate("() => !!window.MathJax"):
        page.wait_for_function("() => window.MathJax.startup && window.MathJax.startup.promise")
        page.evaluate("() => window.MathJax.startup.promise")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    drawn = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    page.evaluate(drawn)  # what a new size or colour sets moving moves from here on
    page.wait_for_function("""() => !document.getAnimations().some(
        one => one.playState === "running" && one.timeline === document.timeline)""")  # others go with a scroll
    page.evaluate(drawn)


def picture(page, *names: object) -> None:
    """Leave a picture of the whole page, for a person to look at, if CATAPULT_SCREENSHOTS names a folder."""
    if folder := os.environ.get("CATAPULT_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        stem = page.url.rpartition("/")[2].removesuffix(".html")
        page.screenshot(path=Path(folder) / f"{'-'.join(map(str, [stem, *names]))}.png", full_page=True)


def wait_for_the_last(visit) -> None:
    """Wait for what a page asks for late, if the tests before have not taken that long."""
    page, *_, ready = visit
    page.wait_for_timeout(max(0, QUIET_TIME - 1000 * (time.monotonic() - ready)))  # a call: it hears what was said


def test_console_is_silent(visit):
    wait_for_the_last(visit)
    assert visit[1] == []


def test_nothing_leaves_the_machine(visit):
    wait_for_the_last(visit)
    assert [url for url in visit[2] if not url.startswith(("file:", "data:", "blob:"))] == []


def test_mathematics_is_rendered(visit):
    page = visit[0]
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    written = page.locator(".math.notranslate").count()
    assert page.locator("mjx-container").count() >= written


def test_every_image_says_what_it_shows(visit):
    texts = visit[0].eval_on_selector_all("article img:not(.panels img)",
                                          "images => images.map(image => image.alt.trim())")
    assert [text for text in texts if len(text) < 20] == []
    stacked = visit[0].eval_on_selector_all("article .panels", """all => all.map(
        one => [one.ariaLabel, one.previousElementSibling.alt])""")
    assert [one for one, other in stacked if one != other] == []


def test_panels_stand_one_below_the_other_on_a_phone(visit, view):
    places = visit[0].eval_on_selector_all("article figure:not(.moving-replaced) .panels", """all => all.map(one =>
        [one.offsetHeight > 0, one.previousElementSibling.offsetHeight > 0,
         [...one.children].every(panel => panel.getBoundingClientRect().right <= innerWidth)])""")
    assert {tuple(place) for place in places} <= {(view[1] < 600, view[1] > 600, True)}


def test_every_image_is_there(visit):
    broken = "images => images.filter(image => image.complete && !image.naturalWidth).map(image => image.src)"
    assert visit[0].eval_on_selector_all("img", broken) == []


def test_page_does_not_scroll_sideways(visit, view):
    page = visit[0]
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_page_follows_the_colour_scheme(visit, view):
    colour = visit[0].evaluate("() => getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")[:3])
    assert (brightness > 380) == (view[0] == "light")


def test_figures_stand_on_the_paper_of_the_page(visit, view):
    page = visit[0]
    figures = page.locator("article figure:not(.moving-replaced) img")
    if figures.count() and view[1] > 600:
        seen = Image.open(io.BytesIO(figures.first.screenshot())).convert("RGB").getpixel((3, 3))
        paper = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert f"rgb{seen}" == paper
        assert style.to_hex([part / 255 for part in seen]) == (
            style.PAPER if view[0] == "light" else style.DARK_PAPER).lower()


PALE = """() => {
  // WCAG 2.1: what is written in the article, against the nearest background; 4.5 to 1, 3 to 1 for large letters.
  const numbers = colour => {
    const [r, g, b, a = 1] = colour.match(/[0-9.]+/g).map(Number);
    return colour.startsWith("color(srgb") ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
  };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = ([r, g, b]) => {
    const part = c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    return .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
  };
  const ground = element => {
    if (!element) return [255, 255, 255];
    const colour = numbers(getComputedStyle(element).backgroundColor);
    return colour[3] === 1 ? colour.slice(0, 3) : over(colour, ground(element.parentElement));
  };
  const pale = [], texts = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  for (let node; node = texts.nextNode();) {
    const element = node.parentElement, style = getComputedStyle(element);
    if (!node.data.trim() || !element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
    if (element.closest("script, style, svg, mjx-assistive-mml, .headerlink, .sr-only")) continue;
    const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
    // Browsers print backgrounds or leave them out.
    for (const below of matchMedia("print").matches ? [ground(element), [255, 255, 255]] : [ground(element)]) {
      const [a, b] = [light(over(numbers(style.color), below)), light(below)];
      const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
      const where = `${element.tagName}.${element.className}`;
      if (ratio < (large ? 3 : 4.5)) pale.push(`${ratio.toFixed(2)} ${where}: ${node.data.trim()}`);
    }
  }
  return [...new Set(pale)];
}"""


def test_text_stands_out_from_its_background(visit, view):
    page = visit[0]
    page.eval_on_selector_all("article details", "all => all.forEach(one => one.open = true)")
    assert page.evaluate(PALE) == []
    page.eval_on_selector_all("article details", "all => all.forEach(one => one.open = false)")


def test_print_is_dark_on_white_whatever_the_screen_is(visit, view):
    page, scheme = visit[0], view[0]
    page.emulate_media(media="print", color_scheme=scheme)
    try:
        picture(page, scheme, view[1], "printed")
        assert page.evaluate(PALE) == []
    finally:
        page.emulate_media(media="screen", color_scheme=scheme)


def test_ids_are_unique(visit):
    ids = visit[0].eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert sorted({name for name in ids if ids.count(name) > 1}) == []


def test_headers_of_tables_say_something(visit):
    assert visit[0].eval_on_selector_all("th", "all => all.filter(one => !one.textContent.trim()).length") == 0


def test_page_has_a_description_and_a_sign_of_its_own(visit):
    page = visit[0]
    (about,) = page.eval_on_selector_all("meta[name=description]", "all => all.map(one => one.content)")
    assert 40 < len(about) <= 160
    (icon,) = page.eval_on_selector_all("link[rel=icon]", "all => all.map(one => one.href)")
    assert icon == (paths.HTML / "_static" / "favicon.svg").as_uri()


SHADOWS = """async figures => {
  // At the edge of a figure that goes on there a shadow says so; at its end there is none, and the caption is there.
  const shadows = async at => {
    for (const figure of figures) figure.scrollLeft = at;
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return figures.map(figure => Number(getComputedStyle(figure, "::after").opacity));
  };
  const end = await shadows(1e6), within = figures.map(figure => {
    const [box, caption] = [figure, figure.querySelector("figcaption")].map(one => one.getBoundingClientRect());
    return caption.left >= box.left - 1 && caption.right <= box.right + 1;
  });
  const start = await shadows(0);
  return figures.filter((figure, i) => !(start[i] === 1 && end[i] < .1 && within[i])).map(figure => figure.id);
}"""


def test_what_scrolls_sideways_takes_the_focus_and_has_a_name(visit, view):
    boxes = visit[0].eval_on_selector_all("article *", """all => all.filter(one =>
        ["auto", "scroll"].includes(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth + 1
    ).map(one => [one.tagName, one.tabIndex, one.matches("table") ? "region" : one.getAttribute("role"),
                  one.getAttribute("aria-label") ?? ""])""")
    assert [box for box in boxes if box[1:3] != [0, "region"] or "wider than the page" not in box[3]] == []
    scrolls = "article figure:not(.moving-replaced, :has(.panels))"
    if view[1] < 600 and visit[0].locator(f"{scrolls} img").count():
        assert any(box[0] == "FIGURE" and len(box[3]) > 40 for box in boxes)
        assert visit[0].eval_on_selector_all(scrolls, SHADOWS) == []


def test_notebook_and_source_are_saved_and_not_opened(visit):
    page = visit[0]
    links = "article a[href*='/notebooks/'], article a[href*='/sources/'], a[href*='_sources/']"
    for number in range(page.locator(links).count()):
        with page.expect_download() as saved:
            page.locator(links).nth(number).evaluate("link => link.click()")
        target = page.locator(links).nth(number).evaluate("link => link.href")
        original = Path(urllib.parse.unquote(urllib.parse.urlsplit(target).path))
        assert saved.value.suggested_filename == original.name
        assert Path(saved.value.path()).read_bytes() == original.read_bytes()
    assert page.url.endswith(".html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_search_in_files_finds_pages_without_errors(browser, scheme):
    context = browser.new_context(color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((paths.HTML / "search.html").as_uri() + "?q=catapult")
    page.wait_for_selector("#search-results li a")
    page.wait_for_timeout(QUIET_TIME)
    context.close()
    assert said == []


# Two hundred rows of formulas take seconds to set, and are no part of what is looked for.
UNSET = """let kept; Object.defineProperty(window, "MathJax", {configurable: true, get: () => kept, set: given => {
    kept = given; if (!given.version) given.startup = {...given.startup, typeset: false}; }})"""


@pytest.fixture
def ledger(browser):
    """Open the page of the ledger with an ending of its address; what the console says fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 900})
    context.set_default_timeout(PATIENCE)
    said = []

    def opened(ending="", *, mathematics=False):
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        if not mathematics:
            page.add_init_script(UNSET)
        page.goto((paths.HTML / "book" / "claims.html").as_uri() + ending)
        return page

    yield opened
    context.close()
    assert said == []


def shown(page) -> list[str]:
    """Return the ids of the rows that the ledger shows."""
    return page.eval_on_selector_all(".claim[id]", """rows => rows.filter(row => row.checkVisibility())
        .map(row => row.id.replace("claim-", ""))""")


def test_the_ledger_is_filtered_by_words_and_by_each_column(ledger):
    page, rows = ledger(), claims.ledger()
    assert shown(page) == [claim.id for claim in rows]
    for name in ("verdict", "basis", "data"):
        value = getattr(rows[-1], name)
        page.select_option(f".ledger-filters [name={name}]", value)
        assert shown(page) == [claim.id for claim in rows if getattr(claim, name) == value]
        page.click(".ledger-filters [type=reset]")
    page.select_option(".ledger-filters [name=evidence]", "proved")
    page.select_option(".ledger-filters [name=paper]", "huang2020")
    both = [claim.id for claim in rows if claim.kind_of_evidence == "proved" and whose(claim) == "huang2020"]
    assert shown(page) == both != []
    assert page.inner_text(".ledger-status") == f"{len(both)} of {len(rows)} rows."
    titles = page.eval_on_selector_all("article section:has(.claim) > h2", "all => all.map(one => !!one.offsetParent)")
    assert sum(titles) == len({claim.chapter for claim in rows if claim.id in both})
    page.click(".ledger-filters [type=reset]")
    page.fill(".ledger-filters [name=text]", "  OURS-sixteen  never ")
    assert shown(page) == ["ours-sixteen"]
    page.fill(".ledger-filters [name=text]", "nosuchrow")
    assert shown(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_a_formula_is_found_as_tex_by_its_names_and_by_its_signs(ledger):
    page, rows = ledger("?text=sqrt(8m)", mathematics=True), claims.ledger()
    asked = {"sqrt(8m)": r"\sqrt{8m}", "√8m": r"\sqrt{8m}", r"\sqrt{8m}": r"\sqrt{8m}", "η²/m": r"\eta^2/m", "8m": "8m",
             "eta^2 <= 8m": r"\eta^2 \le 8m", "3/16": r"\frac3{16}", "lambda_0": r"\lambda_0", "κ > 8": r"\kappa > 8"}
    for mathematics in ("still as it was written", "set"):
        for typed, tex in asked.items():
            page.fill(".ledger-filters [name=text]", typed)
            found = shown(page)
            assert {claim.id for claim in rows if tex in claim.statement} <= {*found}, (mathematics, typed)
            assert 0 < len(found) < len(rows) / 3, (mathematics, typed)
        page.evaluate("() => window.MathJax.startup.promise")


def test_a_choice_is_restored_from_the_address_and_what_it_does_not_know_is_ignored(ledger):
    rows = claims.ledger()
    chosen = [claim.id for claim in rows if (claim.verdict, claim.data) == ("open", "cifar10")]
    assert shown(ledger("?verdict=open&data=cifar10&colour=red&__proto__=x")) == chosen != []
    assert shown(ledger("?verdict=wrong&basis=%")) == [claim.id for claim in rows]
    page = ledger("?verdict=open#claim-ours-sixteen")  # a row that is asked for is shown, whatever is chosen
    assert len(shown(page)) == len(rows)


def test_each_row_has_its_address_to_copy(ledger):
    page = ledger("?data=mnist")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("[aria-label='Copy the address of huang-mnist-flatter']")
    page.wait_for_selector(".copy-text:text('copied')")
    address = (paths.HTML / "book" / "claims.html").as_uri() + "#claim-huang-mnist-flatter"
    assert page.evaluate("() => navigator.clipboard.readText()") == address


def test_the_entry_to_cite_is_copied_from_a_file_too_and_is_plain_text_without_scripts(browser):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto((paths.HTML / "book" / "index.html").as_uri())
    for newer in ("as it is", "() => Promise.reject()"):  # the older way where the newer one is refused
        page.evaluate("() => navigator.clipboard.writeText('nothing')")
        if newer != "as it is":
            page.evaluate(f"() => {{ navigator.clipboard.writeText = {newer}; }}")
        page.click("[aria-label='Copy the entry in BibTeX']")
        page.wait_for_function("async () => await navigator.clipboard.readText() !== 'nothing'")
        entry = page.evaluate("() => navigator.clipboard.readText()")
        assert entry == page.inner_text(".citation-entry pre").strip()
        assert entry.startswith("@software{catapult_companion,")
        assert all(f"{name:8}= {{" in entry for name in ("author", "title", "year", "version", "note"))
    context.close()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((paths.HTML / "book" / "index.html").as_uri())
    assert page.locator(".citation-entry pre").is_visible()
    assert not page.locator(".copy-text").count()
    context.close()


def test_without_scripts_the_ledger_is_a_plain_list(browser):
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto((paths.HTML / "book" / "claims.html").as_uri())
    assert page.locator(".claim[id]").count() == len(claims.ledger())
    assert page.locator("#claim-ours-sixteen").is_visible()
    assert not page.locator(".ledger-filters").is_visible()
    context.close()


def test_the_search_finds_a_claim_and_lands_on_its_row(ledger):
    page = ledger()
    page.goto((paths.HTML / "search.html").as_uri() + "?q=huang-mnist-flatter")
    page.wait_for_selector("#search-results li a")
    page.wait_for_timeout(QUIET_TIME)
    page.click("#search-results li a >> nth=0")
    page.wait_for_selector("#claim-huang-mnist-flatter")
    assert page.url.endswith("claims.html#claim-huang-mnist-flatter")
    assert page.evaluate("""() => {
        const box = document.getElementById("claim-huang-mnist-flatter").getBoundingClientRect();
        return 0 <= box.top && box.top < innerHeight;
    }""")
