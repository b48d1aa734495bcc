"""Checks that read the recorded tables of deeper, wider and ReLU networks, each at seeds 0 to 9 and at fresh ones."""

from __future__ import annotations

import numpy as np

from catapult.chapters.cifar10 import comparison
from catapult.chapters.mnist import outcomes
from catapult.chapters.mnist.checks.tables import peaks
from catapult.chapters.mnist.outcomes import DEEP, PREDICTED, RELU, RELU_TWO, VERSIONS
from catapult.companion.measurement import Measurement

EARLY = 1 / 16


def gains_of(name: str, version: str, *ways: str) -> np.ndarray:
    """Return mean, low and high of the gains of these comparisons, at the first ten seeds and at ten fresh ones."""
    return np.array([outcomes.gain(one, version, way) for one in outcomes.twice(name) for way in ways])


def relu_at_equal_time() -> Measurement:
    """Gain of the ReLU network at equal time on non-separable digits, in points: the lesser of two times ten seeds.

    Effect and interval: at fresh seeds. Control: the larger on separable digits.
    """
    gains, control = (gains_of(RELU, version, "equal time") for version in VERSIONS)
    return Measurement(gains[:, 0].min(), effect=gains[1, 0], interval=gains[1, 1:], control=control[:, 0].max(),
                       conditions={**outcomes.conditions(*outcomes.twice(RELU)),
                                   "the first interval lies above 0, that at fresh seeds holds it":
                                       bool(gains[0, 1] > 0 > gains[1, 1]),
                                   "on separable digits neither does": bool((control[:, 1] <= 0).all())})


def early_stopping(*names: str) -> float:
    """Return the least advantage of η_crit/16 at equal steps over the best rate at equal time, of these, in points."""
    early = []
    for name in names:
        means = 100 * outcomes.cell(name, "non-separable").accuracy.mean(("seed", "tenth"), skipna=False)
        early.append(float(outcomes.at(means.sel(comparison="equal steps"), EARLY)
                           - means.sel(comparison="equal time").max()))
    return float(np.min(early))


def relu_otherwise() -> Measurement:
    """Gain of the ReLU network on non-separable digits at equal steps and annealed: the largest of four, in points.

    Effect: the least. Control: the least advantage of η_crit/16 at equal steps over the best rate at equal time.
    """
    gains, early = gains_of(RELU, "non-separable", "equal steps", "annealed"), early_stopping(*outcomes.twice(RELU))
    return Measurement(gains[:, 0].max(), effect=gains[:, 0].min(), control=early, conditions={
        **outcomes.conditions(*outcomes.twice(RELU)), "all four intervals lie below 0": bool((gains[:, 2] < 0).all()),
        "to stop early is worth more": early > 1})


def relu_ends() -> Measurement:
    """Mean η · sharpness/2 of the ReLU network, separable digits, over that of non-separable ones, both at the end.

    At the largest rate that all seeds survive on both. Effect and interval: on non-separable digits. Control: the least
    share of seeds with a catapult, of the two versions.
    """
    ends = outcomes.shares(RELU)
    mean, *interval = ends["non-separable"]
    catapults = np.min([peaks(outcomes.cell(RELU, version)).mean() for version in VERSIONS])
    return Measurement(ends["separable"][0] / mean, effect=mean, interval=tuple(interval), control=catapults,
                       conditions={**outcomes.conditions(RELU), "nine of ten seeds have a catapult on either":
                                   bool(catapults >= 0.9)})


def deep_gains() -> Measurement:
    """Largest end of the intervals of the gain of three hidden layers on non-separable digits, either sign, in points.

    Effect and interval: at equal time on separable digits, first ten seeds. Control: η · sharpness/2 on non-separable
    ones at the largest rate, the mean.
    """
    none, some = gains_of(DEEP, "non-separable", *comparison.COMPARISONS), gains_of(DEEP, "separable", "equal time")
    others = gains_of(DEEP, "separable", "equal steps", "annealed")
    return Measurement(np.abs(none[:, 1:]).max(), effect=some[0, 0], interval=some[0, 1:],
                       control=outcomes.shares(DEEP)["non-separable"][0], conditions={
        **outcomes.conditions(*outcomes.twice(DEEP)),
        "on separable digits both intervals at equal time lie above 0": bool((some[:, 1] > 0).all()),
        "and the others below": bool((others[:, 2] < 0).all())})


def linear_predicted() -> Measurement:
    """Largest end of the intervals of the gain of the predicted linear networks on non-separable digits, in points.

    Effect: the share of all predictions that hold. Control: the largest gain of these networks on separable digits,
    annealed, which is a loss.
    """
    networks = [name for name in PREDICTED if name != RELU_TWO]
    nothing = np.array([gains_of(name, "non-separable", *comparison.COMPARISONS) for name in networks])
    annealed = np.array([gains_of(name, "separable", "annealed") for name in networks])
    held = np.array(list(outcomes.predictions().values()))
    return Measurement(np.abs(nothing[..., 1:]).max(), effect=held.mean(), control=annealed[..., 0].max(), conditions={
        **outcomes.conditions(*(one for name in networks for one in outcomes.twice(name))),
        "annealed, on separable digits, all intervals lie below 0": bool((annealed[..., 2] < 0).all())})
