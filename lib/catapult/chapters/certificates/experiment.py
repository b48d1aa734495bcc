"""Every certificate of the companion, computed again, with what each leaves undecided."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult import datasets, parameters
from catapult.theory import certificates, two_layer

RECTANGLES = {"exponential": ((0.0, 6.0), (0.02, 4.0)), "logistic": ((0.0, 14.0), (4.0, 64.0))}  # (w0), (η)
FORMS = ("ends", "quotient", "difference")
PERIOD_THREE = (("9/10", 4), ("3/5", 7), ("1/2", 7))  # label fraction p and γ
ESCAPE = (8.0, 0.8, 12)  # f0, r = log(p/q) and κ of an orbit of the logistic loss that escapes
ORBITS = {"squared": 1.7, "exponential": 0.86, "logistic": 6.0}  # η at f0 = 1, λ0 = 2, m = 100: catapults


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    bits: int = Field(128, description="working precision of the balls", ge=40, le=4096)
    depth: int = Field(8, description="how often a box of the phase diagram is cut in four", ge=2, le=11)
    cycle_low: float = Field(8.0, description="lowest learning rate of the two-cycle", ge=7, le=100)
    cycle_high: float = Field(100.0, description="highest learning rate of the two-cycle", ge=7.1, le=1e6)
    halvings: int = Field(12, description="how often an interval of learning rates is halved", ge=2, le=20)
    f0: float = Field(1.0, description="initial output of the two-layer network", ge=0.01, le=4)
    width: int = Field(100, description="width of the two-layer network", ge=20, le=10_000)
    rate_low: float = Field(0.7, description="lowest learning rate of the two-layer network", ge=0.05, le=2)
    rate_high: float = Field(1.1, description="highest learning rate of the two-layer network", ge=0.06, le=3)
    orbits: int = Field(60, description="random networks whose final kernel is enclosed, each loss", ge=10, le=2000)

    @model_validator(mode="after")
    def _intervals_have_a_length(self):
        for low, high in (("cycle_low", "cycle_high"), ("rate_low", "rate_high")):
            if not getattr(self, low) < getattr(self, high):
                raise ValueError(f"{low} = {getattr(self, low):g}, {high} = {getattr(self, high):g}: the first must be "
                                 "the smaller")
        return self

    scales: ClassVar = {"quick": {"depth": 6, "halvings": 9, "orbits": 20}, "paper": {"depth": 10, "orbits": 1000}}


def run(parameters: Parameters) -> xr.Dataset:
    """Return the boxes, the two-cycle, the pieces of η, the final kernels, the bits, the chaos and the data."""
    return xr.merge([_boxes(parameters), _cycle(parameters), _pieces(parameters), _final_kernels(parameters),
                     _sharper(parameters), _escape(), _bits(parameters), _chaos(parameters), _data()])


def _boxes(parameters: Parameters) -> xr.Dataset:
    """The boxes of both losses, and the undecided share of the area at each depth, for three forms."""
    made, depths = {}, np.arange(1, parameters.depth + 1)
    shares = np.empty((2, len(FORMS), len(depths)))
    for i, (loss, sides) in enumerate(RECTANGLES.items()):
        for j, form in enumerate(FORMS):
            for k, depth in enumerate(depths):
                found = certificates.one_step_boxes(loss, *sides, depth=int(depth), bits=parameters.bits, form=form)
                shares[i, j, k] = found.share("undecided")
                if form == "ends" and depth == parameters.depth:
                    made[f"box_{loss}"] = ((f"piece_{loss}", "side"), found.boxes)
                    made[f"box_verdict_{loss}"] = (f"piece_{loss}", found.verdict)
    return xr.Dataset({**made, "box_undecided": (("box_loss", "form", "box_depth"), shares)},
                      coords={"box_loss": list(RECTANGLES), "form": list(FORMS), "box_depth": depths,
                              "side": ["w_low", "w_high", "rate_low", "rate_high"]})


def _cycle(parameters: Parameters) -> xr.Dataset:
    """The two-cycle of the logistic pair and its multiplier, enclosed over pieces of an interval of η."""
    found = certificates.two_cycle((parameters.cycle_low, parameters.cycle_high), depth=2 * parameters.halvings,
                                   bits=parameters.bits)
    return xr.Dataset({"cycle_rate": (("cycle_piece", "end"), found.learning_rate),
                       "cycle": (("cycle_piece", "end"), found.cycle),
                       "cycle_multiplier": (("cycle_piece", "end"), found.multiplier)},
                      coords={"end": ["low", "high"]})


def _pieces(parameters: Parameters) -> xr.Dataset:
    """Exponential loss, two layers: pieces of an interval of η, and the undecided share at each depth."""
    sides, halvings = (parameters.rate_low, parameters.rate_high), np.arange(2, parameters.halvings + 1)
    forms, shares = ("mean value", "naive"), []
    for form in forms:
        every = [certificates.convergence("exponential", parameters.f0, 2, parameters.width, sides, depth=int(depth),
                                          bits=parameters.bits, form=form) for depth in halvings]
        shares.append([found.share("undecided") for found in every])
        if form == "mean value":
            found = every[-1]
            made = {"piece_rate": (("rate_piece", "end"), found.learning_rate),
                    "piece_verdict": ("rate_piece", found.verdict), "piece_steps": ("rate_piece", found.steps)}
    return xr.Dataset({**made, "piece_undecided": (("rate_form", "halvings"), shares)},
                      coords={"rate_form": list(forms), "halvings": halvings, "end": ["low", "high"]})


def random_networks(loss: str, count: int, seed: int = 0):
    """Yield f0, λ0, m and η: feasible, widths 1 to 10⁴, η on both sides of the edge of stability."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        width, f0 = int(10 ** rng.uniform(0, 4)), float(rng.normal())
        ntk0 = float(rng.uniform(1.5, 2.5)) + 2 * abs(f0) / width**0.5
        yield f0, ntk0, width, float(rng.uniform(0.1, 1.9)) * (4.5 if loss == "logistic" else 1.1)


def networks_near_chaos(count: int, seed: int = 0):
    """Yield f0, λ0, m and η with ηλ0 = 4 (1 − 2⁻ᵏ), k from 4 to 48: squared loss, chaotic where ηλ0 = 4."""
    rng = np.random.default_rng(seed)
    for closeness in np.linspace(4, 48, count):
        f0, ntk0 = float(rng.uniform(0.1, 1)), float(rng.uniform(2, 2.5))
        yield f0, ntk0, int(10 ** rng.uniform(0, 4)), float(4 / ntk0 * (1 - 2.0**-closeness))


def compare_with_enclosure(loss: str, given) -> tuple[certificates.Enclosure | certificates.Diverges, list[float]]:
    """Return what is proved, and the distances from it of ``final_ntk`` and of floats, with the error they estimate.

    All three are NaN where there is no enclosure, or a wide one, within 20,000 steps.
    """
    found = certificates.final_ntk(loss, *given, max_steps=20_000)
    if not isinstance(found, certificates.Enclosure) or found.relative_width > two_layer.TRUSTED:
        return found, [np.nan] * 3
    value, error = two_layer.final_ntk_in_floats(loss, *given)
    return found, [found.distance(two_layer.final_ntk(loss, *given)), found.distance(value), error]


def _final_kernels(parameters: Parameters) -> xr.Dataset:
    """λ_∞ of random networks: outcome, relative width of the enclosure, and how far from it the floats are."""
    sets = {loss: (loss, random_networks(loss, parameters.orbits)) for loss in ORBITS}
    sets["near chaos"] = "squared", networks_near_chaos(parameters.orbits)
    outcomes = np.empty((len(sets), parameters.orbits), dtype=object)
    widths, distances = np.full(outcomes.shape, np.nan), np.full((*outcomes.shape, 3), np.nan)
    for i, (loss, networks) in enumerate(sets.values()):
        for j, given in enumerate(networks):
            found, distances[i, j] = compare_with_enclosure(loss, given)
            outcomes[i, j] = type(found).__name__
            if isinstance(found, certificates.Enclosure):
                widths[i, j] = found.relative_width
    axes = "networks", "orbit"
    return xr.Dataset({"final_outcome": (axes, outcomes.astype(str)), "final_width": (axes, widths),
                       **{name: (axes, distances[..., n])
                          for n, name in enumerate(("final_distance", "float_distance", "float_error"))}},
                      coords={"networks": list(sets)})


def search_sharper(f0: float, ntk0: float, width: int, rates: np.ndarray) -> tuple[float, float]:
    """Return the two of these rates, in order, that raise λ_∞ by the largest factor, in floating point."""
    limits = np.array([two_layer.final_ntk("squared", f0, ntk0, width, rate) for rate in rates])
    last = int(np.argmax(limits / np.minimum.accumulate(limits)))
    return float(rates[np.argmin(limits[:last + 1])]), float(rates[last])


def _sharper(parameters: Parameters) -> xr.Dataset:
    """Squared loss, catapult phase: λ_∞ against η, enclosed, and a pair of rates that refutes "larger is flatter"."""
    rates = np.linspace(1.01, 1.99, 197)
    pair = search_sharper(parameters.f0, 2.0, parameters.width, rates)
    found = [certificates.final_ntk("squared", parameters.f0, 2, parameters.width, rate) for rate in rates]
    ends = [(one.lower, one.upper) if isinstance(one, certificates.Enclosure) else (np.nan, np.nan) for one in found]
    pair = [f"{rate:.4g}" for rate in pair]  # certified at the decimal numbers that the page prints
    certified = certificates.sharper_at_larger_rate("squared", parameters.f0, 2, parameters.width, *pair)
    sharper = isinstance(certified, certificates.Sharper)
    both = (certified.smaller, certified.larger) if sharper else ()
    return xr.Dataset({"squared_final": (("squared_rate", "end"), ends), "pair_rate": ("which", list(map(float, pair))),
                       "pair_final": (("which", "end"), [(one.lower, one.upper) for one in both] or [[np.nan] * 2] * 2),
                       "pair_gap": certified.gap if sharper else np.nan},
                      coords={"squared_rate": rates, "which": ["smaller", "larger"], "end": ["low", "high"]})


def escaping() -> tuple[float, float, int, float]:
    """Return f0, λ0, m and η of the start ESCAPE, at width κ and so at η = κ."""
    f0, ratio, kappa = ESCAPE
    scaled = 2 * math.sqrt(kappa) * f0 / math.tanh(ratio / 2)  # (p + q)/2, where p − q = 4√κ f and p = q e^r
    return f0, scaled / kappa, kappa, float(kappa)


def _escape() -> xr.Dataset:
    """r = |log(p/q)| and |f| along that orbit; δ and τ(A) of the theorem."""
    f0, ntk0, width, rate = escaping()
    f, ntk = two_layer.iterate("logistic", f0, ntk0, width, rate, 12)
    p, q, _ = two_layer.invariants(f, ntk, width, rate)
    top = math.sqrt(ESCAPE[2]) / 2  # A, the supremum of |a|
    turn = 2 * math.log((top + 1) / (top - 1))
    ratio = np.abs(np.log(p / q))
    return xr.Dataset({"escape_ratio": ("escape_step", ratio), "escape_size": ("escape_step", np.abs(f)),
                       "escape_room": min(ratio[0], turn - ratio[0]) / 2, "escape_turn": turn},
                      coords={"escape_step": np.arange(13)})


def _bits(parameters: Parameters) -> xr.Dataset:
    """Bits lost by ball orbits, against the step, in two forms; NaN once nothing is left."""
    forms, steps, bits = ("mean value", "naive"), 200, 512
    lost = np.full((len(ORBITS), 2, steps + 1), np.nan)
    for i, (loss, rate) in enumerate(ORBITS.items()):
        for j, form in enumerate(forms):
            known = certificates.bits_left(loss, 1, 2, 100, rate, steps, bits=bits, form=form)
            lost[i, j, :len(known)] = bits - np.array(known)
    return xr.Dataset({"bits_lost": (("loss", "rate_form", "bits_step"), lost)},
                      coords={"loss": list(ORBITS), "rate_form": list(forms), "bits_step": np.arange(steps + 1)})


def _chaos(parameters: Parameters) -> xr.Dataset:
    """Cycles of length three under label imbalance: points (NaN if undecided) and the least gap between them."""
    points, gaps = np.full((len(PERIOD_THREE), 3), np.nan), np.zeros(len(PERIOD_THREE))
    for i, (fraction, gamma) in enumerate(PERIOD_THREE):
        found = certificates.period_three(fraction, gamma, bits=parameters.bits)
        if isinstance(found, certificates.PeriodThree):
            points[i], gaps[i] = [point.midpoint for point in found.points], found.gap
    return xr.Dataset({"three_cycle": (("chaos", "point"), points), "three_cycle_gap": ("chaos", gaps)},
                      coords={"chaos": [f"p = {fraction}, γ = {gamma}" for fraction, gamma in PERIOD_THREE]})


def data_sets() -> dict[str, np.ndarray]:
    """Return signed inputs z_i of the companion's small data sets, by name."""
    touching = np.array([[0.0, 1.0], [0.0, -1.0], [1.0, 0.0], [0.5, 2.0]])
    return {"degenerate pair": datasets.degenerate_pair().Z,
            "two opposed points": np.array([[0.1, 1.0], [0.1, -1.0]]),
            "half plane that touches": touching,
            "separable cloud": datasets.separable_cloud(40, 2, 0.5, 0).Z,
            "overlapping cloud": datasets.overlapping_cloud(40, 2, 1.5, 0).Z,
            "overlapping, d = 20": datasets.overlapping_cloud(100, 20, 1.0, 0).Z}


def _data() -> xr.Dataset:
    """The certified kind of each data set, its size, and the digits of its largest weight."""
    kinds, shapes, digits = [], [], []
    for Z in data_sets().values():
        found = certificates.separability(Z.tolist())
        kinds.append(getattr(found, "kind", "undecided"))
        shapes.append(Z.shape)
        digits.append(max((len(str(weight.p)) for weight in getattr(found, "weights", None) or ()), default=0))
    return xr.Dataset({"data_kind": ("data_set", kinds), "data_shape": (("data_set", "axis"), shapes),
                       "data_digits": ("data_set", digits)}, coords={"data_set": list(data_sets())})
