"""Falsifications of the rows on mixed data: constants off by two per cent, hypotheses dropped, tables altered."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.mixed_data import experiment, outcomes
from catapult.chapters.mixed_data.checks import predictor
from catapult.chapters.mixed_data.checks import three_points as edge
from catapult.chapters.mixed_edge import experiment as mixed_edge
from catapult.chapters.three_points import experiment as three_points
from catapult.oracles import predictor as oracle
from catapult.runs import results
from catapult.theory import linear_predictor
from catapult.theory import three_points as theory
from falsifying import falsifies, kept, replaced, scaled

HELD = ("ours-mixed-held", "huang-mixed-generalise", "ours-mixed-linear-gains", "ours-mixed-annealed")


def altered(monkeypatch, change):
    """Let the checks read recorded runs that ``change`` has altered."""
    replaced(monkeypatch, outcomes, "table", lambda right, *given, **named: change(right(*given, **named)))


def followed(monkeypatch, change):
    """Let the checks of three points see runs that ``change`` has altered."""
    monkeypatch.setattr(edge, "runs", lambda values: change(kept(three_points)))


@falsifies("ours-mixed-edge")
def an_edge_two_per_cent_lower(monkeypatch):
    """What is called the edge is two per cent less."""
    followed(monkeypatch, lambda runs: runs.assign(highest=0.98 * runs.highest))


@falsifies("ours-mixed-edge")
def a_start_on_the_exception(monkeypatch):
    """The hypothesis is dropped: b = −c, a = 0 at width 1 and rate 8, a cycle below the edge."""
    opposed = np.array([0.0, -1.0, 1.0])
    cycle = theory.follow(np.log(3) * np.outer(opposed, opposed), 1, 8.0, np.arange(0, 9, 2))
    followed(monkeypatch, lambda runs: cycle.assign(learning_rate=8.0, width=1, arrival=np.inf).expand_dims("setting"))


@falsifies("ours-mixed-edge")
def a_loss_that_does_not_fall_below_log_2(monkeypatch):
    """The hypothesis is dropped: the loss of the runs stays at log 2."""
    monkeypatch.setattr(edge, "_loss", lambda at: np.full(at.sizes["setting"], np.log(2)))


@falsifies("ours-mixed-edge")
def a_run_that_has_not_arrived(monkeypatch):
    """The hypothesis t → ∞ is dropped: the runs are looked at long before the slowest one arrives."""
    followed(monkeypatch, lambda runs: runs.sel(step=runs.step <= 20))


@falsifies("ours-mixed-edge")
def an_arrival_predicted_a_quarter_too_early(monkeypatch):
    """The step of arrival is predicted a quarter too early."""
    followed(monkeypatch, lambda runs: runs.assign(arrival=0.75 * runs.arrival))


@falsifies("ours-mixed-edge")
def a_slow_run_that_is_at_the_edge_from_the_start(monkeypatch):
    """The control is removed: all runs are at the edge all the time."""
    followed(monkeypatch, lambda runs: runs.assign(highest=runs.highest.clip(min=1.0)))


@falsifies("ours-mixed-outside")
def a_law_of_a_constant_two_per_cent_larger(monkeypatch):
    """log 4.08 t in place of log 4t."""
    replaced(monkeypatch, theory, "outside_law", lambda right, step: right(1.02 * np.asarray(step)))


@falsifies("ours-mixed-outside")
def a_norm_two_per_cent_larger(monkeypatch):
    """The norm of b has a law two per cent larger."""
    scaled(monkeypatch, theory, "norm_law", 1.02)


@falsifies("ours-mixed-outside", "ours-mixed-oscillation")
def a_run_in_which_a_lives(monkeypatch):
    """The hypothesis is dropped: width 100, rate 5, where |a|² has hardly begun to die out."""
    monkeypatch.setattr(edge, "SETTLED", [(100, 5.0)])


@falsifies("ours-mixed-oscillation")
def an_oscillation_two_per_cent_larger(monkeypatch):
    """The law of the oscillation is two per cent larger."""
    scaled(monkeypatch, theory, "square_law", 1.02)


def on_general_data(monkeypatch, change):
    """Let the check of the rate outside E see runs that ``change`` has altered."""
    runs = change(kept(mixed_edge))  # before the stand-in is there: it computes what is kept
    monkeypatch.setattr(results, "compute", lambda experiment, values: runs)


@falsifies("ours-mixed-rate")
def a_rate_two_per_cent_lower(monkeypatch):
    """Networks train outside E two per cent more slowly."""
    on_general_data(monkeypatch, lambda runs: runs.assign(effective=0.98 * runs.effective))


@falsifies("ours-mixed-rate")
def a_network_on_its_way(monkeypatch):
    """The hypothesis is dropped: networks count as settled long before they are."""
    monkeypatch.setattr(mixed_edge, "SETTLED", 0.9)
    monkeypatch.setattr(mixed_edge, "STEADY", 0.9)


@falsifies("ours-mixed-rate")
def wide_networks_settle_too(monkeypatch):
    """At width 400 networks train like a linear predictor at 2/λ_E."""
    wide = [width == mixed_edge.WIDE for width, _ in mixed_edge.SETTINGS]
    on_general_data(monkeypatch, lambda runs: runs.assign(effective=runs.effective.where(
        ~xr.DataArray(wide, dims="setting"), 1.0)))


@falsifies("ours-mixed-rate")
def a_draw_that_does_not_settle(monkeypatch):
    """On one draw no network comes to the edge."""
    on_general_data(monkeypatch, lambda runs: runs.assign(scaled=runs.scaled.where(runs.draw > 0)))


@falsifies("ours-mixed-rate")
def a_network_past_the_edge_at_every_scale(monkeypatch):
    """The hypothesis is dropped: for one run, which has not settled, there is no χ*."""
    on_general_data(monkeypatch, lambda runs: runs.assign(predicted=runs.predicted.where(
        (runs.draw > 0) | (runs.setting > 0))))


@falsifies("ours-mixed-rate")
def slow_networks_that_are_at_the_edge_from_the_start(monkeypatch):
    """The control is removed: those that come late train like the others from the start."""
    on_general_data(monkeypatch, lambda runs: runs.assign(effective=runs.effective.clip(min=1.0)))


@falsifies("ours-mixed-tube")
def a_tube_two_per_cent_thinner(monkeypatch):
    """The radius is two per cent smaller."""
    scaled(monkeypatch, linear_predictor, "containment_radius", 0.98)


@falsifies("ours-mixed-tube")
def an_overshoot_two_per_cent_smaller(monkeypatch):
    """q is two per cent smaller."""
    scaled(monkeypatch, linear_predictor, "OVERSHOOT", 0.98)


@falsifies("ours-mixed-direction")
def the_margin_of_other_points(monkeypatch):
    """The direction is that of the largest margin of points that are turned by two hundredths."""
    turn = np.eye(6) + 0.02 * np.triu(np.ones((6, 6)), 1) - 0.02 * np.tril(np.ones((6, 6)), -1)
    replaced(monkeypatch, oracle, "max_margin", lambda right, X: right(X) @ turn)


@falsifies("ours-mixed-direction")
def a_tenth_of_the_time(monkeypatch):
    """The hypothesis t → ∞ is dropped: log t is 200, not 2,000."""
    replaced(monkeypatch, predictor, "_flow", lambda right, *given: right(*given[:-1], given[-1] / 10))


@falsifies("ours-mixed-direction")
def one_margin_for_both(monkeypatch):
    """The control is removed: the separable points have no part within E, so that both directions are one."""
    def flat(right, rng):
        Z, frame, separable = right(rng)
        return Z - separable[:, None] * (Z @ frame.T @ frame), frame, separable
    replaced(monkeypatch, predictor, "mixed", flat)


@falsifies("ours-mixed-within")
def a_minimiser_a_thousandth_away(monkeypatch):
    """The point it tends to is off by two thousandths."""
    scaled(monkeypatch, oracle, "minimiser", 1.002)


@falsifies("ours-mixed-within")
def a_line_without_a_cycle(monkeypatch):
    """The heavy point of the line is at −5, not −15: from 0 the orbit comes to the minimiser."""
    monkeypatch.setattr(predictor, "CYCLE", np.where(predictor.CYCLE == -15, -5.0, predictor.CYCLE))


@falsifies("ours-mixed-within")
def a_rate_beyond_the_edge(monkeypatch):
    """The hypothesis is dropped: rates are thirty times as large, beyond the edge."""
    replaced(monkeypatch, oracle, "descend", lambda right, Z, rates, *given: right(Z, 30 * np.asarray(rates), *given))


@falsifies("ours-mixed-seen")
def a_set_that_a_fifth_can_see(monkeypatch):
    """Four times as many test images of MNIST lie outside E."""
    replaced(monkeypatch, outcomes, "parts",
             lambda right, name: right(name).assign(outside=right(name).outside * (4 if name == "MNIST" else 1)))


@falsifies(*HELD)
def a_slice_that_disagrees(monkeypatch):
    """What is computed again differs from what was recorded by a thousandth."""
    monkeypatch.setattr(outcomes, "slice_difference", lambda name: 1e-3)


@falsifies("ours-mixed-held")
def held_ten_per_cent_lower(monkeypatch):
    """The networks are held a tenth below the edge."""
    altered(monkeypatch, lambda runs: runs.assign(edge=0.9 * runs.edge))


@falsifies("ours-mixed-held")
def held_at_every_rate(monkeypatch):
    """The control is removed: at the smallest rate the networks are at the edge as well."""
    altered(monkeypatch, lambda runs: runs.assign(edge=runs.edge.where((runs.multiple > 0.26) | (runs.part == "P"), 1)))


@falsifies("ours-mixed-held")
def a_separable_part_that_is_curved(monkeypatch):
    """The separable part has a hundredth of the curvature more."""
    altered(monkeypatch, lambda runs: runs.assign(edge=runs.edge + 0.01 * (runs.part == "P")))


def better(runs, points: float, networks=tuple(experiment.NETWORKS)):
    """Return the runs with so many points more accuracy from rates above the stable one."""
    where = (runs.multiple > 1.01) & runs.network.isin(networks)
    return runs.assign(accuracy=runs.accuracy + 0.01 * points * where)


@falsifies("huang-mixed-generalise", "ours-mixed-linear-gains")
def large_rates_pay_two_points(monkeypatch):
    """Every network gains two percentage points from rates above the stable one."""
    altered(monkeypatch, lambda runs: better(runs, 2.0))


@falsifies("huang-mixed-generalise")
def large_rates_cost_two_points(monkeypatch):
    """Every network loses two percentage points to rates above the stable one."""
    altered(monkeypatch, lambda runs: better(runs, -2.0))


@falsifies("ours-mixed-linear-gains")
def one_predictor_loses_a_point_and_a_half(monkeypatch):
    """One predictor loses a point and a half to rates above the stable one."""
    altered(monkeypatch, lambda runs: better(runs, -1.5, ("one predictor",)))


@falsifies("ours-mixed-annealed")
def two_points_less_from_far_beyond(monkeypatch):
    """What is outside E gains two points less from rates above the stable one."""
    altered(monkeypatch, lambda runs: better(runs, -2.0))


@falsifies("ours-mixed-annealed")
def not_annealed(monkeypatch):
    """The hypothesis is dropped: what is called annealed is at equal time, and oscillates within E."""
    replaced(monkeypatch, outcomes, "far_beyond", lambda right, name, at, *given: right(name, "equal time", *given))


@falsifies("ours-mixed-annealed")
def two_points_more_from_far_beyond(monkeypatch):
    """All readings gain two points more from rates above the stable one: f is better on MNIST, too."""
    altered(monkeypatch, lambda runs: better(runs, 2.0))
