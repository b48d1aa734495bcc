"""Falsifications of the rows of the chapter on the logistic loss."""

from __future__ import annotations

import numpy as np

from catapult.chapters.catapult_logistic.checks import edges, slide, steps
from catapult.oracles import predictor
from catapult.theory import linear_predictor, two_layer
from falsifying import falsifies, replaced, scaled


@falsifies("huang-logistic-catapult")
def a_critical_rate_three_per_cent_lower(monkeypatch):
    """The critical rate is 3 % lower: 1.02 times it is still below."""
    scaled(monkeypatch, two_layer, "critical_learning_rate", 0.97)


@falsifies("huang-kernel-bound")
def a_bound_two_per_cent_lower(monkeypatch):
    """λ_∞ is at most 0.98 of the stability edge."""
    scaled(monkeypatch, two_layer, "stability_edge", 0.98)


@falsifies("huang-kernel-bound")
def a_bound_two_per_cent_higher(monkeypatch):
    """The bound is 2 % higher, and none comes near."""
    scaled(monkeypatch, two_layer, "stability_edge", 1.02)


@falsifies("ours-kernel-turns")
def another_place_to_turn(monkeypatch):
    """The kernel turns at s = 4.08."""
    scaled(monkeypatch, steps, "TURNS", 1.02)


@falsifies("tempting-kernel-bound")
def beside_the_hit(monkeypatch):
    """The start has a kernel 2 % larger, and the step does not hit."""
    scaled(monkeypatch, steps, "_hitting", 1 + 1 / 50)


@falsifies("tempting-upper-edge")
def narrow_networks(monkeypatch):
    """Networks of width 700 are among the wide ones."""
    monkeypatch.setattr(edges, "WIDE", (700, 3000))


@falsifies("ours-sixteen")
def another_sixteen(monkeypatch):
    """16 is 16.32 (and the other edge 2 % higher)."""
    scaled(monkeypatch, two_layer, "convergence_edge", 1.02)


@falsifies("ours-sixteen-sharp")
def starts_inside_the_cycle(monkeypatch):
    """Starts just within the two-cycle diverge."""
    scaled(monkeypatch, edges, "BESIDE", -1)


@falsifies("ours-kappa-eight")
def another_eight(monkeypatch):
    """Every start converges up to κ = 8.32."""
    scaled(monkeypatch, two_layer, "convergence_edge", 1.02)


@falsifies("ours-beyond-kappa-eight")
def another_growth(monkeypatch):
    """The growth is 2 % larger."""
    scaled(monkeypatch, edges, "_growth", 1.02)


@falsifies("ours-beyond-kappa-eight")
def starts_far_from_half_a_swing(monkeypatch):
    """Starts at the end of the swing diverge too."""
    replaced(monkeypatch, edges, "swing_start", lambda right, f0, kappa, share: right(f0, kappa, share + 0.4))


@falsifies("ours-false-cycle")
def another_fall(monkeypatch):
    """The fall is 2 % larger than 4 e⁻⁴⁰."""
    scaled(monkeypatch, edges, "FALLS", 1.02)


@falsifies("ours-two-layer-cycle")
def another_cycle(monkeypatch):
    """f* is a millionth larger."""
    replaced(monkeypatch, two_layer, "two_cycle", lambda right, *given: (right(*given)[0] * 1.000001, right(*given)[1]))


@falsifies("ours-two-layer-cycle-repels")
def another_multiplier(monkeypatch):
    """The multiplier is 10⁻⁵ larger."""
    scaled(monkeypatch, two_layer, "cycle_multiplier", 1.00001)


@falsifies("ours-wide-edge")
def an_edge_two_per_cent_higher(monkeypatch):
    """Wide networks converge up to 1.02 √(8m)."""
    scaled(monkeypatch, two_layer, "convergence_edge", 1.02)


@falsifies("ours-wide-edge")
def an_edge_two_per_cent_lower(monkeypatch):
    """Wide networks diverge from 0.98 √(8m) on."""
    scaled(monkeypatch, two_layer, "convergence_edge", 0.98)


@falsifies("ours-wide-edge")
def convergence_from_one_beyond_sixteen(monkeypatch):
    """From |a0| = 1 rates converge up to 1.02 √(16m)."""
    scaled(monkeypatch, edges, "HIGHEST", 1.02)


@falsifies("song-slide-end")
def another_leading_order(monkeypatch):
    """The leading coefficient is 2 % larger than 3/2."""
    scaled(monkeypatch, slide, "LEADING", 1.02)


@falsifies("ours-slide-end")
def another_second_order(monkeypatch):
    """The second coefficient is 2 % larger than 9/80."""
    scaled(monkeypatch, slide, "SECOND", 1.02)


@falsifies("ours-slide-end")
def another_first_order(monkeypatch):
    """The first coefficient is a thousandth larger."""
    replaced(monkeypatch, two_layer, "slide_ntk", lambda right, m, rate: right(m, rate) - 0.0015 * rate / m)


@falsifies("ours-slide-time", "ours-no-plateau")
def another_rate(monkeypatch):
    """The rate is 2 % larger than ¾κ."""
    scaled(monkeypatch, slide, "SLIDE_RATE", 1.02)


@falsifies("ours-slide-rate")
def another_cycle_of_the_frozen_kernel(monkeypatch):
    """f* is 1 % larger, and the drift 2 %."""
    scaled(monkeypatch, linear_predictor, "two_cycle", 1.01)


@falsifies("ours-annihilation")
def beside_the_annihilation(monkeypatch):
    """The start is 2 % larger than where |a| = 1."""
    scaled(monkeypatch, edges, "_annihilated", 1 + 1 / 50)


@falsifies("ours-silent-slide")
def beyond_the_critical_rate(monkeypatch):
    """The critical rate is 2 % higher."""
    scaled(monkeypatch, two_layer, "critical_learning_rate", 1.02)


@falsifies("ours-silent-slide")
def a_large_output(monkeypatch):
    """f0 = 2.5 is moderate too."""
    monkeypatch.setattr(slide, "SILENT", (0.3, 1.0, 2.5))


@falsifies("ours-not-always-flatter")
def a_smaller_rate(monkeypatch):
    """The larger rate is 2 % smaller."""
    monkeypatch.setattr(steps, "PAIR", (50, 52.92))


@falsifies("ours-flatter-while-small")
def rates_the_other_way_round(monkeypatch):
    """The smaller rate ends sharper."""
    monkeypatch.setattr(steps, "SHARPER", steps.SHARPER[::-1])


@falsifies("ours-flatter-while-small")
def rates_two_per_cent_smaller(monkeypatch):
    """Both rates are 2 % smaller: there a larger one still ends flatter."""
    monkeypatch.setattr(steps, "SHARPER", tuple(0.98 * rate for rate in steps.SHARPER))


@falsifies("ours-logistic-log-periodic")
def another_period(monkeypatch):
    """The period of log m is 2 % longer."""
    replaced(monkeypatch, steps, "_period", lambda right, kappa: right(kappa) ** 1.02)


@falsifies("ours-logistic-log-periodic")
def half_the_period(monkeypatch):
    """The period is that of a single step."""
    replaced(monkeypatch, steps, "_period", lambda right, kappa: right(kappa) ** 0.5)


@falsifies("ours-logistic-log-periodic")
def a_width_next_to_hits(monkeypatch):
    """A width next to hits is looked at too."""
    monkeypatch.setattr(steps, "OFF_HITS", -1)


@falsifies("huang-logistic-catapult", "ours-slide-rate", "ours-no-plateau")
def a_steeper_loss(monkeypatch):
    """The slope of the logistic loss is 2 % larger, and the rates that are known of it no longer fit."""
    slopes = dict(predictor.SLOPES, logistic=lambda f, of=np: 1.02 * of.tanh(f / 2) / 2)
    monkeypatch.setattr(predictor, "SLOPES", slopes)
    scaled(monkeypatch, two_layer, "critical_learning_rate", 1 / 1.05)
