"""Previews: what a link leads to is shown beside it, for every link to a theorem, figure, equation or row."""

from __future__ import annotations

import json
import re

import pytest
from bs4 import BeautifulSoup

from catapult import paths
from catapult.companion import previews

PAGE = """<article class="bd-article"><a href="other.html#thm">Theorem 1</a> <a class="headerlink" href="#own">#</a>
<a href="other.html#section">2</a> <a href="claims.html?verdict=fails#claim-x">x</a></article>"""
OTHER = """<article class="bd-article"><section id="section">long</section>
<div class="proof theorem admonition" id="thm"><p id="p">Let <a href="#eq">(1)</a> hold.
<a class="headerlink" href="#thm">#</a></p></div><div class="proof admonition" id="proof">Proof.</div></article>"""


def parsed(text):
    return BeautifulSoup(text, "html.parser")


def test_links_are_counted_by_the_page_that_they_lead_to():
    pages = {"page": parsed(PAGE), "other": parsed(OTHER), "claims": parsed("")}
    assert previews.linked(pages) == {"other": {"thm", "section", "eq"}, "claims": {"claim-x"}}


def test_a_theorem_is_shown_without_ids_and_links_and_a_section_is_not():
    assert previews.place(parsed(OTHER), "section") is None
    shown = parsed(previews.preview(previews.place(parsed(OTHER), "thm")))
    assert shown.text.split() == ["Let", "(1)", "hold."]
    assert not shown.select("[id], a")


@pytest.mark.book
def test_every_numbered_reference_of_the_book_has_its_preview():
    pages = {file.stem: parsed(file.read_text(encoding="utf-8")) for file in paths.HTML.glob("book/*.html")}
    kept = {}
    for file in (paths.HTML / previews.FOLDER).glob("*.js"):
        text = file.read_text(encoding="utf-8")
        page, places = re.fullmatch(r"catapultPreviews\((\S+), (.*)\);\n", text, re.S).groups()
        kept[json.loads(page)] = json.loads(places)
    wanted = {(page, anchor) for page, anchors in previews.linked(pages).items() for anchor in anchors
              if anchor.partition("-")[0] in ("thm", "prop", "lem", "cor", "def", "fig", "equation", "claim")}
    assert len(wanted) > 300
    assert {(page, anchor) for page, anchor in wanted if not kept[page].get(anchor, "").strip()} == set()


@pytest.mark.browser
def test_a_card_shows_while_a_link_is_pointed_at_or_has_the_focus(chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(600_000)
    page.goto((paths.HTML / "book" / "logistic-regression.html").as_uri())
    page.wait_for_function("() => window.MathJax?.startup?.promise")
    page.evaluate("() => window.MathJax.startup.promise")
    card, links = page.locator(".preview-card"), page.locator('.bd-article a[href*="separability.html#thm-"]')
    links.first.evaluate("link => link.scrollIntoView({block: 'center', behavior: 'instant'})")
    page.wait_for_timeout(300)  # what scrolls closes a card
    links.first.hover()
    card.locator("mjx-container").first.wait_for()
    assert "Theorem 1." in card.inner_text()
    box = card.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    page.keyboard.press("Escape")
    card.wait_for(state="detached")
    for place in ("start", "center", "end"):  # in a low window it is cut to the room on its side of the link
        page.mouse.move(1, 1)
        page.set_viewport_size({"width": 1280, "height": 160})
        links.first.evaluate("(link, block) => link.scrollIntoView({block, behavior: 'instant'})", place)
        page.wait_for_timeout(300)
        links.first.hover()
        card.locator("mjx-container").first.wait_for()
        page.wait_for_timeout(300)
        box = card.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 160
        page.keyboard.press("Escape")
        card.wait_for(state="detached")
    page.mouse.move(1, 1)
    links.first.evaluate("link => link.focus({focusVisible: true})")
    card.wait_for()
    page.close()
