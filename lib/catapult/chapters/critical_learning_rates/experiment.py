"""The linear predictor on the degenerate pair, from orbits to the phase diagram.

Everything is computed by iterating gradient descent; the closed forms of
:mod:`catapult.theory.linear_predictor` go into separate variables (``predicted_…``), to be drawn over it.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
import scipy.optimize
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.oracles import bisection
from catapult.theory import linear_predictor as theory

EIGHT = 8.0  # 2/L''(0) for the logistic loss on the balanced pair
ONSET_FRACTIONS = (0.6, 0.7, 0.8, 0.9)  # label fractions at which the onset of chaos is sought
PERIOD_THREE = (0.9, 4.0)  # label fraction p and γ = η p (1 − p) of the example of a cycle of length three


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    loss: Literal["exponential", "logistic"] = Field("logistic", description="loss of the orbits and maps")
    w0: float = Field(2.0, description="initial weight of the orbits", ge=0.1, le=10)
    steps: int = Field(40, description="steps of the orbits that are drawn", ge=10, le=1000)
    grid: int = Field(160, description="points along each axis of the phase diagram", ge=20, le=600)
    map_steps: int = Field(2000, description="steps at each point of the phase diagram", ge=100, le=20000)
    long_steps: int = Field(100_000, description="steps of the slow orbit at learning rate 8",
                            ge=1000, le=1_000_000)
    label_fraction: float = Field(0.9, description="fraction of positive labels of the imbalanced pair",
                                  ge=0.55, le=0.95)

    scales: ClassVar = {
        "quick": {"grid": 60, "map_steps": 600, "long_steps": 20_000},
        "paper": {"grid": 400, "map_steps": 10_000, "long_steps": 1_000_000},
    }


def run(parameters: Parameters) -> xr.Dataset:
    """Return the orbits, the phase diagram, the two-cycles, the counterexamples and the imbalanced pair."""
    return xr.merge([_orbits(parameters), _rates(), _phase_diagram(parameters), _cycles(parameters),
                     _slow_orbit(parameters), _counterexamples(), _imbalance(parameters)])


def drawn_rates(loss: str, w0: float) -> dict[str, float]:
    """Return the learning rates of the orbits that are drawn, by what the theory says of them."""
    critical = float(theory.critical_learning_rate(loss, w0))
    if loss == "exponential":
        return {"far below": 0.6 * critical, "below": 0.95 * critical, "critical": critical,
                "above": 1.02 * critical}
    return {"below 8": 6.0, "exactly 8": EIGHT, "between": math.sqrt(EIGHT * critical), "critical": critical,
            "above": 1.6 * critical}


def _orbits(parameters: Parameters) -> xr.Dataset:
    rates = drawn_rates(parameters.loss, parameters.w0)
    w = theory.iterate(parameters.loss, parameters.w0, np.array(list(rates.values())), parameters.steps)
    return xr.Dataset(
        {"weight": (("step", "regime"), w),
         "excess_risk": (("step", "regime"), theory.excess_risk(parameters.loss, w)),
         "learning_rate": ("regime", list(rates.values()))},
        coords={"regime": list(rates), "step": np.arange(parameters.steps + 1)})


def _rates() -> xr.Dataset:
    """The critical learning rate against |w|, for the three losses."""
    w = np.linspace(0, 12, 241)
    losses = ["exponential", "logistic", "squared"]
    return xr.Dataset({"predicted_critical": (("loss", "size"), [theory.critical_learning_rate(loss, w)
                                                                for loss in losses])},
                      coords={"loss": losses, "size": w})


def diagram_axes(parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Return the initial weights and the learning rates of the phase diagram, each of shape (grid,).

    They take in the initial weight of the orbits and the critical curve.
    """
    if parameters.loss == "logistic":
        return np.linspace(0.05, 14, parameters.grid), np.geomspace(4, 64, parameters.grid)
    widest = max(6.0, 1.25 * parameters.w0)
    lowest = theory.critical_learning_rate("exponential", widest) / 3
    return np.linspace(0.05, widest, parameters.grid), np.geomspace(lowest, 4, parameters.grid)


def _phase_diagram(parameters: Parameters) -> xr.Dataset:
    w0, rates = diagram_axes(parameters)
    observed = theory.observed_phase(parameters.loss, w0, rates[:, None], parameters.map_steps)
    predicted = theory.predicted_phase(parameters.loss, w0, rates[:, None])
    dims = ("map_learning_rate", "map_w0")
    return xr.Dataset({"phase": (dims, _codes(observed)), "predicted_phase": (dims, _codes(predicted))},
                      coords={"map_learning_rate": rates, "map_w0": w0})


def _codes(labels: np.ndarray) -> np.ndarray:
    """Return labels as their positions in ``theory.PHASES``."""
    return np.select([labels == phase for phase in theory.PHASES], range(len(theory.PHASES))).astype(np.int8)


def _cycles(parameters: Parameters) -> xr.Dataset:
    """The two-cycle: closed form on a fine grid, measured on the dynamics at some learning rates."""
    loss = parameters.loss
    exponential = loss == "exponential"
    fine = np.geomspace(0.01, 1.9999, 300) if exponential else np.geomspace(8.0001, 60, 300)
    some = np.geomspace(0.02, 1.9, 14) if exponential else np.geomspace(8.2, 45, 14)
    measured = _basin_edge(some) if exponential else _limit_size(some)
    predicted = theory.two_cycle(loss, fine)
    return xr.Dataset(
        {"predicted_cycle": ("fine_rate", predicted),
         "predicted_multiplier": ("fine_rate", theory.cycle_multiplier(loss, predicted)),
         "measured_cycle": ("some_rate", measured),
         "measured_multiplier": ("some_rate", _slope_of_size_map(loss, measured, some))},
        coords={"fine_rate": fine, "some_rate": some})


def _limit_size(rates: np.ndarray) -> np.ndarray:
    """Logistic loss: the mean of |w| over the last two of many steps, from w0 = 1."""
    w = np.ones_like(rates)
    for _ in range(8000):
        before, w = w, theory.update("logistic", w, rates)
    return (np.abs(w) + np.abs(before)) / 2


def _basin_edge(rates: np.ndarray) -> np.ndarray:
    """Exponential loss: bisect for the initial weight between convergence and blow-up, by iteration alone."""
    return bisection.threshold(lambda w0: theory.observed_phase("exponential", w0, rates, 600) == "diverges",
                               np.zeros_like(rates), 20.0, 45)


def _slope_of_size_map(loss: str, w: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return the central difference of U(w) = ηg(w) − w."""
    gap = 1e-5 * np.maximum(w, 1e-3)
    return -(theory.update(loss, w + gap, rates) - theory.update(loss, w - gap, rates)) / (2 * gap)


def _slow_orbit(parameters: Parameters) -> xr.Dataset:
    """Logistic loss at η = 8: t w_t² at about 60 log-spaced steps t."""
    kept = np.unique(np.geomspace(1, parameters.long_steps, 60).astype(int))
    wanted, sizes, w = set(kept.tolist()), [], parameters.w0
    for step in range(1, parameters.long_steps + 1):
        w -= EIGHT * math.tanh(w / 2) / 2
        if step in wanted:
            sizes.append(step * w * w)
    return xr.Dataset({"scaled_square": ("slow_step", sizes)}, coords={"slow_step": kept})


COUNTEREXAMPLES = {
    # name: (w0, η); the logistic loss throughout
    "above: rises, then falls": (1.0, 24.0),
    "between: falls, then rises": (10.0, 20.4),
    "between: jumps to the minimum": (10.0, float(theory.critical_learning_rate("logistic", 10.0)) / 2),
    "slow: looks like another cycle": (10.0, 60.0),
}


LANDING_RATE = 24.0  # at which one start below the cycle lands on it in a step


def landing_start() -> float:
    """Return the w0 < w* that a step of the logistic loss maps to −w* at ``LANDING_RATE``."""
    cycle = float(theory.two_cycle("logistic", LANDING_RATE))
    top = 2 * math.acosh(math.sqrt(LANDING_RATE) / 2)  # of the size map, where its slope is 0
    return scipy.optimize.brentq(lambda w: -theory.update("logistic", w, LANDING_RATE) - cycle, 0, top, xtol=1e-14)


def _counterexamples() -> xr.Dataset:
    starts, rates = (np.array(column) for column in zip(*COUNTEREXAMPLES.values(), strict=True))
    w = theory.iterate("logistic", starts, rates, 24)
    return xr.Dataset({"example_weight": (("example_step", "example"), w),
                       "example_excess": (("example_step", "example"), theory.excess_risk("logistic", w)),
                       "example_w0": ("example", starts), "example_rate": ("example", rates),
                       "example_cycle": ("example", theory.two_cycle("logistic", rates)),
                       "landing_start": landing_start()},
                      coords={"example": list(COUNTEREXAMPLES), "example_step": np.arange(25)})


def _imbalance(parameters: Parameters) -> xr.Dataset:
    """Late iterates against γ = η p (1 − p) for p = 1/2 and the chosen p; onsets of chaos; a cycle of length three."""
    edge_units = np.linspace(1.5, 7.5, 4 * parameters.grid)
    fractions = [0.5, parameters.label_fraction]
    orbits, exponents = zip(*(theory.imbalanced_attractor(edge_units / (p * (1 - p)), p, 1500, 64)
                              for p in fractions), strict=True)
    return xr.Dataset(
        {"attractor": (("label_fraction", "kept", "edge_units"), np.array(orbits)),
         "lyapunov": (("label_fraction", "edge_units"), np.array(exponents)),
         "chaos_onset": ("onset_fraction", [theory.chaos_onset(p) for p in ONSET_FRACTIONS]),
         "three_cycle": ("phase_of_three", three_cycle())},
        coords={"label_fraction": fractions, "edge_units": edge_units, "onset_fraction": list(ONSET_FRACTIONS)})


def three_cycle() -> np.ndarray:
    """Return the cycle of length three of the example, shape (3,), by bisection of T³(w) − w."""
    fraction, edge_units = PERIOD_THREE
    rate = edge_units / (fraction * (1 - fraction))

    def orbit(w):
        points = [w]
        for _ in range(3):
            points.append(float(theory.imbalanced_update(points[-1], rate, fraction)))
        return points

    # T³(w) − w changes sign between 0.8 and 1; the fixed point, log 9, is far away
    sign = math.copysign(1, orbit(0.8)[3] - 0.8)
    return np.array(orbit(bisection.threshold(lambda w: (orbit(w)[3] - w) * sign <= 0, 0.8, 1.0, 60))[:3])
