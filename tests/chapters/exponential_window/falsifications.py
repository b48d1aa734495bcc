"""Falsifications of the rows of the chapter on the window of the exponential loss and the normal form."""

from __future__ import annotations

from catapult.chapters.exponential_window import checks
from catapult.theory import linear_predictor, two_layer
from falsifying import falsifies, replaced, scaled


@falsifies("huang-exponential-catapult")
def a_wider_window(monkeypatch):
    """The window is 2 % wider."""
    scaled(monkeypatch, checks, "_window", 1.02)


@falsifies("ours-window-moves")
def a_larger_spread(monkeypatch):
    """The spread is 2 % larger."""
    scaled(monkeypatch, checks, "_spread_of_outputs", 1.02)


@falsifies("ours-exponential-trap")
def a_wider_trap(monkeypatch):
    """The trap reaches to s0 = 2.04."""
    scaled(monkeypatch, checks, "TRAP", 1.02)


@falsifies("ours-exponential-runaway")
def an_earlier_runaway(monkeypatch):
    """The kernel rises for ever from ηλ0 = 3.92 on."""
    scaled(monkeypatch, checks, "RUNAWAY", 0.98)


@falsifies("ours-exponential-edge")
def another_first_term(monkeypatch):
    """The term in κ is 2 % larger."""
    right = two_layer.slow_ntk

    def wrong(loss, f, width, rate):
        leading = linear_predictor.critical_learning_rate(loss, f) / rate
        return leading + 1.02 * (right(loss, f, width, rate) - leading)

    monkeypatch.setattr(two_layer, "slow_ntk", wrong)


@falsifies("ours-exit")
def another_exit(monkeypatch):
    """L''''(0) is 2 % larger."""
    replaced(monkeypatch, two_layer, "exit_distance", lambda right, distance, kappa, h, fourth:
                        right(distance, kappa, h, 1.02 * fourth))


@falsifies("ours-exit")
def a_term_of_the_dropped_order(monkeypatch):
    """C has a term of the order of those that are dropped, −κh² (at κ = 1/10)."""
    replaced(monkeypatch, two_layer, "exit_distance", lambda right, distance, kappa, h, fourth:
                        right(distance, kappa, h, fourth - 3 * h * 0.1 * h**2))


@falsifies("ours-jump-returns")
def another_bound(monkeypatch):
    """Every start converges up to κ = 2.04."""
    scaled(monkeypatch, checks, "BOUNDED", 1.04)


@falsifies("ours-wide-phases")
def another_first_rise(monkeypatch):
    """The first rise is 2 % later."""
    scaled(monkeypatch, two_layer, "critical_learning_rate", 1.02)


@falsifies("ours-wide-phases")
def another_slow_curve(monkeypatch):
    """The slow curve is 1 % higher: the middle of the window lies beyond it."""
    scaled(monkeypatch, two_layer, "slow_ntk", 1.01)
