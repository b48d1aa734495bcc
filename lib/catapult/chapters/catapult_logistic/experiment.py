"""The catapult of the logistic loss, two-layer linear networks on the degenerate pair.

Networks are trained with autograd (``network_…``); orbits of the two-number recursion stand beside them; what the
theory says goes into variables ``predicted_…``. ηλ is called ``scaled``, κ = η²/m ``kappa``.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.catapult_squared import networks
from catapult.oracles import plane
from catapult.oracles.predictor import SLOPES
from catapult.theory import linear_predictor, two_layer

SCALED = (6.0, 8.5, 12.0, 24.0, 80.0)  # ηλ0 of the orbits that are drawn
STARTS = ((1.0, 10.0), (0.3, 12.0), (3.0, 16.0))  # (f0, ηλ0) of the slides
PLANES = {"logistic": ((0.05, 11.0), (6.0, 11.0))}  # starts (f0, ηλ0) of the orbits in the plane of |f| and ηλ
PLANE_KAPPA = 0.02  # their κ
ACCURATE = 1e-6  # the relative error of final kernels, as estimated, that figures and comparisons of them allow
BESIDE = 1e-4  # relative distance of f0 and λ0 from the two-cycle, of orbits that leave it


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    f0: float = Field(1.0, description="output f0 of the network at the start", ge=0.1, le=2.5)
    ntk0: float = Field(2.0, description="its kernel λ0", ge=1, le=4)
    width: int = Field(1000, description="its width m", ge=50, le=5000)
    seed: parameters.Seed = Field(
        0, description="seed of the directions of its weights, and of the networks that are drawn")
    steps: int = Field(700, description="steps of the orbits that are drawn", ge=100, le=5000)
    networks: int = Field(12, description="networks drawn at random at each width", ge=2, le=200)

    scales: ClassVar = {
        "quick": {"width": 200, "steps": 200, "networks": 4},
        "paper": {"width": 4000, "steps": 3000, "networks": 100},
    }


def run(parameters: Parameters) -> xr.Dataset:
    """Return orbits, final kernels, slides, two-cycles and edges of convergence."""
    highest = 0.98 * math.sqrt(8 * parameters.width) * parameters.ntk0
    return xr.merge([
        _orbits(parameters), final_kernels("logistic", parameters, 4.0, highest), _slides(),
        planes(PLANES, parameters.seed), _cycles(parameters), _edges(parameters), _flatter(parameters)])


def trained(loss: str, parameters: Parameters, width: int, rates, steps: int, **options) -> xr.Dataset:
    """Train the chapter's network, or that of another width, as :func:`networks.trained` does."""
    start = networks.weights(parameters.f0, parameters.ntk0, width, parameters.seed)
    return networks.trained(loss, width, rates, steps, initial_weights=start, **options)


def _orbits(parameters: Parameters) -> xr.Dataset:
    """Logistic loss: loss and ηλ of the network, of the recursion, and of the slide as a differential equation."""
    orbits, dims = recursion(parameters), ("orbit_step", "orbit")
    rates = orbits.orbit.values / parameters.ntk0
    network = trained("logistic", parameters, parameters.width, rates, parameters.steps, engine="reference")
    return orbits.assign({
        "network_loss": (dims, network.loss.values.T),
        "network_scaled": (dims, (rates[:, None] * network.ntk.values).T),
        "predicted_slide": (dims, _slide(rates**2 / parameters.width, parameters.steps)),
        "orbit_kappa": ("orbit", rates**2 / parameters.width)})


def recursion(parameters: Parameters) -> xr.Dataset:
    """Return over (orbit_step, orbit) the excess ``loss`` and ηλ, ``scaled``, of the recursion of f and λ."""
    rates = np.array(SCALED) / parameters.ntk0
    f, ntk = two_layer.iterate("logistic", parameters.f0, parameters.ntk0, parameters.width, rates, parameters.steps)
    dims = ("orbit_step", "orbit")
    return xr.Dataset({"loss": (dims, linear_predictor.excess_risk("logistic", f)), "scaled": (dims, rates * ntk)},
                      coords={"orbit": list(SCALED), "orbit_step": np.arange(parameters.steps + 1)})


def _slide(kappa: np.ndarray, steps: int) -> np.ndarray:
    """Return Λ(t) of dΛ/dt = −4κ f*(Λ)²/Λ from SCALED down to 8, shape (steps + 1, orbits).

    Midpoint rule, at first eight to a step: at the largest κ a single one would overshoot.
    """
    def speed(scaled):
        cycle = np.nan_to_num(linear_predictor.two_cycle("logistic", np.maximum(scaled, 8.0)))
        return np.where(scaled > 8, -4 * kappa * cycle**2 / scaled, 0)

    path = [np.array(SCALED)]
    for step in range(steps):
        scaled, parts = path[-1], 8 if step < 32 else 1
        for _ in range(parts):
            scaled = scaled + speed(scaled + speed(scaled) / 2 / parts) / parts
        path.append(scaled)
    return np.where(np.array(SCALED) > 8, np.array(path), np.nan)


def final_kernels(loss: str, parameters: Parameters, low: float, high: float) -> xr.Dataset:
    """ηλ_∞ against ηλ0 from low to high: recursion, and network after 1500 steps, NaN where it diverges."""
    scaled, some = np.geomspace(low, high, 160), np.geomspace(low, high, 15)[1:-1] * 1.01
    network = trained(loss, parameters, parameters.width, some / parameters.ntk0, 1500, every={"weight_norm": 1500})
    final = np.where(np.isfinite(network["size"][:, -1]), network.ntk[:, -1], np.nan)
    return xr.Dataset({"final": ("start", scaled_finals(loss, parameters, scaled)),
                       "network_final": ("network_start", some / parameters.ntk0 * final)},
                      coords={"start": scaled, "network_start": some})


def scaled_finals(loss: str, parameters: Parameters, scaled: np.ndarray, width: int | None = None) -> np.ndarray:
    """Return ηλ_∞ for each ηλ0, from the chapter's f0 and λ0; NaN where the orbit diverges."""
    rates = scaled / parameters.ntk0
    return rates * finals(loss, parameters.f0, parameters.ntk0, width or parameters.width, rates)


def finals(loss: str, f0: float, ntk0: float, width: int, rates: np.ndarray) -> np.ndarray:
    """Return λ_∞ for each rate; NaN also where 10⁶ steps do not decide (λ_∞ = 0 is approached like 1/t).

    Within ACCURATE: at the tolerance that is usual, thousands of enclosures would take minutes.
    """
    def final(rate):
        try:
            return two_layer.final_ntk(loss, f0, ntk0, width, rate, max_steps=10**6, tolerance=ACCURATE)
        except two_layer.Undecided:
            return math.nan

    return np.array([final(rate) for rate in rates])


def _slides() -> xr.Dataset:
    """Logistic loss, small κ: how far below 8 slides end, and how long they take."""
    kappa = np.geomspace(2e-4, 0.5, 18)
    width = 10**6
    rates = np.sqrt(kappa * width)
    below = [[(8 - rate * two_layer.final_ntk("logistic", f0, scaled / rate, width, rate)) for rate in rates]
             for f0, scaled in STARTS]
    slow = np.geomspace(4e-3, 0.3, 12)
    times = [_time_to_edge(f0, scaled, slow) for f0, scaled in STARTS]
    starts = [f"f₀ = {f0:g}, ηλ₀ = {scaled:g}" for f0, scaled in STARTS]
    return xr.Dataset({"slide_below": (("slide", "slide_kappa"), below),
                       "slide_time": (("slide", "time_kappa"), times)},
                      coords={"slide": starts, "slide_kappa": kappa, "time_kappa": slow})


def _time_to_edge(f0: float, scaled: float, kappa: np.ndarray) -> np.ndarray:
    """Return the first step with Λ < 8, for each κ."""
    width = 10**6
    rates = np.sqrt(kappa * width)
    _, ntk = two_layer.iterate("logistic", f0, scaled / rates, width, rates, int(14 / kappa.min()))
    return np.argmax(rates * ntk < 8, axis=0)


def planes(starts: dict[str, tuple], seed: int) -> xr.Dataset:
    """|f| and ηλ of orbits in the plane at PLANE_KAPPA, of the recursion and of a network: from starts, by loss."""
    steps, width = 1000, 200
    rate = math.sqrt(PLANE_KAPPA * width)
    found, network = np.full((2, 2, max(map(len, starts.values())), len(starts), steps + 1), np.nan)
    for i, (name, some) in enumerate(starts.items()):
        for j, (f0, scaled) in enumerate(some):
            found[:, j, i] = _recursion(name, f0, scaled, PLANE_KAPPA, steps)
            network[:, j, i] = networks.orbit(name, networks.weights(f0, scaled / rate, width, seed), rate, steps)
    dims = ("plane_start", "plane", "plane_step")
    return xr.Dataset({"plane_size": (dims, np.abs(found[0])), "plane_scaled": (dims, found[1]),
                       "plane_network_size": (dims, np.abs(network[0])), "plane_network_scaled": (dims, network[1])},
                      coords={"plane": list(starts), "plane_step": np.arange(steps + 1)})


def _recursion(name: str, f: float, scaled: float, kappa: float, steps: int) -> np.ndarray:
    """Return f_t and Λ_t, shape (2, steps + 1), NaN after |f| = 30: the recursion for any loss of the pair."""
    path = np.full((2, steps + 1), np.nan)
    for t in range(steps + 1):
        path[:, t] = f, scaled
        if abs(f) > 30:
            break
        g = SLOPES[name](f)
        f, scaled = f * (1 + kappa * g * g) - scaled * g, scaled + kappa * g * (scaled * g - 4 * f)
    return path


def _cycles(parameters: Parameters) -> xr.Dataset:
    """The two-cycle beyond κ = 8: size, kernel, multiplier; orbits that leave it."""
    width = 50
    kappa = np.geomspace(8.02, 2000, 200)
    rates = np.sqrt(kappa * width)
    f, ntk = two_layer.two_cycle(width, rates)
    some = np.geomspace(8.3, 1500, 12)
    leaving = math.sqrt(12 * width)
    at, kernel = two_layer.two_cycle(width, leaving)
    beside = [(at * near, kernel * near) for near in (1 - BESIDE, 1 + BESIDE)]
    orbits = [two_layer.iterate("logistic", *start, width, leaving, 40)[0] for start in beside]
    network = [networks.orbit("logistic", networks.weights(*start, width, parameters.seed), leaving, 40)[0]
               for start in beside]
    return xr.Dataset(
        {"predicted_cycle": ("cycle_kappa", f), "predicted_cycle_scaled": ("cycle_kappa", rates * ntk),
         "predicted_multiplier": ("cycle_kappa", two_layer.cycle_multiplier(width, rates)),
         "measured_multiplier": ("some_kappa", [measured_multipliers(k, width).max() for k in some]),
         "leaving_size": (("beside", "leaving_step"), np.abs(orbits)),
         "leaving_network": (("beside", "leaving_step"), np.abs(network)),
         "leaving_cycle": at},
        coords={"cycle_kappa": kappa, "some_kappa": some, "beside": [-1, 1], "leaving_step": np.arange(41)})


def measured_multipliers(kappa: float, width: int) -> np.ndarray:
    """Return the sizes of both eigenvalues of two steps at the two-cycle, (2,): on weights, by central differences."""
    rate = math.sqrt(kappa * width)
    centre = np.array(two_layer.two_cycle(width, rate))
    columns = []
    for shift in np.diag(1e-6 * centre):
        ends = [plane.Networks(*(centre + sign * shift), width, rate).descend("logistic", 2) for sign in (1, -1)]
        columns.append([(ends[0].f - ends[1].f) / 2 / shift.sum(), (ends[0].ntk - ends[1].ntk) / 2 / shift.sum()])
    return np.abs(np.linalg.eigvals(np.array(columns).T))


def _edges(parameters: Parameters) -> xr.Dataset:
    """Logistic loss, networks at random: the lowest η that diverges and the highest that converges, over √(8m)."""
    widths = np.array([100, 300, 1000, 3000, 10_000])
    ratios = np.linspace(0.9, 1.5, 601) + 0.0005
    lowest, highest, per_width = [], [], []
    for width in widths:
        f0, ntk0 = networks.drawn(int(width), parameters.networks, parameters.seed)
        labels = two_layer.phase_map("logistic", f0[:, None], ntk0[:, None], width, ratios * math.sqrt(8 * width))
        diverges = labels == "divergent"
        lowest.append(np.where(diverges, ratios, np.inf).min(1))
        highest.append(np.where(diverges, 0, ratios).max(1))
        per_width.append(16 / ntk0 / math.sqrt(8 * width))
    dims = ("edge_width", "network")
    return xr.Dataset({"edge_lowest": (dims, lowest), "edge_highest": (dims, highest),
                       "sixteen": (dims, per_width)}, coords={"edge_width": widths})


def _flatter(parameters: Parameters) -> xr.Dataset:
    """Logistic loss: ηλ_∞ over κ from 0 to 8 at three widths, with networks; where λ_∞ first rises with η."""
    kappa = np.linspace(0.03, 7.95, 265)
    widths = [100, 1000, 10_000]
    some, finals, network = np.linspace(0.4, 7.6, 13), [], []
    for width in widths:
        scaled = np.sqrt(kappa * width) * parameters.ntk0
        finals.append(scaled_finals("logistic", parameters, scaled, width))
        rates = np.sqrt(some * width)
        run = trained("logistic", parameters, width, rates, 300, every={"weight_norm": 300})
        network.append(rates * run.ntk[:, -1].values)
    return xr.Dataset(
        {"flatter_final": (("flatter_width", "flatter_kappa"), finals),
         "flatter_network": (("flatter_width", "flatter_some"), network),
         "first_rise": (("flatter_width", "network"), [_first_rise(w, parameters) for w in widths])},
        coords={"flatter_width": widths, "flatter_kappa": kappa, "flatter_some": some})


def _first_rise(width: int, parameters: Parameters) -> list[float]:
    """Return for each network the least κ of a grid at which the next larger η ends sharper by 10⁻⁵; NaN for none."""
    kappa, found = np.arange(0.03, 7.99, 0.02), []
    for f0, ntk0 in zip(*networks.drawn(width, parameters.networks, parameters.seed), strict=True):
        ends = finals("logistic", f0, ntk0, width, np.sqrt(kappa * width))
        rises = np.diff(ends) > 10 * ACCURATE * ends[:-1]
        found.append(kappa[np.argmax(rises)] if rises.any() else math.nan)
    return found
