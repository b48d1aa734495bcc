"""The recursions of the figures that move agree with the library's: 1,000 random parameter sets each, in Chromium."""

from __future__ import annotations

import json

import numpy as np
import pytest

from catapult import datasets
from catapult.chapters.regularity import experiment as regularity
from catapult.chapters.regularity import family
from catapult.datasets.decomposition import decompose
from catapult.networks import Network
from catapult.theory import _diagonal, diagonal, incremental, linear_predictor, two_layer

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SETS, STEPS = 1000, 50
SAME = 1e-9  # relative, over STEPS steps where the reference is not chaotic
ROUNDING = 16 * np.finfo(float).eps  # of one step, relative to its largest term
SHIFT = 1 + 1e-14  # of start and rate
SENSITIVE = 1e-11  # an orbit is taken as chaotic where that shift moves it by more than this
RATES = {"exponential": (0.05, 4), "logistic": (1, 64), "squared": (0.05, 3)}


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


def log_uniform(rng, low, high, size=SETS):
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def numbers(text: str):
    """Return what the browser sent as an array of floats: NaN and infinities travel as words."""
    return np.array(json.loads(text), dtype=float)


def close(theirs, ours, tolerance):
    """Return where two arrays agree: relatively, or both not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        return ((abs(theirs - ours) <= tolerance * np.maximum(abs(ours), 1e-300)) | (theirs == ours)
                | (~np.isfinite(theirs) & ~np.isfinite(ours)))


def steady(orbit, moved):
    """Return where the orbit hardly depends on its start, at this and all earlier steps; steps are the first axis."""
    with np.errstate(invalid="ignore", over="ignore"):
        near = abs(orbit - moved) <= SENSITIVE * np.maximum(abs(orbit), 1e-300)
    return np.logical_and.accumulate(near, axis=0)


def cases(*columns):
    return [list(row) for row in zip(*(np.asarray(column).tolist() if not isinstance(column, str)
                                       else [column] * SETS for column in columns), strict=True)]


@pytest.mark.parametrize("loss", RATES)
def test_one_predictor(recursions, rng, loss):
    w0 = rng.uniform(0.1, 10, SETS)
    rate = (linear_predictor.critical_learning_rate(loss, w0) * log_uniform(rng, 0.2, 1.5) if loss == "exponential"
            else log_uniform(rng, *RATES[loss]))
    theirs = numbers(recursions("linear_predictor.iterate", cases(loss, w0, rate, [STEPS] * SETS))).T
    ours = linear_predictor.iterate(loss, w0, rate, STEPS)
    certain = steady(ours, linear_predictor.iterate(loss, w0 * SHIFT, rate * SHIFT, STEPS))
    assert certain.mean() > 0.5
    assert close(theirs, ours, SAME)[certain].all()
    with np.errstate(over="ignore", invalid="ignore"):
        step = linear_predictor.update(loss, theirs[:-1], rate)
        size = abs(theirs[:-1]) + rate * abs(linear_predictor.slope(loss, theirs[:-1]))
        residual = abs(theirs[1:] - step) <= ROUNDING * np.where(np.isfinite(size), size, 0)
    assert (residual | close(theirs[1:], step, 0)).all()
    phases = json.loads(recursions("linear_predictor.predicted_phase", cases(loss, w0, rate)))
    assert phases == linear_predictor.predicted_phase(loss, w0, rate).tolist()
    seen = json.loads(recursions("linear_predictor.observed_phase", cases(loss, w0, rate, [400] * SETS)))
    assert seen == linear_predictor.observed_phase(loss, w0, rate, 400).tolist()


@pytest.mark.parametrize("loss", RATES)
def test_laws_of_one_predictor(recursions, rng, loss):
    w, rate = np.append(rng.uniform(0, 12, SETS - 2), [0, 1e-9]), log_uniform(rng, *RATES[loss])
    for name, ours in (("critical_learning_rate", linear_predictor.critical_learning_rate(loss, w)),
                       ("excess_risk", linear_predictor.excess_risk(loss, w)),
                       ("slope", linear_predictor.slope(loss, w)),
                       ("cycle_multiplier", linear_predictor.cycle_multiplier(loss, w))):
        theirs = numbers(recursions(f"linear_predictor.{name}", cases(loss, w)))
        assert np.allclose(theirs, ours, rtol=1e-12, atol=1e-15), name
    cycles = numbers(recursions("linear_predictor.two_cycle", cases(loss, rate)))
    assert np.allclose(cycles, linear_predictor.two_cycle(loss, rate), rtol=1e-10, equal_nan=True)


def by_python(rates, shares, starts):
    """Return orbits (step, set) of the unbalanced pair and their exponents."""
    found = [linear_predictor.imbalanced_attractor([rate], share, 0, STEPS, np.array([w]))
             for rate, share, w in zip(rates, shares, starts, strict=True)]
    return np.array([orbit[:, 0] for orbit, _ in found]).T, np.array([exponent[0] for _, exponent in found])


def test_unbalanced_pair(recursions, rng):
    share, rate, start = rng.uniform(0.55, 0.95, SETS), log_uniform(rng, 2, 64), rng.uniform(0.1, 10, SETS)
    both = json.loads(recursions("linear_predictor.imbalanced_attractor",
                                 cases(rate, share, [0] * SETS, [STEPS] * SETS, start)))
    theirs, exponents = numbers(json.dumps([orbit for orbit, _ in both])).T, np.array([one for _, one in both])
    step = linear_predictor.imbalanced_update(theirs[:-1], rate, share)
    assert (abs(theirs[1:] - step) <= ROUNDING * (abs(theirs[:-1]) + rate)).all()
    ours, expected = by_python(rate, share, start)
    certain = steady(ours, by_python(rate * SHIFT, share, start * SHIFT)[0])
    assert certain[-1].mean() > 0.3
    assert close(theirs, ours, SAME)[certain].all()
    assert np.allclose(exponents[certain[-1]], expected[certain[-1]], atol=1e-7)


SCALED = {"exponential": (0.2, 4.2), "logistic": (2, 200), "squared": (0.4, 4.4)}


@pytest.fixture(scope="module", params=SCALED)
def networks(request):
    """A loss and 1,000 networks with learning rates, of what the figures allow."""
    rng = np.random.default_rng(1)
    loss, f0, ntk0 = request.param, rng.uniform(0.1, 2.5, SETS), rng.uniform(1, 4, SETS)
    width = np.floor(log_uniform(rng, 50, 5001))
    return loss, f0, ntk0, width, log_uniform(rng, *SCALED[loss]) / ntk0


def test_two_layers(recursions, networks):
    loss, f0, ntk0, width, rate = networks
    theirs = numbers(recursions("two_layer.iterate", cases(loss, f0, ntk0, width, rate, [STEPS] * SETS)))
    f, ntk = theirs[:, 0].T, theirs[:, 1].T
    ours = two_layer.iterate(loss, f0, ntk0, width, rate, STEPS)
    moved = two_layer.iterate(loss, f0 * SHIFT, ntk0, width, rate * SHIFT, STEPS)
    certain = steady(ours[0], moved[0]) & steady(ours[1], moved[1])
    assert certain.mean() > 0.5
    assert (close(f, ours[0], SAME) & close(ntk, ours[1], SAME))[certain].all()
    here = np.isfinite(f[:-1]) & np.isfinite(f[1:]) & (abs(f[:-1]) < 1e100)
    kappa, scaled = rate**2 / width, rate * ntk
    with np.errstate(over="ignore", invalid="ignore"):
        g = linear_predictor.slope(loss, f[:-1])
        step = f[:-1] * (1 + kappa * g * g) - scaled[:-1] * g
        change = kappa * g * (scaled[:-1] * g - 4 * f[:-1])
        size = abs(f[:-1]) * (1 + kappa * g * g) + scaled[:-1] * abs(g)
        drift = scaled[:-1] + kappa * abs(g) * (scaled[:-1] * abs(g) + 4 * abs(f[:-1]))
        assert ((abs(f[1:] - step) <= ROUNDING * size) | ~here).all()
        assert ((abs(scaled[1:] - scaled[:-1] - change) <= ROUNDING * drift) | ~here).all()


def test_phases_and_ends_of_two_layers(recursions, networks):
    loss, f0, ntk0, width, rate = networks
    phases = json.loads(recursions("two_layer.phase", cases(loss, f0, ntk0, width, rate)))
    assert phases == two_layer.phase_map(loss, f0, ntk0, width, rate).tolist()
    assert len(set(phases)) >= 2
    ends = numbers(recursions("two_layer.final_ntk", cases(loss, f0, ntk0, width, rate)))
    for value, *given in zip(ends, f0, ntk0, width, rate, strict=True):
        ours, error = two_layer.final_ntk_in_floats(loss, *given)
        if error < 1e-11:
            assert np.isclose(value, ours, rtol=1e-9, equal_nan=True)


def test_an_orbit_that_returns_is_left_where_it_rises(recursions, networks):
    loss, f0, ntk0, width, rate = networks
    scaled, kappa = rate * ntk0, rate**2 / width
    returns = kappa <= 8 if loss == "logistic" else (scaled < 4) & (loss == "squared")
    given = (loss, f0, scaled, kappa, [100_000] * SETS, [0] * SETS)
    whole = json.loads(recursions("two_layer.follow", cases(*given)))
    left = json.loads(recursions("two_layer.follow", cases(*given, returns.tolist())))
    assert [one[0] for one in left] == [one[0] for one in whole]


def test_laws_of_two_layers(recursions, networks):
    loss, f0, ntk0, width, rate = networks
    laws = {"critical_learning_rate": (f0, ntk0, width), "convergence_edge": (f0, ntk0, width),
            "slow_ntk": (f0, width, rate), "stability_edge": (rate,)}
    for name, given in laws.items():
        theirs = numbers(recursions(f"two_layer.{name}", cases(loss, *given)))
        assert np.allclose(theirs, getattr(two_layer, name)(loss, *given), rtol=1e-10, equal_nan=True), name
    for name in ("slide_ntk", "two_cycle"):
        theirs = numbers(recursions(f"two_layer.{name}", cases(width, rate)))
        assert np.allclose(theirs.T, getattr(two_layer, name)(width, rate), rtol=1e-10, equal_nan=True), name


def test_the_landing_page_has_the_network_of_its_still(recursions):
    from catapult.chapters.landing_page.experiment import Parameters
    from catapult.companion import moving

    first, second = (matrix.ravel() for matrix in Network((1, Parameters().width, 1)).initialise(Parameters().seed))
    f0 = float(first @ second) / Parameters().width**0.5
    ntk0 = float(first @ first + second @ second) / Parameters().width
    script = (moving.ASSETS / "hero.js").read_text(encoding="utf-8")
    assert f"F0 = {f0!r}, NTK0 = {ntk0!r}, WIDTH = {Parameters().width}," in script
    rates = np.geomspace(1, 60, SETS)
    given = cases("logistic", [f0] * SETS, [ntk0] * SETS, [100] * SETS, rates)
    phases = json.loads(recursions("two_layer.phase", given))
    assert phases == two_layer.phase_map("logistic", f0, ntk0, 100, rates).tolist()
    assert set(phases) == {"lazy", "catapult", "divergent"}


@pytest.fixture(scope="module")
def clouds():
    """1,000 sets of signed inputs in the plane, of whole numbers: many of them on the border between the kinds."""
    rng = np.random.default_rng(2)
    found = []
    for reach in [2] * (SETS // 2) + [30] * (SETS // 2):
        found.append(rng.integers(-reach, reach + 1, size=(rng.integers(1, 8), 2)).tolist())
    return found


@pytest.fixture(scope="module")
def kinds(clouds):
    return [datasets.certify(np.array(Z, dtype=float)).kind for Z in clouds]


def test_kinds_of_data_are_decided_exactly(recursions, clouds, kinds):
    proofs = json.loads(recursions("separability.certify", [[Z] for Z in clouds]))
    assert [proof["kind"] for proof in proofs] == kinds
    assert min(kinds.count(kind) for kind in datasets.separability.KINDS[:3]) > 50
    for Z, proof in zip(np.array(clouds, dtype=object), proofs, strict=True):
        Z = np.array(Z, dtype=float)
        if proof["kind"] == "separable":
            assert (Z @ proof["direction"] > 0).all()
            continue
        conflict = Z[proof["conflict"]]  # some positive multiples of these add up to 0
        assert len(conflict) in (1, 2, 3)
        assert not datasets.certify(conflict).separable
        if proof["kind"] == "non-separable":
            assert (Z @ proof["direction"] >= 0).all()
            assert proof["separable_part"] == decompose(Z).separable.nonzero()[0].tolist()


def test_predictors_on_the_plane(recursions, clouds):
    rng = np.random.default_rng(3)
    for loss, high in (("logistic", 100), ("exponential", 1)):
        rates, starts = log_uniform(rng, 0.1, high), rng.normal(size=(SETS, 2))
        data = [(np.array(Z) / 10).tolist() for Z in clouds]
        given = [[loss, Z, w.tolist(), rate, STEPS] for Z, w, rate in zip(data, starts, rates, strict=True)]
        paths = json.loads(recursions("linear_predictor.descend", given))
        for (_, Z, w, rate, _), path in zip(given, paths, strict=True):
            Z, path = np.array(Z), numbers(json.dumps(path))
            ours = linear_predictor.descend(loss, Z, w, rate, STEPS)
            moved = linear_predictor.descend(loss, Z, np.array(w) * SHIFT, rate * SHIFT, STEPS)
            certain = steady(ours, moved).all(axis=1)
            assert certain[0]
            assert np.allclose(path[certain], ours[certain], rtol=SAME, atol=SAME)
            here = np.isfinite(path).all(axis=1)[1:]
            with np.errstate(over="ignore", invalid="ignore"):
                step = path[:-1] - rate * linear_predictor.gradient(loss, Z, path[:-1])
            size = abs(path[:-1]).max(axis=1) + rate * abs(linear_predictor.gradient(loss, Z, path[:-1])).max(axis=1)
            largest = size + rate * abs(Z).sum()
            assert (abs(path[1:] - step).max(axis=1)[here] <= 64 * ROUNDING * largest[here]).all()


def test_curvatures_margins_and_minima_on_the_plane(recursions, clouds, kinds):
    data = [(np.array(Z) / 10).tolist() for Z in clouds]
    w = np.random.default_rng(4).normal(size=(SETS, 2))
    smooth = numbers(recursions("linear_predictor.smoothness", [[Z] for Z in data]))
    sharp = numbers(recursions("linear_predictor.sharpness",
                               [["logistic", Z, one.tolist()] for Z, one in zip(data, w, strict=True)]))
    for Z, one, theirs, other in zip(data, w, smooth, sharp, strict=True):
        assert np.isclose(theirs, linear_predictor.smoothness(Z), rtol=1e-10, atol=1e-15)
        hessian = linear_predictor.hessian("logistic", Z, one)
        assert np.isclose(other, np.linalg.eigvalsh(hessian)[-1], rtol=1e-9, atol=1e-13)
    strict = [["logistic", Z] for Z, kind in zip(data, kinds, strict=True) if kind == "strictly non-separable"]
    for (_, Z), least in zip(strict, json.loads(recursions("linear_predictor.minimiser", strict)), strict=True):
        assert abs(linear_predictor.gradient("logistic", Z, np.array(least))).max() < 1e-9
    separable = [[Z] for Z, kind in zip(data, kinds, strict=True) if kind == "separable"]
    angles = np.linspace(0, 2 * np.pi, 20_001)
    directions = np.stack([np.cos(angles), np.sin(angles)])
    for (Z,), v in zip(separable, json.loads(recursions("linear_predictor.largest_margin", separable)), strict=True):
        margin = (np.array(Z) @ v).min()
        best = (np.array(Z) @ directions).min(axis=0).max()
        assert best <= margin + 1e-12
        assert margin <= best + 5 * np.pi / 20_000  # |z| is at most 3√2, and the angles are so far apart


@pytest.fixture(scope="module", params=["power", "log_cosh", "cross_entropy"])
def products(request):
    """A kind of F: 1,000 members as JavaScript has them and as Python has, starts and rates, of what is allowed."""
    rng = np.random.default_rng(5)
    order, target = rng.uniform(0.5, 4, SETS), rng.uniform(0.05, 2, SETS)
    given = {"power": [order, target], "log_cosh": [target], "cross_entropy": []}[request.param]
    x, y, rate = rng.uniform(0.5, 5, SETS), rng.uniform(-2, 2, SETS), log_uniform(rng, 2**-4.5, 4)
    return cases(request.param, *given, range(SETS)), getattr(family, request.param)(*given), x, y, rate


def named(members, *columns):
    """Return arguments: a member by its name and what makes it, then the columns."""
    return [[member[:-1], *row] for member, row in zip(members, cases(*columns), strict=True)]


def test_members_of_the_family(recursions, products):
    members, member, x, y, rate = products
    for name in ("value", "slope", "curvature"):
        theirs = numbers(recursions("family.derivative", named(members, name, x * y)))
        assert np.allclose(theirs, getattr(member, name)(x * y), rtol=1e-11, atol=1e-14), name
    theirs = numbers(recursions("family.sharpness", named(members, x, y)))
    assert np.allclose(theirs, family.sharpness(member, x, y), rtol=1e-11)
    theirs = numbers(recursions("family.end", named(members, rate)))
    assert np.allclose(theirs, family.end(member, rate), rtol=1e-11)


def walked(member, x, y, rate):
    """Return the path of gradient descent by steps of the library's own, (step, 2, set)."""
    path = [np.array([x, y])]
    for _ in range(STEPS):
        with np.errstate(all="ignore"):  # where one is lost, or at the minimum
            run = family.follow(member, *path[-1], rate, 1)
        path.append(np.array([run.x, run.y]))
    return np.array(path)


def test_paths_on_products(recursions, products):
    members, member, x, y, rate = products
    runs = json.loads(recursions("family.follow", named(members, x, y, rate, [STEPS] * SETS, [[]] * SETS)))
    theirs = np.full((STEPS + 1, 2, SETS), np.nan)
    for i, run in enumerate(runs):
        theirs[:len(run["path"]), :, i] = run["path"]
    ours = walked(member, x, y, rate)
    certain = steady(ours, walked(member, x * SHIFT, y, rate * SHIFT)).all(axis=1)
    assert certain.mean() > 0.3
    assert close(theirs, ours, SAME).all(axis=1)[certain].all()


def test_outcomes_on_products(recursions, products):
    members, member, x, y, rate = products
    theirs = json.loads(recursions("family.follow", named(members, x, y, rate, [1000] * SETS)))
    ours, moved = (family.follow(member, x * shift, y, rate * shift, 1000) for shift in (1, SHIFT))
    called = regularity.labels(ours, member, rate)
    again = regularity.labels(moved, member, rate)
    sure = (called == again) & close(ours.x, moved.x, 1e-9) & close(ours.rise, moved.rise, 1e-9)
    assert sure.mean() > 0.5
    assert len(set(called[sure])) >= 4
    assert [run["label"] for run, one in zip(theirs, sure, strict=True) if one] == called[sure].tolist()
    seen = {"edge": ours.edge(member, rate), "left": regularity._left(ours, x, y), "peak": ours.peak}
    kept = sure & ~ours.lost
    for name, values in seen.items():
        found = np.array([float(run[name]) for run in theirs])
        assert np.allclose(found[kept], values[kept], rtol=1e-6, atol=1e-9, equal_nan=True), name


@pytest.fixture(scope="module")
def separated(clouds, kinds):
    """Signed inputs of up to three points that are separable with a margin, as the figure allows, and scales."""
    found = [(np.array(Z[:3]) / 10).tolist() for Z in clouds if datasets.certify(np.array(Z[:3], float)).separable]
    found = [Z for Z in found if 1 / np.linalg.norm(diagonal.least_l2(np.array(Z))) > 0.1]
    assert len(found) > 300
    return found, 10 ** np.random.default_rng(6).uniform(-2, 1, len(found))


def test_flow_on_diagonal_networks(recursions, separated):
    decades = [0.1, 1, 10, 100, 1e4, 1e6]
    given = [[Z, scale, decades] for Z, scale in zip(*separated, strict=True)][:150]
    for (Z, scale, _), nu in zip(given, json.loads(recursions("diagonal.flow", given)), strict=True):
        Z, nu = np.array(Z), np.array(nu)
        theirs = 2 * scale**2 * np.sinh(4 * nu @ Z)
        ours = diagonal.flow(Z, 2, diagonal.start_at(scale), decades).w
        assert (abs(theirs - ours).max(axis=1) <= 1e-3 * abs(ours).max(axis=1)).all()
        # the integrator does not know that its time is the logarithm of the loss
        assert np.allclose(diagonal.log_loss(Z, theirs) / np.log(10), -np.array(decades), rtol=1e-3)


def test_right_side_of_the_flow(recursions, separated):
    rng = np.random.default_rng(7)
    given = [[Z, scale, rng.uniform(0, 0.5, len(Z)).tolist()] for Z, scale in zip(*separated, strict=True)]
    for name in ("velocity", "jacobian", "predictor"):
        for (Z, scale, nu), one in zip(given, json.loads(recursions(f"diagonal.{name}", given)), strict=True):
            Z, nu, start = np.array(Z), np.array(nu), np.full((2, 2), scale)
            ours = (diagonal.predictor(2, diagonal.weights(2, diagonal.start_at(scale), nu @ Z)) if name == "predictor"
                    else getattr(_diagonal, name)(Z, 2, start, nu))
            assert np.allclose(one, ours, rtol=1e-8, atol=1e-9 * abs(ours).max()), name


def test_the_two_solutions_in_the_plane(recursions, separated):
    given = [[Z] for Z in separated[0]]
    kernels, riches = (json.loads(recursions(f"diagonal.{name}", given)) for name in ("least_l2", "least_l1"))
    for (Z,), kernel, rich in zip(given, kernels, riches, strict=True):
        Z = np.array(Z)
        assert np.allclose(kernel, diagonal.least_l2(Z), rtol=1e-9, atol=1e-9)
        assert np.isclose(np.abs(rich).sum(), np.abs(diagonal.least_l1(Z)).sum(), rtol=1e-9)
        assert (Z @ rich).min() > 1 - 1e-9


def test_values_that_grow(recursions):
    rng = np.random.default_rng(8)
    depth, ratio = rng.integers(1, 7, SETS), rng.uniform(1.05, 3, SETS)
    multiple, start = log_uniform(rng, 0.02, 1), -np.log(10) * rng.uniform(0.5, 12, SETS)
    targets = np.stack([ratio**2, ratio, np.ones(SETS)], axis=1)
    stable = [incremental.stable_learning_rate(*one) for one in zip(depth, targets[:, 0], strict=True)]
    rate = multiple * np.array(stable)
    given = cases(depth, targets, rate, start, [STEPS] * SETS)
    for (*known, _), path in zip(given, json.loads(recursions("incremental.descend", given)), strict=True):
        assert np.allclose(path, incremental.descend(*known, STEPS), rtol=SAME)
    few = cases(depth, ratio, np.maximum(multiple, 0.1), np.maximum(start, -3))[:200]
    few = [one for one in few if one[0] > 1]
    for one, theirs in zip(few, json.loads(recursions("incremental.log_second_of_steps", few)), strict=True):
        assert np.isclose(theirs, incremental.log_second_of_steps(*one), rtol=SAME, atol=1e-9)
