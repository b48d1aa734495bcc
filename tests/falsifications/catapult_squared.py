"""Falsifications of the rows of the chapter on the squared loss."""

from __future__ import annotations

from catapult.theory import two_layer
from falsifications import falsifies


@falsifies("lewkowycz-two-numbers")
def another_width(monkeypatch):
    """The recursion is that of another width, one unit more."""
    iterate = two_layer.iterate
    monkeypatch.setattr(two_layer, "iterate", lambda loss, f0, ntk0, width, rate, steps:
                        iterate(loss, f0, ntk0, width + 1, rate, steps))
