"""The look of figures: one drawing for light and dark pages, the same text each time."""

import re

import numpy as np
import pytest

from catapult import style


def drawn(colour: str, marks: int = 3) -> str:
    with style.use():
        figure, ax = style.subplots(width=3, height=2)
        ax.plot(range(marks), np.arange(marks) % 7, "o", color=colour, label="a label")
        ax.legend()
    return style.svg(figure)


def rules(text: str) -> dict[tuple[str, str], str]:
    """Return, of a drawing, the counterparts of its colours on a dark page."""
    return {(what, old): new for what, old, new in
            re.findall(r'\[style\*="(\w+): (#\w{6})"\][^{]+\{ \w+: (#\w{6}) !important \}', text)}


def test_a_drawing_says_how_its_colours_change_on_a_dark_page():
    found = rules(drawn("#0072B2"))
    assert found["fill", "#ffffff"] == style.DARK_PAPER.lower()
    assert found["fill", "#0072b2"] == style.dark("#0072B2")
    assert {style.PALETTE["ink"].lower()} < {old for _, old in found}


def test_black_is_light_on_a_dark_page_though_a_drawing_leaves_it_out():
    text = drawn("#000000")
    assert f"svg {{ fill: {style.dark('#000000')} }}" in text
    assert "fill: #000000;" not in text  # so that the rule of the whole is what counts


def test_the_same_figure_is_the_same_text():
    assert drawn("#0072B2") == drawn("#0072B2")
    assert drawn("#0072B2") != drawn("#D55E00")


@pytest.mark.parametrize("name", style.PALETTE)
def test_every_colour_of_the_palette_is_seen_on_dark_paper(name):
    assert style.contrast(style.dark(style.PALETTE[name]), style.DARK_PAPER) >= style.LEGIBLE


def test_colours_of_the_palette_stay_apart_on_dark_paper():
    pairs = {(style.dark(one), style.dark(other)) for one in style.PALETTE.values() for other in style.PALETTE.values()
             if style.contrast(one, other) > 1.3}
    assert all(one != other for one, other in pairs)


def test_greys_turn_round():
    greys = ("#ffffff", "#aaaaaa", "#555555", "#000000")
    light = [style.contrast(style.dark(grey), style.DARK_PAPER) for grey in greys]
    assert light == sorted(light)
    assert light[0] == 1


def test_the_contrast_is_that_of_the_guidelines():
    assert style.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert style.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


def test_many_marks_are_kept_as_an_image():
    few, many = drawn("#0072B2", 100), drawn("#0072B2", style.MANY + 1)
    assert "<image" not in few
    assert "<image" in many
    assert len(many) < style.MANY * 60


def test_what_stands_on_a_map_of_colours_keeps_its_own():
    with style.use():
        figure, ax = style.subplots(width=3, height=2)
        ax.contourf(np.random.default_rng(0).random((4, 4)), cmap="cividis")
        ax.plot([0, 3], [0, 3], color="#123456", gid=style.AS_DRAWN)
    text = style.svg(figure)
    assert f'[id^="{style.AS_DRAWN}"] *' in text
    assert f'<g id="{style.AS_DRAWN}">' in text
    of_map = set(re.findall(r"fill: (#\w{6})", re.search(r'<g id="QuadContourSet.*?</g>', text, re.S)[0]))
    assert of_map
    assert not of_map & {old for _, old in rules(text)}
