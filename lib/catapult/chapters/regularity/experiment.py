r"""One family, every growth order: gradient descent on F(xy) with F growing like |s|^p, from one start and from many.

Fixed before the rows were measured, after trials on other starts:

* *Family.* :func:`.family.power`: F'' = 1 at the minimum s* for every p, so that near it all members have the same
  sharpness n = x² + y² and the same classical edge η = 2/n. "Regular" is here a low growth order p: of the paper the
  abstract was read, not how it defines regularity.
* *Starts.* ``starts`` drawn: n uniform in 9 … 25, s within 1 of s*, so that they are far from balance and near the
  minimum. Rates from 1/8 to 32 times 2/n, a quarter of an octave apart. Runs of ``steps`` steps.
* *Seen in a run that converges*: a *rise* (above an earlier value by ``phases.RISE`` of the loss at the start: the loss
  goes up and comes back, a catapult), the *edge* (ηλ ≥ ``EDGE`` at the end; stable means ≤ 2), *balancing* (d = x² − y²
  falls by a tenth or more; gradient flow keeps it).
* *W2, likelier where regular.* The window, in octaves of η: rates at which the loss rises and the run converges. Paired
  by start over p = 1, 1.5, 2, 3, 4, each order less the next. Control: by how many octaves the first rate at which the
  loss rises differs between p = 1 and p = 4: that is where a run leaves the classical regime, not how far it gets.
* *W1, one cause.* At p = 1 the onsets in η of rise, edge and balancing, and how far they are apart; control: the onset
  of divergence, or of no convergence, less that of the rise.
* *W3, flatter.* At p = 1 log2 of the sharpness at the end at 4 over that at 1 times 2/n. Control: at 1/2 over 1/4.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult import parameters, phases
from catapult.chapters.regularity import family

ORDERS = (1.0, 1.5, 2.0, 3.0, 4.0)
"""Growth orders that are compared."""
SHOWN = (1.0, 2.0, 4.0)
"""Those of which one run is shown."""
OCTAVES = np.arange(-12, 21) / 4
"""log2 of the learning rates from drawn starts, in units of 2/n."""
EDGE = 1.8
BALANCED = 0.9
"""Share of d = x² − y² below which what is left of it counts as balancing."""


class Parameters(parameters.Parameters):
    """Where it starts, and how far the map reaches."""

    x0: float = Field(4.0, ge=-50, le=50, description="x at the start")
    y0: float = Field(0.2, ge=-50, le=50, description="y at the start")
    target: float = Field(0.5, gt=0, le=10, description="s*, where F has its minimum")
    multiple: float = Field(1.5, gt=0, le=100, description="learning rate of the runs shown, in units of 2/sharpness "
                            "of the squared loss at the start")
    grid: int = Field(49, ge=3, le=500, description="growth orders and learning rates on the map")
    steps: int = Field(4000, ge=10, le=10**6, description="steps of a run")
    starts: int = Field(30, ge=2, le=10_000, description="starts drawn")
    seed: int = Field(0, ge=0, le=10**6, description="their seed")

    @model_validator(mode="after")
    def _off(self):
        if abs(self.x0) == abs(self.y0):
            raise ValueError(f"x0 = {self.x0}, y0 = {self.y0}; allowed: two of different size, something to balance")
        if abs(self.x0 * self.y0 - self.target) < 1e-6:
            raise ValueError(f"x0 · y0 = {self.x0 * self.y0}; allowed: not the target, the minimum itself")
        return self

    scales = {"quick": {"grid": 13, "starts": 12}, "paper": {"starts": 200, "grid": 97}}  # noqa: RUF012


def run(values: Parameters) -> xr.Dataset:
    """Return the map over (order, rate), the runs shown over (shown, step) and those from drawn starts.

    Returns
    -------
    xarray.Dataset
        ``label`` (order, rate): "lazy", "edge", "catapult", "divergent" or "unsettled", ``left`` of d;
        ``loss``, ``edge``, ``gap`` (shown, step); over (growth, start, octave): ``converged``, ``rises``, ``scaled``,
        ηλ at the end, and ``kept`` of d; ``n`` (start).
    """
    return xr.merge([_map(values), _paths(values), _drawn(values)])


def _map(values: Parameters) -> xr.Dataset:
    orders = np.linspace(0.5, 4, values.grid)
    rates = np.geomspace(2.0**-4.5, 4, values.grid)
    member = family.power(orders[:, None], values.target)
    runs = family.follow(member, values.x0, values.y0, rates, values.steps)
    return xr.Dataset({"label": (("order", "rate"), labels(runs, member, rates)),
                       "left": (("order", "rate"), _left(runs, values.x0, values.y0))},
                      coords={"order": orders, "rate": rates})


def labels(runs: family.Followed, member: family.Member, rates) -> np.ndarray:
    """Return what to call each run: lost, not settled, lazy (no rise), and of those that rise whether at the edge."""
    rises, at_edge = runs.rise > phases.RISE, runs.edge(member, rates) >= EDGE
    return np.select([runs.lost, ~runs.converged, ~rises, at_edge], ["divergent", "unsettled", "lazy", "edge"],
                     "catapult")


def _left(runs: family.Followed, x, y) -> np.ndarray:
    """Return |x² − y²| at the end over that at the start, NaN where a run is lost."""
    with np.errstate(invalid="ignore"):
        return np.where(runs.lost, np.nan, np.abs(runs.x**2 - runs.y**2) / np.abs(np.square(x) - np.square(y)))


def _paths(values: Parameters) -> xr.Dataset:
    """Follow one start at one rate for each of ``SHOWN``, all steps."""
    member = family.power(np.array(SHOWN), values.target)
    squared = family.power(2.0, values.target)
    rate = values.multiple * 2 / family.sharpness(squared, values.x0, values.y0)
    x, y = np.full(len(SHOWN), values.x0), np.full(len(SHOWN), values.y0)
    kept = []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(values.steps + 1):
            lost = ~(x**2 + y**2 < family.LOST)
            kept.append(np.where(lost, np.nan, [member.value(x * y), rate * family.sharpness(member, x, y),
                                                np.abs(x**2 - y**2), x, y]))
            a = rate * member.slope(x * y)
            x, y = x - a * y, y - a * x
    loss, edge, gap, x, y = np.array(kept).transpose(1, 2, 0)
    return xr.Dataset({"loss": (("shown", "step"), loss), "edge": (("shown", "step"), edge),
                       "gap": (("shown", "step"), gap / abs(values.x0**2 - values.y0**2)),
                       "x": (("shown", "step"), x), "y": (("shown", "step"), y), "shown_rate": rate},
                      coords={"shown": list(SHOWN)})


def starts(values: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Return the starts drawn, x and y: n uniform in 9 … 25, s within 1 of the target, x the larger one."""
    rng = np.random.default_rng([values.seed, 17])
    n, s = rng.uniform(9, 25, values.starts), values.target + rng.uniform(-1, 1, values.starts)
    plus, minus = np.sqrt(n + 2 * s), np.sqrt(n - 2 * s)
    return (plus + minus) / 2, (plus - minus) / 2


def _drawn(values: Parameters) -> xr.Dataset:
    x, y = (each[:, None] for each in starts(values))
    n = x**2 + y**2
    rates = 2 / n * 2.0**OCTAVES
    member = family.power(np.array(ORDERS)[:, None, None], values.target)
    runs = family.follow(member, x, y, rates, values.steps)
    dims = ("growth", "start", "octave")
    return xr.Dataset({"converged": (dims, runs.converged), "rises": (dims, runs.rise > phases.RISE),
                       "scaled": (dims, runs.edge(member, rates)), "kept": (dims, _left(runs, x, y)),
                       "n": ("start", n[:, 0])}, coords={"growth": list(ORDERS), "octave": OCTAVES})
