"""The window of the exponential loss, the normal form at the edge, and three losses side by side.

Two-layer linear networks on the degenerate pair. Networks are trained with autograd (``network_…``); orbits of the
two-number recursion stand beside them; what the theory says goes into variables ``predicted_…``.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field

from catapult.chapters.catapult_logistic import experiment as catapult_logistic
from catapult.chapters.catapult_squared import networks
from catapult.oracles import bisection
from catapult.theory import linear_predictor, two_layer

PLANES = {  # slope: starts (f0, ηλ0) of the orbits in the plane of |f| and ηλ
    "exponential": ((0.05, 2.056), (0.05, 2.068), (1.6, 1.1)),
    "tanh(f + f³)": ((0.05, 5.0), (0.3, 1.95)),
}


class Parameters(catapult_logistic.Parameters):
    """The chapter's parameters."""

    steps: int = Field(60, description="steps of the orbits that are drawn", ge=20, le=5000)
    networks: int = Field(600, description="networks drawn at random at each width", ge=100, le=5000)
    grid: int = Field(120, description="points along each axis of the phase maps", ge=20, le=400)

    scales: ClassVar = {
        "quick": {"width": 200, "networks": 200, "grid": 40},
        "paper": {"width": 4000, "networks": 5000, "grid": 300},
    }


def run(parameters: Parameters) -> xr.Dataset:
    """Return phase maps, windows, orbits around one, final kernels, orbits in the plane, and exits."""
    return xr.merge([
        _maps(parameters), _windows(parameters), _orbits(parameters),
        catapult_logistic.final_kernels("exponential", parameters, 0.5, 2.5),
        catapult_logistic.planes(PLANES, parameters.seed), _exits()])


def _maps(parameters: Parameters) -> xr.Dataset:
    """Phase maps over ηλ0 (in units of 2/h) and the width for three losses: what the loss and the kernel do."""
    widths = np.geomspace(30, 3000, parameters.grid).round()
    edges = {"squared": np.geomspace(0.5, 5, parameters.grid), "exponential": np.geomspace(0.25, 4, parameters.grid),
             "logistic": np.geomspace(0.5, 60, parameters.grid)}
    codes, axes = [], []
    for loss, multiples in edges.items():
        rates = multiples * two_layer.stability_edge(loss, 1.0) / parameters.ntk0
        labels = two_layer.phase_map(loss, parameters.f0, parameters.ntk0, widths[:, None], rates, 20_000)
        codes.append(np.select([labels == label for label in two_layer.LABELS], range(len(two_layer.LABELS))))
        axes.append(multiples)
    return xr.Dataset({"map_phase": (("map_loss", "map_width", "map_point"), np.array(codes).astype(np.int8)),
                       "map_multiple": (("map_loss", "map_point"), axes)},
                      coords={"map_loss": list(edges), "map_width": widths})


def window_edge(f0, kappa, steps: int = 10**7) -> np.ndarray:
    """Return the ηλ0 up to which orbits from f0 converge at κ, exponential loss, by bisection; elementwise."""
    width = 10**9
    f0, rates = np.broadcast_arrays(f0, np.sqrt(np.multiply(kappa, width)))
    low = 2 * f0 / np.sinh(f0)
    return bisection.threshold(lambda scaled: two_layer.phase_map(
        "exponential", f0, scaled / rates, width, rates, steps) == "divergent", low, low + 0.5, 45)


def _windows(parameters: Parameters) -> xr.Dataset:
    """Exponential loss: the edge of convergence against κ from several f0; the window beside the spread of λ0."""
    f0, kappa = np.array([0.01, 1.0, 2.0]), np.geomspace(2e-4, 0.03, 8)
    edge = window_edge(f0[:, None], kappa)
    widths = np.geomspace(100, 10_000, 5).round()
    lazy, critical = _window_of_widths(parameters, widths)
    spread = [networks.drawn(int(width), parameters.networks, parameters.seed)[1].std() for width in widths]
    return xr.Dataset(
        {"window_edge": (("window_f0", "window_kappa"), edge), "window_relative": ("window_width", critical / lazy - 1),
         "spread_relative": ("window_width", np.array(spread) / 2)},
        coords={"window_f0": f0, "window_kappa": kappa, "window_width": widths})


def _window_of_widths(parameters: Parameters, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, at each width, the η from which the first step raises the loss and the η up to which orbits converge."""
    lazy = two_layer.critical_learning_rate("exponential", parameters.f0, parameters.ntk0, widths)
    return lazy, bisection.threshold(lambda rate: two_layer.phase_map(
        "exponential", parameters.f0, parameters.ntk0, widths, rate, 10**7) == "divergent", lazy, 1.5 * lazy, 45)


def _orbits(parameters: Parameters) -> xr.Dataset:
    """Exponential loss: loss and ηλ of networks and of the recursion below, inside and above the window."""
    lazy, critical = (float(edge[0]) for edge in _window_of_widths(parameters, np.array([parameters.width])))
    rates = {"below the window": 0.995 * lazy, "inside": lazy + 0.8 * (critical - lazy),
             "above": lazy + 1.2 * (critical - lazy)}
    steps, each = parameters.steps, np.array(list(rates.values()))
    network = catapult_logistic.trained("exponential", parameters, parameters.width, each, steps, engine="reference")
    f, ntk = two_layer.iterate("exponential", parameters.f0, parameters.ntk0, parameters.width, each, steps)
    dims = ("window_step", "window_orbit")
    return xr.Dataset(
        {"window_loss": (dims, linear_predictor.excess_risk("exponential", f)), "window_scaled": (dims, each * ntk),
         "window_network_loss": (dims, network.loss.values.T),
         "window_network_scaled": (dims, each * network.ntk.values.T), "window_rate": ("window_orbit", each)},
        coords={"window_orbit": list(rates), "window_step": np.arange(steps + 1)})


def _exits() -> xr.Dataset:
    """ηλ_∞ − 2/h from tiny outputs, against ηλ0 − 2/h, both in units of κ: measured, and of the normal form."""
    kappa, width = 1e-3, 10**6
    rate, found = math.sqrt(kappa * width), {}
    for loss, edge, last in (("logistic", 8.0, 8.0), ("exponential", 2.0, 2.9)):
        distance = np.linspace(0.1, last, 25)
        ntk0 = (edge + kappa * distance) / rate
        measured = np.array([two_layer.final_ntk(loss, 1e-5, start, width, rate) for start in ntk0])
        fine = np.linspace(0.01, last, 200)
        found |= {f"{loss}_exit": (f"{loss}_distance", (rate * measured - edge) / kappa),
                  f"{loss}_distance": distance, f"{loss}_fine": fine,
                  f"predicted_{loss}_exit": (f"{loss}_fine", (rate * two_layer.exit_ntk(
                      loss, (edge + kappa * fine) / rate, width, rate) - edge) / kappa)}
    return xr.Dataset(found)
