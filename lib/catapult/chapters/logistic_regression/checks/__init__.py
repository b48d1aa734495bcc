"""Checks. Predictors are iterated by the oracles; the constants at the tops are those of the statements."""

from catapult.chapters.logistic_regression.checks.cycles import flip, global_convergence, no_cycle, stable_cycle
from catapult.chapters.logistic_regression.checks.parts import (decomposition, offset_at_a_constant_rate,
    offset_of_the_ray, risk_on_mixed_data, strong_convexity)
from catapult.chapters.logistic_regression.checks.phases import (average_risk, four_points, never_rising,
    oscillating_phase, perceptron_exit, phase_against_rate, split_optimisation, squared_budget, stable_phase,
    transition_in_the_plane, wrong_for_long)
