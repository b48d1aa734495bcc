"""Falsifications of the rows of the chapter on annealing: the recorded tables are altered, or the analysis is."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.annealing import checks, outcomes
from falsifying import falsifies, replaced

RATES = ("liu-annealing-tuned", "liu-annealing-digits", "ours-annealing-clock", "ours-annealing-adds-nothing",
         "sadrtdinov-averaging", "sadrtdinov-band")
POLICIES = ("lrbench-constant-rate", "lrbench-policies-help", "ours-policy-order", "lrbench-confidence",
            "lrbench-robustness")


def altered(monkeypatch, change, only: str | None = None):
    """Let the checks read tables that ``change`` has altered: all, or those of one data set."""
    def wrong(right, name, *given):
        return change(right(name, *given)) if only in (None, name) else right(name, *given)
    replaced(monkeypatch, checks, "table", wrong)


def better(points: float, ends: str = "", models=("ReLU",), large: bool = True):
    """Return a change: so many points more at rates above η_crit, or at or below it, and ends that begin so."""
    def change(runs: xr.Dataset) -> xr.Dataset:
        where = (runs.multiple > 1.01) == large
        where = where & runs.model.isin(models) & runs.end.str.startswith(ends)
        return runs.assign(accuracy=(runs.accuracy + 0.01 * points * where).transpose(*runs.accuracy.dims))
    return change


@falsifies(*RATES, *POLICIES)
def separable_data_in_the_place_of_non_separable(monkeypatch):
    """The hypothesis is dropped: the data called non-separable are not certified so."""
    altered(monkeypatch, lambda runs: runs.assign(certificate=runs.certificate.copy(
        data=np.full(runs.certificate.shape, "separable"))))


@falsifies(*RATES, *POLICIES)
def a_slice_that_disagrees(monkeypatch):
    """What is computed again differs from what was recorded by half a per cent."""
    monkeypatch.setattr(checks, "slice_difference", lambda name: 5e-3)


@falsifies("liu-annealing-tuned")
def small_rates_are_a_fifth_of_a_point_better(monkeypatch):
    """Small rates throughout are a fifth of a point more accurate: less than half a point is gained."""
    altered(monkeypatch, better(0.2, large=False))


@falsifies("liu-annealing-tuned")
def fresh_seeds_do_not_confirm_it(monkeypatch):
    """At fresh seeds what is annealed is half a point less accurate."""
    replaced(monkeypatch, checks, "table", lambda right, name, *given: (
        better(-0.5, "annealed") if given == (10,) else lambda runs: runs)(right(name, *given)))


@falsifies("liu-annealing-tuned")
def one_seed_for_all(monkeypatch):
    """The sample is too small: of two seeds nothing is resolved."""
    altered(monkeypatch, lambda runs: runs.isel(seed=[0, 3]))


@falsifies("liu-annealing-digits")
def a_tenth_of_a_point_on_digits(monkeypatch):
    """At equal time what is annealed gains a tenth of a point on MNIST."""
    altered(monkeypatch, better(0.1, "annealed, equal time"), only=checks.MNIST)


@falsifies("liu-annealing-digits")
def photographs_in_the_place_of_digits(monkeypatch):
    """The hypothesis is dropped: CIFAR-10 in the place of MNIST."""
    monkeypatch.setattr(checks, "MNIST", checks.CIFAR)


@falsifies("ours-annealing-clock")
def the_relu_network(monkeypatch):
    """The hypothesis is dropped: the linear network is the ReLU network, which gains the same in both comparisons."""
    altered(monkeypatch, lambda runs: runs.sel(model=["ReLU", *runs.model.values[1:]]).assign_coords(model=runs.model))


@falsifies("ours-annealing-clock")
def non_separable_data(monkeypatch):
    """The hypothesis is dropped: on non-separable data the linear network comes to one predictor either way."""
    replaced(monkeypatch, checks, "cell", lambda right, runs, version, model: right(runs, "non-separable", model))


@falsifies("ours-annealing-adds-nothing")
def annealing_adds_a_seventh_of_a_point(monkeypatch):
    """Annealed runs from large rates are .15 points more accurate."""
    altered(monkeypatch, better(0.15, "annealed"))


@falsifies("ours-annealing-adds-nothing")
def the_linear_network_on_separable_data_too(monkeypatch):
    """The hypothesis is dropped: with linear networks, where annealing adds half a point on separable photographs."""
    monkeypatch.setattr(checks, "RELU", ("linear", *checks.RELU))


@falsifies("ours-annealing-adds-nothing", "sadrtdinov-averaging")
def annealing_adds_at_fresh_seeds(monkeypatch):
    """At fresh seeds what is annealed is a seventh of a point more accurate, with minibatches."""
    replaced(monkeypatch, checks, "table", lambda right, name, *given: (
        better(0.15, "annealed", ("ReLU, minibatches",)) if given == (10,) else lambda runs: runs)(right(name, *given)))


@falsifies("sadrtdinov-averaging")
def averages_are_a_seventh_of_a_point_worse(monkeypatch):
    """Averaged weights are .15 points less accurate."""
    altered(monkeypatch, better(-0.15, "averaged"))


@falsifies("sadrtdinov-averaging")
def averages_of_the_minibatches_are_better(monkeypatch):
    """With minibatches averaged weights are .15 points more accurate."""
    altered(monkeypatch, better(0.15, "averaged", ("ReLU, minibatches",)))


@falsifies("sadrtdinov-band")
def rates_beyond_are_worse(monkeypatch):
    """Rates beyond the band are a quarter of a point less accurate on MNIST: there it is above both its sides."""
    def change(runs):
        where = runs.multiple > 2.1
        return runs.assign(accuracy=(runs.accuracy - 0.0025 * where).transpose(*runs.accuracy.dims))
    altered(monkeypatch, change, only=checks.MNIST)


@falsifies("sadrtdinov-band")
def the_band_is_better(monkeypatch):
    """The band is an eighth of a point more accurate on MNIST than it was."""
    def change(runs):
        where = (runs.multiple > 1.1) & (runs.multiple < 2.1)
        return runs.assign(accuracy=(runs.accuracy + 0.0012 * where).transpose(*runs.accuracy.dims))
    altered(monkeypatch, change, only=checks.MNIST)


def policy_better(points: float, policies, k0s=None):
    """Return a change: so many points more for some policies, at some rates k0 or all."""
    def change(runs: xr.Dataset) -> xr.Dataset:
        where = runs.policy.isin(policies) & (True if k0s is None else runs.k0.isin(k0s))
        accuracy = (runs.policy_accuracy + 0.01 * points * where).transpose(*runs.policy_accuracy.dims)
        return runs.assign(policy_accuracy=accuracy)
    return change


@falsifies("lrbench-constant-rate")
def the_small_constant_rate_is_better(monkeypatch):
    """FIX at half the stable rate is a quarter of a point more accurate."""
    altered(monkeypatch, policy_better(0.25, ["fix"], [0.5]))


@falsifies("lrbench-constant-rate")
def a_large_constant_rate_survives(monkeypatch):
    """FIX at four times the stable rate is not lost on one seed."""
    def change(runs):
        survived = (runs.policy == "fix") & (runs.k0 == 4) & (runs.seed == 3)
        accuracy = runs.policy_accuracy.where(~survived, 0.85).transpose(*runs.policy_accuracy.dims)
        return runs.assign(policy_accuracy=accuracy)
    altered(monkeypatch, change)


@falsifies("lrbench-policies-help")
def one_policy_helps(monkeypatch):
    """NSTEP is a seventh of a point more accurate on MNIST."""
    altered(monkeypatch, policy_better(0.15, ["nstep"]), only=checks.MNIST)


@falsifies("lrbench-policies-help")
def the_constant_rate_is_not_tuned(monkeypatch):
    """The effort is not equal: FIX has its smallest rate alone."""
    altered(monkeypatch, lambda runs: runs.assign(policy_accuracy=runs.policy_accuracy.where(
        (runs.policy != "fix") | (runs.k0 < 0.6)).transpose(*runs.policy_accuracy.dims)))


@falsifies("ours-policy-order")
def policies_a_tenth_of_a_point_apart(monkeypatch):
    """Each policy is a tenth of a point better than the one before."""
    def change(runs):
        steps = xr.DataArray(0.001 * np.arange(runs.sizes["policy"]), dims="policy", coords={"policy": runs.policy})
        return runs.assign(policy_accuracy=(runs.policy_accuracy + steps).transpose(*runs.policy_accuracy.dims))
    altered(monkeypatch, change)


@falsifies("ours-policy-order")
def digits_in_the_place_of_photographs(monkeypatch):
    """The hypothesis is dropped: MNIST, where part of the order survives."""
    monkeypatch.setattr(checks, "CIFAR", checks.MNIST)


@falsifies("lrbench-confidence")
def deviation_in_the_place_of_confidence(monkeypatch):
    """Another measure: the deviation across classes, which tells little."""
    replaced(monkeypatch, outcomes, "chooser", lambda right, runs, name: right(
        runs, "deviation across classes" if name == "confidence" else name))


@falsifies("lrbench-confidence")
def confidence_of_other_seeds(monkeypatch):
    """Each seed is judged by the confidence of its policies on another network, in the reverse order of policies."""
    replaced(monkeypatch, outcomes, "chooser", lambda right, runs, name: (
        right(runs, name)[:, ::-1] if name == "confidence" else right(runs, name)))


@falsifies("lrbench-robustness")
def a_large_gap_is_called_robust(monkeypatch):
    """The sign is turned: the larger gap is chosen."""
    monkeypatch.setitem(outcomes.CHOOSERS, "loss gap", 1)


@falsifies("lrbench-robustness")
def the_gap_is_that_of_accuracy(monkeypatch):
    """Another measure in its place: accuracy on the validation set."""
    replaced(monkeypatch, outcomes, "chooser", lambda right, runs, name: right(
        runs, "accuracy" if name == "loss gap" else name))
