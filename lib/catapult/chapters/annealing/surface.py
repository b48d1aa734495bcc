r"""Three policies as trajectories on a surface: the network f = uv on the degenerate pair, whose loss has a valley.

.. math:: L(u, v) = \log(2\cosh(uv/2)), \qquad \nabla L = \tfrac12\tanh(uv/2)\,(v, u).

Its minima are the axes, where uv = 0; at (u, 0) the sharpness is u²/4, so that a constant rate η can rest only where
u² ≤ 8/η.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from catapult.training import schedules

SHOWN = {"FIX": schedules.Fix(), "NSTEP": schedules.NStep((0.05, 0.5), 0.25),
         "TRIEXP": schedules.TriExp(length=0.1, floor=0.0, final=0.05)}
"""Their other parameters are such that the three part ways within the picture."""
START = (3.3, 0.3)
RATE = 1.6
STEPS = 40


def loss(u, v):
    """Return L(u, v)."""
    return np.logaddexp(u * v / 2, -u * v / 2)


def trajectories(policies: Mapping[str, schedules.Schedule] = SHOWN, start=START, rate: float = RATE,
                 steps: int = STEPS) -> xr.Dataset:
    """Return gradient descent on the surface under each policy: ``u``, ``v``, ``loss``, ``factor`` (policy, step)."""
    paths = []
    for policy in policies.values():
        factors = schedules.factors(policy, steps)
        path = [np.array(start, dtype=float)]
        for factor in factors:
            u, v = path[-1]
            path.append(path[-1] - rate * factor * np.tanh(u * v / 2) / 2 * np.array([v, u]))
        u, v = np.array(path).T
        paths.append(xr.Dataset({"u": ("step", u), "v": ("step", v), "loss": ("step", loss(u, v)),
                                 "factor": ("step", np.append(factors, np.nan))}))
    return xr.concat(paths, "policy").assign_coords(policy=list(policies), step=np.arange(steps + 1),
                                                    rate=rate)
