r"""Two patterns learned at a small rate throughout, at a large one that is annealed, and with noise in its place.

Fixed before the recorded runs, after trials of the sizes on seeds 100 to 102:

* *Data and network.* :mod:`.patterns`: d = 100, 400 inputs, an eighth with P alone, three tenths with Q alone; 100
  units a branch, weights N(0, .3²), penalty λ = 1e-4, full batches. Control data: P alone in all inputs.
* *Arms,* four candidates each, 1,000 steps. Small: η = 1/16 to 1/2 throughout. Large: η = 1 to 8 for 400 steps, then
  1/4. Noise: η = 1/2 throughout with normal noise of deviation .01 to .3 on the gradient for 400 steps.
  η_crit = 2/sharpness at the start is between 1/2 and 2: full batches oscillate above it, and not below.
* *Choice.* The candidate of an arm with the best accuracy on 1,000 validation inputs of each kind, weighted by their
  shares in the data; judged on 1,000 others of each kind. *Equal time*: η = 1/2 for as much time as the largest rate.
* *Statistics,* paired by seed, 95 % intervals over 12 seeds. S3, order: accuracy on P alone when Q is learned, the
  first recorded step from which on accuracy on Q alone is at least .9, at η = 4 less that at 1/2. S2, gain: accuracy
  on the whole and on each kind at the end, large less small. S1: accuracy on the whole of the chosen candidates after
  8 steps, before annealing and at the end. Mechanism: what noise gains over small in place of the large rate. Control:
  the gain on P alone from data of P alone, against the small rate for equal time.
* *Lost*: a run whose accuracy on Q alone is below .9 at the end; candidates all the same.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.chapters.start_large.patterns import KINDS, Branches, Patterns, Sample
from catapult.runs.cells import one_by_one

RATES = {"small": (1 / 16, 1 / 8, 1 / 4, 1 / 2), "large": (1.0, 2.0, 4.0, 8.0), "noise": (1 / 2,) * 4}
NOISES = {"small": (0.0,) * 4, "large": (0.0,) * 4, "noise": (0.01, 0.03, 0.1, 0.3)}
ARMS = {"both patterns": tuple(RATES), "P alone": ("small", "large")}
"""The arms, by the kind of data: noise is not tried on the control."""
DATA = tuple(ARMS)
PARTS = ("validation", "test")
EARLY = (0, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256, 288, 320, 360)
JOINED_OVER = ("seeds", "first_seed", "data")


class Parameters(parameters.Parameters):
    """How the data are drawn, and how long they are learned."""

    dimension: int = Field(100, ge=2, le=10_000, description="dimension d of x1")
    samples: int = Field(400, ge=8, le=100_000, description="training inputs")
    only_p: float = Field(0.125, gt=0, lt=1, description="share of inputs with P alone")
    only_q: float = Field(0.3, gt=0, lt=1, description="share of inputs with Q alone")
    margin: float = Field(0.3, ge=0, le=5, description="margin of P, in units of 1/√d")
    common: float = Field(10.0, gt=0, le=100, description="length of z")
    offset: float = Field(4.0, gt=0, le=100, description="length of ζ")
    units: int = Field(100, ge=2, le=10_000, description="hidden units a branch")
    scale: float = Field(0.3, gt=0, le=10, description="deviation of a weight at the start")
    decay: float = Field(1e-4, ge=0, le=1, description="λ of the penalty")
    steps: int = Field(200, ge=16, le=100_000, description="steps at the first rate")
    settle: int = Field(100, ge=1, le=100_000, description="steps after it")
    annealed: float = Field(0.25, gt=0, le=10, description="rate that large ones are lowered to")
    tests: int = Field(500, ge=10, le=100_000, description="validation, and test inputs of each kind")
    data: Literal["mixed", "all"] = Field("mixed", description="data of both patterns; all: the control, too")
    seeds: int = Field(1, ge=1, le=1000, description="seeds: data and initial weights")
    first_seed: int = Field(0, ge=0, le=10**6, description="the first of them: trials were made from 100 on")

    scales = {"quick": {"dimension": 20, "samples": 80, "units": 20, "steps": 64, "settle": 16,  # noqa: RUF012
                        "tests": 50, "data": "all"},
              "paper": {"steps": 400, "settle": 600, "tests": 1_000, "data": "all", "seeds": 12}}

    @property
    def shares(self) -> np.ndarray:
        """The shares of ``KINDS`` in the data."""
        return np.array([self.only_p, self.only_q, 1 - self.only_p - self.only_q])

    @property
    def recorded(self) -> list[int]:
        """The steps at which accuracy is recorded: before, at and after annealing."""
        later = {self.steps + round(self.settle * share) for share in (0, 0.05, 0.1, 0.25, 0.5, 0.75, 1)}
        return sorted({step for step in EARLY if step < self.steps} | later)

    @property
    def patterns(self) -> Patterns:
        """How inputs are drawn."""
        return Patterns(self.dimension, self.margin, self.common, self.offset, "float32")


def run(values: Parameters) -> xr.Dataset:
    """Return what :func:`cell` does, over (data, seed)."""
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, str | int]]:
    """Return the cells: the data and a seed each."""
    kept = {"mixed": DATA[:1], "all": DATA}[values.data]
    return [{"data": data, "seed": seed} for data in kept
            for seed in range(values.first_seed, values.first_seed + values.seeds)]


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    """Return the runs of all cells, "both patterns" first."""
    runs = xr.combine_by_coords(datasets, combine_attrs="override").drop_encoding()  # one part's would cut names short
    return runs.sel(data=[name for name in DATA if name in runs.data])


def cell(values: Parameters, data: str, seed: int) -> xr.Dataset:
    """Train all candidates of all arms on one draw.

    Returns
    -------
    xarray.Dataset
        Over (arm, candidate): ``accuracy`` (kind, step) on test inputs and ``loss`` (step); ``end`` (kind, part), the
        accuracy at the end; ``long`` (kind, part), that of the largest small rate after equal time; ``critical``, the
        η_crit at the start.
    """
    train, judged, network, rng = drawn(values, data, seed)
    runs = []
    for arm in ARMS[data]:
        rates, noises = np.array(RATES[arm]), np.array(NOISES[arm])
        networks, rows = network.repeated(len(rates)), {}
        for step in range(values.steps + values.settle + 1):
            if step in values.recorded:
                rows[step] = np.stack([networks.loss(train), *(networks.accuracy(judged["test", kind])
                                                               for kind in KINDS)])
            first = step < values.steps
            at = np.full(len(rates), values.annealed) if arm == "large" and not first else rates
            networks = networks.stepped(train, at, values.decay, noises if noises.any() and first else None, rng)
        table = np.stack(list(rows.values())).astype(np.float32)
        runs.append(xr.Dataset({
            "loss": (("step", "candidate"), table[:, 0]), "accuracy": (("step", "kind", "candidate"), table[:, 1:]),
            "end": (("part", "kind", "candidate"), table_of(networks, judged))}).expand_dims(arm=[arm]))
    largest = RATES["small"][-1]
    kept = network
    for _ in range(equal_time(values)):
        kept = kept.stepped(train, np.array([largest]), values.decay)
    runs = xr.concat(runs, "arm").reindex(arm=list(RATES)).assign(
        long=(("part", "kind"), table_of(kept, judged)[..., 0]), critical=2 / network.sharpness(train))
    return runs.assign_coords(step=values.recorded, kind=list(KINDS), part=list(PARTS),
                              candidate=range(4)).expand_dims(data=[data], seed=[seed])


def equal_time(values: Parameters) -> int:
    """Return how many steps of the largest small rate take as much time as the largest large rate's run."""
    time = values.steps * RATES["large"][-1] + values.settle * values.annealed
    return round(time / RATES["small"][-1])


def drawn(values: Parameters, data: str, seed: int) -> tuple[
        Sample, dict[tuple[str, str], Sample], Branches, np.random.Generator]:
    """Draw training inputs, validation and test inputs of each kind, and a network; return noise's stream, too."""
    rng = np.random.default_rng([seed, 4595])
    kinds = rng.choice(len(KINDS), values.samples, p=values.shares)
    if data == "P alone":
        kinds[:] = KINDS.index("P alone")
    train = values.patterns.drawn(rng, kinds)
    judged = {(part, kind): values.patterns.drawn(rng, np.full(values.tests, place))
              for part in PARTS for place, kind in enumerate(KINDS)}
    return train, judged, Branches.drawn(rng, values.units, values.dimension, values.scale, "float32"), rng


def table_of(networks: Branches, judged: dict[tuple[str, str], Sample]) -> np.ndarray:
    """Return the accuracies, shape (part, kind, R)."""
    return np.array([[networks.accuracy(judged[part, kind]) for kind in KINDS] for part in PARTS], dtype=np.float32)
