"""Falsifications of the rows on published figures: the recorded table is altered, or what is read off it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.published_figures import checks, outcomes
from falsifying import falsifies, replaced

ON_DIGITS = ("wu-figure-rates", "wu-figure-lower", "wu-figure-inverse", "wu-figure-right", "ours-figure-exit",
             "crawshaw-figure-transition", "crawshaw-figure-pixels")


def altered(monkeypatch, change):
    """Let the checks read a table that ``change`` has altered."""
    replaced(monkeypatch, checks, "table", lambda right: change(right()))
    monkeypatch.setattr(checks, "slice_difference", lambda: 0.0)
    monkeypatch.setattr(checks, "loop_difference", lambda: 0.0)
    monkeypatch.setattr(checks, "steps_apart", lambda: np.zeros(13))


def power(results: xr.Dataset, name: str, rate: str, exponent: float) -> xr.Dataset:
    """Return the results with a quantity times the ``exponent``-th power of the learning rate."""
    return results.assign({name: results[name] * results[rate] ** exponent})


@falsifies(*ON_DIGITS)
def a_slice_that_disagrees(monkeypatch):
    """A run in which every image is looked at at every step differs in the sixth digit."""
    monkeypatch.setattr(checks, "at_hand", lambda: True)
    monkeypatch.setattr(checks, "slice_difference", lambda: 5e-6)
    monkeypatch.setattr(checks, "loop_difference", lambda: 0.0)


@falsifies(*ON_DIGITS)
def a_plain_loop_that_disagrees(monkeypatch):
    """The plain loop on pixels gives another loss in the eighth digit."""
    monkeypatch.setattr(checks, "at_hand", lambda: True)
    monkeypatch.setattr(checks, "slice_difference", lambda: 0.0)
    monkeypatch.setattr(checks, "loop_difference", lambda: 1e-8)


@falsifies("wu-figure-rates", "crawshaw-figure-transition")
def pixels_from_zero_to_one(monkeypatch):
    """The hypothesis is dropped: pixels in [0, 1] in the place of those in [−1, 1]."""
    def moved(results):
        first, second = (results.isel(pixels=i) for i in (0, 1))
        way = ["even, [0, 1]" if each == outcomes.THEIR_WAY else each for each in results.way.values]
        swapped = xr.concat([second.assign_coords(pixels=first.pixels), first.assign_coords(pixels=second.pixels)],
                            "pixels")
        return swapped.assign(transition=results.transition.sel(way=way).assign_coords(way=results.way))
    altered(monkeypatch, moved)


@falsifies("wu-figure-rates")
def one_draw_rises_at_the_smallest_rate(monkeypatch):
    """In one draw of ten the loss rises once at 2^-6."""
    def once(results):
        where = (results.seed == 3) & (results.rate == 2**-6)
        return results.assign(last_rise=results.last_rise.where(~where, 2))
    altered(monkeypatch, once)


@falsifies("wu-figure-lower")
def less_is_gained(monkeypatch):
    """Four times the rate gains half an octave less: the loss falls like η^−3/4."""
    altered(monkeypatch, lambda results: power(results, "end_loss", "digits_rate", 0.25))


@falsifies("wu-figure-lower")
def the_order_is_the_same_from_the_start(monkeypatch):
    """The control shows the effect: already at step 3 a larger rate has the smaller loss."""
    def reversed_at_3(results):
        steep = results.digits_loss / results.digits_rate ** 3
        return results.assign(digits_loss=results.digits_loss.where(results.step != 3, steep))
    altered(monkeypatch, reversed_at_3)


@falsifies("wu-figure-inverse")
def another_power_of_the_time(monkeypatch):
    """The loss falls like t^−0.85 times what it was: the exponent is off by 0.15."""
    altered(monkeypatch, lambda results: power(results, "digits_loss", "step", 0.15))


@falsifies("wu-figure-inverse")
def before_it_is_stable(monkeypatch):
    """The hypothesis is dropped: the exponent is taken over the octaves around the exit."""
    altered(monkeypatch, lambda results: results)
    replaced(monkeypatch, outcomes, "time_exponent", lambda right, *given: right(*given, (2**5, 2**9)))


@falsifies("wu-figure-ends")
def a_rate_two_per_cent_larger(monkeypatch):
    """The runs were made at rates two per cent larger: so much lower is the loss."""
    altered(monkeypatch, lambda results: results.assign(toy_single=results.toy_single / 1.02))


@falsifies("wu-figure-ends")
def double_precision(monkeypatch):
    """The hypothesis is dropped: the runs are those in double precision."""
    altered(monkeypatch, lambda results: results.assign(toy_single=results.toy_loss.isel(step=-1)))


@falsifies("wu-figure-right")
def the_last_rise_comes_late_in_one_draw(monkeypatch):
    """In one draw of ten the loss rises last at step 130 at η = 1."""
    def late(results):
        where = (results.seed == 4) & (results.digits_rate == 1)
        return results.assign(settled=results.settled.where(~where, 10 * results.settled + results.first_right))
    altered(monkeypatch, late)


@falsifies("wu-figure-right")
def at_sixteen_times_the_rate_too(monkeypatch):
    """The control shows the effect: also at η = 16 the last rise is early."""
    altered(monkeypatch, lambda results: results.assign(last_rise=results.last_rise // 2))


@falsifies("ours-figure-exit")
def an_exit_that_grows_with_half_the_power(monkeypatch):
    """The exit is later by the square root of η: far from the bound's first power."""
    altered(monkeypatch, lambda results: power(results, "exit", "rate", 0.5))


@falsifies("ours-figure-exit")
def rates_below_one(monkeypatch):
    """The range is another: below η = 1/16 the exit does grow."""
    altered(monkeypatch, lambda results: results)
    monkeypatch.setattr(outcomes, "EXIT_RATES", (2**-8, 2**-4))


@falsifies("crawshaw-figure-transition")
def another_range_of_rates(monkeypatch):
    """The range is another: from 16 to 64, where it grows, in theirs too."""
    altered(monkeypatch, lambda results: results)
    replaced(monkeypatch, outcomes, "transition_exponent",
             lambda right, results, ends=(16.0, 64.0), **way: right(results, ends, **way))


@falsifies("crawshaw-figure-transition")
def a_run_that_does_not_get_there(monkeypatch):
    """One run of the grid does not reach 2/η."""
    def lost(results):
        where = (results.seed == 0) & (results.unit_rate == 4) & (results.way == outcomes.THEIR_WAY)
        return results.assign(transition=results.transition.where(~where))
    altered(monkeypatch, lost)


@falsifies("crawshaw-figure-transition")
def no_end_of_the_dependence(monkeypatch):
    """The control shows the effect: beyond 1,024 it falls as before."""
    def falling(results):
        factor = np.maximum(results.unit_rate / 512, 1) ** -0.3
        return results.assign(transition=results.transition * factor)
    altered(monkeypatch, falling)


@falsifies("crawshaw-figure-pixels")
def pixels_from_minus_one_to_one(monkeypatch):
    """The pixels are those of the published figure, in which it falls."""
    def moved(results):
        way = [outcomes.THEIR_WAY if each == "even, [0, 1]" else each for each in results.way.values]
        return results.assign(transition=results.transition.sel(way=way).assign_coords(way=results.way))
    altered(monkeypatch, moved)


@falsifies("crawshaw-figure-pixels")
def it_hardly_grows(monkeypatch):
    """The exponent is smaller by a tenth."""
    altered(monkeypatch, lambda results: power(results, "transition", "unit_rate", -0.1))


@falsifies("crawshaw-figure-transition")
def another_step_by_the_plain_loop(monkeypatch):
    """At one of their rates the plain loop on pixels gets there a step later."""
    altered(monkeypatch, lambda results: results)
    monkeypatch.setattr(checks, "at_hand", lambda: True)
    monkeypatch.setattr(checks, "steps_apart", lambda: np.eye(13)[7])


@falsifies("wu-figure-inverse")
def seven_eighths(monkeypatch):
    """The one exponent that is off is that of the other rates, too."""
    replaced(monkeypatch, outcomes, "time_exponent", lambda right, *given: right(*given) + 0.03)
    altered(monkeypatch, lambda results: results)
