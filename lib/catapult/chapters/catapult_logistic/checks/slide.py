"""Checks of the slide of wide networks from ηλ above 8 to below it, logistic loss."""

from __future__ import annotations

import math

import numpy as np

from catapult.companion.measurement import Measurement
from catapult.oracles import plane
from catapult.theory import linear_predictor, two_layer

LEADING = 3 / 2  # of η², where gradient descent on log cosh(xy) ends below 2
SECOND = 9 / 80  # of κ², where slides end
SLIDE_RATE = 3 / 4  # of κ: the rate at which the loss falls near the end of a slide
SILENT = (0.3, 1.0, 1.5, 1.76)  # f0 from which the loss never rises below the critical rate


def slide_end() -> Measurement:
    """Logistic loss: (8/η − 3η/2m − λ_∞) η/κ² from κ = 1/60 and 1/120, extrapolated to κ = 0, less 9/80.

    The farthest from 0 of starts with |f0| from 0.001 to 10, ηλ0 from 8.5 to 40, at widths 10³ and 10⁸. Interval: of
    the values at κ = 1/120.
    """
    f0, scaled, width, kappa = np.meshgrid([1e-3, 0.3, 1.0, 10.0], [9.0, 12.0, 40.0], [1e3, 1e8], [1 / 60, 1 / 120])
    rate = np.sqrt(kappa * width)
    networks = plane.Networks(f0, scaled / rate, width, rate).descend("logistic", 4500)
    values = (two_layer.slide_ntk(width, rate) - networks.ntk) * rate / kappa**2
    gaps = 2 * values[..., 1] - values[..., 0] - SECOND
    return Measurement(gaps.flat[np.argmax(np.abs(gaps))], interval=(values[..., 1].min(), values[..., 1].max()))


def product_loss() -> Measurement:
    """log cosh(xy), gradient descent on x and y: (2 − η(x² + y²))/η² at the end, extrapolated to η = 0, less 3/2.

    From x = 1 and 3, with ηy² from 2.5 to 6 at the start; η = 0.1, 0.15 and 0.2. Effect: the next coefficient, of η⁴.
    """
    rate = np.array([0.1, 0.15, 0.2])
    x, y = np.array([1e-3, 0.5])[:, None, None], np.sqrt(np.array([[2.5], [6.0]]) / rate)
    networks = plane.Networks(x * y, x**2 + y**2, 1, rate).descend("log cosh", 8000)
    values = (2 - rate * networks.ntk) / rate**2
    fits = np.polynomial.polynomial.polyfit(rate**2, values.reshape(-1, 3).T, 2)
    gaps = fits[0] - LEADING
    return Measurement(gaps[np.argmax(np.abs(gaps))], effect=fits[1].mean())


def slide_time() -> Measurement:
    """Logistic loss: the slope of ¾κT against log(1/κ), T the first step with ηλ < 8, between κ = 1/100 and 1/800.

    The farther from 1 of two starts: f0 = 1, ηλ0 = 12, and f0 = 2, ηλ0 = 20. Interval: of both.
    """
    kappa, width = np.array([1 / 100, 1 / 800])[:, None], 10_000
    rate = np.sqrt(kappa * width)
    networks, times = plane.Networks([1.0, 2.0], [12, 20] / rate, width, rate), np.zeros((2, 2))
    for step in range(1, 15_000):
        below = rate * networks.descend("logistic").ntk < 8
        times[below & (times == 0)] = step
        if below.all():
            break
    first, second = SLIDE_RATE * kappa * times
    slopes = (second - first) / math.log(8)
    return Measurement(slopes[np.argmax(np.abs(slopes - 1))], interval=(slopes.min(), slopes.max()))


def slide_rate() -> Measurement:
    """Logistic loss, κ = 1/1000: the fall of Λ over 20 steps over what the two-cycle says, the farthest from 1.

    From ηλ0 = 12, 20 and 40, as long as Λ > 8.5: 4κ f*(Λ)²/Λ, with Λ tanh(f*/2) = 4f*, at the middle of each 20 steps.
    """
    kappa, width = 1e-3, 10_000
    rate, scaled = math.sqrt(kappa * width), []
    networks = plane.Networks(np.array([1.0, 2.0, 1.0]), np.array([12.0, 20.0, 40.0]) / rate, width, rate).descend(
        "logistic", 100)
    for _ in range(150):
        scaled.append(rate * networks.ntk)
        networks.descend("logistic", 10)
    scaled = np.array(scaled)
    middle = scaled[1:-1]
    stated = 20 * 4 * kappa * linear_predictor.two_cycle("logistic", middle.clip(8.1)) ** 2 / middle
    ratios = ((scaled[:-2] - scaled[2:]) / stated)[middle > 8.5]
    return Measurement(ratios[np.argmax(np.abs(ratios - 1))], interval=(ratios.min(), ratios.max()))


def loss_through_the_edge() -> Measurement:
    """Logistic loss, κ = 1/200: rates, over ¾κ, at which the excess loss falls on both sides of Λ = 8: the farthest
    from 1.

    From ηλ0 = 9, 12 and 24: over the 1/κ steps before the first with Λ < 8, and over the 1/κ steps from it on.
    """
    kappa, width = 1 / 200, 10_000
    span, rate = 200, math.sqrt(kappa * width)
    networks = plane.Networks(1.0, np.array([9.0, 12.0, 24.0]) / rate, width, rate)
    excess, scaled = [], []
    for _ in range(3000):
        excess.append(np.log(np.cosh(networks.f / 2)))
        scaled.append(rate * networks.ntk)
        networks.descend("logistic")
    at, excess = np.argmax(np.array(scaled) < 8, axis=0), np.log(excess)
    each = np.arange(3)
    rates = np.array([excess[at - span, each] - excess[at, each], excess[at, each] - excess[at + span, each]])
    rates = rates / span / (SLIDE_RATE * kappa)
    return Measurement(rates.flat[np.argmax(np.abs(rates - 1))], effect=at.max(),
                       interval=(rates.min(), rates.max()))


def silent_slide() -> Measurement:
    """Logistic loss, f0 up to 1.76, ηλ0 from just above 8 to 0.99 of the critical rate: the largest rise of |f|.

    In a step, relative, while |f| > 10⁻⁹, widths 500 and 5000. Effect: the largest λ_∞/λ0.
    """
    f0, width, share = np.meshgrid(SILENT, [500, 5000], [0.1, 0.5, 0.99])
    top = two_layer.critical_learning_rate("logistic", f0, 2.0, width)
    rate = np.where(share > 0.9, share * top, 4 + share * (top - 4))
    rate = np.maximum(rate, 4 + 0.5 * (top - 4))  # 0.99 of the critical rate may be below 4
    networks, largest, size = plane.Networks(f0, 2.0, width, rate), -1.0, f0
    for _ in range(4000):
        after = np.abs(networks.descend("logistic").f)
        largest = np.maximum(largest, np.where(size > 1e-9, after / np.maximum(size, 1e-300) - 1, -1).max())
        size = after
    return Measurement(largest, effect=(networks.ntk / 2.0).max(), conditions={
        "every kernel ends below the edge, which it started above": (rate * networks.ntk < 8).all()
        and (2 * rate > 8).all()})
