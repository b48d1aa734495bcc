"""Falsifications of the rows of the chapter on CIFAR-10: the recorded tables are altered, or the analysis is."""

from __future__ import annotations

import xarray as xr

from catapult import phases
from catapult.chapters.cifar10 import checks
from catapult.chapters.cifar10_convolution import outcomes as convolution
from falsifying import falsifies, replaced

ROWS = ("huang-cifar-catapult", "huang-cifar-flatter", "ours-cifar-edge", "ours-cifar-flatter-nothing",
        "huang-cifar-best-rate", "liu-separability-cifar", "liu-annealing-cifar")


def altered(monkeypatch, change):
    """Let the checks read tables that ``change`` has altered."""
    replaced(monkeypatch, checks, "table", lambda right, *given, **named: change(right(*given, **named)))


def scaled(runs: xr.Dataset, factor: float, where) -> xr.Dataset:
    """Return the runs with ``factor`` times the sharpness where ``where`` is True."""
    return runs.assign(sharpness=runs.sharpness.where(~where, factor * runs.sharpness))


def better(runs: xr.Dataset, points: float, activation: str) -> xr.Dataset:
    """Return the runs with so many points more accuracy of one network at rates above the stable one."""
    where = (runs.multiple > 1.01) & (runs.activation == activation)
    return runs.assign(accuracy=runs.accuracy + 0.01 * points * where)


@falsifies(*ROWS)
def separable_data_in_the_place_of_non_separable(monkeypatch):
    """The hypothesis is dropped: the data called non-separable are the separable ones."""
    altered(monkeypatch, lambda runs: runs if runs.sizes["version"] == 1 else runs.sel(
        version=["separable", "separable"]).assign_coords(version=runs.version))


@falsifies(*ROWS)
def a_slice_that_disagrees(monkeypatch):
    """What is computed again differs from what was recorded by half a per cent."""
    monkeypatch.setattr(checks, "slice_difference", lambda: 5e-3)


@falsifies("huang-cifar-catapult")
def a_higher_peak(monkeypatch):
    """A catapult peaks at four times its start: not on every seed."""
    monkeypatch.setattr(phases, "PEAK", 4.0)


@falsifies("huang-cifar-flatter")
def the_largest_rate_ends_sharper(monkeypatch):
    """The largest rate compared ends half as sharp again."""
    altered(monkeypatch, lambda runs: scaled(runs, 1.5, (runs.multiple > 2.5) & (runs.multiple < 3)))


@falsifies("huang-cifar-flatter")
def the_control_ends_flatter_too(monkeypatch):
    """The stable rate, without a catapult, ends at seven tenths of its sharpness."""
    altered(monkeypatch, lambda runs: scaled(runs, 0.7, abs(runs.multiple - 1) < 0.01))


@falsifies("ours-cifar-edge")
def three_per_cent_below(monkeypatch):
    """Every run ends three per cent flatter."""
    altered(monkeypatch, lambda runs: scaled(runs, 0.97, runs.multiple > 0))


@falsifies("ours-cifar-edge")
def two_per_cent_beyond(monkeypatch):
    """Every run ends two per cent sharper, beyond the edge."""
    altered(monkeypatch, lambda runs: scaled(runs, 1.02, runs.multiple > 0))


@falsifies("ours-cifar-flatter-nothing", "huang-cifar-best-rate", "liu-annealing-cifar")
def linear_networks_gain_a_quarter_of_a_point(monkeypatch):
    """Linear networks gain a quarter of a percentage point more from large rates than they do."""
    altered(monkeypatch, lambda runs: better(runs, 0.25, "linear"))


@falsifies("ours-cifar-flatter-nothing")
def linear_networks_lose_a_quarter_of_a_point(monkeypatch):
    """Linear networks lose a quarter of a percentage point more."""
    altered(monkeypatch, lambda runs: better(runs, -0.25, "linear"))


@falsifies("huang-cifar-best-rate", "liu-separability-cifar", "liu-annealing-cifar")
def relu_networks_gain_half_a_point_less(monkeypatch):
    """ReLU networks gain half a percentage point less from large rates than they do."""
    altered(monkeypatch, lambda runs: better(runs, -0.5, "relu"))


def altered_ten(monkeypatch, change):
    """Let the checks read a table of ten classes that ``change`` has altered."""
    replaced(monkeypatch, checks, "ten", lambda right: change(right()))


@falsifies("huang-cifar-ten-flatter", "huang-cifar-ten-classes")
def separable_data_in_the_place_of_non_separable_among_ten(monkeypatch):
    """The hypothesis is dropped: the ten classes called non-separable are the separable ones."""
    altered_ten(monkeypatch, lambda runs: runs.sel(
        version=["separable", "separable"]).assign_coords(version=runs.version))


@falsifies("huang-cifar-ten-flatter")
def large_rates_end_two_per_cent_sharper_on_ten_classes(monkeypatch):
    """Above the stable rate every run ends two per cent sharper."""
    altered_ten(monkeypatch, lambda runs: scaled(runs, 1.02, runs.multiple > 1.01))


@falsifies("huang-cifar-ten-classes")
def linear_networks_gain_half_a_point_on_ten_classes(monkeypatch):
    """Linear networks gain half a percentage point more from large rates than they do."""
    altered_ten(monkeypatch, lambda runs: better(runs, 0.5, "linear"))


@falsifies("huang-cifar-ten-classes")
def relu_networks_survive_at_large_rates(monkeypatch):
    """No ReLU network diverges at 1.41 times the stable rate: there would be something to compare."""
    altered_ten(monkeypatch, lambda runs: runs.assign(phase=runs.phase.where(
        ~((runs.activation == "relu") & (runs.multiple > 1.3) & (runs.multiple < 1.5)), "catapult")))


CONVOLUTION = ("huang-cifar-convolution-catapult", "huang-cifar-convolution-flatter", "huang-cifar-convolution-rate")


def altered_convolution(monkeypatch, change):
    """Let the checks read a table of convolutional networks that ``change`` has altered."""
    replaced(monkeypatch, convolution, "table", lambda right, *given, **named: change(right(*given, **named)))


@falsifies(*CONVOLUTION)
def separable_images_in_the_place_of_non_separable(monkeypatch):
    """The hypothesis is dropped: the images called non-separable are the separable ones."""
    altered_convolution(monkeypatch, lambda runs: runs.sel(
        version=["separable", "separable"]).assign_coords(version=runs.version))


@falsifies(*CONVOLUTION)
def convolutions_that_disagree(monkeypatch):
    """What is trained again differs from what was recorded by half a per cent."""
    monkeypatch.setattr(convolution, "slice_difference", lambda: 5e-3)


@falsifies("huang-cifar-convolution-catapult")
def one_loss_never_rises(monkeypatch):
    """One seed's loss never rises at 1.41 times the stable rate."""
    altered_convolution(monkeypatch, lambda runs: runs.assign(phase=runs.phase.where(
        ~((runs.seed == 3) & (runs.multiple > 1.3) & (runs.multiple < 1.5)), "lazy")))


@falsifies("huang-cifar-convolution-flatter")
def convolutions_end_two_per_cent_sharper(monkeypatch):
    """Above the stable rate every run of the convolutional networks ends two per cent sharper."""
    altered_convolution(monkeypatch, lambda runs: scaled(runs, 1.02, runs.multiple > 1.01))


@falsifies("huang-cifar-convolution-flatter")
def the_control_of_the_convolutions_ends_as_sharp(monkeypatch):
    """On separable images the convolutional networks end four times as sharp at large rates."""
    altered_convolution(monkeypatch, lambda runs: scaled(
        runs, 4.0, (runs.multiple > 1.01) & (runs.version == "separable")))


@falsifies("huang-cifar-convolution-rate")
def linear_convolutions_lose_half_a_point(monkeypatch):
    """Linear convolutional networks lose half a percentage point more from large rates than they do."""
    altered_convolution(monkeypatch, lambda runs: better(runs, -0.5, "linear"))


@falsifies("huang-cifar-convolution-rate")
def relu_convolutions_gain_ten_points(monkeypatch):
    """ReLU convolutional networks gain ten percentage points more from large rates than they do."""
    altered_convolution(monkeypatch, lambda runs: better(runs, 10.0, "relu"))


@falsifies("huang-cifar-convolution-rate")
def fresh_seeds_gain_on_non_separable_images(monkeypatch):
    """At fresh seeds the linear network gains two points more from large rates."""
    replaced(monkeypatch, convolution, "table", lambda right, first_seed=0: better(right(first_seed), 2, "linear")
             if first_seed else right())
