"""Checks of the chapter on mixed data."""

from catapult.chapters.mixed_data.checks.three_points import edge, outside_law, square_law
from catapult.chapters.mixed_data.checks.predictor import direction, tube, within
from catapult.chapters.mixed_data.checks.networks import rate_outside
from catapult.chapters.mixed_data.checks.recorded import far_beyond, gains, held, linear_gains, seen

__all__ = ["direction", "edge", "far_beyond", "gains", "held", "linear_gains", "outside_law", "rate_outside", "seen",
           "square_law", "tube", "within"]
