"""Checks. Data are drawn here, not taken from the chapter; what a row states can be falsified by a test."""

from catapult.chapters.separability.checks.bounded import any_data, containment, radius_constants
from catapult.chapters.separability.checks.descent import (clause_reach, exponential_blow_up, exponential_curvature,
    exponential_descent, flat_far_away, segment_ascent, smooth_descent, thresholds_between)
from catapult.chapters.separability.checks.separable import (any_learning_rate, average_risk, log_log_drift, max_margin)
