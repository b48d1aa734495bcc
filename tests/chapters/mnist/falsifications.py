"""Falsifications of the rows of the chapter on MNIST: tables, runs or the analysis are altered; nothing is trained."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult import phases
from catapult.chapters.mnist import experiment as mnist
from catapult.chapters.mnist import outcomes
from catapult.chapters.mnist.checks import live
from catapult.chapters.mnist_edges import experiment as mnist_edges
from catapult.chapters.mnist_edges import outcomes as edges
from catapult.oracles import predictor
from falsifying import falsifies, kept, replaced, scaled

SQUARED, WINDOW = live.squared_shares_of_the_edge, live.window


def quick() -> xr.Dataset:
    """The runs at quick scale."""
    return kept(mnist)


@functools.cache
def squared() -> np.ndarray:
    return SQUARED(mnist.Parameters.checked(scale="quick"))


def measure(monkeypatch, runs=None, factor=1.0):
    """Let the checks read these runs, and a squared loss that ends at ``factor`` times what it does."""
    monkeypatch.setattr(live, "_runs", lambda values: quick() if runs is None else runs)
    monkeypatch.setattr(live, "squared_shares_of_the_edge", lambda values: factor * squared())


def sharper(factor: float, where=lambda runs: True) -> xr.Dataset:
    """Return the runs with a final sharpness of ``factor`` times its value, where ``where`` is True."""
    runs = quick()
    return runs.assign(sharpness_end=runs.sharpness_end.where(~(where(runs) & (runs.phase != "")),
                                                              factor * runs.sharpness_end))


@falsifies("ours-mnist-catapult-separable")
def two_peaks_are_no_return(monkeypatch):
    """On all seeds but one the linear network's loss peaks and does not settle below its start."""
    runs = quick()
    seen = (runs.activation == "linear") & (runs.seed > 0) & (runs.phase == "catapult")
    measure(monkeypatch, runs.assign(phase=runs.phase.where(~seen, "unsettled")))


@falsifies("ours-mnist-catapult-separable", "ours-mnist-no-edge", "ours-mnist-no-threshold")
def non_separable_data_in_the_place_of_separable(monkeypatch):
    """The hypothesis is dropped: the data called separable are the non-separable ones."""
    runs = quick()
    measure(monkeypatch, runs.sel(version=["non-separable"] * 2).assign_coords(version=runs.version))


@falsifies("ours-mnist-no-threshold")
def separable_runs_at_the_critical_rate_end_sharper(monkeypatch):
    """On separable data the critical rate ends 1.75 times as sharp: hardly a factor of two below the small rate."""
    measure(monkeypatch, sharper(1.75, lambda runs: (np.abs(runs.multiple - 1) < 1e-6) & (runs.version == "separable")))


@falsifies("ours-mnist-no-threshold")
def the_control_falls_by_a_seventh(monkeypatch):
    """On non-separable data as well the critical rate ends flatter, by a seventh."""
    measure(monkeypatch, sharper(6 / 7, lambda runs: (np.abs(runs.multiple - 1) < 1e-6)
                                 & (runs.version == "non-separable")))


@falsifies("ours-mnist-no-edge")
def the_squared_loss_ends_below_the_edge_as_well(monkeypatch):
    """The control shows the effect: the squared loss ends at three quarters of what it does."""
    measure(monkeypatch, factor=0.74)


@falsifies("ours-mnist-one-predictor")
def another_predictor(monkeypatch):
    """The minimiser is longer than it is by a part in 10¹¹."""
    scaled(monkeypatch, predictor, "minimiser", 1 + 1e-11)


@falsifies("ours-mnist-one-predictor")
def too_few_steps(monkeypatch):
    """Half of the runs have not settled: three hundred steps."""
    monkeypatch.setattr(live, "SETTLED_STEPS", 300)


@falsifies("ours-mnist-one-predictor")
def one_minimum_as_flat_as_another(monkeypatch):
    """Only rates up to the critical one, whose minima are equally flat."""
    monkeypatch.setattr(live, "PREDICTOR_RATES", np.array([0.5, 0.71, 1.0]))


def more_accurate(points: float, **cell: str) -> xr.Dataset:
    """Return the runs, test accuracies at rates above the critical one by so many points higher, in one cell or all."""
    runs = quick()
    where = runs.multiple > 1 + 1e-6
    for dim, name in cell.items():
        where = where & (runs[dim] == name)
    return runs.assign(test_accuracy=runs.test_accuracy + 0.01 * points * where)


@falsifies("huang-mnist-best-rate")
def large_rates_gain_a_point(monkeypatch):
    """Test accuracies at rates above the critical one are a percentage point higher."""
    measure(monkeypatch, more_accurate(1))


@falsifies("huang-mnist-best-rate")
def the_linear_network_gains_on_separable_data(monkeypatch):
    """One cell gains, by ten points, and it is not the one that the row names."""
    measure(monkeypatch, more_accurate(10, version="separable", activation="linear"))


@falsifies("huang-mnist-best-rate")
def the_linear_network_gains_a_fraction_of_a_point(monkeypatch):
    """One cell gains, by a fraction of a point, and it is not the one that the row names."""
    measure(monkeypatch, more_accurate(0.5, version="non-separable", activation="linear"))


@falsifies("huang-mnist-best-rate")
def the_relu_network_gains_a_point_on_separable_data(monkeypatch):
    """The cell that may gain a fraction of a point gains a point and a twentieth."""
    measure(monkeypatch, more_accurate(0.95, version="separable", activation="relu"))


@falsifies("huang-mnist-best-rate")
def every_cell_loses(monkeypatch):
    """Test accuracies at rates above the critical one are thirty points lower."""
    measure(monkeypatch, more_accurate(-30))


@falsifies("huang-mnist-best-rate")
def the_linear_network_loses_a_point(monkeypatch):
    """Test accuracies at rates above the critical one are four fifths of a point lower."""
    measure(monkeypatch, more_accurate(-0.8))


@falsifies("huang-mnist-best-rate")
def two_rates_on_one_side(monkeypatch):
    """Only two rates at or below the critical one are there: a comparison of two with two."""
    runs = quick()
    measure(monkeypatch, runs.sel(multiple=runs.multiple > 0.7))


@falsifies("ours-mnist-window")
def half_the_width(monkeypatch):
    """The wide network has half the width that is said."""
    monkeypatch.setattr(live, "window", lambda values, width, seed:
                        WINDOW(values, width // 2 if width == max(live.WIDTHS) else width, seed))


TABLES = ("huang-mnist-catapult", "huang-mnist-flatter", "ours-mnist-edge", "huang-mnist-linear-rate",
          "liu-mnist-dynamics", "liu-mnist-flatter-nothing")
OTHERS = ("liu-mnist-relu-flatter", "huang-mnist-relu-steps", "liu-mnist-relu-dynamics", "liu-mnist-deep",
          "ours-mnist-predicted")
ALL_OTHERS = (*outcomes.OTHERS, *outcomes.PREDICTED, *outcomes.ATTACKS, *outcomes.AGAIN)


HEADLINE = outcomes.twice(outcomes.LINEAR)


def altered(monkeypatch, change, tables=HEADLINE):
    """Let the checks read tables that ``change`` has altered."""
    replaced(monkeypatch, outcomes, "table",
             lambda right, name: change(right(name)) if name in tables else right(name))


def times(runs: xr.Dataset, factor: float, where=True) -> xr.Dataset:
    """Return the runs with ``factor`` times the sharpness after the first step where ``where`` is True."""
    return runs.assign(sharpness=runs.sharpness.where(~(where & (runs.step > 0)), factor * runs.sharpness))


@falsifies(*TABLES, *OTHERS)
def versions_in_each_others_place(monkeypatch):
    """The hypothesis is dropped: the data called non-separable are the separable ones, and the other way about."""
    altered(monkeypatch, lambda runs: runs.isel(version=[1, 0]).assign_coords(version=runs.version),
            (outcomes.LINEAR, *ALL_OTHERS))


@falsifies(*TABLES, *OTHERS)
def a_slice_that_disagrees(monkeypatch):
    """What is computed again differs from what was recorded by half a per cent."""
    monkeypatch.setattr(outcomes, "slice_difference", lambda: 5e-3)


@falsifies("huang-mnist-catapult")
def a_higher_peak(monkeypatch):
    """A catapult peaks at least a quarter above its start: not on every seed."""
    monkeypatch.setattr(phases, "PEAK", 1.25)


@falsifies("huang-mnist-flatter")
def catapults_end_sharper(monkeypatch):
    """Rates above the stable one end 1.15 times as sharp as they do."""
    altered(monkeypatch, lambda runs: times(runs, 1.15, runs.multiple > 1.01))


@falsifies("huang-mnist-flatter")
def the_control_ends_flatter_too(monkeypatch):
    """At the stable rate, without a catapult, the sharpness falls by a quarter."""
    altered(monkeypatch, lambda runs: times(runs, 0.75, np.abs(runs.multiple - 1) < 0.01))


@falsifies("ours-mnist-edge")
def eight_per_cent_further_below_the_edge(monkeypatch):
    """Every run ends eight per cent flatter."""
    altered(monkeypatch, lambda runs: times(runs, 0.92))


@falsifies("ours-mnist-edge")
def one_run_beyond_the_edge(monkeypatch):
    """Every run ends an eighth sharper, one of them beyond the edge by more than three per cent."""
    altered(monkeypatch, lambda runs: times(runs, 1.125))


@falsifies("liu-mnist-dynamics")
def separable_data_end_nearer_to_the_edge(monkeypatch):
    """Runs on separable data end half as sharp again."""
    altered(monkeypatch, lambda runs: times(runs, 1.5, runs.version == "separable"))


@falsifies("liu-mnist-dynamics")
def the_squared_loss_falls_below_the_edge_too(monkeypatch):
    """The control shows the effect: with the squared loss, separable data end a third below non-separable ones."""
    altered(monkeypatch, lambda runs: times(runs, 2 / 3, runs.version == "separable"), outcomes.twice(outcomes.SQUARED))


def better(runs: xr.Dataset, points: float) -> xr.Dataset:
    """Return the runs with so many points more accuracy at rates above the stable one."""
    return runs.assign(accuracy=runs.accuracy + 0.01 * points * (runs.multiple > 1.01))


@falsifies("liu-mnist-flatter-nothing")
def large_rates_gain_a_tenth_of_a_point(monkeypatch):
    """Test accuracies at rates above the stable one are a tenth of a percentage point higher."""
    altered(monkeypatch, lambda runs: better(runs, 0.1))


@falsifies("liu-mnist-flatter-nothing")
def large_rates_lose_a_tenth_of_a_point(monkeypatch):
    """Test accuracies at rates above the stable one are a tenth of a percentage point lower."""
    altered(monkeypatch, lambda runs: better(runs, -0.1))


@falsifies("huang-mnist-linear-rate")
def large_rates_are_better_by_a_tenth(monkeypatch):
    """Test accuracies at rates above the stable one are a tenth of a percentage point higher."""
    altered(monkeypatch, lambda runs: better(runs, 0.1))


@falsifies("huang-mnist-linear-rate")
def three_seeds(monkeypatch):
    """Only three seeds are there: they leave more than half a point unresolved."""
    altered(monkeypatch, lambda runs: runs.isel(seed=slice(0, 3)))


def others(monkeypatch, change, tables=ALL_OTHERS):
    """Let the checks read tables of other networks, all or some, that ``change`` has altered."""
    altered(monkeypatch, change, tables)


@falsifies("liu-mnist-relu-flatter")
def the_relu_network_gains_half_a_point_less(monkeypatch):
    """Test accuracies at rates above the stable one are a point lower."""
    others(monkeypatch, lambda runs: better(runs, -1.0))


@falsifies("liu-mnist-relu-flatter")
def fresh_seeds_gain_more(monkeypatch):
    """At fresh seeds test accuracies at rates above the stable one are half a point higher, so that 0 is excluded."""
    others(monkeypatch, lambda runs: better(runs, 0.5), (outcomes.twice(outcomes.RELU)[1],))


@falsifies("liu-mnist-relu-flatter")
def separable_digits_gain_as_well(monkeypatch):
    """The control shows the effect: on separable digits rates above the stable one gain half a point."""
    others(monkeypatch, lambda runs: runs.assign(accuracy=better(runs, 0.5).accuracy.where(
        runs.version == "separable", runs.accuracy)))


@falsifies("huang-mnist-relu-steps")
def the_relu_network_gains_a_point_and_a_half(monkeypatch):
    """Test accuracies at rates above the stable one are a point and a half higher."""
    others(monkeypatch, lambda runs: better(runs, 1.5))


@falsifies("huang-mnist-relu-steps")
def nothing_is_won_by_stopping(monkeypatch):
    """A sixteenth of the stable rate is five points worse."""
    others(monkeypatch, lambda runs: runs.assign(accuracy=runs.accuracy - 0.05 * (abs(runs.multiple - 1 / 16) < 1e-6)))


@falsifies("liu-mnist-relu-dynamics")
def separable_digits_leave_more(monkeypatch):
    """On separable digits the ReLU network ends five times as sharp."""
    others(monkeypatch, lambda runs: times(runs, 5, runs.version == "separable"))


@falsifies("liu-mnist-relu-dynamics")
def no_catapult_on_separable_digits(monkeypatch):
    """The control is removed: the loss does not rise on separable digits."""
    others(monkeypatch, lambda runs: runs.assign(peak=runs.peak.where(runs.version == "non-separable", 1)))


@falsifies("liu-mnist-deep")
def three_layers_gain_a_fifth_of_a_point(monkeypatch):
    """Test accuracies at rates above the stable one are a fifth of a point higher."""
    others(monkeypatch, lambda runs: better(runs, 0.2))


@falsifies("liu-mnist-deep")
def three_layers_gain_nothing_on_separable_digits(monkeypatch):
    """On separable digits test accuracies at rates above the stable one are half a point lower."""
    others(monkeypatch, lambda runs: runs.assign(accuracy=better(runs, -0.5).accuracy.where(
        runs.version == "separable", runs.accuracy)))


@falsifies("ours-mnist-predicted")
def wide_networks_gain_a_tenth_of_a_point(monkeypatch):
    """On non-separable digits test accuracies at rates above the stable one are a tenth of a point higher."""
    others(monkeypatch, lambda runs: better(runs, 0.1))


@falsifies("ours-mnist-predicted")
def nothing_is_lost_on_separable_digits(monkeypatch):
    """The control is removed: on separable digits rates above the stable one are half a point better."""
    others(monkeypatch, lambda runs: runs.assign(accuracy=better(runs, 0.5).accuracy.where(
        runs.version == "separable", runs.accuracy)))


SHALLOW = ("ours-mnist-edges-width", "ours-mnist-edges-rule", "ours-mnist-edges-four")
DEEP = ("kalra-mnist-sharpness", "kalra-mnist-sharpness-depth", "ours-mnist-edges-depth")


def edges_altered(monkeypatch, change):
    """Let the checks read recorded edges that ``change`` has altered."""
    replaced(monkeypatch, edges, "table", lambda right, *given, **named: change(right(*given, **named)))


@falsifies(*SHALLOW, *DEEP)
def certificates_in_each_others_place(monkeypatch):
    """The hypothesis is dropped: the data called separable are not."""
    edges_altered(monkeypatch, lambda runs: runs.assign(
        certificate=runs.certificate.roll(version=1, roll_coords=False)))


@falsifies("ours-mnist-edges-width", "ours-mnist-edges-four", "ours-mnist-edges-depth")
def losses_in_each_others_place(monkeypatch):
    """The control in the place of the effect: the runs called logistic are those of the squared loss."""
    edges_altered(monkeypatch, lambda runs: runs.isel(loss=[1, 0]).assign_coords(loss=runs.loss))


@falsifies("ours-mnist-edges-width")
def an_exponent_of_a_half(monkeypatch):
    """Every edge grows by a further 0.25 in the exponent of the width."""
    replaced(monkeypatch, edges, "edge", lambda right, runs, name: right(runs, name) * runs.width**0.25)


@falsifies("ours-mnist-edges-width")
def an_exponent_of_a_tenth(monkeypatch):
    """Every edge grows by 0.15 less in the exponent of the width."""
    replaced(monkeypatch, edges, "edge", lambda right, runs, name: right(runs, name) / runs.width**0.15)


@falsifies("ours-mnist-edges-rule")
def a_rule_without_the_square_root_of_two(monkeypatch):
    """The rule is √(md)/G times two: √2 too large."""
    scaled(monkeypatch, mnist_edges, "bounded_gradient_edge", 2**0.5)


@falsifies("ours-mnist-edges-four")
def eight_in_the_place_of_four(monkeypatch):
    """The squared loss is said to diverge at 2/λ0."""
    monkeypatch.setattr(edges, "SQUARED_ASYMPTOTE", 1.0)


@falsifies("kalra-mnist-sharpness")
def a_fall_of_two_fifths(monkeypatch):
    """The sharpness has fallen only below three fifths of its start: where training starts to matter, at any width."""
    monkeypatch.setattr(edges, "FALLEN", 0.6)


@falsifies("kalra-mnist-sharpness")
def the_logistic_loss_does_it_too(monkeypatch):
    """The control shows the effect: the runs called logistic are those of the squared loss, too."""
    edges_altered(monkeypatch, lambda runs: runs.sel(loss=["squared"] * 2).assign_coords(loss=runs.loss))


@falsifies("kalra-mnist-sharpness-depth", "ours-mnist-edges-depth")
def depths_in_each_others_place(monkeypatch):
    """The runs called deep are those of one hidden layer."""
    edges_altered(monkeypatch, lambda runs: runs.isel(hidden_layers=slice(None, None, -1)).assign_coords(
        hidden_layers=runs.hidden_layers))


@falsifies(*SHALLOW, *DEEP)
def fresh_seeds_say_otherwise(monkeypatch):
    """At fresh seeds the runs called logistic are those of the squared loss, and deep ones shallow."""
    def other(right, fresh=False):
        runs = right(fresh)
        return runs.isel(loss=[1, 0], hidden_layers=[2, 1, 0]).assign_coords(
            loss=runs.loss, hidden_layers=runs.hidden_layers) if fresh else runs
    replaced(monkeypatch, edges, "table", other)
