"""Falsifications of the rows of the chapter on the squared loss."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from catapult.chapters.catapult_squared.checks import ends, steps, wide
from catapult.oracles import plane
from catapult.theory import squared_plane, two_layer
from falsifying import falsifies, replaced, scaled


@falsifies("lewkowycz-two-numbers")
def another_width(monkeypatch):
    """The recursion is that of another width, one unit more."""
    replaced(monkeypatch, two_layer, "iterate", lambda iterate, loss, f0, ntk0, width, rate, steps:
                        iterate(loss, f0, ntk0, width + 1, rate, steps))


@falsifies("ours-product-formula")
def a_larger_output(monkeypatch):
    """D0 is that of an output 1 % larger."""
    replaced(monkeypatch, two_layer, "invariants", lambda right, f, *given: right(1.01 * f, *given))


@falsifies("ours-no-sharper-than-flow")
def a_weaker_condition(monkeypatch):
    """η²g²/m ≤ 2.04 is enough."""
    scaled(monkeypatch, steps, "MILD", 1.02)


@falsifies("ours-sharper-than-flow")
def another_neuron(monkeypatch):
    """w1 is 2 % smaller."""
    monkeypatch.setattr(steps, "NEURON", (0.98 * 1.44, 1.38))


@falsifies("ours-one-step-rule")
def a_longer_step(monkeypatch):
    """s is that of a learning rate 2 % smaller than the step's."""
    right = plane.Networks.descend

    def longer(self, loss):
        self.rate = 1.02 * self.rate
        return right(self, loss)

    monkeypatch.setattr(plane.Networks, "descend", longer)


@falsifies("lewkowycz-lazy-phase")
def a_wider_lazy_phase(monkeypatch):
    """The loss falls up to ηλ0 = 2.04."""
    scaled(monkeypatch, steps, "LAZY", 1.02)


@falsifies("ours-larger-is-flatter-while-lazy")
def beyond_the_lazy_phase(monkeypatch):
    """Larger is flatter all over the catapult phase."""
    monkeypatch.setattr(steps, "LAZY", 3.9)


@falsifies("ours-larger-is-flatter-while-lazy")
def an_output_of_zero(monkeypatch):
    """Also where f0 = 0."""
    replaced(monkeypatch, plane, "Networks", lambda right, f0, *given: right(0 * f0, *given))


@falsifies("lewkowycz-convergence-edge")
def an_edge_two_per_cent_higher(monkeypatch):
    """Gradient descent converges up to 4.08/λ0."""
    scaled(monkeypatch, two_layer, "convergence_edge", 1.02)


@falsifies("lewkowycz-convergence-edge")
def an_edge_two_per_cent_lower(monkeypatch):
    """Gradient descent diverges from 3.92/λ0 on."""
    scaled(monkeypatch, two_layer, "convergence_edge", 0.98)


@falsifies("liang-critical-step")
def a_critical_step_two_per_cent_larger(monkeypatch):
    """The critical step is 2 % larger."""
    scaled(monkeypatch, ends, "_critical_step", 1.021)


@falsifies("liang-critical-step")
def no_edge_of_the_minimum(monkeypatch):
    """The flattest minimum has no say: the critical step is the second of the two numbers."""
    replaced(monkeypatch, ends, "_critical_step", lambda right, u, v, y: np.where(
        right(u, v, y) * np.abs(y) == 1, 1.5, 1) * right(u, v, y))


@falsifies("lewkowycz-rises-first")
def a_wider_window(monkeypatch):
    """The window is 2 % wider."""
    scaled(monkeypatch, steps, "WINDOW", 1.02)


@falsifies("lewkowycz-first-rise")
def a_first_rise_of_another_output(monkeypatch):
    """The critical rate is that of an output 1 % larger."""
    right = two_layer.critical_learning_rate
    monkeypatch.setattr(two_layer, "critical_learning_rate", lambda loss, f0, *given: right(loss, 1.01 * f0, *given))


@falsifies("lewkowycz-below-the-edge")
def an_edge_of_stability_two_per_cent_lower(monkeypatch):
    """λ_∞ ≤ 1.96/η."""
    scaled(monkeypatch, two_layer, "stability_edge", 0.98)


@falsifies("lewkowycz-below-the-edge")
def an_edge_of_stability_two_per_cent_higher(monkeypatch):
    """The bound is 2.04/η, which none comes near."""
    scaled(monkeypatch, two_layer, "stability_edge", 1.02)


@falsifies("ours-hit-above-the-edge")
def a_start_beside_the_hit(monkeypatch):
    """w1 is 2 % larger, and the step lands beside f = 0."""
    monkeypatch.setattr(ends, "LANDING", (Fraction(1734, 1000), Fraction(1)))


@falsifies("ours-one-peak")
def another_root(monkeypatch):
    """Λ* is 0.01 % larger."""
    scaled(monkeypatch, squared_plane, "LATE_RISE", 1.0001)


@falsifies("lewkowycz-time-to-peak")
def a_longer_time(monkeypatch):
    """The peak comes 2 % later."""
    scaled(monkeypatch, squared_plane, "time_to_peak", 1.02)


@falsifies("ours-log-periodic")
def another_period(monkeypatch):
    """λ_∞ is the same when the width grows by 2 % more than (ηλ0 − 1)²."""
    scaled(monkeypatch, wide, "_period", 1.02)


@falsifies("ours-log-periodic")
def another_profile(monkeypatch):
    """G is 2 % higher."""
    scaled(monkeypatch, squared_plane, "profile", 1.02)


@falsifies("ours-reflection")
def another_reflection(monkeypatch):
    """The coefficient of δ0² is 2 % larger."""
    scaled(monkeypatch, wide, "REFLECTED", 1.02)


@falsifies("ours-reflection")
def a_narrower_network(monkeypatch):
    """At width 10⁶ a0² is not small against δ0³."""
    monkeypatch.setattr(wide, "REFLECTS", 1e6)


@falsifies("ours-reflection")
def the_other_sign(monkeypatch):
    """The coefficient of δ0² has the sign of the normal form that drops too much."""
    scaled(monkeypatch, wide, "REFLECTED", -1)


@falsifies("ours-no-limit-of-width")
def widths_a_period_apart(monkeypatch):
    """The two states are those of widths that differ by a period."""
    monkeypatch.setattr(wide, "PHASES", (1.0, 2.0))


@falsifies("ours-no-limit-of-width")
def widths_near_together(monkeypatch):
    """|a| of the second state is 5 % larger, near the top of the profile."""
    monkeypatch.setattr(wide, "PHASES", (1.0, 1.68))


@falsifies("ours-small-amplitude")
def far_from_two(monkeypatch):
    """The law holds far from ηλ0 = 2 as it does near."""
    monkeypatch.setattr(wide, "SLOPED", (2.3, 2.5))


@falsifies("ours-small-amplitude")
def another_amplitude(monkeypatch):
    """The library's amplitude is 2 % off."""
    right = squared_plane.amplitude
    monkeypatch.setattr(squared_plane, "amplitude", lambda *given, **named: right(*given, **named) + np.log(1.02))


@falsifies("ours-larger-and-sharper")
def weights_that_do_not_cancel(monkeypatch):
    """The first weight is 2 % larger: at η = 1 the network does not end at 0."""
    monkeypatch.setattr(ends, "INTEGERS", ((Fraction(51, 25), 1, 1, 0), (1, 2, 0, 1)))


@falsifies("ours-larger-and-sharper-wide")
def a_rate_two_per_cent_smaller(monkeypatch):
    """The larger rate is 2 % smaller."""
    monkeypatch.setattr(ends, "PAIR", (Fraction(31, 20), Fraction(33, 20) * Fraction(98, 100)))


@falsifies("ours-larger-and-sharper-wide")
def rates_the_other_way_round(monkeypatch):
    """The smaller rate ends sharper."""
    monkeypatch.setattr(ends, "PAIR", ends.PAIR[::-1])


@falsifies("ours-lazy-leading-order")
def another_leading_order(monkeypatch):
    """The leading order is 2 % larger."""
    scaled(monkeypatch, steps, "_lazy_loss", 1.02)


@falsifies("ours-chaos-at-four")
def another_exponent(monkeypatch):
    """The Lyapunov exponent is 2 % larger than log 3."""
    scaled(monkeypatch, ends, "LYAPUNOV", 1.02)


@falsifies("ours-arcsine-law")
def a_wider_law(monkeypatch):
    """The density is that of [−2.04, 2.04]."""
    replaced(monkeypatch, ends, "_arcsine", lambda right, a: right(a / 1.02))


@falsifies("ours-golden-rate")
def another_rate_of_leaving(monkeypatch):
    """The rate is 2 % larger."""
    scaled(monkeypatch, ends, "GOLDEN", 1.02)
