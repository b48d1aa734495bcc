"""The one look of all figures: colour-blind safe, opaque and light, so that it reads on light and dark pages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

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
