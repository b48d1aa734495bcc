"""Certificates over boxes and intervals, of cycles and of data: they agree with the theory and refuse what is false."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest

from catapult.chapters.certificates import experiment
from catapult.parameters import InputError
from catapult.theory import certificates, linear_predictor, two_layer
from catapult.theory.certificates import Undecided, _rates, _two_layer

SIDES = {"exponential": ((0, 6), ("0.02", 4)), "logistic": ((0, 14), (4, 64))}


def critical(loss, w):
    """η_c, from mpmath."""
    w = mpmath.mpf(w)
    if w == 0:
        return mpmath.mpf(2 if loss == "exponential" else 8)
    return 2 * w / mpmath.sinh(w) if loss == "exponential" else 4 * w / mpmath.tanh(w / 2)


# Boxes of (w0, η).


@pytest.mark.parametrize("form", ["ends", "quotient", "difference"])
@pytest.mark.parametrize("loss", list(SIDES))
def test_boxes_lie_on_the_side_of_the_critical_curve_that_is_claimed(loss, form):
    found = certificates.one_step_boxes(loss, *SIDES[loss], depth=5, form=form)
    for (w_low, w_high, rate_low, rate_high), verdict in zip(found.boxes, found.verdict, strict=True):
        curve = [critical(loss, w) for w in (w_low, w_high)]
        if verdict == "below":
            assert rate_high < min(curve)
        elif verdict == "above":
            assert rate_low > max(curve)
        elif form == "ends":  # nothing is left but what the curve crosses
            assert rate_low <= max(curve)
            assert rate_high >= min(curve)
    assert {"below", "above", "undecided"} == set(found.verdict)


@pytest.mark.parametrize("loss", list(SIDES))
def test_boxes_cover_the_rectangle_and_the_undecided_rest_halves_with_depth(loss):
    shares = []
    for depth in (4, 5, 6, 7):
        found = certificates.one_step_boxes(loss, *SIDES[loss], depth=depth)
        total = sum(Fraction(b - a) * Fraction(d - c) for a, b, c, d in found.boxes.tolist())
        assert float(total) == pytest.approx(np.ptp(found.boxes[:, :2]) * np.ptp(found.boxes[:, 2:]), rel=1e-12)
        shares.append(found.share("undecided"))
    assert all(0.4 < after / before < 0.6 for before, after in itertools.pairwise(shares))


def test_a_box_across_the_critical_curve_is_never_decided():
    for loss in SIDES:
        rate = float(critical(loss, 2))
        for form in ("ends", "quotient", "difference"):
            found = certificates.one_step_boxes(loss, (1.99, 2.01), (rate - 0.05, rate + 0.04), depth=6, form=form)
            on_curve = [verdict for box, verdict in zip(found.boxes, found.verdict, strict=True)
                        if box[0] <= 2 <= box[1] and box[2] <= rate <= box[3]]
            assert set(on_curve) == {"undecided"}


def test_low_precision_decides_less_and_nothing_wrong():
    rate = float(critical("exponential", 2))
    near = ((2, 2 + 2**-30), (rate - 2**-20, rate - 2**-21))
    assert set(certificates.one_step_boxes("exponential", *near, depth=2, bits=16).verdict) == {"undecided"}
    assert set(certificates.one_step_boxes("exponential", *near, depth=2, bits=64).verdict) == {"below"}


# The two-cycle.


@pytest.mark.slow
def test_the_two_cycle_and_its_multiplier_are_enclosed_for_every_rate():
    found = certificates.two_cycle(("8.001", 200))
    assert found.certified.all()
    assert (found.learning_rate[1:, 0] == found.learning_rate[:-1, 1]).all()
    for i in range(len(found.cycle)):
        for rate in np.linspace(*found.learning_rate[i], 5):
            with mpmath.workdps(80):
                start = float(linear_predictor.two_cycle("logistic", rate))
                w = mpmath.findroot(lambda w, rate=rate: rate * mpmath.tanh(w / 2) - 4 * w, start)
                assert found.cycle[i, 0] <= w <= found.cycle[i, 1]
                assert found.multiplier[i, 0] <= rate / 4 / mpmath.cosh(w / 2) ** 2 - 1 <= found.multiplier[i, 1]


def test_the_cycle_is_undecided_near_eight_alone_and_less_so_with_depth():
    lengths = []
    for depth in (8, 12, 16):
        (first, *_), (*_, last) = (certificates.two_cycle((8, 20), depth=depth).undecided[i] for i in (0, -1))
        assert first == 8
        lengths.append(last - 8)
    assert lengths[0] > 4 * lengths[1] > 16 * lengths[2] > 0


def test_no_cycle_is_certified_where_there_is_none():
    assert not certificates.two_cycle((2, 8)).certified.any()
    below = certificates.two_cycle((7, 9), depth=10)
    assert not below.certified[below.learning_rate[:, 0] <= 8].any()


@pytest.mark.parametrize("claim", [(0, 1), (-1, "0.2"), ("-0.5", "0.5")])
def test_a_false_interval_of_the_multiplier_is_refused_where_it_is_false(claim):
    found = certificates.two_cycle((9, 30), multiplier=claim, depth=10)
    for ends, certified, refuted in zip(found.learning_rate, found.certified, found.refuted, strict=True):
        values = linear_predictor.cycle_multiplier("logistic", linear_predictor.two_cycle("logistic", ends))
        if certified:
            assert all(float(claim[0]) < value < float(claim[1]) for value in values)
        if refuted:
            assert not any(float(claim[0]) < value < float(claim[1]) for value in values)
    assert 0 < found.certified.sum() < len(found.certified)
    assert found.refuted.any()
    assert len(found.undecided) == (~(found.certified | found.refuted)).sum() > 0


def test_ends_that_are_no_floats_are_rounded_outward():
    for low, high in (("0.1", "0.3"), ("0.7", "1.1"), (Fraction(1, 3), Fraction(2, 3))):
        boxes = certificates.one_step_boxes("exponential", (low, high), (low, high), depth=1).boxes
        rates = certificates.convergence("exponential", 1, 2, 100, (low, high), depth=1).learning_rate
        cycle = certificates.two_cycle((Fraction(low) + 8, Fraction(high) + 8), depth=3).learning_rate
        for ends, shift in ((boxes[:, :2], 0), (boxes[:, 2:], 0), (rates, 0), (cycle, 8)):
            first, last = ends.min(), ends.max()
            assert Fraction(first) < Fraction(low) + shift < Fraction(np.nextafter(first, np.inf))
            assert Fraction(last) > Fraction(high) + shift > Fraction(np.nextafter(last, 0))
    exact = certificates.one_step_boxes("exponential", (0, 0.3), (0.1, 0.7), depth=0).boxes
    assert exact.tolist() == [[0, 0.3, 0.1, 0.7]]


# Intervals of η.


@pytest.mark.parametrize("form", ["mean value", "naive"])
@pytest.mark.parametrize(("loss", "sides"), [("exponential", (0.7, 1.9)), ("squared", (0.5, 2.4)),
                                             ("logistic", (2, 40))])
def test_pieces_do_what_is_certified_of_them(loss, sides, form):
    found = certificates.convergence(loss, 1, 2, 10, sides, depth=7, form=form)
    assert (found.learning_rate[1:, 0] == found.learning_rate[:-1, 1]).all()
    rng, seen = np.random.default_rng(0), set()
    for (low, high), verdict in zip(found.learning_rate, found.verdict, strict=True):
        if verdict == "undecided":
            continue
        seen.add(verdict[:8])
        label = two_layer.phase_map(loss, 1, 2, 10, rng.uniform(low, high, 4), steps=10**6)
        assert ((label == "divergent") == verdict.startswith("diverges")).all()
    assert seen == {"converge", "diverges"}


def test_the_undecided_rest_shrinks_around_the_critical_rate():
    shares = []
    for depth in (6, 9, 12):
        found = certificates.convergence("exponential", 1, 2, 100, ("0.7", "1.1"), depth=depth)
        low, high = found.hull("undecided")
        assert found.hull("converges")[1] <= low
        shares.append(found.share("undecided"))
        # the critical rate of the orbit, bisected in floating point, is never decided
        edge = [0.7, 1.1]
        while edge[1] - edge[0] > 1e-12:
            middle = sum(edge) / 2
            edge[two_layer.phase_map("exponential", 1, 2, 100, middle) == "divergent"] = middle
        assert low <= edge[0] <= high
    assert shares[0] > 4 * shares[1] > 16 * shares[2] > 0


def test_mean_value_forms_leave_less_undecided_than_naive_balls():
    sharp, naive = (certificates.convergence("exponential", 1, 2, 100, ("0.7", "1.1"), depth=9, form=form)
                    for form in ("mean value", "naive"))
    assert naive.share("undecided") > 3 * sharp.share("undecided") > 0


def test_a_piece_across_the_critical_rate_of_the_squared_loss_is_undecided():
    found = certificates.convergence("squared", 1, 2, 100, (1.9, 2.1), depth=5)
    assert {verdict for (low, high), verdict in zip(found.learning_rate, found.verdict, strict=True)
            if low <= 2 <= high} == {"undecided"}


def test_hits_are_never_claimed_to_diverge():
    # squared, κ = η²/m: f_1 = 0 at 1 + η² f0²/m = ηλ0, for f0 = 2, λ0 = 5, m = 1 at η = 1 (Λ0 = 5 > 4)
    found = certificates.convergence("squared", 2, 5, 1, (0.9, 1.1), depth=8)
    on_hit = found.verdict[(found.learning_rate[:, 0] <= 1) & (found.learning_rate[:, 1] >= 1)]
    assert set(on_hit) <= {"diverges off a countable set", "undecided"}
    assert found.share("diverges") > 0.5


# Boxes of starts (f0, Λ0).


@pytest.mark.slow
@pytest.mark.parametrize("form", ["mean value", "naive"])
@pytest.mark.parametrize(("loss", "kappa", "f0", "scaled0"), [
    ("exponential", "0.01", ("0.1", 2), ("0.5", 4)), ("squared", "0.01", ("0.1", 2), ("0.5", 6)),
    ("logistic", 12, (0, 3), (21, 60))])
def test_starts_do_what_is_certified_of_their_box(loss, kappa, f0, scaled0, form):
    found = certificates.start_boxes(loss, kappa, f0, scaled0, depth=6 if loss == "exponential" else 5, form=form)
    total = np.ptp(found.boxes[:, :2]) * np.ptp(found.boxes[:, 2:])
    assert ((found.boxes[:, 1] - found.boxes[:, 0]) * (found.boxes[:, 3] - found.boxes[:, 2])).sum() == \
        pytest.approx(total, rel=1e-12)
    f, scaled = np.random.default_rng(1).uniform(found.boxes[:, ::2], found.boxes[:, 1::2]).T
    rate = 10 * float(kappa) ** 0.5  # at width 100
    ends = two_layer.phase_map(loss, f, scaled / rate, 100, rate, steps=10**5)
    for name in set(found.verdict) - {"undecided"}:
        assert ((ends == "divergent") == name.startswith("diverges"))[found.verdict == name].all()
    assert len(set(found.verdict)) > 2 or loss == "logistic"


@pytest.mark.parametrize("form", ["mean value", "naive"])
@pytest.mark.parametrize(("loss", "scaled"), [("exponential", 2.5), ("squared", 3.0), ("logistic", 20.0)])
def test_balls_of_starts_contain_the_orbit_of_each(loss, scaled, form):
    box = (0.5, 0.51, scaled, scaled + 0.01)
    with flint.ctx.workprec(150):
        states = list(itertools.islice(_rates.FORMS[form](_rates.of_starts(loss, flint.fmpq(1, 9), box)), 6))
        for corner in itertools.product(box[:2], box[2:]):
            f, ntk = map(flint.arb, corner)
            for kappa, f_ball, scaled_ball in states:
                assert f_ball.overlaps(f)
                assert scaled_ball.overlaps(ntk)
                f, ntk = _two_layer.step(loss, kappa, f, ntk)
        assert states[3][1].rad() < (0.5 if form == "mean value" else 5)


@pytest.mark.slow
def test_of_starts_mean_value_forms_leave_less_undecided_than_naive_balls():
    sharp, naive = (certificates.start_boxes("squared", "0.01", ("0.1", 2), ("0.5", 4), depth=6, form=form)
                    for form in ("mean value", "naive"))
    assert sharp.share("undecided") < 0.25
    assert naive.share("undecided") > max(0.5, 3 * sharp.share("undecided"))


def test_a_box_with_starts_at_zero_is_not_said_to_diverge():
    found = certificates.start_boxes("squared", "0.01", (0, 1), (4.5, 5), depth=3)
    at_zero = found.boxes[:, 0] == 0
    assert set(found.verdict[at_zero]) == {"undecided"}
    assert set(found.verdict[~at_zero]) == {"diverges off a countable set"}


# Chaos.


@pytest.mark.parametrize(("p", "gamma"), [("9/10", 4), ("3/5", 7), ("0.7", 4)])
def test_period_three_is_certified(p, gamma):
    outcome = certificates.period_three(p, gamma)
    assert outcome.gap > 1
    fraction, rate = float(Fraction(p)), gamma / float(Fraction(p) * (1 - Fraction(p)))
    w = outcome.points[0].midpoint
    for point in (*outcome.points, outcome.points[0]):
        assert w == pytest.approx(point.midpoint, abs=1e-5)
        w = w - rate * (1 / (1 + math.exp(-w)) - fraction)


@pytest.mark.parametrize("bracket", [None, (1, 2), (-2, "-1"), ("-0.1", "0.1"), (3, "3.01")])
def test_balanced_labels_have_no_period_three_and_none_is_certified(bracket):
    for gamma in (3, 7, 12):
        assert isinstance(certificates.period_three("1/2", gamma, bracket), Undecided)


def test_the_fixed_point_is_no_cycle_and_low_precision_is_no_proof():
    fixed = math.log(9)
    outcome = certificates.period_three("9/10", 4, (fixed - 1e-3, fixed + 1e-3))
    assert "disjoint" in outcome.reason
    assert "change sign" in certificates.period_three("9/10", 4, (0, "0.1")).reason
    bracket = [outcome := certificates.period_three("9/10", 4).points[0].lower, outcome + 1e-11]
    assert isinstance(certificates.period_three("9/10", 4, bracket, bits=24), Undecided)


@pytest.mark.parametrize(("p", "gamma"), [("1e-400", 7), (1 - Fraction(1, 10**30), 7), ("1/2", "1e400")])
def test_what_floats_can_not_search_is_undecided(p, gamma):
    assert isinstance(certificates.period_three(p, gamma), Undecided)


# Larger is flatter.


def test_a_pair_is_certified_in_one_order_only():
    # found by a search in floating point; both rates lie in the catapult phase 2 < ηλ0 < 4
    rates = np.linspace(1.05, 1.95, 91)
    limits = [two_layer.final_ntk("squared", 1, 2, 100, rate) for rate in rates]
    i = int(np.argmin(limits[:-1]))
    outcome = certificates.sharper_at_larger_rate("squared", 1, 2, 100, rates[i], rates[i + 1])
    assert outcome.gap > 0
    assert outcome.smaller.upper < outcome.larger.lower
    j = int(np.argmax(limits[:-1]))
    refused = certificates.sharper_at_larger_rate("squared", 1, 2, 100, rates[j], rates[j + 1])
    assert refused == Undecided("the enclosures do not lie in that order")


def test_a_pair_whose_smaller_rate_ends_at_zero_has_no_finite_ratio():
    # w1 = (2, 1, 1, 0), w2 = (1, 2, 0, 1), m = 4: |a| = 1 at the first step with η = 1
    outcome = certificates.sharper_at_larger_rate("squared", 2, 3, 4, 1, "5/4")
    assert (outcome.smaller.upper, outcome.gap) == (0.0, math.inf)
    assert outcome.larger.lower > 1


def test_a_pair_with_a_divergent_orbit_or_too_little_precision_is_refused():
    assert "η = 2.2" in certificates.sharper_at_larger_rate("squared", 1, 2, 100, 1.5, 2.2).reason
    close = (1.7, math.nextafter(1.7, 2))
    assert isinstance(certificates.sharper_at_larger_rate("squared", 1, 2, 100, *close, bits=40), Undecided)


# Bits.


@pytest.mark.parametrize(("loss", "rate"), list(experiment.ORBITS.items()))
def test_mean_value_orbits_keep_their_bits_and_naive_ones_lose_them(loss, rate):
    left = {form: certificates.bits_left(loss, 1, 2, 100, rate, 200, bits=512, form=form)
            for form in ("mean value", "naive")}
    assert len(left["mean value"]) == len(left["naive"]) == 201
    assert 512 - min(left["mean value"]) <= 12
    assert 512 - left["naive"][-1] >= 100


def test_a_low_precision_of_naive_balls_is_soon_used_up():
    short = certificates.bits_left("exponential", 1, 2, 100, "0.86", 400, bits=64, form="naive")
    assert len(short) < 100


# Data.


@pytest.mark.parametrize(("rows", "kind"), [
    ([["1/3", 1], [1, "1/7"]], "separable"), ([[1, 0], [-1, 0], [0, 1]], "non-separable"),
    ([["1/3", 1], [-1, "1/7"], ["0.1", "-2.5"]], "strictly non-separable"),
    ([[1, 1], [-1, -1]], "non-separable"), ([[1], ["-1/3"]], "strictly non-separable")])
def test_rational_data_get_their_kind_with_evidence_that_holds(rows, kind):
    outcome = certificates.separability(rows)
    assert outcome.kind == kind
    assert outcome.holds(rows)


def test_false_statements_about_data_do_not_hold():
    separable, touching = [["1/3", 1], [1, "1/7"]], [[1, 0], [-1, 0], [0, 1]]
    strict = [["1/3", 1], [-1, "1/7"], ["0.1", "-2.5"]]
    proofs = {kind: certificates.separability(rows) for kind, rows in
              (("separable", separable), ("touching", touching), ("strict", strict))}
    assert not proofs["separable"].holds(strict)
    assert not proofs["strict"].holds(separable)
    claim = certificates.DataCertificate
    assert not claim("strictly non-separable", weights=proofs["touching"].weights).holds(touching)
    assert not claim("strictly non-separable", weights=(1, 1)).holds([[1, 1], [-1, -1]])  # of rank 1
    assert not claim("non-separable", weights=(0, 0)).holds([[1, 1], [-1, -1]])
    assert not claim("separable", direction=proofs["separable"].direction).holds(touching)
    assert claim("non-separable", (0, 1), (1, 1, 0)).holds(touching)
    for direction in (None, (0, 0), (0, -1), (1, 1), (0, 1, 0)):
        assert not claim("non-separable", direction, (1, 1, 0)).holds(touching)
    assert not claim("non-separable", (0, 1), (1, 1)).holds(touching)
    assert claim("non-separable, strictly or not", weights=(1, 1, 0)).holds(touching)


@pytest.mark.parametrize(("rows", "kind"), [
    ([[Fraction(1, 3**40), 1], [1, 1]], "separable"), ([[10**400, 1], [-10**400, 1]], "separable"),
    ([[10**400, 1], [-10**400, -1]], "non-separable"),
    ([["1e-400", 1], ["1e-400", -1], [-1, 0]], "strictly non-separable"),
    ([["1/3", 1], ["-1/3", -1], [0, "1e-500"]], "non-separable")])
def test_rows_beyond_floats_are_decided(rows, kind):
    outcome = certificates.separability(rows)
    assert outcome.kind == kind
    assert outcome.holds(rows)


DESIGNED = ("strictly non-separable", "separable", "non-separable", "separable", "strictly non-separable",
            "strictly non-separable")


@pytest.mark.parametrize(("name", "kind"), list(zip(experiment.data_sets(), DESIGNED, strict=True)))
def test_the_companions_small_data_sets_are_of_the_kind_they_were_designed_to_be(name, kind):
    Z = experiment.data_sets()[name]
    found = certificates.separability(Z.tolist())
    assert found.kind == kind
    rows = [[Fraction(x) for x in row] for row in Z.tolist()]
    w, weights = ([Fraction(int(x.p), int(x.q)) for x in part or ()] for part in (found.direction, found.weights))
    if w:
        products = [sum(x * y for x, y in zip(row, w, strict=True)) for row in rows]
        assert min(products) > 0 if kind == "separable" else min(products) >= 0 and any(w)
    if kind != "separable":
        assert [sum(weight * x for weight, x in zip(weights, column, strict=True))
                for column in zip(*rows, strict=True)] == [0] * Z.shape[1]
        assert min(weights) >= (kind == "strictly non-separable")
        assert any(weights)
        assert kind == "non-separable" or np.linalg.matrix_rank(Z) == Z.shape[1]


def test_large_data_beyond_floats_are_undecided():
    rows = [[Fraction(1, 3 + i + j) for j in range(11)] for i in range(101)]
    assert "too long" in certificates.separability(rows).reason


@pytest.mark.parametrize(("call", "message"), [
    (lambda: certificates.one_step_boxes("squared", (0, 1), (1, 2)),
     "lacks a critical rate that varies with w, with balls for it; losses that have it: exponential, logistic$"),
    (lambda: certificates.one_step_boxes("logistic", (-1, 1), (1, 2)), "0 ≤ low < high"),
    (lambda: certificates.one_step_boxes("logistic", (0, "1e400"), (1, 2)), "in the range of floats"),
    (lambda: certificates.one_step_boxes("logistic", (0, 1), ("1e-400", 2)), "in the range of floats"),
    (lambda: certificates.one_step_boxes("logistic", (0, 1), (1, 2), form="best"), "ends, quotient, difference"),
    (lambda: certificates.two_cycle((9, 10), depth=-1), "depth = -1"),
    (lambda: certificates.two_cycle((9, 10), bits=1), "bits = 1"),
    (lambda: certificates.period_three("0.9", 4, bits=2.5), "bits = 2.5"),
    (lambda: certificates.bits_left("squared", 1, 2, 100, "1.7", 5, bits=1), "bits = 1"),
    (lambda: certificates.bits_left("squared", 1, 2, 100, "1.7", -1), "steps = -1"),
    (lambda: certificates.start_boxes("squared", "0.01", (0, 3), ("0.5", 2)), "no network has f = 3 with Λ = 0.5"),
    (lambda: certificates.start_boxes("squared", 0, (0, 1), (1, 2)), "kappa = 0"),
    (lambda: certificates.start_boxes("squared", 1, (-1, 1), (1, 2)), "0 ≤ low < high"),
    (lambda: certificates.start_boxes("squared", 1, (0, "0.1"), (1, 2), form="best"), "mean value, naive"),
    (lambda: certificates.one_step_boxes("logistic", (0, 1), (1, 2), depth=-1), "depth = -1"),
    (lambda: certificates.two_cycle((9, 9)), "0 < low < high"),
    (lambda: certificates.convergence("squared", 1, 2, 10, (2, 1)), "0 < low < high"),
    (lambda: certificates.convergence("squared", 1, 2, 10, (1, 2), form="best"), "mean value, naive"),
    (lambda: certificates.period_three("3/2", 4), "p in"),
    (lambda: certificates.period_three("0.9", 4, (1, 0)), "low < high"),
    (lambda: certificates.sharper_at_larger_rate("squared", 1, 2, 10, 1.5, 1.5), "smaller < larger"),
    (lambda: certificates.bits_left("squared", 1, 2, 10, 1, 5, form="best"), "mean value, naive"),
    (lambda: certificates.separability([[1, 2], [3]]), "rows of d"),
    (lambda: certificates.separability([]), "rows of d"),
    (lambda: certificates.separability([["x"]]), "Z = 'x'")])
def test_wrong_input_is_one_line(call, message):
    with pytest.raises(InputError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
