"""Checks: closed forms against iterated dynamics; what a row states can be falsified by a test."""

from catapult.chapters.critical_learning_rates.checks.cycles import (cycle_multiplier, falls_above_critical,
    global_cycle, hitting_rates, jump_to_minimum, large_rates, limit_between, overshoot_onset, rise_below_critical,
    stays_above)
from catapult.chapters.critical_learning_rates.checks.labels import (any_label_share, chaos_onset, flip,
    lyapunov_exponent, period_three)
from catapult.chapters.critical_learning_rates.checks.phases import (exponential_critical_rate, exponential_monotone,
    exponential_multiplier, falls_up_to_eight, logistic_critical_rate, phase_diagram, rate_at_eight, size_at_eight)
