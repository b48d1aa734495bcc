"""Falsifications of the rows of chapter critical-learning-rates."""

from __future__ import annotations

import numpy as np

from catapult.chapters.critical_learning_rates.checks import cycles, labels, phases
from catapult.oracles import balls, bisection, predictor
from catapult.theory import linear_predictor as theory
from falsifying import falsifies, replaced, scaled


@falsifies("huang-exponential-critical-rate", "huang-logistic-critical-rate")
def critical_rate_in_the_fifth_digit(monkeypatch):
    """The closed form is 1.00002 times what it is."""
    scaled(monkeypatch, theory, "critical_learning_rate", 1.00002)


@falsifies("huang-exponential-critical-rate", "huang-logistic-critical-rate")
def measured_rate_in_the_fifth_digit(monkeypatch):
    """Orbits turn at 1.00002 times the rate at which they do."""
    scaled(monkeypatch, bisection, "threshold", 1.00002)


@falsifies("huang-exponential-monotone")
def exponential_edge_two_per_cent_higher(monkeypatch):
    """The risk falls up to 1.02 times the critical rate."""
    scaled(monkeypatch, phases, "exponential_edge", 1.02)


@falsifies("huang-exponential-monotone")
def exponential_edge_two_per_cent_lower(monkeypatch):
    """The risk rises from 0.98 times the critical rate on."""
    scaled(monkeypatch, phases, "exponential_edge", 0.98)


@falsifies("ours-exponential-multiplier")
def repulsion_two_per_cent_stronger(monkeypatch):
    """The multiplier is 1.02 times what it is."""
    scaled(monkeypatch, phases, "repulsion", 1.02)


@falsifies("huang-phase-diagram")
def curves_two_per_cent_off(monkeypatch):
    """The curves lie at 1.02 times their rates."""
    replaced(monkeypatch, theory, "predicted_phase", lambda predicted, loss, w0, rate: predicted(loss, w0, rate / 1.02))


@falsifies("huang-phase-diagram")
def another_step(monkeypatch):
    """The dynamics have the sign of the step wrong."""
    monkeypatch.setattr(theory, "update", lambda loss, w, rate: w + rate * theory.slope(loss, w))


@falsifies("huang-up-to-eight", "tempting-eight-oscillates", "huang-eight-converges")
def eight_two_per_cent_higher(monkeypatch):
    """The convergent phase ends at 8.16."""
    scaled(monkeypatch, phases, "EIGHT", 1.02)


@falsifies("huang-up-to-eight")
def a_contraction_to_somewhere_else(monkeypatch):
    """|w| falls at every step, but tends to 0.1."""
    monkeypatch.setattr(predictor, "move", lambda loss, w, rate: np.where(w > 0.1, 0.1 + 0.99 * (w - 0.1), w))


@falsifies("meng-any-label-share", "ours-flip", "ours-chaos-onset")
def label_edge_two_per_cent_higher(monkeypatch):
    """The stability edge is at γ = 2.04."""
    scaled(monkeypatch, labels, "LABEL_EDGE", 1.02)


@falsifies("huang-eight-converges")
def limit_at_eight_two_per_cent_off(monkeypatch):
    """t w_t² tends to 3.06."""
    monkeypatch.setattr(phases, "EIGHT_LIMITS", (3.06, 3 / 8))


@falsifies("huang-eight-converges")
def limit_of_the_risk_at_eight_two_per_cent_off(monkeypatch):
    """t (L − log 2) tends to 0.3825."""
    monkeypatch.setattr(phases, "EIGHT_LIMITS", (3.0, 1.02 * 3 / 8))


@falsifies("ours-global-cycle")
def cycle_equation_two_per_cent_off(monkeypatch):
    """On the cycle 1.02 η tanh(w/2) = 4w."""
    scaled(monkeypatch, cycles, "cycle_balance", 1.02)


@falsifies("ours-global-cycle", "huang-middle-phase", "huang-stays-above", "ours-middle-phase-rises",
           "tempting-never-decreases")
def a_contraction(monkeypatch):
    """A step is a contraction to 0."""
    monkeypatch.setattr(predictor, "move", lambda loss, w, rate: 0.9 * np.abs(w) + 0 * rate)


@falsifies("ours-cycle-multiplier")
def attraction_two_per_cent_off(monkeypatch):
    """2w*/sinh w* is 1.02 times what it is."""
    scaled(monkeypatch, cycles, "attraction", 1.02)


@falsifies("ours-large-rate")
def correction_of_the_cycle_two_per_cent_off(monkeypatch):
    """η/4 − w* is 1.02 times (η/2) e^{−η/4}."""
    replaced(monkeypatch, cycles, "large_rate_forms", lambda forms, rate: (forms(rate)[0] * 51 / 50, forms(rate)[1]))


@falsifies("ours-large-rate")
def attraction_at_large_rates_two_per_cent_off(monkeypatch):
    """1 − |U'(w*)| is 1.02 times η e^{−η/4}."""
    replaced(monkeypatch, cycles, "large_rate_forms", lambda forms, rate: (forms(rate)[0], forms(rate)[1] * 51 / 50))


@falsifies("ours-no-chaos")
def labels_out_of_balance(monkeypatch):
    """A fraction 0.6 of the labels is positive."""
    monkeypatch.setattr(labels, "BALANCED", 0.6)


@falsifies("huang-middle-phase")
def middle_phase_two_per_cent_higher(monkeypatch):
    """The middle phase ends at 1.02 times the critical rate."""
    scaled(monkeypatch, cycles, "logistic_edge", 1.02)


@falsifies("huang-stays-above")
def upper_phase_two_per_cent_lower(monkeypatch):
    """The upper phase begins at 0.98 times the critical rate."""
    scaled(monkeypatch, cycles, "logistic_edge", 0.98)


@falsifies("ours-middle-phase-rises")
def a_rate_below_the_middle_phase(monkeypatch):
    """η = 7.84, 2 per cent below the middle phase."""
    monkeypatch.setattr(cycles, "RISING_RATE", 0.98 * 8)


@falsifies("ours-middle-phase-rises")
def a_start_above_whose_critical_rate_it_lies(monkeypatch):
    """w0 = 5, whose critical rate is 20.27: η = 20.4 is not in its middle phase."""
    monkeypatch.setattr(cycles, "RISING_START", 5.0)


@falsifies("ours-jump-to-minimum")
def jump_two_per_cent_off(monkeypatch):
    """The first step lands on the minimum at 0.51 η_c(w0)."""
    rates = cycles.jump_rates

    def off():
        (w0, rate), others = rates()
        return (w0, rate * 51 / 50), others

    monkeypatch.setattr(cycles, "jump_rates", off)


@falsifies("ours-hitting-rates")
def counted_at_another_rate(monkeypatch):
    """The positive weights are counted at η = 8.16."""
    replaced(monkeypatch, cycles, "positive_steps", lambda counted, w, rate: counted(w, 1.02 * rate))


@falsifies("ours-hitting-rates")
def counted_with_the_start(monkeypatch):
    """The start counts as well."""
    replaced(monkeypatch, cycles, "positive_steps", lambda counted, w, rate: 1 + counted(w, rate))


@falsifies("tempting-never-decreases")
def a_rate_below_the_onset(monkeypatch):
    """η = 10.72, 2 per cent below the onset of overshooting: the risk rises monotonically."""
    monkeypatch.setattr(cycles, "FALLING_RATE", 0.98 * 10.936)


@falsifies("ours-overshoot-onset")
def onset_in_the_fifth_digit(monkeypatch):
    """Orbits begin to overshoot at 1.00002 times the rate at which they do."""
    scaled(monkeypatch, bisection, "threshold", 1.00002)


@falsifies("ours-overshoot-onset")
def no_orbit_lands(monkeypatch):
    """What a step should map to w* is 2 per cent off."""
    root = balls.root
    monkeypatch.setattr(balls, "root",
                        lambda falls, low, high: root(falls, low, high) * (51 if low == 1 else 50) / 50)


@falsifies("ours-chaos-onset")
def onsets_two_per_cent_later(monkeypatch):
    """Chaos sets in at 1.02 times the γ where it does."""
    monkeypatch.setattr(labels, "ONSETS", {p: 1.02 * onset for p, onset in labels.ONSETS.items()})


@falsifies("ours-flip")
def amplitude_two_per_cent_larger(monkeypatch):
    """The cycle reaches 1.02 times as far."""
    scaled(monkeypatch, labels, "flip_amplitude", 1.02)


@falsifies("ours-period-three")
def two_per_cent_nearer_the_edge(monkeypatch):
    """γ = 3.92 instead of 4."""
    monkeypatch.setattr(labels, "PERIOD_THREE_UNITS", "3.92")
