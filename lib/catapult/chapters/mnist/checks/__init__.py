"""Checks of the chapter on MNIST: on the recorded tables, and on runs made here."""

from catapult.chapters.mnist.checks.edges import (
    bounded_gradient,
    sharpness_reduction,
    sharpness_reduction_and_depth,
    squared_at_four,
    upper_edge_and_depth,
    upper_edge_and_width,
)
from catapult.chapters.mnist.checks.live import (
    best_accuracy_at_large_rate,
    catapult_on_separable,
    flatter_below_critical_on_separable,
    gains,
    no_edge_on_separable,
    one_predictor,
    window_and_width,
)
from catapult.chapters.mnist.checks.other_networks import (
    deep_gains,
    early_stopping,
    gains_of,
    linear_predicted,
    relu_at_equal_time,
    relu_ends,
    relu_otherwise,
)
from catapult.chapters.mnist.checks.tables import (
    best_rate,
    catapult_on_non_separable,
    dynamics_follow_separability,
    edge_selection,
    flatter_generalises,
    flatter_in_catapult_phase,
    peaks,
)

__all__ = [
    "best_accuracy_at_large_rate",
    "best_rate",
    "bounded_gradient",
    "catapult_on_non_separable",
    "catapult_on_separable",
    "deep_gains",
    "dynamics_follow_separability",
    "early_stopping",
    "edge_selection",
    "flatter_below_critical_on_separable",
    "flatter_generalises",
    "flatter_in_catapult_phase",
    "gains",
    "gains_of",
    "linear_predicted",
    "no_edge_on_separable",
    "one_predictor",
    "peaks",
    "relu_at_equal_time",
    "relu_ends",
    "relu_otherwise",
    "sharpness_reduction",
    "sharpness_reduction_and_depth",
    "squared_at_four",
    "upper_edge_and_depth",
    "upper_edge_and_width",
    "window_and_width",
]
