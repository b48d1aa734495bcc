"""Where the panels of a figure lie, so that a phone can show them one below the other.

A figure with panels side by side is one drawing. On a narrow page the same drawing is shown in pieces: each panel with
its own numbers, or with those of the panel that it shares its axis with; legends before them, a common label after.
"""

from __future__ import annotations

import functools
import io

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

ROOM = 2.0  # points around a piece
Piece = tuple[float, float, float, float, float, float]
"""From where in the drawing, x, y, width, height, downwards; and to where in the panel, x, y; in points."""


def stacked(figure: Figure) -> list[dict]:
    """Return the panels of a figure that was drawn as SVG, in order, in points; none if none lie side by side.

    Each has ``width``, ``height`` and ``pieces``. The drawing is cut to what is drawn, with matplotlib's usual room.
    """
    usual = figure.dpi
    figure.set_dpi(72)
    try:
        figure.draw_without_rendering()
        return _stacked(figure, RendererSVG(*figure.bbox.size, io.StringIO()))
    finally:
        figure.set_dpi(usual)


def _stacked(figure: Figure, renderer: RendererSVG) -> list[dict]:
    panels = [axes for axes in figure.axes if axes.get_subplotspec() and not _is_bar(axes)
              and axes.get_visible() and (axes.axison or axes.has_data() or axes.get_legend())]
    if len({axes.get_subplotspec().colspan.start for axes in panels}) < 2:
        return []
    box = functools.partial(_box, renderer)
    whole = figure.get_tightbbox(renderer)
    left, top = 72 * whole.x0 - 7.2, 72 * whole.y1 + 7.2  # matplotlib's room around a drawing
    found = [_panel([(box(legend), 0, 0)], left, top) for legend in figure.legends]
    for axes in panels:
        own, frame = _with_bar(axes, box), axes.get_window_extent()
        beside, below = _shares(axes, panels, "y"), _shares(axes, panels, "x")
        ticks = frame.x0 - own.x0, frame.y0 - own.y0  # what the panel has of them itself
        strip = beside and Bbox.from_extents(box(beside).x0, own.y0, beside.get_window_extent().x0 - ticks[0], own.y1)
        under = below and Bbox.from_extents(own.x0, box(below).y0, own.x1, below.get_window_extent().y0 - ticks[1])
        across = strip.width if strip else 0
        pieces = [(own, across, 0)]
        pieces += [(strip, 0, 0)] if strip else []
        pieces += [(under, across, own.height)] if under else []
        found.append(_panel(pieces, left, top))
    after = [axes for axes in figure.axes if _is_bar(axes) and _whose(axes) not in panels]
    after += [figure._supxlabel] if figure._supxlabel else []
    return found + [_panel([(box(one), 0, 0)], left, top) for one in after]


def _box(renderer, artist) -> Bbox:
    return artist.get_tightbbox(renderer).padded(ROOM)


def _is_bar(axes: Axes) -> bool:
    return hasattr(axes, "_colorbar")


def _whose(bar: Axes) -> Axes | None:
    """Return the panel whose colours a bar explains; None if it explains those of several."""
    return getattr(bar._colorbar.mappable, "axes", None)


def _with_bar(axes: Axes, box) -> Bbox:
    """Return the box of a panel, together with its bar of colours."""
    bars = [other for other in axes.figure.axes if _is_bar(other) and _whose(other) is axes]
    return Bbox.union([box(axes), *map(box, bars)])


def _shares(axes: Axes, panels: list[Axes], which: str) -> Axes | None:
    """Return the panel beside or below at which the numbers of an axis stand that this panel does not repeat."""
    side, along, across = {"y": ("labelleft", "rowspan", "colspan"), "x": ("labelbottom", "colspan", "rowspan")}[which]

    def numbered(one: Axes) -> bool:
        return getattr(one, f"{which}axis").get_tick_params()[side]

    if numbered(axes):
        return None
    shared = getattr(axes, f"get_shared_{which}_axes")()
    mates = [one for one in panels if one is not axes and shared.joined(axes, one) and numbered(one)
             and getattr(one.get_subplotspec(), along).start == getattr(axes.get_subplotspec(), along).start]
    here = getattr(axes.get_subplotspec(), across).start
    return min(mates, key=lambda one: abs(getattr(one.get_subplotspec(), across).start - here), default=None)


def _panel(pieces: list[tuple[Bbox, float, float]], left: float, top: float) -> dict:
    placed: list[Piece] = [tuple(round(float(number), 1) for number in (
        box.x0 - left, top - box.y1, box.width, box.height, x, y)) for box, x, y in pieces]
    return {"width": round(max(x + width for _, _, width, _, x, _ in placed), 1),
            "height": round(max(y + height for _, _, _, height, _, y in placed), 1), "pieces": placed}
