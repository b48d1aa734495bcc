"""The catapult of the logistic and the exponential loss, two-layer linear networks on the degenerate pair.

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
from catapult.theory import linear_predictor, two_layer

SCALED = (6.0, 8.5, 12.0, 24.0, 80.0)  # ηλ0 of the orbits that are drawn
STARTS = ((1.0, 10.0), (0.3, 12.0), (3.0, 16.0))  # (f0, ηλ0) of the slides
PLANES = {  # slope: (κ, starts (f0, ηλ0)) of the orbits in the plane of |f| and ηλ
    "logistic": (0.02, ((0.05, 11.0), (6.0, 11.0))),
    "exponential": (0.02, ((0.05, 2.056), (0.05, 2.068), (1.6, 1.1))),
    "tanh(f + f³)": (0.02, ((0.05, 5.0), (0.3, 1.95))),
}
FALSE_CYCLE = (12.0, 40.0)  # f0 of the orbits at κ = 8, from ηλ0 = 8 f0
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
    grid: int = Field(120, description="points along each axis of the phase maps", ge=20, le=400)

    scales: ClassVar = {
        "quick": {"width": 200, "steps": 200, "networks": 4, "grid": 40},
        "paper": {"width": 4000, "steps": 3000, "networks": 100, "grid": 300},
    }


def run(parameters: Parameters) -> xr.Dataset:
    """Return orbits, final kernels, slides, two-cycles, edges of convergence and phase maps."""
    parts = [_orbits, _finals, _slides, _exits, _planes, _cycles, _edges, _flatter, _windows, _window_orbits, _maps]
    return xr.merge([part(parameters) for part in parts])


def weights(f0: float, ntk0: float, width: int, seed: int) -> list:
    """Return random weights of a network with this output and this kernel: matrices (m, 1) and (1, m), torch.

    w1 ± w2 have random perpendicular directions and the squared lengths m (λ0 ± 2 f0/√m).
    """
    import torch

    plus, minus = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, 2)))[0].T
    plus = plus * math.sqrt(width * ntk0 + 2 * f0 * math.sqrt(width))
    minus = minus * math.sqrt(width * ntk0 - 2 * f0 * math.sqrt(width))
    return [torch.tensor((plus + minus) / 2)[:, None], torch.tensor((plus - minus) / 2)[None]]


def trained(loss: str, f0: float, ntk0: float, width: int, rates, steps: int, seed: int, **options) -> xr.Dataset:
    """Train one network at several learning rates; return |f| and the kernel λ over (learning_rate, step).

    |f| is read off the loss, λ is the squared norm of all weights over m.
    """
    from catapult.datasets import degenerate_pair
    from catapult.networks import Network
    from catapult.training import train

    result = train(degenerate_pair(), Network((1, width, 1)), rates, loss=loss, steps=steps,
                   initial_weights=weights(f0, ntk0, width, seed), record=("loss", "weight_norm"), divergence=1e9,
                   **options).isel(seed=0, drop=True)
    excess = result.loss - {"exponential": 1.0, "logistic": math.log(2)}[loss]
    size = _size(loss, np.maximum(excess, 0))
    return xr.Dataset({"loss": excess, "size": size, "ntk": result.weight_norm**2 / width})


def _size(loss: str, excess):
    """Return the |f| whose loss exceeds the minimum by this much."""
    if loss == "exponential":
        return np.arccosh(1 + excess)
    return 2 * xr.where(excess > 300, excess + math.log(2), np.arccosh(np.exp(np.minimum(excess, 300))))


def _orbits(parameters: Parameters) -> xr.Dataset:
    """Logistic loss: loss and ηλ of the network, of the recursion, and of the slide as a differential equation."""
    rates = np.array(SCALED) / parameters.ntk0
    network = trained("logistic", parameters.f0, parameters.ntk0, parameters.width, rates, parameters.steps,
                      parameters.seed, engine="reference")
    f, ntk = two_layer.iterate("logistic", parameters.f0, parameters.ntk0, parameters.width, rates, parameters.steps)
    dims, by_rate = ("orbit_step", "orbit"), rates[:, None]
    return xr.Dataset(
        {"network_loss": (dims, network.loss.values.T), "network_scaled": (dims, (by_rate * network.ntk.values).T),
         "loss": (dims, linear_predictor.excess_risk("logistic", f)), "scaled": (dims, rates * ntk),
         "predicted_slide": (dims, _slide(rates**2 / parameters.width, parameters.steps)),
         "orbit_kappa": ("orbit", rates**2 / parameters.width)},
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


def _finals(parameters: Parameters) -> xr.Dataset:
    """ηλ_∞ against ηλ0, both losses: recursion, and network after many steps."""
    found = {}
    for loss, low, high in (("logistic", 4.0, 0.98 * math.sqrt(8 * parameters.width) * parameters.ntk0),
                            ("exponential", 0.5, 2.5)):
        scaled = np.geomspace(low, high, 160)
        some = np.geomspace(low, high, 15)[1:-1] * 1.01
        network = trained(loss, parameters.f0, parameters.ntk0, parameters.width, some / parameters.ntk0, 1500,
                          parameters.seed, engine="auto", every={"weight_norm": 1500})
        final = np.where(np.isfinite(network.size[:, -1]), network.ntk[:, -1], np.nan)
        found |= {f"{loss}_start": (f"{loss}_point", scaled),
                  f"{loss}_final": (f"{loss}_point", scaled_finals(loss, parameters, scaled)),
                  f"{loss}_network_start": (f"{loss}_network", some),
                  f"{loss}_network_final": (f"{loss}_network", some / parameters.ntk0 * final)}
    return xr.Dataset(found)


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


def _slides(parameters: Parameters) -> xr.Dataset:
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


def _exits(parameters: Parameters) -> xr.Dataset:
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


def plane_slope(name: str, f):
    """Return g(f) of a plane's loss, for numpy arrays and floats."""
    return np.tanh(f + f**3) if name.startswith("tanh") else linear_predictor.slope(name, f)


def _planes(parameters: Parameters) -> xr.Dataset:
    """|f| and ηλ of orbits in the plane, of the recursion and of a network, for three losses."""
    steps, width = 1000, 200
    found, network = np.full((2, 2, 3, len(PLANES), steps + 1), np.nan)
    for i, (name, (kappa, starts)) in enumerate(PLANES.items()):
        rate = math.sqrt(kappa * width)
        for j, (f0, scaled) in enumerate(starts):
            found[:, j, i] = _recursion(name, f0, scaled, kappa, steps)
            network[:, j, i] = network_orbit(name, f0, scaled / rate, width, rate, steps, parameters.seed)
    dims = ("start", "plane", "plane_step")
    sizes = np.abs(np.stack([found[0], network[0]]))
    return xr.Dataset({"plane_size": (dims, sizes[0]), "plane_scaled": (dims, found[1]),
                       "plane_network_size": (dims, sizes[1]), "plane_network_scaled": (dims, network[1])},
                      coords={"plane": list(PLANES), "plane_step": np.arange(steps + 1)})


def _recursion(name: str, f: float, scaled: float, kappa: float, steps: int) -> np.ndarray:
    """Return f_t and Λ_t, shape (2, steps + 1), NaN after |f| = 30: the recursion for any loss of the pair."""
    path = np.full((2, steps + 1), np.nan)
    for t in range(steps + 1):
        path[:, t] = f, scaled
        if abs(f) > 30:
            break
        g = plane_slope(name, f)
        f, scaled = f * (1 + kappa * g * g) - scaled * g, scaled + kappa * g * (scaled * g - 4 * f)
    return path


def network_orbit(name: str, f0: float, ntk0: float, width: int, rate: float, steps: int, seed: int) -> np.ndarray:
    """Return f_t and ηλ_t of a network under gradient descent by autograd, shape (2, steps + 1), NaN after |f| = 30."""
    import torch

    slopes = {"logistic": lambda f: torch.tanh(f / 2) / 2, "exponential": torch.sinh}
    slope = slopes.get(name, lambda f: torch.tanh(f + f**3))
    w1, w2 = (matrix.ravel().requires_grad_() for matrix in weights(f0, ntk0, width, seed))
    path = np.full((2, steps + 1), np.nan)
    for t in range(steps + 1):
        f = w2 @ w1 / math.sqrt(width)
        path[:, t] = f.item(), rate * (w1 @ w1 + w2 @ w2).item() / width
        if abs(path[0, t]) > 30:
            break
        gradients = torch.autograd.grad(f, (w1, w2), slope(f.detach()))
        with torch.no_grad():
            w1 -= rate * gradients[0]
            w2 -= rate * gradients[1]
    return path


def _cycles(parameters: Parameters) -> xr.Dataset:
    """The two-cycle beyond κ = 8: size, kernel, multiplier; orbits that leave it; one that float64 cannot leave."""
    width = 50
    kappa = np.geomspace(8.02, 2000, 200)
    rates = np.sqrt(kappa * width)
    f, ntk = two_layer.two_cycle(width, rates)
    some = np.geomspace(8.3, 1500, 12)
    leaving = math.sqrt(12 * width)
    at, kernel = two_layer.two_cycle(width, leaving)
    beside = [(at * near, kernel * near) for near in (1 - BESIDE, 1 + BESIDE)]
    orbits = [two_layer.iterate("logistic", *start, width, leaving, 40)[0] for start in beside]
    network = [network_orbit("logistic", *start, width, leaving, 40, parameters.seed)[0] for start in beside]
    start = np.array(FALSE_CYCLE)
    false, _ = two_layer.iterate("logistic", start, start, 8, 8.0, 4000)
    kept = np.unique(np.geomspace(1, 4000, 120).astype(int))
    return xr.Dataset(
        {"predicted_cycle": ("cycle_kappa", f), "predicted_cycle_scaled": ("cycle_kappa", rates * ntk),
         "predicted_multiplier": ("cycle_kappa", two_layer.cycle_multiplier(width, rates)),
         "measured_multiplier": ("some_kappa", [measured_multiplier(k, width) for k in some]),
         "leaving_size": (("beside", "leaving_step"), np.abs(orbits)),
         "leaving_network": (("beside", "leaving_step"), np.abs(network)),
         "false_size": (("false_step", "false_start"), np.abs(false[kept])),
         "leaving_cycle": at},
        coords={"cycle_kappa": kappa, "some_kappa": some, "beside": [-1, 1], "leaving_step": np.arange(41),
                "false_step": kept, "false_start": start})


def measured_multiplier(kappa: float, width: int) -> float:
    """Return the spectral radius of two steps at the two-cycle, by central differences."""
    rate = math.sqrt(kappa * width)
    centre = np.array(two_layer.two_cycle(width, rate))
    columns = []
    for direction in np.diag(1e-6 * centre):
        ends = [np.array(two_layer.iterate("logistic", *(centre + sign * direction), width, rate, 2))[:, 2]
                for sign in (1, -1)]
        columns.append((ends[0] - ends[1]) / (2 * direction.sum()))
    return float(np.abs(np.linalg.eigvals(np.array(columns).T)).max())


def drawn(width: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return f0 and λ0 of networks of this width with random weights, each of shape (count,)."""
    w1, w2 = np.random.default_rng([seed, width]).standard_normal((2, count, width))
    return (w1 * w2).sum(1) / math.sqrt(width), (w1**2 + w2**2).sum(1) / width


def _edges(parameters: Parameters) -> xr.Dataset:
    """Logistic loss, networks at random: the lowest η that diverges and the highest that converges, over √(8m)."""
    widths = np.array([100, 300, 1000, 3000, 10_000])
    ratios = np.linspace(0.9, 1.5, 601) + 0.0005
    lowest, highest, per_width = [], [], []
    for width in widths:
        f0, ntk0 = drawn(int(width), parameters.networks, parameters.seed)
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
        run = trained("logistic", parameters.f0, parameters.ntk0, width, rates, 300, parameters.seed, engine="auto",
                      every={"weight_norm": 300})
        network.append(rates * run.ntk[:, -1].values)
    return xr.Dataset(
        {"flatter_final": (("flatter_width", "flatter_kappa"), finals),
         "flatter_network": (("flatter_width", "flatter_some"), network),
         "first_rise": (("flatter_width", "network"), [_first_rise(w, parameters) for w in widths])},
        coords={"flatter_width": widths, "flatter_kappa": kappa, "flatter_some": some})


def _first_rise(width: int, parameters: Parameters) -> list[float]:
    """Return for each network the least κ of a grid at which the next larger η ends sharper by 10⁻⁵; NaN for none."""
    kappa, found = np.arange(0.03, 7.99, 0.02), []
    for f0, ntk0 in zip(*drawn(width, parameters.networks, parameters.seed), strict=True):
        ends = finals("logistic", f0, ntk0, width, np.sqrt(kappa * width))
        rises = np.diff(ends) > 10 * ACCURATE * ends[:-1]
        found.append(kappa[np.argmax(rises)] if rises.any() else math.nan)
    return found


def window_edge(f0, kappa, steps: int = 10**7) -> np.ndarray:
    """Return the ηλ0 up to which orbits from f0 converge at κ, exponential loss, by bisection; elementwise."""
    width = 10**9
    f0, rates = np.broadcast_arrays(f0, np.sqrt(np.multiply(kappa, width)))
    low = 2 * f0 / np.sinh(f0)
    high = low + 0.5
    for _ in range(45):
        middle = (low + high) / 2
        diverges = two_layer.phase_map("exponential", f0, middle / rates, width, rates, steps) == "divergent"
        low, high = np.where(diverges, low, middle), np.where(diverges, middle, high)
    return low


def _windows(parameters: Parameters) -> xr.Dataset:
    """Exponential loss: the edge of convergence against κ from several f0; the window beside the spread of λ0."""
    f0, kappa = np.array([0.01, 1.0, 2.0]), np.geomspace(2e-4, 0.03, 8)
    edge = window_edge(f0[:, None], kappa)
    widths = np.geomspace(100, 10_000, 5).round()
    lazy, critical = _window_of_widths(parameters, widths)
    spread = [drawn(int(width), 50 * parameters.networks, parameters.seed)[1].std() for width in widths]
    return xr.Dataset(
        {"window_edge": (("window_f0", "window_kappa"), edge), "window_relative": ("window_width", critical / lazy - 1),
         "spread_relative": ("window_width", np.array(spread) / 2)},
        coords={"window_f0": f0, "window_kappa": kappa, "window_width": widths})


def _window_of_widths(parameters: Parameters, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, at each width, the η from which the first step raises the loss and the η up to which orbits converge."""
    lazy = two_layer.critical_learning_rate("exponential", parameters.f0, parameters.ntk0, widths)
    low, high = lazy, 1.5 * lazy
    for _ in range(45):
        middle = (low + high) / 2
        labels = two_layer.phase_map("exponential", parameters.f0, parameters.ntk0, widths, middle, 10**7)
        low, high = (np.where(labels == "divergent", *pair) for pair in ((low, middle), (middle, high)))
    return lazy, low


def _window_orbits(parameters: Parameters) -> xr.Dataset:
    """Exponential loss: loss and ηλ of networks and of the recursion below, inside and above the window."""
    lazy, critical = (float(edge[0]) for edge in _window_of_widths(parameters, np.array([parameters.width])))
    rates = {"below the window": 0.995 * lazy, "inside": lazy + 0.8 * (critical - lazy),
             "above": lazy + 1.2 * (critical - lazy)}
    steps, each = parameters.steps, np.array(list(rates.values()))
    network = trained("exponential", parameters.f0, parameters.ntk0, parameters.width, each, steps, parameters.seed,
                      engine="reference")
    f, ntk = two_layer.iterate("exponential", parameters.f0, parameters.ntk0, parameters.width, each, steps)
    dims = ("window_step", "window_orbit")
    return xr.Dataset(
        {"window_loss": (dims, linear_predictor.excess_risk("exponential", f)), "window_scaled": (dims, each * ntk),
         "window_network_loss": (dims, network.loss.values.T),
         "window_network_scaled": (dims, each * network.ntk.values.T), "window_rate": ("window_orbit", each)},
        coords={"window_orbit": list(rates), "window_step": np.arange(steps + 1)})


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
