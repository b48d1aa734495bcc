"""The risk of a linear predictor on separable, non-separable and strictly non-separable data."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import scipy.special
import xarray as xr
from pydantic import Field

from catapult import datasets, losses, parameters
from catapult.theory import linear_predictor as theory

OPPOSED = np.array([[0.1, 1.0], [0.1, -1.0]])  # two signed inputs: separable, with the small margin 0.1
OPPOSED_START = (0.0, 1.0)
# Signed inputs whose largest margin, 1, is along (1, 0) at both points: this is half their sum, or the first alone.
SUPPORTED = {"both points carry": np.array([[1.0, 1.0], [1.0, -1.0]]),
             "one point carries": np.array([[1.0, 0.0], [1.0, 1.0]])}
SIDEWAYS_STEPS = 20_000


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    samples: int = Field(40, description="points in each cloud", ge=10, le=400)
    margin: float = Field(0.5, description="half the gap of the separable cloud, in standard deviations",
                          gt=0, le=3)
    separation: float = Field(1.5, description="distance between the means of the overlapping clouds",
                              ge=0, le=3)
    seed: parameters.Seed = Field(0, description="seed of the clouds")
    learning_rate: float = Field(3.0, description="learning rate of the two opposed points", gt=0, le=100)
    steps: int = Field(400, description="steps of every orbit", ge=20, le=5000)
    grid: int = Field(120, description="points along each axis of a landscape", ge=20, le=400)

    scales: ClassVar = {"quick": {"grid": 60, "steps": 200}, "paper": {"grid": 300, "steps": 5000}}


def run(parameters: Parameters) -> xr.Dataset:
    """Return the losses, the clouds and their landscapes, the opposed points, the thresholds, the norms."""
    clouds = three_clouds(parameters)
    return xr.merge([_losses(), _landscapes(parameters, clouds), _opposed(parameters), _sideways(), _thresholds(),
                     _norms(parameters, clouds["strictly non-separable"])])


def three_clouds(parameters: Parameters) -> dict[str, datasets.Problem]:
    """Return one planar data set for each of the three cases, named after it.

    The second one is drawn in the half plane z₁ ≥ 0 and touches its edge at (0, 1) and (0, −1), so that
    v = (1, 0) has z_i·v ≥ 0 for all i and no v has z_i·v > 0 for all i.
    """
    n, seed = parameters.samples, parameters.seed
    Z = np.random.default_rng(seed).standard_normal((n, 2))
    Z[:, 0] = np.abs(Z[:, 0])
    Z[:2] = (0, 1), (0, -1)
    y = np.where(np.arange(n) < n // 2, 1.0, -1.0)
    touching = datasets.Problem(y[:, None] * Z, y, name=f"{n} points in a half plane that touch its edge")
    return {"separable": datasets.separable_cloud(n, 2, parameters.margin, seed),
            "non-separable": touching,
            "strictly non-separable": datasets.overlapping_cloud(n, 2, parameters.separation, seed)}


def _losses() -> xr.Dataset:
    """The losses against the margin u; risk and its curvature on the degenerate pair against w."""
    u, names = np.linspace(-4, 4, 161), ["exponential", "logistic", "squared"]
    every = [losses.get(name) for name in names]
    curvature = [(loss.curvature(u) + loss.curvature(-u)) / 2 for loss in every]
    return xr.Dataset({"loss_value": (("loss", "margin"), [loss.value(u) for loss in every]),
                       "pair_excess": (("loss", "margin"), [theory.excess_risk(name, u) for name in names]),
                       "pair_curvature": (("loss", "margin"), curvature)},
                      coords={"loss": names, "margin": u})


def _landscapes(parameters: Parameters, clouds: dict[str, datasets.Problem]) -> xr.Dataset:
    """Logistic risk over the plane of weights, the orbit from 0 at η = 1/β, and the certificate."""
    axis = np.linspace(-4, 4, parameters.grid)
    plane = np.stack(np.meshgrid(axis, axis), axis=-1)
    inputs, labels, risks, orbits, kinds, holds = [], [], [], [], [], []
    for problem in clouds.values():
        certificate = datasets.certify(problem.Z)
        inputs.append(problem.X)
        labels.append(problem.y)
        risks.append(theory.risk("logistic", problem.Z, plane))
        orbits.append(theory.descend("logistic", problem.Z, np.zeros(2), 1 / theory.smoothness(problem.Z),
                                     parameters.steps))
        kinds.append(certificate.kind)
        holds.append(certificate.holds(problem.Z))
    return xr.Dataset(
        {"input": (("case", "point", "axis"), np.array(inputs)),
         "label": (("case", "point"), np.array(labels)),
         "risk": (("case", "w_2", "w_1"), np.array(risks)),
         "orbit": (("case", "step", "axis"), np.array(orbits)),
         "certified_kind": ("case", kinds),
         "certificate_holds": ("case", holds)},
        coords={"case": list(clouds), "w_1": axis, "w_2": axis})


def _opposed(parameters: Parameters) -> xr.Dataset:
    """Risk along gradient descent on the two opposed points: both losses, and larger learning rates."""
    runs = [("exponential", 1), ("logistic", 1), ("logistic", 10), ("logistic", 100)]
    risks = []
    for loss, factor in runs:
        w = theory.descend(loss, OPPOSED, OPPOSED_START, factor * parameters.learning_rate, parameters.steps)
        risks.append(theory.risk(loss, OPPOSED, w))
    return xr.Dataset({"opposed_risk": (("run", "step"), np.array(risks)),
                       "opposed_rate": ("run", [factor * parameters.learning_rate for _, factor in runs])},
                      coords={"run": [f"{loss} {factor}" for loss, factor in runs]})


def _sideways() -> xr.Dataset:
    """Logistic loss, η = 1 from (0, 1): the two weights at some steps, where the largest margin is along (1, 0)."""
    Z = np.array(list(SUPPORTED.values()))
    kept, w, seen = np.unique(np.geomspace(1, SIDEWAYS_STEPS, 60).astype(int)), np.array([[0.0, 1.0]] * len(Z)), []
    for step in range(1, SIDEWAYS_STEPS + 1):
        pulls = scipy.special.expit(-(Z @ w[:, :, None])) / 2  # shape (case, point, 1), n = 2
        w = w + (pulls * Z).sum(axis=1)
        if step == kept[len(seen)]:
            seen.append(w)
    return xr.Dataset({"sideways_weight": (("sideways_step", "support", "axis"), np.array(seen))},
                      coords={"support": list(SUPPORTED), "sideways_step": kept})


def _thresholds() -> xr.Dataset:
    """Degenerate pair, logistic loss: η_c, 2/α on [−w0, w0], and log(ηα/2) with α taken on the segment."""
    w0, rates = np.linspace(0.01, 1.6, 320), np.geomspace(6, 60, 320)
    reach = np.maximum(w0, np.abs(theory.update("logistic", w0, rates[:, None])))
    return xr.Dataset(
        {"critical_rate": ("start", theory.critical_learning_rate("logistic", w0)),
         "interval_bound": ("start", 8 * np.cosh(w0 / 2) ** 2),
         "clause_margin": (("rate", "start"), np.log(rates[:, None] / 8) - 2 * np.log(np.cosh(reach / 2)))},
        coords={"start": w0, "rate": rates})


def _norms(parameters: Parameters, problem: datasets.Problem) -> xr.Dataset:
    """|w_t| from a far start on strictly non-separable data, with the radius that the theorem gives."""
    rates = np.array([1.0, 10.0, 100.0, 1000.0])
    radii = np.array([theory.containment_radius(problem.Z, rate) for rate in rates])
    orbits = [theory.descend("logistic", problem.Z, (3 * radius, 0), rate, 20 * parameters.steps)
              for rate, radius in zip(rates, radii, strict=True)]
    return xr.Dataset({"norm": (("norm_rate", "norm_step"), np.linalg.norm(orbits, axis=-1)),
                       "radius": ("norm_rate", radii)},
                      coords={"norm_rate": rates, "norm_step": np.arange(20 * parameters.steps + 1)})
