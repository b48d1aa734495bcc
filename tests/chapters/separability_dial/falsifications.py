"""Falsifications of the rows of the chapter on the dial: the recorded tables are altered, or the analysis is."""

from __future__ import annotations

import xarray as xr

from catapult.chapters.mnist import outcomes as mnist
from catapult.chapters.mnist_noise import outcomes as noise
from catapult.chapters.separability_dial import checks, outcomes
from falsifying import falsifies, replaced

ROWS = ("liu-separability-dynamics", "ours-separability-pinned", "liu-separability-peak", "liu-separability-gain",
        "ours-separability-gain-again")


def altered(monkeypatch, change):
    """Let the checks read tables that ``change`` has altered."""
    for tables in ("table", "again"):
        replaced(monkeypatch, checks, tables, lambda right, *given: change(right(*given)))


def times(runs: xr.Dataset, name: str, factor: float, point: str, activation: str | None = None) -> xr.Dataset:
    """Return the runs with ``factor`` times a quantity at one point of the dial, of one network or both."""
    where = (runs.point == point) & ((runs.activation == activation) if activation else True)
    return runs.assign({name: runs[name].where(~where, factor * runs[name])})


def better(runs: xr.Dataset, points: float, point: str) -> xr.Dataset:
    """Return the runs with so many points more accuracy from rates above the stable one, at one point of the dial."""
    where = (runs.multiple > 1.01) & (runs.point == point)
    return runs.assign(accuracy=runs.accuracy + 0.01 * points * where)


@falsifies(*ROWS)
def the_subset_in_the_place_of_what_is_separable(monkeypatch):
    """The hypothesis is dropped: both matched points are the random subset."""
    def twice(runs):
        points = ["random subset" if point == "errors dropped" else point for point in runs.point.values]
        return runs.sel(point=points).assign_coords(point=runs.point)
    altered(monkeypatch, twice)


@falsifies(*ROWS)
def a_slice_that_disagrees(monkeypatch):
    """What is computed again differs from what was recorded by half a per cent."""
    monkeypatch.setattr(checks, "slice_difference", lambda name: 5e-3)


@falsifies("liu-separability-dynamics")
def size_alone_does_it_too(monkeypatch):
    """The control shows the effect: as many images dropped at random lower the sharpness by a quarter."""
    monkeypatch.setattr(outcomes, "control", lambda *given: (-0.41, -0.5, -0.3))


@falsifies("liu-separability-dynamics")
def what_is_separable_ends_sharper(monkeypatch):
    """Without the separator's errors the linear network ends half as sharp again."""
    altered(monkeypatch, lambda runs: times(runs, "sharpness", 1.5, "errors dropped", "linear"))


@falsifies("liu-separability-dynamics")
def the_third_data_set_follows_too(monkeypatch):
    """The exception is gone: on cat against dog the linear network ends a third flatter at the separable point."""
    replaced(monkeypatch, checks, "again", lambda right, name: times(right(name), "sharpness", 0.67, "errors dropped"))


@falsifies("liu-separability-dynamics")
def the_relu_network_of_the_third_does_not_follow(monkeypatch):
    """On cat against dog the ReLU network ends eight times as sharp at the separable point."""
    replaced(monkeypatch, checks, "again", lambda right, name: times(
        right(name), "sharpness", 8, "errors dropped", "relu"))


@falsifies("liu-separability-dynamics")
def the_third_ends_far_below_the_edge(monkeypatch):
    """On cat against dog the linear network ends a third flatter at both points, so that they differ as before."""
    def flatter(right, name):
        runs = right(name)
        for point in ("errors dropped", "random subset"):
            runs = times(runs, "sharpness", 0.67, point, "linear") if name == checks.LAST else runs
        return runs
    replaced(monkeypatch, checks, "again", flatter)


@falsifies("ours-separability-pinned")
def the_linear_network_ends_a_seventh_flatter(monkeypatch):
    """At 200 components the linear network ends a seventh flatter."""
    altered(monkeypatch, lambda runs: times(runs, "sharpness", 6 / 7, "200 components", "linear"))


@falsifies("ours-separability-pinned")
def another_representation(monkeypatch):
    """The hypothesis is dropped: 20 components, certified non-separable."""
    def moved(runs):
        points = ["20 components" if point == "200 components" else point for point in runs.point.values]
        return runs.sel(point=points).assign_coords(point=runs.point)
    altered(monkeypatch, moved)


@falsifies("liu-separability-peak")
def the_loss_hardly_rises_where_data_are_separable(monkeypatch):
    """Peaks are a fifth lower at the separable point, on MNIST too."""
    altered(monkeypatch, lambda runs: times(runs, "peak", 0.8, "errors dropped"))


@falsifies("liu-separability-peak")
def the_loss_rises_as_much_where_data_are_separable(monkeypatch):
    """Peaks are a fifth higher at the separable point."""
    altered(monkeypatch, lambda runs: times(runs, "peak", 1.2, "errors dropped"))


@falsifies("liu-separability-gain")
def large_rates_pay_half_a_point_more_on_separable_data(monkeypatch):
    """The gain is half a percentage point larger at the separable point."""
    altered(monkeypatch, lambda runs: better(runs, 0.5, "errors dropped"))


@falsifies("liu-separability-gain")
def large_rates_pay_three_quarters_of_a_point_less(monkeypatch):
    """The gain is three quarters of a percentage point smaller at the separable point."""
    altered(monkeypatch, lambda runs: better(runs, -0.75, "errors dropped"))


@falsifies("ours-separability-gain-again")
def large_rates_pay_half_a_point_less_on_separable_data(monkeypatch):
    """The gain is half a percentage point smaller at the separable point, on both data sets."""
    altered(monkeypatch, lambda runs: better(runs, -0.5, "errors dropped"))


def noise_altered(monkeypatch, change):
    """Let the check read tables of four sets that ``change`` has altered."""
    replaced(monkeypatch, noise, "table", lambda right, *given: change(right(*given)))


@falsifies("liu-separability-noise")
def versions_in_each_others_place(monkeypatch):
    """The hypothesis is dropped: the data called separable are not."""
    noise_altered(monkeypatch, lambda runs: runs.isel(version=[1, 0]).assign_coords(version=runs.version))


@falsifies("liu-separability-noise")
def labels_in_each_others_place(monkeypatch):
    """The sets called noisy are the clean ones."""
    noise_altered(monkeypatch, lambda runs: runs.isel(labels=[1, 0]).assign_coords(labels=runs.labels))


@falsifies("liu-separability-noise")
def separability_decides(monkeypatch):
    """On separable data, noisy or not, rates above the stable one are two points worse."""
    noise_altered(monkeypatch, lambda runs: runs.assign(accuracy=runs.accuracy - 0.02 * (
        (runs.multiple > 1.01) & (runs.version == "separable"))))


@falsifies("liu-separability-noise")
def clean_labels_gain_as_well(monkeypatch):
    """The control shows the effect: on clean labels rates above the stable one are half a point better."""
    noise_altered(monkeypatch, lambda runs: runs.assign(accuracy=runs.accuracy + 0.005 * (
        (runs.multiple > 1.01) & (runs.labels == "clean"))))


def two_layers_altered(monkeypatch, change):
    """Let the check read tables of ReLU networks on digits that ``change`` has altered."""
    replaced(monkeypatch, mnist, "table", lambda right, name: change(right(name)))


def faster(runs: xr.Dataset, points: float, version: str) -> xr.Dataset:
    """Return the runs with so many points more accuracy from rates above the stable one, on one version of the data."""
    return runs.assign(accuracy=runs.accuracy + 0.01 * points * ((runs.multiple > 1.01) & (runs.version == version)))


@falsifies("liu-mnist-two-layers")
def two_layers_gain_two_points_less(monkeypatch):
    """On non-separable digits test accuracies at rates above the stable one are two points lower."""
    two_layers_altered(monkeypatch, lambda runs: faster(runs, -2, "non-separable"))


@falsifies("liu-mnist-two-layers")
def separable_digits_gain_half_a_point(monkeypatch):
    """The control shows the effect: on separable digits rates above the stable one gain half a point."""
    two_layers_altered(monkeypatch, lambda runs: faster(runs, 0.5, "separable"))


@falsifies("liu-mnist-two-layers")
def what_is_better_is_not_flatter(monkeypatch):
    """Rates above the stable one end a hundred times as sharp."""
    two_layers_altered(monkeypatch, lambda runs: runs.assign(
        sharpness=runs.sharpness.where((runs.multiple < 1.01) | (runs.step == 0), 100 * runs.sharpness)))
