"""Proofs are folded when a page has loaded, and open where they are printed, linked into or without scripts.

On paper nothing is an empty bar, and a figure stays with its caption.
"""

from __future__ import annotations

import shutil

import pytest

from catapult import paths

pytestmark = pytest.mark.browser
# As sphinx-proof writes them.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Proofs</title>
<link rel="stylesheet" href="companion.css"><script src="companion.js"></script></head>
<body><main><article class="bd-article">
<div class="proof theorem admonition" id="thm-one"><p class="admonition-title">
<span class="caption-number">Theorem 1 </span> (One)</p><section id="proof-content"><p>Statement.</p></section></div>
<div class="proof admonition" id="proof"><p>Proof. By <a href="#equation-two">two</a>.</p></div>
<div class="proof observation admonition" id="obs"><p class="admonition-title">
<span class="caption-number">Observation 2 </span></p><section id="proof-content"><p>Seen.</p></section></div>
<div style="height: 4000px"></div>
<div class="cell"><details class="admonition hide above-input"><summary>Show code</summary><pre>code</pre></details>
<figure><img alt="A drawing."><figcaption><p>Fig. 1 Drawn.</p></figcaption></figure></div>
<h3>A title</h3><div class="cell tag_remove-input"></div>
<details class="words"><summary>What the words mean</summary><p>Much.</p></details>
<div class="proof admonition"><p>Proof. Last.</p><div id="equation-two">x = 2</div></div>
</article></main></body></html>"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folding")
    for name in ("companion.js", "companion.css"):
        shutil.copyfile(paths.BOOK / "_static" / name, folder / name)
    (folder / "page.html").write_text(PAGE, encoding="utf-8")
    return (folder / "page.html").as_uri()


@pytest.fixture
def page(chromium):
    page = chromium.new_page()
    yield page
    page.close()


def opened(page) -> list[bool]:
    return page.eval_on_selector_all("article .proof > details", "all => all.map(one => one.open)")


def test_proofs_are_folded_and_nothing_else_is(page, address):
    page.goto(address)
    assert opened(page) == [False, False]
    assert page.locator("text=Statement.").is_visible()
    assert page.locator("text=Seen.").is_visible()
    assert not page.locator("text=x = 2").is_visible()
    names = [" ".join(text.split()) for text in page.locator("article .proof summary").all_text_contents()]
    assert names == ["Proof of Theorem 1", "Proof"]
    assert page.locator("article details p").first.text_content() == "By two."


def test_a_fold_opens_and_closes_with_the_keyboard(page, address):
    page.goto(address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert opened(page) == [True, False]
    page.keyboard.press("Space")
    assert opened(page) == [False, False]


@pytest.mark.parametrize("way", ["address", "link"])
def test_a_link_into_a_proof_opens_it_and_leads_there(page, address, way):
    if way == "address":
        page.goto(f"{address}#equation-two")
    else:
        page.goto(address)
        page.locator("article summary").first.click()
        page.locator("article a").click()
    page.wait_for_function("() => document.querySelectorAll('article .proof > details')[1].open")
    assert page.locator("#equation-two").is_visible()
    assert page.evaluate("() => scrollY") > 1000
    assert opened(page)[0] == (way == "link")


def test_an_address_that_is_not_on_the_page_opens_nothing(page, address):
    page.goto(f"{address}#equation-three")
    assert opened(page) == [False, False]


def test_proofs_are_open_on_paper_and_as_before_after_it(page, address):
    page.goto(address)
    page.locator("article summary").first.click()
    page.evaluate("""() => addEventListener("beforeprint", () => {
        window.printed = [...document.querySelectorAll(":is(.proof, article) > details")].map(one => one.open);
    })""")
    page.pdf()
    assert page.evaluate("() => printed") == [True, True, True]
    assert opened(page) == [True, False]
    assert page.locator("article details.words").get_attribute("open") is None


def test_on_paper_folded_code_leaves_no_bar_and_a_figure_keeps_its_caption(page, address):
    page.goto(address)
    page.emulate_media(media="print")
    assert not page.locator("article summary:text('Show code')").is_visible()
    assert page.eval_on_selector("article figure", "one => getComputedStyle(one).breakInside") == "avoid"
    assert page.eval_on_selector_all("article div.cell", "all => all.map(one => getComputedStyle(one).breakAfter)") == [
        "auto", "avoid"]  # one that shows nothing does not part a title from its text
    page.locator("details.hide").evaluate("one => one.open = true")  # a reader who opened it wants it
    assert page.locator("text=code >> nth=-1").is_visible()


def test_without_scripts_they_are_open(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("text=x = 2").is_visible()
    assert page.locator("text=Proof. Last.").is_visible()
    context.close()
