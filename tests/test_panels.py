"""Panels on a phone: where they lie in a drawing, and that a narrow page shows them one below the other."""

from __future__ import annotations

import html
import io
import json
import re
from itertools import pairwise, product

import numpy as np
import pytest
from matplotlib.cm import ScalarMappable
from PIL import Image

from catapult import panels, paths, style
from catapult.companion import stacking


def drawn(**options):
    """Return a figure of four panels with shared axes, a legend above and a common label."""
    with style.use():
        figure, axes = style.subplots(2, 2, height=2.2, **options)
        for i, one in enumerate(axes.flat):
            one.plot([0, 1, 2], [i, 1, i * i], label="a line", color=style.PALETTE["catapult"])
            one.set_title(f"panel {i}")
            one.set(xlabel="x" if i > 1 else "", ylabel="height" if i % 2 == 0 else "")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center")
        figure.supxlabel("rate")
    return figure


def size(text):
    return tuple(map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()))


@pytest.mark.parametrize("shared", [False, True])
def test_panels_lie_within_the_drawing_and_bring_their_numbers(shared):
    figure = drawn(sharex=shared, sharey=shared)
    width, height = size(style.svg(figure))
    legend, *four, label = panels.stacked(figure)
    assert [len(panel["pieces"]) for panel in four] == ([2, 3, 1, 2] if shared else [1, 1, 1, 1])
    for panel in (legend, *four, label):
        for x, y, w, h, left, top in panel["pieces"]:
            assert x >= 0
            assert y >= 0
            assert x + w <= width + 0.1
            assert y + h <= height + 0.1
            assert left + w <= panel["width"] + 0.1
            assert top + h <= panel["height"] + 0.1
    for one, other in pairwise(four):  # no panel shows a part of the next
        (x, y, w, h, *_), (x2, y2, w2, h2, *_) = one["pieces"][0], other["pieces"][0]
        assert min(x + w, x2 + w2) - max(x, x2) < 2 * panels.ROOM or min(y + h, y2 + h2) - max(y, y2) < 2 * panels.ROOM


def test_the_numbers_beside_a_panel_are_whole():
    """They end where they were drawn: arranged once more, a figure may choose other numbers, of another width."""
    with style.use():
        figure, axes = style.subplots(2, 2, height=3.2, sharey=True)  # just so high that the numbers are undecided
        for one in axes.flat:
            one.plot([0, 1], [0, 2])
            one.set(title="a panel", ylim=(0, 2.2))
        for one in axes[1]:
            one.set_xlabel("step")
        for one in axes[:, 0]:
            one.set_ylabel("height")
    text = style.svg(figure)
    found = json.loads(html.unescape(re.search(r'data-panels="([^"]*)"', text)[1]))
    strips = [panel["pieces"][1] for panel in found if len(panel["pieces"]) > 1]
    assert len(strips) == 2
    ends = [float(x) + float(scale) * sum({".": 31.8}.get(sign, 63.6) for sign in number) for number, x, scale in
            re.findall(r"<!-- (\d\.\d\d) -->\s*<g [^>]*translate\(([\d.]+) [\d.]+\) scale\(([\d.]+) ", text)]
    assert len(ends) >= 6  # the steps of the other axis have one decimal
    assert max(ends) < strips[0][0] + strips[0][2]


def test_one_column_stays_as_it_is():
    with style.use():
        figure, _ = style.subplots(2, 1, width=4)
    assert panels.stacked(figure) == []


def test_a_bar_of_colours_stays_at_its_panel():
    with style.use():
        figure, axes = style.subplots(1, 2)
        figure.colorbar(axes[1].imshow(np.eye(3)), ax=axes[1])
    style.svg(figure)
    left, right = panels.stacked(figure)
    (piece,) = right["pieces"]
    assert piece[2] > left["pieces"][0][2] * 0.9
    assert len(panels.stacked(figure)) == 2


def test_a_bar_of_all_panels_comes_after_them():
    with style.use():
        figure, axes = style.subplots(1, 2)
        figure.colorbar(ScalarMappable(), ax=axes)
    style.svg(figure)
    one, other, bar = panels.stacked(figure)
    assert bar["width"] < 0.4 * one["width"]
    assert bar["pieces"][0][0] > other["pieces"][0][0] + 0.9 * other["pieces"][0][2]


@pytest.fixture
def page(chromium, tmp_path):
    """A page with the drawing of four panels, stacked as in the book; its style sheet is the book's."""
    (tmp_path / "_images").mkdir()
    text = style.svg(drawn(sharex=True, sharey=True))
    (tmp_path / "_images" / "one.svg").write_text(text, encoding="utf-8")
    css = (paths.BOOK / "_static" / "companion.css").read_text(encoding="utf-8")
    body = ('<article class="bd-article"><figure><img alt="What four panels show." src="_images/one.svg">'
            "<figcaption>A caption.</figcaption></figure></article>")
    body = stacking.stacked(body, tmp_path / "_images")
    assert stacking.stacked(body, tmp_path / "_images") == body
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta name=viewport content='width=device-width'><style>{css}</style>"
                    f"<style>body {{ margin: 0 }} figure {{ margin: 0 }}</style>{body}", encoding="utf-8")
    opened = chromium.new_page(viewport={"width": 360, "height": 1500})
    opened.goto(file.as_uri())
    yield opened, text
    opened.close()


@pytest.mark.browser
@pytest.mark.slow
def test_a_phone_shows_them_one_below_the_other(page):
    opened, _ = page
    shown = opened.locator(".panels > span")
    assert shown.count() == 6
    boxes = [shown.nth(i).bounding_box() for i in range(6)]
    assert all(one["y"] + one["height"] <= other["y"] for one, other in pairwise(boxes))
    assert max(box["x"] + box["width"] for box in boxes) <= 360
    assert boxes[1]["width"] > 300
    assert opened.evaluate("() => document.querySelector('figure').scrollWidth") <= 360
    assert not opened.locator("figure > img").is_visible()
    assert opened.get_by_role("img", name="What four panels show.").count() == 1
    opened.set_viewport_size({"width": 1280, "height": 900})
    assert opened.locator("figure > img").is_visible()
    assert not opened.locator(".panels").is_visible()
    opened.set_viewport_size({"width": 360, "height": 1500})
    opened.emulate_media(media="print")
    assert opened.locator("figure > img").is_visible()
    assert not opened.locator(".panels").is_visible()


@pytest.mark.browser
@pytest.mark.slow
def test_on_a_wide_page_no_piece_is_fetched(page):
    opened, _ = page
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.reload()
    assert opened.evaluate("() => [...document.querySelectorAll('.panels img')].map(one => one.naturalWidth)") == (
        [0] * opened.locator(".panels img").count())
    assert opened.evaluate("() => document.querySelector('figure > img').naturalWidth") > 0


@pytest.mark.browser
@pytest.mark.slow
def test_a_piece_shows_what_the_drawing_has_there(page):
    """The whole at the same scale, cut by hand; a piece from a tenth of a panel further is another picture."""
    opened, text = page
    width, _ = size(text)
    panel = opened.locator(".panels > span").nth(3)
    seen = picture(panel.screenshot())
    at = panel.locator("img").first.get_attribute("src")
    x, y, w, _ = map(float, re.search(r"viewBox\(([^)]*)\)", at)[1].split(","))
    scale = seen.shape[1] / w
    opened.set_viewport_size({"width": 1600, "height": 1200})
    opened.evaluate("width => { document.body.innerHTML = `<img src='_images/one.svg' style='width: ${width}px'>` }",
                    width * scale)
    opened.wait_for_function("() => document.images[0].complete")
    whole = picture(opened.locator("img").screenshot())
    rows, columns = seen.shape

    def gap(shift):
        """Return the mean difference; the browser puts a picture on whole pixels, one off at most."""
        found = []
        for down, right in product((-1, 0, 1), repeat=2):
            top, left = round(y * scale) + down, round((x + shift) * scale) + right
            cut = whole[top:top + rows, left:left + columns]
            found.append(np.abs(cut - seen[:cut.shape[0], :cut.shape[1]]).mean())
        return np.min(found)

    assert gap(0) < 0.015
    assert gap(0.1 * w) > 2 * gap(0)


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=float) / 255
