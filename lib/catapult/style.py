"""The one look of all figures: colour-blind safe, and one drawing for light and dark pages.

In a notebook a figure is shown as SVG. It holds the colours of both pages: those that matplotlib drew, and a style
sheet with their counterparts, which a browser applies where the drawing stands on a dark page.
"""

from __future__ import annotations

import colorsys
import contextlib
import html
import io
import json
import re
from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from catapult import panels

# Okabe and Ito's colours. A phase, a loss or the theory has the same colour on every page.
PALETTE = {
    "lazy": "#0072B2",
    "catapult": "#D55E00",
    "divergent": "#7F7F7F",
    "dead": "#CC79A7",
    "unsettled": "#E69F00",
    "theory": "#000000",
    "exponential": "#CC79A7",
    "logistic": "#009E73",
    "squared": "#56B4E9",
    "positive": "#0072B2",
    "negative": "#D55E00",
    "ink": "#222222",
    "muted": "#767676",
}
KINDS = {"separable": "#0072B2", "strictly non-separable": "#D55E00", "mixed": "#009E73"}  # of data
THREE = (("#56B4E9", "o"), ("#0072B2", "s"), ("#222222", "^"))  # colour and marker of three values of one quantity
PAPER = "#FFFFFF"
DARK_PAPER = "#121212"  # that of the dark pages
LEGIBLE = 4.5  # least contrast of a colour with the paper
AS_DRAWN = "as-drawn"
"""The group (``gid``) of what keeps its colours on a dark page: what stands on a map of colours."""
MANY = 1500  # marks; a drawing that has more is kept as an image within the figure



@contextlib.contextmanager
def use() -> Iterator[None]:
    """Apply the look to the figures made in this context."""
    settings = {
        **sns.axes_style("ticks"),
        **sns.plotting_context("notebook", font_scale=1.0),  # at 9 inches, 11 px on the page
        "axes.edgecolor": PALETTE["muted"],
        "axes.labelcolor": PALETTE["ink"],
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": "medium",
        "figure.constrained_layout.use": True,
        "figure.facecolor": PAPER,
        "font.family": "DejaVu Sans",
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "mathtext.fontset": "dejavusans",
        "savefig.dpi": 150,
        "savefig.facecolor": PAPER,
        "text.color": PALETTE["ink"],
        "xtick.color": PALETTE["ink"],
        "ytick.color": PALETTE["ink"],
    }
    with mpl.rc_context(settings):
        yield


def subplots(rows: int = 1, columns: int = 1, *, width: float = 9.0, height: float = 3.6, **options):
    """Return ``(figure, axes)`` in the book's look; the figure is not shown a second time by pyplot."""
    figure, axes = plt.subplots(rows, columns, figsize=(width, height * rows), dpi=150, **options)
    plt.close(figure)
    _show_as_svg()  # after pyplot, whose first figure tells a notebook to show images
    return figure, axes


def interval(axes, ends: tuple[float, float, float], height: float, colour: str, *, linewidth: float = 1.6,
             alpha: float = 1.0, **marker) -> None:
    """Draw a mean, the lower and the upper end of its interval, in this order, as a mark on a bar at a height."""
    mean, low, high = ends
    axes.plot([low, high], [height, height], color=colour, linewidth=linewidth, alpha=alpha)
    axes.plot(mean, height, color=colour, linestyle="", alpha=alpha, **{"marker": "o", **marker})


def label_panels(figure: Figure) -> None:
    """Put the letters a, b, … before the titles of a figure's axes, in order; a colour bar has no title."""
    titled = [axes for axes in figure.axes if axes.get_title(loc="left")]
    for letter, axes in zip("abcdefghijkl", titled, strict=False):
        axes.set_title(f"{letter}  {axes.get_title(loc='left')}", loc="left")


def _show_as_svg() -> None:
    """In a notebook, have figures shown as :func:`svg` draws them."""
    import IPython

    if shell := IPython.get_ipython():
        formatters = shell.display_formatter.formatters
        formatters["image/svg+xml"].for_type(Figure, svg)
        formatters["image/png"].pop(Figure, None)


def svg(figure: Figure) -> str:
    """Return a figure as SVG that reads on light and dark pages; the same text for the same figure.

    It says where its panels lie (:mod:`catapult.panels`), for pages that show them one below the other.
    """
    for artist in figure.findobj(lambda artist: isinstance(artist, (Collection, mpl.lines.Line2D))):
        if _marks(artist) > MANY:
            artist.set_rasterized(True)
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "catapult", "savefig.facecolor": PAPER}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(text, format="svg", bbox_inches="tight", dpi=200, metadata=nothing)
    drawn = text.getvalue()
    drawn = re.sub(r' d="[^"]+"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), drawn[drawn.index("<svg"):])
    drawn = drawn.replace("</style>", f"{_dark_rules(drawn)}</style>", 1)
    engine = figure.get_layout_engine()
    if engine:
        figure.set_layout_engine("none")  # panels lie where they were drawn; to arrange them once more may move them
    found = html.escape(json.dumps(panels.stacked(figure), separators=(",", ":")))
    if engine:
        figure.set_layout_engine(engine)
    return drawn.replace("<svg ", f'<svg data-panels="{found}" ', 1)


def _marks(artist) -> int:
    """Return how many marks an artist draws."""
    if isinstance(artist, mpl.lines.Line2D):
        return len(artist.get_xdata(orig=False)) if artist.get_marker() not in ("", "None", "none", None, " ") else 0
    array = artist.get_array()
    return max(len(artist.get_offsets()), len(artist.get_paths()) if array is None else array.size)


def _dark_rules(drawn: str) -> str:
    """Return the rules by which the colours of a drawing change on a dark page; those of a map of colours stay."""
    plain = re.sub(r'<g id="Quad.*?</g>', "", drawn, flags=re.S)
    used = sorted(set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", plain)))
    kept = f':not([id^="Quad"] *, [id^="{AS_DRAWN}"] *)'
    rules = "".join(f'[style*="{what}: {colour}"]{kept} {{ {what}: {dark(colour)} !important }}'
                    for what, colour in used if dark(colour).lower() != colour)
    # What is filled with black says nothing of it: it is the colour that everything has.
    black = f'svg {{ fill: {dark("#000000")} }} [id^="Quad"], [id^="{AS_DRAWN}"] {{ fill: #000000 }}'
    return f"@media screen and (prefers-color-scheme: dark) {{ {black} {rules} }}"


def dark(colour: str) -> str:
    """Return the counterpart of a colour on dark paper: greys turn round, what is too dark to be read gets lighter."""
    red, green, blue = to_rgb(colour)
    if max(red, green, blue) - min(red, green, blue) < 0.04:
        return to_hex([low + (1 - red) * (0.95 - low) for low in to_rgb(DARK_PAPER)])
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    while contrast(colour, DARK_PAPER) < LEGIBLE:
        lightness += 0.01
        colour = to_hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return colour


def contrast(colour: str, paper: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2)."""
    def luminance(colour: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(colour), luminance(paper)), reverse=True)
    return (high + 0.05) / (low + 0.05)
