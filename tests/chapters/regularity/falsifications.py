"""Falsifications of the rows of the chapter on regularity."""

from __future__ import annotations

import dataclasses

import xarray as xr

from catapult.chapters.regularity import checks, experiment, family, networks
from falsifying import falsifies, kept, replaced, scaled


def altered(monkeypatch, change):
    """Let the checks read results that ``change`` has altered."""
    monkeypatch.setattr(checks, "runs", lambda values: change(kept(experiment)))


@falsifies("wang-one-cause")
def balancing_is_half(monkeypatch):
    """Balancing means that less than a sixth of x² − y² is left: it comes later."""
    altered(monkeypatch, lambda runs: runs)
    monkeypatch.setattr(experiment, "BALANCED", 0.15)


@falsifies("wang-one-cause")
def lazy_runs_end_at_the_edge(monkeypatch):
    """A run whose loss never rose counts, too: next to 2/n these are at the edge at every order."""
    altered(monkeypatch, lambda runs: runs.assign(rises=runs.rises | runs.converged))


@falsifies("wang-one-cause")
def a_growth_order_of_two(monkeypatch):
    """The squared loss in the place of order 1: divergence comes within an octave."""
    altered(monkeypatch, lambda runs: runs.assign_coords(growth=[0.9, 0.95, 1.0, 3.0, 4.0]))


@falsifies("wang-regularity")
def orders_one_and_a_half_and_two_are_exchanged(monkeypatch):
    """What grows faster has the name of what grows more slowly."""
    altered(monkeypatch, lambda runs: runs.assign_coords(growth=[1.0, 2.0, 1.5, 3.0, 4.0]))


@falsifies("wang-regularity")
def every_order_is_the_squared_loss(monkeypatch):
    """Nothing but names of orders."""
    altered(monkeypatch, lambda runs: runs.sel(growth=[2.0] * 5).assign_coords(growth=runs.growth))


@falsifies("wang-regularity")
def no_convergence_is_asked_for(monkeypatch):
    """A window that counts rises alone."""
    altered(monkeypatch, lambda runs: runs.assign(converged=runs.converged | True))


@falsifies("wang-flatter")
def half_as_flat(monkeypatch):
    """Sharpness at the end at 4 times 2/n is half as high again."""
    altered(monkeypatch, lambda runs: runs.assign(scaled=runs.scaled.where(runs.octave != 2, 1.5 * runs.scaled)))


@falsifies("wang-flatter")
def a_rate_in_the_place_of_four_times_the_edge(monkeypatch):
    """The larger rate is half as large: 2 over 1."""
    replaced(monkeypatch, checks.outcomes, "log_flatter", lambda right, runs, octaves, growth=1.0: right(
        runs, (octaves[0], octaves[1] / 2 if octaves[1] > 0 else octaves[1]), growth))


@falsifies("wang-global")
def five_per_cent_beyond_root_two(monkeypatch):
    """The largest rate is 5 % larger."""
    scaled(monkeypatch, checks, "LARGEST", 1.05)


@falsifies("wang-global")
def slopes_without_bound(monkeypatch):
    """Order 1.5 in the place of order 1: |F'| has no bound."""
    replaced(monkeypatch, family, "power", lambda right, order, target=0.5: dataclasses.replace(
        right(1.5, target), steepest=1.0))


@falsifies("ours-mean-loss")
def half_the_bound(monkeypatch):
    """The bound without its factor 4 − ηn0: too small where that is below 1."""
    monkeypatch.setattr(checks, "_bound", lambda n, rate, steps: n / (4 * rate * steps))


@falsifies("ours-mean-loss")
def three_in_the_place_of_the_sharp_constant(monkeypatch):
    """A bound that is three quarters of ours."""
    scaled(monkeypatch, checks, "_bound", 0.75)


@falsifies("ours-gap-contracts")
def a_first_order_contraction(monkeypatch):
    """1 − a² is replaced by exp(−a²), which agrees to second order."""
    import numpy as np

    monkeypatch.setattr(checks, "_contracted", lambda gap, a: np.exp(-(a**2)) * gap)


@falsifies("song-edge-end")
def another_fourth_derivative(monkeypatch):
    """F'''' is one per cent larger in the law."""
    replaced(monkeypatch, family, "end", lambda right, member, rate: right(
        dataclasses.replace(member, fourth=1.01 * member.fourth), rate))


@falsifies("gan-product-stability")
def without_the_third_derivative(monkeypatch):
    """F''' counts twice in place of three times."""
    replaced(monkeypatch, family, "product_stability", lambda right, member: right(member) - member.third**2)


@falsifies("gan-product-stability")
def the_fourth_derivative_weighs_more(monkeypatch):
    """F''F'''' counts two per cent more."""
    replaced(monkeypatch, family, "product_stability", lambda right, member: right(member)
             - 0.02 * member.second * member.fourth)


NETWORKS = ("wang-networks", "ours-growth-survival", "ours-growth-order", "ours-published-runs")


def altered_networks(monkeypatch, change):
    """Let the checks read a recorded table that ``change`` has altered."""
    replaced(monkeypatch, networks, "table", lambda right: change(right()))


def lost(runs, names, above):
    """Return the runs with every rate of a network above one lost."""
    where = (runs.combination == "-".join(names)) & (runs.rate > above)
    return runs.assign(loss=runs.loss.where(~where))


@falsifies(*NETWORKS)
def a_run_that_disagrees(monkeypatch):
    """What is computed again differs from what was recorded by half a per cent."""
    monkeypatch.setattr(networks, "slice_difference", lambda: 5e-3)


@falsifies("wang-networks")
def batch_normalisation_saves_little(monkeypatch):
    """With batch normalisation ReLU is lost beyond 3e-4."""
    altered_networks(monkeypatch, lambda runs: lost(runs, ("squared", "relu", "batch"), 3.1e-4))


@falsifies("wang-networks")
def layer_normalisation_saves_too(monkeypatch):
    """The control fails: ReLU³ with layer normalisation fares like ReLU³ with batch normalisation."""
    altered_networks(monkeypatch, lambda runs: runs.assign(loss=xr.where(
        runs.combination == "squared-relu3-layer", runs.loss.sel(combination="squared-relu3-batch"), runs.loss)))


def survived(runs, kind, change):
    """Return the runs with other octaves survived by the networks in whose names ``kind`` is."""
    return runs.assign(survived=xr.where(runs.combination.str.contains(kind), change(runs.survived), runs.survived))


@falsifies("ours-growth-survival")
def huber_survives_as_little(monkeypatch):
    """Networks with Huber's loss survive one octave less."""
    altered_networks(monkeypatch, lambda runs: survived(runs, "huber", lambda octaves: octaves - 1))


@falsifies("ours-growth-survival")
def layer_normalisation_survives_as_much(monkeypatch):
    """The control does not show it: with any normalisation eight octaves are survived."""
    altered_networks(monkeypatch, lambda runs: survived(runs, "layer", lambda octaves: 8 + 0 * octaves))


@falsifies("ours-growth-survival")
def another_network_shows_it_too(monkeypatch):
    """The control's effect is of two networks: tanh with layer normalisation is lost an octave earlier, too."""
    altered_networks(monkeypatch, lambda runs: survived(runs, "squared-tanh-layer", lambda octaves: octaves - 1))


@falsifies("ours-published-runs")
def losses_that_do_not_agree(monkeypatch):
    """After 400 steps every loss is a fiftieth of a per cent higher."""
    altered_networks(monkeypatch, lambda runs: runs.assign(loss=runs.loss.where(runs.step < 400, 1.0002 * runs.loss)))


@falsifies("ours-growth-order")
def by_order(monkeypatch):
    """On one seed of three ReLU survives as much as ReLU³."""
    altered_networks(monkeypatch, lambda runs: runs.assign(survived=xr.where(
        (runs.combination == "squared-relu-none") & (runs.seed == 1), 1, runs.survived)))


@falsifies("ours-published-runs")
def double_precision_peaks_elsewhere(monkeypatch):
    """In double precision peaks are a half per cent higher."""
    altered_networks(monkeypatch, lambda runs: runs.assign(double_peak=1.005 * runs.double_peak))


@falsifies("ours-published-runs")
def higher_peaks(monkeypatch):
    """Every peak is a fiftieth of a per cent higher."""
    altered_networks(monkeypatch, lambda runs: runs.assign(peak=1.0002 * runs.peak))


@falsifies("ours-published-runs")
def one_more_run_is_lost(monkeypatch):
    """ReLU with the squared loss is lost at 2.7e-4, which the published run survives."""
    altered_networks(monkeypatch, lambda runs: lost(runs, ("squared", "relu", "none"), 2.6e-4))
