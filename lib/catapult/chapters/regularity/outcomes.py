"""What is read off the runs from drawn starts: windows and onsets, in octaves of the learning rate."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.regularity import experiment

STEP = float(np.diff(experiment.OCTAVES)[0])


def window(results: xr.Dataset) -> xr.DataArray:
    """Return the octaves of η at which the loss rises and the run converges, over (growth, start)."""
    return STEP * (results.rises & results.converged).sum("octave")


def onset(seen: xr.DataArray) -> xr.DataArray:
    """Return the first octave at which something is seen; NaN where it never is."""
    return results_octave(seen).where(seen.any("octave"))


def results_octave(seen: xr.DataArray) -> xr.DataArray:
    """Return the octave at the first True."""
    return seen.octave.isel(octave=seen.argmax("octave")).drop_vars("octave")


def onsets(results: xr.Dataset, growth: float = 1.0) -> dict[str, xr.DataArray]:
    """Return over starts the onset of each of the three, and that of no convergence, at one growth order."""
    at = results.sel(growth=growth)
    return {"rise": onset(at.rises), "edge": onset(at.rises & at.converged & (at.scaled >= experiment.EDGE)),
            "balancing": onset(at.converged & (at.kept <= experiment.BALANCED)), "loss": onset(~at.converged)}


def spread(results: xr.Dataset, growth: float = 1.0) -> np.ndarray:
    """Return by start how many octaves the onsets of rise, edge and balancing are apart."""
    found = onsets(results, growth)
    three = np.array([found[name] for name in ("rise", "edge", "balancing")])
    return three.max(0) - three.min(0)


def reach(results: xr.Dataset, growth: float = 1.0) -> np.ndarray:
    """Return by start how many octaves lie between the first rise and the first rate without convergence."""
    found = onsets(results, growth)
    return (found["loss"] - found["rise"]).values


def log_flatter(results: xr.Dataset, octaves: tuple[float, float], growth: float = 1.0) -> np.ndarray:
    """Return by start log2 of the sharpness at the end at the second octave over that at the first."""
    at = results.sel(growth=growth)
    end = [np.log2(at.scaled.sel(octave=octave).values) - octave for octave in octaves]
    return end[1] - end[0]
