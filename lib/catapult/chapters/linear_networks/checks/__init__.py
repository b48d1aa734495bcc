"""Checks. Weights are iterated by the oracles; the constants at the tops are those of the statements."""

from catapult.chapters.linear_networks.checks.depth import depth_edge, logistic_depth, logistic_one_layer
from catapult.chapters.linear_networks.checks.selection import (edge_fold, edge_range, edge_selection, one_predictor,
    recursion)
from catapult.chapters.linear_networks.checks.separable import (one_direction, separable_divergence, separable_edge,
    separable_kernel, separable_onset)
