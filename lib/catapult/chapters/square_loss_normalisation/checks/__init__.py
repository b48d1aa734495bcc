"""Checks of the chapter on the square loss with normalisation, by theme."""

from __future__ import annotations

from catapult.chapters.square_loss_normalisation.checks.networks import (
    PAIR,
    absolute_minimum,
    accuracy,
    accuracy_on_pairs,
    collapse,
    edge,
    full_collapse,
    larger_batches,
    margins,
    orthogonal,
    singular,
    slice_difference,
    small_start,
    table,
)
from catapult.chapters.square_loss_normalisation.checks.predictor import closed, integrated, memory, minimum_norm

__all__ = ["PAIR", "absolute_minimum", "accuracy", "accuracy_on_pairs", "closed", "collapse", "edge", "full_collapse",
           "integrated", "larger_batches", "margins", "memory", "minimum_norm", "orthogonal", "singular",
           "slice_difference", "small_start", "table"]
