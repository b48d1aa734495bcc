r"""Diagonal networks on few points: gradient flow to any loss, the convex program, gradient descent at large rates.

Fixed before the recorded runs, after trials on draws 0 to 2:

* *Data.* N = 8 Gaussian points in d = 20 dimensions, y = sign(x1 + x2); a draw is a seed. Always separable.
* *Measures.* w scaled to least margin 1; NaN before all points are on their sides. ``l1``: its l1 norm over the least
  possible, less 1; ``l2``: likewise. In the text l1 is divided by that of the l2 solution (``kernel_l1``): 1 is the
  kernel limit and 0 the rich one; l2 by that of the l1 solution (``rich_l2``).
* *Flow* (:func:`catapult.theory.diagonal.flow`). Depths 2 and 3, scales α from .01 to 10, losses 10^(−x), x from .1 to
  10⁶. ``decades_to_tenth``: the first x at which l1 is a tenth of ``kernel_l1``, by linear interpolation in log x.
* *Program.* Over γ/α^D from 10⁻² to 10⁷; ``ratio_to_tenth``: where its l1 is that tenth, by bisection; ``off_path``:
  how far the flow's w is from all solutions of the program of its depth, relative to the l2 solution.
* *Large rates.* Gradient descent on u, at depths 1 (the control: α does nothing there), 2 and 3, α = .316 and 1, from
  1/8 to 8√2 times 2/sharpness at the start, down to a loss of 10⁻²; the rest of the way, to 10⁻¹⁰ and 10⁻¹⁰⁰, by
  gradient flow, which descent at a fixed rate tends to as the loss, and with it the sharpness, falls. The comparison:
  l1 at 10⁻¹⁰, twice 2/sharpness less an eighth, paired by draw. At depth 2 also gradient flow from the products u₊u₋
  that such a run at 1 times 2/sharpness ends with, and from their geometric mean.
"""

from __future__ import annotations

import sys
from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult import parameters
from catapult.runs.cells import one_by_one
from catapult.theory import diagonal

DEPTHS = (2, 3)
SCALES = (10.0 ** (np.arange(-4, 3) / 2)).round(4).tolist()
DECADES = 10.0 ** (np.arange(-4, 25) / 4)
RATIOS = 10.0 ** (np.arange(-8, 29) / 4)
DESCENDED = (1, 2, 3)
DESCENT_SCALES = (0.3162, 1.0)
MULTIPLES = 2.0 ** (np.arange(-6, 8) / 2)
HANDED_OVER = 1e-2
AFTER = (10.0, 100.0)
TENTH = 0.1
JOINED_OVER = ("draws",)


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    samples: int = Field(8, ge=2, le=16, description="points, N")
    dimension: int = Field(20, ge=3, le=60, description="dimensions, d, more than there are points")
    draws: int = Field(2, ge=2, le=100, description="draws of the data")

    scales: ClassVar = {"quick": {"draws": 2}, "paper": {"draws": 20}}

    @model_validator(mode="after")
    def _fits(self):
        if self.dimension <= self.samples:
            raise ValueError(f"dimension = {self.dimension}, samples = {self.samples}; allowed: more dimensions than "
                             "points")
        return self


def run(values: Parameters) -> xr.Dataset:
    """Return what every draw gives; see :func:`cell`."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, int]]:
    """Return the cells: a draw each."""
    return [{"draw": draw} for draw in range(values.draws)]


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the draws together."""
    return xr.concat(datasets, "draw", combine_attrs="override")


def signed_inputs(values: Parameters, draw: int) -> np.ndarray:
    """Return the signed inputs z = yx of a draw, shape (N, d)."""
    X = np.random.default_rng(draw).standard_normal((values.samples, values.dimension))
    return np.sign(X[:, 0] + X[:, 1])[:, None] * X


class Excess:
    """How much larger than need be the norms of predictors on one data set are."""

    def __init__(self, Z: np.ndarray):
        self.Z, self.kernel, self.rich = Z, diagonal.least_l2(Z), diagonal.least_l1(Z)

    def scaled(self, w: np.ndarray) -> np.ndarray:
        """Return the predictors (…, d) scaled to least margin 1, NaN where a point is on the wrong side."""
        least = (w @ self.Z.T).min(axis=-1)
        return w / np.where(least > 0, least, np.nan)[..., None]

    def l1(self, w: np.ndarray) -> np.ndarray:
        """Return the l1 norm at margin 1 over the least, less 1."""
        return np.abs(self.scaled(w)).sum(axis=-1) / np.abs(self.rich).sum() - 1

    def l2(self, w: np.ndarray) -> np.ndarray:
        """Return the l2 norm at margin 1 over the least, less 1."""
        return np.linalg.norm(self.scaled(w), axis=-1) / np.linalg.norm(self.kernel) - 1

    def distance(self, w: np.ndarray, path: np.ndarray) -> np.ndarray:
        """Return how far predictors (k, d) are from a path of others (p, d), straight between them, all at margin 1."""
        w, path = self.scaled(w), self.scaled(path)
        legs = np.diff(path, axis=0)
        along = np.einsum("kpd,pd->kp", w[:, None] - path[:-1], legs) / np.maximum((legs**2).sum(axis=1), 1e-300)
        nearest = path[:-1] + np.clip(along, 0, 1)[..., None] * legs
        return np.linalg.norm(w[:, None] - nearest, axis=-1).min(axis=1) / np.linalg.norm(self.kernel)


def cell(values: Parameters, draw: int) -> xr.Dataset:
    """Return one draw: l1 and l2 of flow and program, and of gradient descent."""
    Z = signed_inputs(values, draw)
    excess = Excess(Z)
    whole = xr.merge([flows(Z, excess), descents(Z, excess)])
    whole["kernel_l1"], whole["rich_l2"] = float(excess.l1(excess.kernel)), float(excess.l2(excess.rich))
    return whole.expand_dims(draw=[draw])


def flows(Z: np.ndarray, excess: Excess) -> xr.Dataset:
    """Return flow and program on one data set: ``l1``, ``l2``, ``off_path``, ``drift``; ``program_…``; the tenths."""
    shape = (len(DEPTHS), len(SCALES), len(DECADES))
    l1, l2, off, drift = (np.empty(shape) for _ in range(4))
    path_l1, path_l2, gap = (np.empty((len(DEPTHS), len(RATIOS))) for _ in range(3))
    ratio = np.empty(len(DEPTHS))
    tenth = TENTH * float(excess.l1(excess.kernel))
    for i, depth in enumerate(DEPTHS):
        solved = [diagonal.program(Z, depth, each) for each in RATIOS]
        path = np.array([each.w for each in solved])
        path_l1[i], path_l2[i] = excess.l1(path), excess.l2(path)
        gap[i] = [max(each.gap, each.violation) for each in solved]
        ratio[i] = ratio_to(Z, depth, excess, tenth)
        for j, scale in enumerate(SCALES):
            w = diagonal.flow(Z, depth, diagonal.start_at(scale), DECADES).w
            l1[i, j], l2[i, j], off[i, j] = excess.l1(w), excess.l2(w), excess.distance(w, path)
            drift[i, j] = np.abs(diagonal.log_loss(Z, w) / (np.log(10) * DECADES) + 1)
    dims = ("depth", "scale", "decades")
    columns = {"l1": l1, "l2": l2, "off_path": off, "drift": drift}
    found = xr.Dataset({**{name: (dims, column.astype(np.float32)) for name, column in columns.items()},
                        "program_l1": (("depth", "ratio"), path_l1), "program_l2": (("depth", "ratio"), path_l2),
                        "program_gap": (("depth", "ratio"), gap), "ratio_to_tenth": ("depth", ratio)},
                       coords={"depth": list(DEPTHS), "scale": SCALES, "decades": DECADES, "ratio": RATIOS})
    return found.assign(decades_to_tenth=(("depth", "scale"), first_below(l1, tenth)))


def first_below(l1: np.ndarray, level: float) -> np.ndarray:
    """Return the first x of ``DECADES`` at which l1, (…, decades), is at most ``level``; NaN if there is none."""
    below = l1 <= level
    at = np.maximum(below.argmax(axis=-1), 1)
    right = np.take_along_axis(l1, at[..., None], -1)[..., 0]
    left = np.take_along_axis(l1, at[..., None] - 1, -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(left > right, np.clip((left - level) / (left - right), 0, 1), 1)  # 1 where left is NaN
    x = DECADES[at - 1] * (DECADES[at] / DECADES[at - 1]) ** share
    return np.where(below.any(axis=-1), x, np.nan)


def ratio_to(Z: np.ndarray, depth: int, excess: Excess, level: float) -> float:
    """Return γ/α^D at which the l1 excess of the program is ``level``, by 40 bisections of its logarithm."""
    low, high = np.log(RATIOS[[0, -1]])
    for _ in range(40):
        middle = (low + high) / 2
        if excess.l1(diagonal.program(Z, depth, float(np.exp(middle))).w) > level:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def sharpness(Z: np.ndarray, depth: int, scale: float) -> float:
    """Return the largest eigenvalue of the Hessian of the loss in u at the start, where w = 0."""
    slopes = depth * scale ** (depth - 1) * np.hstack([Z, -Z])
    pull = depth * (depth - 1) * scale ** (depth - 2) * Z.mean(axis=0)
    return float(np.linalg.eigvalsh(slopes.T @ slopes / len(Z) - np.diag(np.append(pull, -pull)))[-1])


def descend(Z: np.ndarray, depth: int, scale: float, rates: np.ndarray, steps: int = 20_000
            ) -> tuple[np.ndarray, np.ndarray]:
    """Follow gradient descent to a loss of ``HANDED_OVER``; return u, (rates, 2, d), NaN if lost, and the steps taken.

    Lost: the loss exceeds 10⁶, or is never that small within ``steps`` steps.
    """
    u, taken = np.full((len(rates), 2, Z.shape[1]), float(scale)), np.zeros(len(rates), dtype=int)
    live = np.ones(len(rates), dtype=bool)
    for _ in range(steps):
        with np.errstate(over="ignore"):
            e = np.exp(-(u[live, 0] ** depth - u[live, 1] ** depth) @ Z.T)
        loss = e.mean(axis=1)
        u[np.flatnonzero(live)[~(loss <= 1e6)]] = np.nan
        going = (loss > HANDED_OVER) & (loss <= 1e6)
        live[live] = going
        if not live.any():
            return u, taken
        push = depth * rates[live, None] * (e[going] @ Z / len(Z))
        u[live] += np.stack([push, -push], axis=1) * u[live] ** (depth - 1)
        taken[live] += 1
    u[live] = np.nan
    return u, taken


def descents(Z: np.ndarray, excess: Excess) -> xr.Dataset:
    """Return gradient descent on one data set.

    ``descent_l1`` when it is handed over and at the losses after, NaN if the run is lost, or below a loss before;
    ``taken``, its steps; ``effective_l1`` and ``equal_l1`` at the losses after, of flow from the products of weights at
    multiple 1, and from their geometric mean; ``plain_l1``, of flow from α.
    """
    shape = (len(DESCENDED), len(DESCENT_SCALES), len(MULTIPLES))
    l1, taken = np.full((*shape, 1 + len(AFTER)), np.nan), np.zeros(shape, dtype=int)
    flows = {name: np.empty((len(DESCENT_SCALES), len(AFTER))) for name in ("plain_l1", "effective_l1", "equal_l1")}
    for j, scale in enumerate(DESCENT_SCALES):
        for i, depth in enumerate(DESCENDED):
            u, taken[i, j] = descend(Z, depth, scale, MULTIPLES * 2 / sharpness(Z, depth, scale))
            for k, end in enumerate(u):
                if np.isfinite(end).all():
                    l1[i, j, k] = followed_on(Z, depth, end, excess)
            if depth == 2:
                product = np.sqrt(np.abs(u[MULTIPLES == 1][0].prod(axis=0)))
                for name, start in (("plain_l1", diagonal.start_at(scale)),
                                    ("effective_l1", np.stack([product, product])),
                                    ("equal_l1", diagonal.start_at(np.exp(np.log(product).mean())))):
                    flows[name][j] = excess.l1(diagonal.flow(Z, 2, start, AFTER).w)
    dims = ("descended", "descent_scale", "multiple")
    columns = {name: (("descent_scale", "further"), column) for name, column in flows.items()}
    return xr.Dataset({"descent_l1": ((*dims, "after"), l1.astype(np.float32)),
                       "taken": (dims, taken.astype(np.int32)), **columns},
                      coords={"descended": list(DESCENDED), "descent_scale": list(DESCENT_SCALES),
                              "multiple": MULTIPLES, "after": [-np.log10(HANDED_OVER), *AFTER], "further": list(AFTER)})


def followed_on(Z: np.ndarray, depth: int, u: np.ndarray, excess: Excess) -> np.ndarray:
    """Return the l1 excess of a network and of what gradient flow makes of it at the losses after, NaN if past."""
    w = diagonal.predictor(depth, u)
    here = -float(diagonal.log_loss(Z, w)) / np.log(10)
    ahead = [x for x in AFTER if x > here + 0.5]
    later = excess.l1(diagonal.flow(Z, depth, u, ahead).w) if ahead else []
    return np.concatenate([[excess.l1(w)], np.full(len(AFTER) - len(ahead), np.nan), later])
