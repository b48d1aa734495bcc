"""Two-layer linear networks with squared loss, from the network itself to the limit of large width.

Networks are trained (torch, on the degenerate pair); beside each stands the recursion of
:mod:`catapult.theory.two_layer` or the map of :mod:`catapult.theory.squared_plane` from the same start.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.catapult_squared import networks
from catapult.networks import Network
from catapult.oracles import bisection
from catapult.theory import squared_plane, two_layer

ORBITS = (1.5, 2.4, 3.2, 3.9, 4.1)  # ηλ0 of the orbits that are drawn
SCANNED = (2.4, 3.0, 3.6)  # ηλ0 at which the time to peak is measured against the width
F0, NTK0 = 1.0, 2.0  # output and kernel at the start of the scans over the width
LAZY_WIDTHS = (10, 100, 1000)


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    width: int = Field(1000, description="hidden units of the network whose orbits are drawn", ge=2, le=100_000)
    seed: parameters.Seed = Field(0, description="seed of its initial weights")
    steps: int = Field(36, description="steps of its orbits that are drawn", ge=10, le=1000)
    rates: int = Field(800, description="learning rates in the figure of final kernels", ge=50, le=20_000)
    scaled_rate: float = Field(3.4, description="learning rate times initial kernel in the scan over widths",
                               ge=2.05, le=3.95)
    grid: int = Field(280, description="points along each axis of the maps of the plane", ge=40, le=1500)
    chaotic_steps: int = Field(200_000, description="steps of the chaotic orbit at four", ge=1000, le=20_000_000)

    scales: ClassVar = {
        "quick": {"rates": 200, "grid": 100, "chaotic_steps": 20_000},
        "paper": {"rates": 8000, "grid": 1000, "chaotic_steps": 5_000_000},
    }


def run(parameters: Parameters) -> xr.Dataset:
    """Return orbits, final kernels, maps of the plane, scans over the width, the chaotic orbit and the lazy phase."""
    return xr.merge([_orbits(parameters), _final_kernels(parameters), _plane(parameters), _stripes(parameters),
                     _peaks(), _periodic(parameters), _amplitudes(), _four(parameters), _lazy()])


def start_of(parameters: Parameters) -> tuple[float, float]:
    """Return f0 and λ0 of the network whose orbits are drawn."""
    first, second = (matrix.ravel() for matrix in Network((1, parameters.width, 1)).initialise(parameters.seed))
    return (float(first @ second) / parameters.width**0.5,
            float(first @ first + second @ second) / parameters.width)


def _trained(width: int, rates, steps: int, **options) -> xr.Dataset:
    """Train a network of this width with the output F0 and the kernel NTK0."""
    start = networks.weights(F0, NTK0, width, seed=width)
    return networks.trained("squared", width, rates, steps, initial_weights=start, **options)


def _orbits(parameters: Parameters) -> xr.Dataset:
    f0, ntk0 = start_of(parameters)
    rates = np.array(ORBITS) / ntk0
    network = networks.trained("squared", parameters.width, rates, parameters.steps, seeds=(parameters.seed,),
                               engine="reference")
    f, ntk = two_layer.iterate("squared", f0, ntk0, parameters.width, rates, parameters.steps)
    fate = squared_plane.fate(rates * f0 / parameters.width**0.5, rates * ntk0)
    dims = ("orbit", "step")
    return xr.Dataset({"f": (dims, np.abs(f.T)), "ntk": (dims, ntk.T), "network_f": (dims, network["size"].values),
                       "network_ntk": (dims, network.ntk.values), "orbit_rate": ("orbit", rates),
                       "orbit_rises": ("orbit", np.where(fate.diverged, -1, fate.rises))},
                      coords={"orbit": list(ORBITS), "step": np.arange(parameters.steps + 1)},
                      attrs={"f0": f0, "ntk0": ntk0})


def _final_kernels(parameters: Parameters) -> xr.Dataset:
    """Where training ends, against the learning rate: recursion, network, and the envelope of wide networks."""
    f0, ntk0 = start_of(parameters)
    scaled = np.linspace(0.1, 3.98, parameters.rates)
    final = np.array([two_layer.final_ntk("squared", f0, ntk0, parameters.width, rate) for rate in scaled / ntk0])
    some = np.append(np.linspace(0.2, 1.9, 6), np.linspace(2.1, 3.9, 28))
    network = networks.trained("squared", parameters.width, some / ntk0, 1500, seeds=(parameters.seed,), every=1500)
    wide = np.linspace(2.06, 3.98, 49)
    profiles = np.array([squared_plane.profile(value, np.arange(64) / 64) for value in wide])
    return xr.Dataset(
        {"final": ("scaled", scaled / ntk0 * final), "final_ntk": ("scaled", final),
         "network_final": ("some_scaled", some / ntk0 * network.ntk.isel(step=-1).values),
         "lowest": ("wide_scaled", profiles.min(axis=1)), "highest": ("wide_scaled", profiles.max(axis=1))},
        coords={"scaled": scaled, "some_scaled": some, "wide_scaled": wide})


def _plane(parameters: Parameters) -> xr.Dataset:
    """The phases over (a, Λ), by iteration; −1 where there is no network."""
    a, scaled = np.linspace(0.004, 2.3, parameters.grid), np.linspace(0.02, 4.6, parameters.grid)[:, None]
    possible = 2 * a <= scaled
    fate = squared_plane.fate(np.where(possible, a, 0), scaled)
    codes = np.select([~possible, fate.diverged, np.isnan(fate.final)], [-1, 3, -2], np.minimum(fate.rises, 2))
    several = np.broadcast_to(scaled, codes.shape)[codes == 2]
    return xr.Dataset({"fate": (("plane_scaled", "plane_a"), codes.astype(np.int8)),
                       "lowest_several": several.min() if several.size else np.nan},
                      coords={"plane_scaled": scaled[:, 0], "plane_a": a})


def _stripes(parameters: Parameters) -> xr.Dataset:
    """The limit of Λ near the axis: a on a logarithmic axis."""
    a, scaled = np.geomspace(1e-3, 1, 2 * parameters.grid), np.linspace(2.02, 3.99, parameters.grid)[:, None]
    return xr.Dataset({"stripe_final": (("stripe_scaled", "stripe_a"), squared_plane.fate(a, scaled).final)},
                      coords={"stripe_scaled": scaled[:, 0], "stripe_a": a})


def _peaks() -> xr.Dataset:
    """The time of the first peak, and the loss there, against the width: recursion and network."""
    scaled = np.array(SCANNED)
    widths = np.unique(np.geomspace(10, 1e6, 300).round())
    a = scaled[:, None] / NTK0 * F0 / np.sqrt(widths)
    peak = squared_plane.fate(a, scaled[:, None]).peak
    some = np.geomspace(10, 3e4, 8).round()
    found, height = np.empty((2, scaled.size, some.size))
    for j, width in enumerate(some.astype(int).tolist()):
        run = _trained(width, scaled / NTK0, 26, engine="reference")
        first = np.argmax(np.diff(run["size"].values, axis=1) <= 0, axis=1)
        found[:, j] = first
        height[:, j] = run.loss.values[np.arange(scaled.size), first]
    dims, some_dims = ("peak_scaled", "peak_width"), ("peak_scaled", "some_width")
    return xr.Dataset({"peak": (dims, peak), "predicted_peak": (dims, squared_plane.time_to_peak(a, scaled[:, None])),
                       "network_peak": (some_dims, found), "network_peak_loss": (some_dims, height)},
                      coords={"peak_scaled": scaled, "peak_width": widths, "some_width": some})


def _periodic(parameters: Parameters) -> xr.Dataset:
    """λ_∞ against the width at two learning rates: map of the plane, network, and the profile of wide networks."""
    scaled = np.array([2.5, parameters.scaled_rate])
    widths = np.unique(np.geomspace(4, 1e6, 900).round())
    some = np.unique(np.geomspace(10, 2e4, 30).round())
    a = scaled[:, None] / NTK0 * F0 / np.sqrt(widths)
    profiles = [squared_plane.profile(value, np.log(row) / np.log(value - 1))
                for value, row in zip(scaled, a, strict=True)]
    network = [_trained(width, scaled / NTK0, 200, every=200).ntk.isel(step=-1).values
               for width in some.astype(int).tolist()]
    dims = ("wide_rate", "wide")
    return xr.Dataset({"wide_final": (dims, squared_plane.fate(a, scaled[:, None]).final),
                       "wide_profile": (dims, np.array(profiles)),
                       "network_wide": (("wide_rate", "some_wide"), np.array(network).T * scaled[:, None] / NTK0)},
                      coords={"wide_rate": scaled, "wide": widths, "some_wide": some})


def _amplitudes() -> xr.Dataset:
    """The amplitude of the oscillation with the width, in arithmetic of 150 digits, from just above 2."""
    scaled = np.array([2.1, 2.12, 2.15, 2.2, 2.25, 2.3, 2.4, 2.5, 2.6, 2.8, 3.0])
    logs = [squared_plane.amplitude(value, digits=150) for value in scaled]
    return xr.Dataset({"log_amplitude": ("amplitude_scaled", logs), "first_zero": _first_zero()},
                      coords={"amplitude_scaled": scaled})


def _first_zero() -> float:
    """Bisect for the ηλ0 from which on the profile of wide networks has zeros."""
    return bisection.threshold(lambda scaled: squared_plane.highest(scaled) >= 1, 2.5, 3.5, 30)


def _four(parameters: Parameters) -> xr.Dataset:
    """Exactly at ηλ0 = 4: the orbit of the cubic, its mean rates, and how the network leaves it."""
    f0, ntk0 = start_of(parameters)
    orbit = np.empty(parameters.chaotic_steps)
    a = 4 / ntk0 * f0 / parameters.width**0.5
    for t in range(orbit.size):
        orbit[t] = a
        a *= a * a - 3
    edges = np.linspace(-2, 2, 81)
    density = np.histogram(orbit, edges, density=True)[0]
    network = networks.trained("squared", parameters.width, [4 / ntk0], 80, seeds=(parameters.seed,),
                               engine="reference")
    gap = np.abs(4 / ntk0 * network.ntk.values[0] - 4)
    start = Network((1, parameters.width, 1)).initialise(parameters.seed)
    signed = 4 / ntk0 / parameters.width**0.5 * networks.orbit("squared", start, 4 / ntk0, 29, np.inf)[0]
    return xr.Dataset({"density": ("a", density), "early": ("early_step", orbit[:30]),
                       "network_early": ("early_step", signed),
                       "lyapunov": np.log(np.abs(3 * orbit**2 - 3)).mean(),
                       "transverse": np.log1p(orbit**2).mean(), "network_gap": ("four_step", gap)},
                      coords={"a": (edges[1:] + edges[:-1]) / 2, "early_step": np.arange(30),
                              "four_step": np.arange(81)})


def _lazy() -> xr.Dataset:
    """The lazy phase: what λ loses, times m λ0/f0², against the learning rate; and the same on rays of the plane."""
    scaled = np.linspace(0.02, 1.9, 95)
    lost = np.array([[1 - two_layer.final_ntk("squared", F0, NTK0, width, value / NTK0) / NTK0 for value in scaled]
                     for width in LAZY_WIDTHS])
    loss = lost * np.array(LAZY_WIDTHS)[:, None] * NTK0**2 / F0**2
    return xr.Dataset({"lazy_loss": (("lazy_width", "lazy_scaled"), loss), "largest_rise": lazy_rise(60, 120)},
                      coords={"lazy_width": list(LAZY_WIDTHS), "lazy_scaled": scaled})


def lazy_rise(rays: int, rates: int) -> float:
    """Return the largest rise of log λ_∞ from one learning rate to the next, over rays of the plane with Λ0 ≤ 2.

    A ray is a network of any width, Λ/a = λ0√m/f0 from 2.0001 to 102, and the rates on it are those of its lazy phase.
    """
    slope = 2 + np.geomspace(1e-4, 100, rays)[:, None]
    scaled = np.linspace(2 / rates, 2, rates)
    final = squared_plane.fate(scaled / slope, scaled).final
    return float(np.diff(np.log(final / scaled), axis=1).max())


def larger_but_sharper(results: xr.Dataset) -> tuple[float, float]:
    """Return two values of ηλ0, the second larger: beside the first zero of λ_∞ from 2.9 on, and at the top after it.

    The second is where λ_∞ is largest between the least value (up to 3.3) and 3.7; the first, before that least value,
    the last at which λ_∞ is a tenth of that or more: nearer to the zero orbits converge ever more slowly.
    """
    early = results.final_ntk.sel(scaled=slice(2.9, 3.3))
    least = float(early.scaled[np.argmin(early.values)])
    late = results.final_ntk.sel(scaled=slice(least, 3.7))
    second = int(np.argmax(late.values))
    before = early.sel(scaled=slice(None, least))
    enough = np.flatnonzero(before.values >= late.values[second] / 10)
    return float(before.scaled[enough[-1] if enough.size else 0]), float(late.scaled[second])
