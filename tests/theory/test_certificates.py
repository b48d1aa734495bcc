"""Certificates: they enclose what independent high-precision computations give, and refuse what is false."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
from mpmath import mpf

from catapult.oracles import balls
from catapult.parameters import InputError
from catapult.theory import certificates, two_layer
from catapult.theory.certificates import Diverges, Enclosure, Undecided, _outcomes, _two_layer

LOSSES = ("exponential", "logistic", "squared")
RATES = {"exponential": 0.9, "logistic": 6.0, "squared": 1.2}  # η at λ0 = 2: in the catapult phase or beyond


def random_orbits(loss, count, seed, largest_width=4):
    """Yield f0, λ0, m and η of random networks, lazy and beyond."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        width = int(10 ** rng.uniform(0, largest_width))
        f0 = float(rng.normal())
        ntk0 = float(rng.uniform(1.5, 2.5)) + 2 * abs(f0) / width**0.5
        yield f0, ntk0, width, float(rng.uniform(0.1, 1.9)) * RATES[loss]


# The final kernel.


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_the_final_kernel_is_enclosed(loss):
    kinds = []
    for given in random_orbits(loss, 25, seed=1, largest_width=2.0):
        outcome, limit = certificates.final_ntk(loss, *given), balls.limit(loss, *given)
        kinds.append(type(outcome))
        if isinstance(outcome, Enclosure) and limit is not None:
            assert outcome.lower <= limit <= outcome.upper
            assert outcome.upper - outcome.lower <= 2**-50 * outcome.upper
        elif isinstance(outcome, Diverges):
            assert limit == math.inf or loss == "logistic"
    assert kinds.count(Enclosure) >= 10
    assert kinds.count(Undecided) == 0
    assert loss == "logistic" or kinds.count(Diverges) >= 3


def near_chaos(count, seed):
    """Yield f0, λ0, m and η with ηλ0 = 4 (1 − 2⁻ᵏ), k from 4 to 52: next to the chaos of the squared loss."""
    rng = np.random.default_rng(seed)
    for closeness in rng.uniform(4, 52, count):
        f0, ntk0 = float(rng.uniform(0.1, 1)), float(rng.uniform(2, 2.5))
        yield f0, ntk0, int(10 ** rng.uniform(0, 4)), 4 / ntk0 * (1 - 2.0**-closeness)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*LOSSES, "near chaos"])
def test_floats_know_how_far_they_are_from_the_enclosure(kind):
    loss, networks = ("squared", near_chaos(100, 2)) if kind == "near chaos" else (kind, random_orbits(kind, 100, 2))
    distances, errors = [], []
    for given in networks:
        outcome = certificates.final_ntk(loss, *given, max_steps=50_000)
        final = two_layer.final_ntk(loss, *given)
        assert not isinstance(outcome, Undecided)
        assert isinstance(outcome, Diverges) == math.isnan(final)
        if isinstance(outcome, Enclosure):
            # A slow orbit is cut off with a wider enclosure: then the float has to lie within it.
            assert outcome.relative_width < 1e-12 or outcome.steps == 50_000
            assert outcome.distance(final) < 1e-11
            value, error = two_layer.final_ntk_in_floats(loss, *given)
            distances.append(outcome.distance(value))
            errors.append(error)
    distances, errors = np.array(distances), np.array(errors)
    assert len(distances) >= 40
    known = errors < 0.1
    assert (distances <= 8 * (errors + 2**-53))[known].all()
    assert np.median((errors / np.maximum(distances, 2**-53))[known]) < 20  # no gross overestimate
    if kind == "near chaos":
        assert not known.all()
        assert distances.max() > 0.1
    else:
        assert known.all()
        assert np.median(distances) < 1e-14


@pytest.mark.slow
@pytest.mark.parametrize(("given", "outcome"), [
    ((0.5503783629581965, 1.8304121723463371, 1, 5.43525722828708), Diverges),
    ((1.370498578980276, 3.0396932907794745, 1, 1.1589733778537366), Enclosure)])
def test_a_hit_that_rounding_made_is_not_believed(given, outcome):
    # squared loss: f⁺ = 0 in floats at an unstable minimum; the exact f⁺ is some 10⁻¹⁷, and grows
    assert two_layer.iterate("squared", *given, 1)[0][1] == 0
    value, error = two_layer.final_ntk_in_floats("squared", *given)
    assert given[-1] * value > 2
    assert error == math.inf
    exact, final = certificates.final_ntk("squared", *given), two_layer.final_ntk("squared", *given)
    assert isinstance(exact, outcome)
    assert math.isnan(final) if outcome is Diverges else exact.lower <= final <= exact.upper < value


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("step", [_two_layer.step, _two_layer.mean_value_step])
def test_a_step_of_balls_contains_the_step_of_every_point(loss, step):
    rng = np.random.default_rng(3)
    with flint.ctx.workprec(200):
        for _ in range(200):
            radius = float(10.0 ** rng.uniform(-9, -0.5))
            f, scaled, kappa = rng.normal() * 2, rng.uniform(0, 20), flint.arb(rng.uniform(0, 3))
            f_ball, scaled_ball = flint.arb(f, radius), flint.arb(scaled, radius / 3)
            image = step(loss, kappa, f_ball, scaled_ball)
            for u, v in rng.uniform(-1, 1, (5, 2)).round():
                point = f + flint.arb(radius) * u, scaled + flint.arb(radius) / 3 * v
                assert all(ball.overlaps(exact) for ball, exact in
                           zip(image, _two_layer.step(loss, kappa, *point), strict=True))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_mean_value_step_is_the_step_at_a_point(loss):
    with flint.ctx.workprec(100):
        given = flint.arb(0.3), flint.arb(1.1), flint.arb(3.4)
        images = _two_layer.step(loss, *given), _two_layer.mean_value_step(loss, *given)
        assert all(abs(plain - mean_value) < 1e-27 for plain, mean_value in zip(*images, strict=True))


def test_parameters_are_exact():
    tenth = certificates.final_ntk("squared", "0.1", 2, 10, "0.5")
    assert tenth == certificates.final_ntk("squared", Fraction(1, 10), 2.0, 10, 0.5)
    for f0 in (0.1, "0.1"):
        outcome = certificates.final_ntk("squared", f0, 2, 10, 0.5)
        assert outcome.lower <= balls.limit("squared", f0, 2, 10, 0.5) <= outcome.upper
    assert _outcomes.exact("x", 0.1) != _outcomes.exact("x", "0.1")


def test_an_exact_hit_ends_where_it_lands():
    outcome = certificates.final_ntk("squared", 2, 5, 1, 1)
    assert (outcome.lower, outcome.upper) == (9.0, 9.0)
    assert certificates.final_ntk("logistic", 0, 3, 10, 100).lower == 3.0
    assert certificates.final_ntk("squared", 0, 2, 1, 2) == Enclosure(2.0, 2.0, 0, 128)  # also where Λ0 = 4


def test_one_step_hits_of_rational_data_end_exactly():
    # f_1 = 0 iff Λ0 = 1 + x, x = κ f0²; then Λ_1 = 1 + x + x(x − 3) = (1 − x)²
    rng = np.random.default_rng(8)
    for _ in range(150):
        f0, rate = (Fraction(int(rng.integers(1, 400)), int(rng.integers(1, 100))) for _ in range(2))
        width = int(10 ** rng.uniform(0, 5))
        x = rate**2 * f0**2 / width
        outcome, limit = certificates.final_ntk("squared", f0, (1 + x) / rate, width, rate), (1 - x) ** 2 / rate
        assert isinstance(outcome, Enclosure)
        assert Fraction(outcome.lower) <= limit <= Fraction(outcome.upper)
        assert outcome.relative_width < 2**-51
    assert certificates.final_ntk("squared", 1, "1.01", 100, 1).lower == 0.9801
    assert certificates.final_ntk("squared", 20, 5, 100, 1) == Enclosure(9.0, 9.0, 1, 128)  # where Λ0 > 4


def test_two_step_hits_of_rational_data_end_exactly():
    # f_2 = 0 iff Λ_1 = 1 + x_1, a quadratic in Λ0; f0 = η = 1, m = 1/x: rational where its discriminant is a square
    found = 0
    for width in range(1, 400):
        x = Fraction(1, width)
        # Λ + x(Λ − 4) − 1 − x(1 + x − Λ)² = 0
        b, c = -(1 + x + 2 * x * (1 + x)), 1 + 4 * x + x * (1 + x) ** 2
        square = b * b - 4 * x * c
        roots = [math.isqrt(part) for part in (square.numerator, square.denominator)] if square >= 0 else [0, 0]
        if square < 0 or [root**2 for root in roots] != [square.numerator, square.denominator]:
            continue
        for sign in (1, -1):
            scaled = (-b + sign * Fraction(*roots)) / (2 * x)
            if scaled * scaled < 4 * x or scaled == 1 + x:
                continue
            outcome = certificates.final_ntk("squared", 1, scaled, width, 1)
            assert isinstance(outcome, Enclosure)
            f, kernel = 1 + x - scaled, scaled + x * (scaled - 4)
            kernel += x * f * f * (kernel - 4)
            assert Fraction(outcome.lower) <= kernel <= Fraction(outcome.upper)
            found += 1
    assert found > 0


@pytest.mark.parametrize("loss", LOSSES)
def test_orbits_with_d_equal_to_zero_end_at_zero_or_diverge(loss):
    assert certificates.final_ntk(loss, "0.5", 1, 1, 1) == Enclosure(0.0, 0.0, 0, 128)
    far = certificates.final_ntk(loss, -20, 40, 1, 5)  # |a| > 2
    assert (type(far), far.reason) == (Diverges, "D = 0 and |a| > 2")
    _, ntk = two_layer.iterate(loss, -20, 40, 1, 5, 1)
    assert ntk[1] > ntk[0] or loss == "exponential"  # whose slope is beyond floats


def test_a_step_with_a_equal_to_one_ends_at_zero():
    assert certificates.final_ntk("squared", 4, "2.5", 16, 1) == Enclosure(0.0, 0.0, 1, 128)
    # κ = 4, f0 = −1/2: a = −1, and f_1 = −1/2 (2 − 8) = 3, |a_1| = 6
    assert certificates.final_ntk("squared", "-0.5", 4, 1, 2) == Diverges("D = 0 and |a| > 2", 1, 128)


def test_at_four_only_a_hit_is_a_limit():
    # a = √κ f: a² = 3 is mapped to a³ − 3a = 0
    assert certificates.final_ntk("squared", 3, 4, 3, 1) == Enclosure(4.0, 4.0, 1, 128)
    for f0 in ("1", "1.5", "1.7320508", "2"):
        assert "does not tend to 0" in certificates.final_ntk("squared", f0, 4, 1, 1).reason


def test_a_limit_beyond_floats_is_undecided():
    for given in (("squared", 0, "1e400", 10, 1), ("squared", 1, "1e310", 10**4, "1e-310")):
        assert certificates.final_ntk(*given) == Undecided("the limit is not enclosed by finite floats")


@pytest.mark.parametrize("loss", LOSSES)
def test_balls_around_zero_give_finite_bounds(loss):
    with flint.ctx.workprec(128):
        low, high = _two_layer.trapped(loss, flint.arb(1) / 100, flint.arb(0, 1e-9), flint.arb(1))
        assert low.is_finite()
        assert high.is_finite()
        assert 0.999999 < low < high < 1.000001


def test_a_distance_from_an_enclosure_of_zero_is_a_distance():
    zero = Enclosure(0.0, 0.0)
    assert (zero.distance(0.0), zero.distance(1e-9)) == (0, math.inf)
    assert math.isnan(zero.distance(math.nan))


def test_divergence_is_proved_for_the_orbit_itself():
    for loss, rate in (("exponential", 1.5), ("logistic", 40.0), ("squared", 2.2)):
        outcome = certificates.final_ntk(loss, 1, 2, 20, rate)
        assert isinstance(outcome, Diverges)
        _, ntk = two_layer.iterate(loss, 1, 2, 20, rate, outcome.steps + 6)
        assert np.nanmin(ntk[outcome.steps:]) * rate > 4


def test_the_escape_of_logistic_orbits_is_not_claimed_while_kappa_is_at_most_eight():
    with flint.ctx.workprec(128):
        far = flint.arb(1e6), flint.arb(1e7)
        assert not _two_layer.logistic_escape(flint.arb(8), *far)
        assert not _two_layer.logistic_escape(flint.arb(8.5), flint.arb(0.1), flint.arb(50))
        assert _two_layer.logistic_escape(flint.arb(8.5), *far)


def may_escape(kappa, f, scaled):
    """The hypotheses of logistic_escape at a point, in the precision of the context."""
    root = mpmath.sqrt(kappa)
    top, ratio = root / 2, abs(mpmath.log((scaled + 2 * root * f) / (scaled - 2 * root * f)))
    room = min(ratio, 2 * mpmath.log((top + 1) / (top - 1)) - ratio) / 2
    least = mpmath.sqrt(scaled**2 - 4 * kappa * f**2) * mpmath.sinh(room / 2) / (2 * root)
    square = (top * mpmath.tanh(least / 2)) ** 2
    return room > 0 and square > 2 and (8 * top / (square - 1) * mpmath.exp(-least)
                                        / (1 - mpmath.exp(-least * (square - 2)))) < room


def goes_far(kappa, f, scaled):
    """Whether the logistic orbit reaches |f| > 10⁴ before the trap Λ < 8."""
    root = mpmath.sqrt(kappa)
    p, q = scaled + 2 * root * f, scaled - 2 * root * f
    while p + q > 16 and abs(p - q) < 4e4 * root:
        a = root * mpmath.tanh((p - q) / (8 * root)) / 2
        p, q = (1 - a) ** 2 * p, (1 + a) ** 2 * q
    return p + q > 16


@pytest.mark.slow
def test_logistic_escape_from_a_wide_ball_holds_for_its_points():
    rng, escaping = np.random.default_rng(6), 0
    with flint.ctx.workprec(128), mpmath.workdps(60):
        for _ in range(12_000):
            kappa, f = 8 + 10 ** rng.uniform(-0.5, 1), 10 ** rng.uniform(0.3, 1.3)
            centre = np.array([kappa, f, 2 * kappa**0.5 * f * (1 + 10 ** rng.uniform(-2, 1.5))])
            radius = rng.uniform(0, 1, 3) * centre * (0.1, 0.5, 0.3)
            balls = [flint.arb(*pair) for pair in zip(centre.tolist(), radius.tolist(), strict=True)]
            if balls[0] > 8 and _two_layer.logistic_escape(*balls):
                escaping += 1
                for way in (*rng.uniform(-1, 1, (2, 3)), rng.choice([-1, 1], 3)):
                    point = [mpf(x) + mpf(r) * mpf(u) for x, r, u in
                             zip(centre.tolist(), radius.tolist(), way.tolist(), strict=True)]
                    assert may_escape(*point)
                    assert goes_far(*point)
    assert escaping >= 20


def test_an_interval_with_a_convergent_orbit_is_not_said_to_diverge():
    # its balls are wide enough for a lower bound of |f| to be negative
    given = "logistic", "-1.12", "21.2", 1
    assert isinstance(certificates.final_ntk(*given, "3.3657"), Enclosure)
    assert certificates.convergence(*given, ("3.29", "3.38"), depth=0).verdict.tolist() == ["undecided"]


@pytest.mark.parametrize(("change", "reason"), [
    ({"learning_rate": 2}, "ηλ0 = 4 exactly"),
    ({"learning_rate": 1.7, "max_steps": 3}, "too few steps: after 3 steps"),
    ({"learning_rate": 2 - 2**-40, "bits": 32}, "precision lost: of 32 bits")])
def test_what_can_not_be_proved_is_undecided(change, reason):
    given = {"f0": 1, "ntk0": 2, "width": 100, "learning_rate": 0.7, **change}
    outcome = certificates.final_ntk("squared", **given)
    assert isinstance(outcome, Undecided)
    assert outcome.reason.startswith(reason)


def test_low_precision_gives_a_wide_enclosure_and_not_a_wrong_one():
    sharp = certificates.final_ntk("squared", 1, 2, 100, "1.7")
    for bits in (32, 40, 60):
        wide = certificates.final_ntk("squared", 1, 2, 100, "1.7", bits=bits)
        assert wide.lower <= sharp.lower
        assert sharp.upper <= wide.upper
        assert wide.upper - wide.lower > sharp.upper - sharp.lower


def test_the_bounds_in_the_trap_hold_and_are_refused_outside():
    with flint.ctx.workprec(128):
        for loss, scaled, edge in (("exponential", "1.7", 2), ("logistic", "7.5", 8), ("squared", "1.9", 2)):
            start = _two_layer.checked(loss, "0.3", scaled, 50, 1)
            states = _two_layer.orbit(start)
            low, high = _two_layer.trapped(loss, flint.arb(start.kappa), *next(states))
            for _ in range(3000):
                _, last = next(states)
            assert 0.5 * high < low < last < high
            for f in (flint.arb(0.01), flint.arb(0, 1e-9)):
                assert _two_layer.trapped(loss, flint.arb(start.kappa), f, flint.arb(edge)) is None


def test_few_steps_in_the_trap_give_a_wide_enclosure():
    sharp = certificates.final_ntk("squared", 1, 2, 100, "0.7")
    wide = certificates.final_ntk("squared", 1, 2, 100, "0.7", max_steps=1)
    assert wide.steps == 1
    assert wide.lower < sharp.lower < sharp.upper < wide.upper < 1.01 * wide.lower


@pytest.mark.parametrize(("change", "message"), [
    ({"f0": math.nan}, "f0 = nan; allowed: an integer"), ({"ntk0": 0}, "ntk0 = 0; allowed: > 0"),
    ({"width": 2.5}, "width = 2.5; allowed: a whole number"), ({"learning_rate": "a lot"}, "learning_rate = 'a lot'"),
    ({"learning_rate": True}, "learning_rate = True"), ({"f0": 100}, "no network of width 4 has f = 100"),
    ({"loss": "logistc"}, "did you mean 'logistic'"), ({"bits": 5}, "bits = 5"), ({"max_steps": -1}, "max_steps = -1")])
def test_wrong_input_is_one_line(change, message):
    given = {"loss": "logistic", "f0": 1.0, "ntk0": 2.0, "width": 4, "learning_rate": 1.0, **change}
    with pytest.raises(InputError, match=message):
        certificates.final_ntk(**given)


@pytest.mark.parametrize("name", ["f0", "ntk0", "width", "learning_rate"])
@pytest.mark.parametrize("text", ["٣", "1_0", " 1 ", "1\n", "１", "007", "1e", "", "3/٣", "1/0", "1e10001",
                                  "1e-9999999", "inf"])
def test_text_is_a_number_in_plain_digits(name, text):
    given = {"loss": "squared", "f0": 1, "ntk0": 2, "width": 4, "learning_rate": 1, name: text}
    with pytest.raises(InputError, match=rf"^{name} = '.*'; allowed: .* in the digits 0 to 9"):
        certificates.final_ntk(**given)


def test_plain_text_is_the_number_that_it_says():
    for text, number in (("1e-3", Fraction(1, 1000)), ("-.5", Fraction(-1, 2)), ("9/10", Fraction(9, 10)), ("+3.", 3),
                         (Decimal("0.1"), Fraction(1, 10)), (np.float32(0.5), Fraction(1, 2))):
        found = _outcomes.exact("x", text)
        assert Fraction(int(found.p), int(found.q)) == number
    with pytest.raises(InputError, match="power of ten up to 10000"):
        _outcomes.exact("x", Decimal("1e10001"))


@pytest.mark.parametrize("loss", ["logistic", "exponential"])
@pytest.mark.parametrize(("name", "value"), [
    (name, value) for name in ("ntk0", "learning_rate", "width")
    for value in (1e308, "1e400", 10**400, 10**20 + 1, 10**4000)])
def test_sizes_that_no_orbit_of_balls_reaches_the_end_of_are_refused(loss, name, value):
    given = {"f0": 1, "ntk0": 2, "width": 100, "learning_rate": 1, name: value}
    with pytest.raises(InputError, match=f"^{name} = .*; allowed: at most 1e20 in size, except with the squared loss"):
        certificates.final_ntk(loss, **given, max_steps=10)
    certificates.final_ntk(loss, **{**given, name: 10**20}, max_steps=10)


@pytest.mark.parametrize("function", [certificates.final_ntk, lambda *given, bits: certificates.bits_left(
    *given, 3, bits=bits)])
def test_the_precision_has_a_stated_maximum(function):
    for bits in (2**14 + 1, 10**30, 10**5000):
        with pytest.raises(InputError, match=r"^bits = .*; allowed: a whole number ≥ 32 and ≤ 16384$"):
            function("squared", 1, 2, 100, "0.7", bits=bits)
    assert function("squared", 1, 2, 100, "0.7", bits=2**14)


def test_numbers_beyond_floats_are_taken():
    # Λ = 2 √κ f exactly: D = 0, and all of λ is lost
    assert certificates.final_ntk("squared", 10**200, 2, 10**400, "0.1").upper < 1e-300
    assert isinstance(certificates.final_ntk("squared", 1, "1e400", 10, "1e-399"), Diverges)


@pytest.mark.parametrize(("value", "form", "below", "above"), [
    (8.00001645, ".6f", 8.000016, 8.000017), (99.298, ".1f", 99.2, 99.3), (-0.55, ".1f", -0.6, -0.5),
    (1.14e-7, ".1e", 1.1e-7, 1.2e-7), (100.0, "g", 100.0, 100.0), (9.96, ".1f", 9.9, 10.0)])
def test_printed_bounds_are_bounds(value, form, below, above):
    assert (certificates.at_least(value, form), certificates.at_most(value, form)) == (below, above)
    assert float(format(below, form)) == below
    assert math.isnan(certificates.at_least(math.nan, form))


def test_floats_are_rounded_outward():
    with flint.ctx.workprec(128):
        third = flint.arb(flint.fmpq(1, 3))
        assert Fraction(_outcomes.round_down(third)) < Fraction(1, 3) < Fraction(_outcomes.round_up(third))
        assert math.nextafter(_outcomes.round_down(third), 1) == _outcomes.round_up(third)
        assert _outcomes.round_down(flint.arb(0.5)) == _outcomes.round_up(flint.arb(0.5)) == 0.5
        assert _outcomes.round_up(flint.arb(10) ** 400) == math.inf
        assert _outcomes.round_down(flint.arb(10) ** 400) < math.inf
