"""Falsifications of the rows of the chapter on certificates."""

from __future__ import annotations

import dataclasses
import math

import flint

from catapult.chapters.certificates import experiment
from catapult.theory import certificates
from catapult.theory.certificates import _cycles, _one_step, _rates, _two_layer
from falsifying import falsifies, replaced


def other(monkeypatch, module, name, change):
    """Replace a function by ``change`` of its result."""
    replaced(monkeypatch, module, name, lambda right, *given, **options: change(right(*given, **options)))


@falsifies("huang-certified-rates")
def a_critical_rate_two_per_cent_higher(monkeypatch):
    """The critical rate is 1.02 times 2w/g(w)."""
    replaced(monkeypatch, _one_step, "excess", lambda right, loss, w, rate: right(loss, w, rate * flint.arb("0.98")))


@falsifies("huang-certified-rates")
def one_cut_less(monkeypatch):
    """The boxes are cut in four once less than the share needs."""
    replaced(monkeypatch, certificates, "one_step_boxes", lambda right, *given, depth: right(*given, depth=depth - 1))


@falsifies("ours-certified-cycle")
def refuted_above_forty_one(monkeypatch):
    """The multiplier is said to lie outside of (−1, 1) from η = 41 on."""
    replaced(monkeypatch, _cycles, "_cycle_on", lambda right, low, high, bounds: _cycles.REFUTED if low > 41
                        else right(low, high, bounds))


@falsifies("ours-certified-cycle")
def nothing_above_forty_one(monkeypatch):
    """The pieces above η = 41 are dropped."""
    replaced(monkeypatch, certificates, "two_cycle", lambda right, ends, **options: right((ends[0], 41), **options))


@falsifies("ours-certified-cycle")
def a_cycle_two_per_cent_larger(monkeypatch):
    """The cycle is said to be 1.02 w*."""
    def change(row):
        return row and (1.02 * row[0], 1.02 * row[1], *row[2:])

    other(monkeypatch, _cycles, "_cycle_on", change)


@falsifies("ours-certified-cycle")
def a_multiplier_two_per_cent_off(monkeypatch):
    """The multiplier is said to be 2.04 w*/sinh w* − 1."""
    def change(row):
        return row and (*row[:2], 1.02 * row[2] + 0.02, 1.02 * row[3] + 0.02)

    other(monkeypatch, _cycles, "_cycle_on", change)


@falsifies("ours-certified-cycle")
def enclosures_of_nothing(monkeypatch):
    """Every multiplier is only said to lie between −1 and 1."""
    other(monkeypatch, _cycles, "_cycle_on", lambda row: row and (*row[:2], -1.0, 1.0))


@falsifies("ours-certified-cycle")
def a_multiplier_below_one_half(monkeypatch):
    """The multiplier is claimed to lie in (−1/2, 1/2), which fails near 8 and for large η."""
    replaced(monkeypatch, certificates, "two_cycle", lambda right, ends, *, multiplier, depth:
                        right(ends, multiplier=("-0.5", "0.5"), depth=depth))


@falsifies("ours-certified-kernels", "ours-certified-sharper")
def limits_two_per_cent_higher(monkeypatch):
    """The final kernel is 1.02 times what the theorem gives."""
    right = _two_layer.trapped

    def wrong(*given):
        limits = right(*given)
        return limits and tuple(limit * flint.arb("1.02") for limit in limits)

    monkeypatch.setattr(_two_layer, "trapped", wrong)


@falsifies("ours-certified-kernels", "ours-certified-sharper")
def another_width(monkeypatch):
    """The recursion is that of a width smaller by two per cent."""
    right = _two_layer.checked

    def wrong(*given):
        start = right(*given)
        return dataclasses.replace(start, kappa=start.kappa * flint.fmpq(102, 100))

    monkeypatch.setattr(_two_layer, "checked", wrong)


@falsifies("ours-certified-kernels", "ours-certified-sharper")
def enclosures_without_ends(monkeypatch):
    """Every final kernel is said to lie between −∞ and ∞ (nonsense that holds)."""
    right = certificates.final_ntk

    def wrong(*given, **options):
        found = right(*given, **options)
        return dataclasses.replace(found, lower=-math.inf, upper=math.inf) \
            if isinstance(found, certificates.Enclosure) else found

    monkeypatch.setattr(certificates, "final_ntk", wrong)
    monkeypatch.setattr(certificates, "sharper_at_larger_rate", lambda loss, f0, ntk0, width, first, second:
                        certificates.Sharper(wrong(loss, f0, ntk0, width, first), wrong(loss, f0, ntk0, width, second),
                                             300.0))


@falsifies("ours-certified-kernels")
def divergence_beyond_kappa_eight(monkeypatch):
    """Logistic loss: every orbit with κ > 8 and |f| > 1 is said to diverge; the other hypotheses are dropped."""
    monkeypatch.setattr(_two_layer, "logistic_escape", lambda kappa, f, scaled: kappa > 8)


@falsifies("ours-certified-kernels")
def naive_balls(monkeypatch):
    """The orbits are followed operation by operation at 128 bits, which run out."""
    monkeypatch.setattr(_two_layer.orbit, "__defaults__", (_two_layer.step,))
    monkeypatch.setattr(_two_layer, "MAX_BITS", 128)


@falsifies("ours-certified-sharper")
def below_the_catapult_phase(monkeypatch):
    """Rates below ηλ0 = 2, where the larger rate ends flatter."""
    right = experiment.search_sharper
    monkeypatch.setattr(experiment, "search_sharper", lambda f0, ntk0, width, rates: right(f0, ntk0, width, rates / 2))


@falsifies("ours-certified-window")
def a_width_two_per_cent_smaller(monkeypatch):
    """The window is that of m = 98, wider by two per cent."""
    replaced(monkeypatch, certificates, "convergence", lambda right, loss, f0, ntk0, width, rates, **options:
                        right(loss, f0, ntk0, 98, rates, **options))


@falsifies("ours-certified-window")
def the_rates_above_dropped(monkeypatch):
    """Nothing is said of the rates beyond the window."""
    replaced(monkeypatch, certificates, "convergence", lambda right, loss, f0, ntk0, width, rates, **options:
                        right(loss, f0, ntk0, width, (rates[0], rates[0] + (rates[1] - rates[0]) / 2.12), **options))


@falsifies("ours-certified-logistic")
def one_halving_less(monkeypatch):
    """The pieces are halved eight times, not nine."""
    right = certificates.convergence
    monkeypatch.setattr(certificates, "convergence", lambda *given, depth: right(*given, depth=max(depth - 1, 0)))


@falsifies("ours-certified-logistic")
def every_interval_in_the_trap_converges(monkeypatch):
    """A trap without its condition cΛ ≤ 2: Λ ≤ 1000 is called convergence."""
    monkeypatch.setattr(_rates, "trapped", lambda loss, kappa, f, scaled: scaled < 1000)


@falsifies("ours-certified-logistic")
def a_bound_that_loses_its_sign(monkeypatch):
    """The square of a negative lower bound of |f| passes for a bound of α², as it stood once."""
    def escape(kappa, f, scaled):
        root = kappa.sqrt()
        top, p, q = root / 2, scaled + 2 * root * f, scaled - 2 * root * f
        ratio = abs((p / q).log())
        room = ratio.min(2 * ((top + 1) / (top - 1)).log() - ratio) / 2
        least = ((p * q).sqrt() * (room / 2).sinh() / (2 * root)).lower()
        square = ((top * (least / 2).tanh()) ** 2).lower()
        drift = 8 * top / (square - 1) * (-least).exp() / (1 - (-least * (square - 2)).exp())
        return room > 0 and square > 2 and drift < room

    monkeypatch.setattr(_two_layer, "logistic_escape", escape)


@falsifies("ours-certified-chaos")
def another_gamma(monkeypatch):
    """The cycle of three is that of a γ two per cent larger."""
    replaced(monkeypatch, _cycles, "_images", lambda right, p, gamma, w: right(p, gamma * flint.fmpq(102, 100), w))


@falsifies("ours-certified-chaos")
def balanced_labels(monkeypatch):
    """Balanced labels in the place of p = 3/5: no chaos there."""
    monkeypatch.setattr(experiment, "PERIOD_THREE", (("9/10", 4), ("1/2", 7)))
