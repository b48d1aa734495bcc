"""The (f, λ) recursion of two-layer networks: its identities, its equality with a network, what is proved of it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from catapult import datasets
from catapult.networks import Network
from catapult.parameters import InputError
from catapult.theory import linear_predictor, two_layer
from catapult.training import train

LOSSES = ("exponential", "logistic", "squared")
RATES = {"exponential": 0.9, "logistic": 6.0, "squared": 1.2}  # η at λ0 = 2: in the catapult phase or beyond


def random_starts(count, width, seed=0):
    """Return f0 and λ0 of networks with random weights."""
    w1, w2 = np.random.default_rng(seed).standard_normal((2, count, width))
    return (w1 * w2).sum(1) / width**0.5, (w1**2 + w2**2).sum(1) / width


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("width", [1, 3, 50, 400])
def test_recursion_is_the_network_step_for_step(loss, width):
    rate, steps = RATES[loss], 12
    run = train(datasets.degenerate_pair(), Network((1, width, 1)), [rate], loss=loss, seeds=(3,), steps=steps,
                record=("loss", "ntk"), engine="reference").isel(learning_rate=0, seed=0)
    w1, w2 = (matrix.numpy().ravel() for matrix in Network((1, width, 1)).initialise(3))
    f, ntk = two_layer.iterate(loss, w1 @ w2 / width**0.5, (w1 @ w1 + w2 @ w2) / width, width, rate, steps)
    least = {"exponential": 1, "logistic": math.log(2), "squared": 0.5}[loss]
    alive = np.isfinite(run.loss.values) & (np.abs(f) < 30)
    assert alive.sum() >= 3
    # rounding grows with the orbit, by a factor of a few a step
    assert linear_predictor.excess_risk(loss, f)[alive] + least == pytest.approx(run.loss.values[alive], rel=1e-10)
    assert ntk[alive] == pytest.approx(run.ntk.values[alive], rel=1e-10)


@pytest.mark.parametrize("loss", LOSSES)
def test_feasible_starts_stay_feasible(loss):
    f0, ntk0 = random_starts(200, 4)
    f, ntk = two_layer.iterate(loss, f0, ntk0, 4, RATES[loss], 6)
    alive = np.isfinite(f) & (np.abs(f) < 1e6)
    assert two_layer.feasible(f, ntk, 4)[alive].all()


def test_one_neuron_on_the_boundary_of_feasibility_stays_there():
    f, ntk = two_layer.iterate("squared", 1.0, 2.0, 1, 0.3, 5)  # w1 = w2 = 1
    assert ntk == pytest.approx(2 * np.abs(f), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_the_limit_is_the_product_formula(loss):
    width, rate = 30, RATES[loss] * 0.4
    f0, ntk0 = random_starts(5, width, seed=2)
    f, ntk = two_layer.iterate(loss, f0, ntk0, width, rate, 3000)
    g = linear_predictor.slope(loss, f[:-1])
    product = np.sqrt(ntk0**2 - 4 * f0**2 / width) * np.prod(np.abs(1 - rate**2 * g**2 / width), axis=0)
    for i in range(5):
        assert two_layer.final_ntk(loss, f0[i], ntk0[i], width, rate) == pytest.approx(product[i], rel=1e-10)
    assert ntk[-1] == pytest.approx(product, rel=1e-10)


def test_infinite_width_is_the_linear_predictor():
    f, ntk = two_layer.iterate("logistic", 1.0, 2.0, 1e18, 2.0, 20)
    assert f == pytest.approx(linear_predictor.iterate("logistic", 1.0, 4.0, 20), rel=1e-12)
    assert ntk == pytest.approx(2.0)


@pytest.mark.parametrize("width", [1, 10, 1000])
def test_squared_loss_converges_below_four_and_diverges_above(width):
    scaled = np.array([0.5, 1.9, 2.1, 3.0, 3.9, 4.1, 5.0])
    labels = two_layer.phase_map("squared", 0.01, 2.0, width, scaled / 2)
    assert labels.tolist() == ["lazy"] * 2 + ["catapult"] * 3 + ["divergent"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_the_limit_is_at_most_the_stability_edge(loss):
    h = 0.25 if loss == "logistic" else 1.0
    f0, ntk0 = random_starts(20, 200, seed=4)
    for rate in np.array([0.4, 0.9, 1.3, 1.7]) / h:
        for f, ntk in zip(f0, ntk0, strict=True):
            final = two_layer.final_ntk(loss, f, ntk, 200, rate)
            assert math.isnan(final) or final <= 2 / (h * rate) * (1 + 1e-12)


def test_logistic_nets_never_diverge_while_kappa_is_at_most_eight():
    width = 25
    f0, ntk0 = random_starts(40, width, seed=5)
    rates = np.array([0.5, 4.0, 10.0, 13.0, 14.0])  # η² < 8m = 200
    assert not (two_layer.phase_map("logistic", f0[:, None], ntk0[:, None], width, rates) == "divergent").any()
    assert (two_layer.phase_map("logistic", f0, ntk0, width, 40.0) == "divergent").all()


def test_a_hit_ends_where_it_lands():
    # κ = 1, Λ = 5, f = 2: f⁺ = 2·5 − 5·2 = 0 and Λ⁺ = 5 + 2(10 − 8)
    assert two_layer.final_ntk("squared", 2.0, 5.0, 1, 1.0) == 9.0
    assert two_layer.final_ntk("logistic", 0.0, 3.0, 10, 100.0) == 3.0


def test_a_step_with_a_equal_to_one_ends_at_kernel_zero():
    # κ = 4, and tanh(20) rounds to 1: a = 1, so D = 0 from there on, and f falls like 1/t
    assert two_layer.final_ntk_in_floats("logistic", 40.0, 200.0, 1, 2.0) == (0, math.inf)
    # squared loss: a = 1 at the first step, f = −1 at the second, and then a crawl
    f, _ = two_layer.iterate("squared", 4.0, 2.5, 16, 1.0, 4000)
    assert 0 < abs(f[-1]) < 0.01
    assert two_layer.final_ntk_in_floats("squared", 4.0, 2.5, 16, 1.0) == (0, math.inf)
    assert two_layer.final_ntk("squared", 4.0, 2.5, 16, 1.0, max_steps=10_000) == 0  # proved to be at most 10⁻¹⁹


def test_a_wide_enclosure_is_no_answer():
    given = "squared", 0.5425981300169526, 2.2766030029746243, 2, 1.7570037440753832
    with pytest.raises(two_layer.Undecided, match="after 35 steps in ball arithmetic"):
        two_layer.final_ntk(*given, max_steps=35)
    assert two_layer.final_ntk(*given) == pytest.approx(0.30432, rel=1e-5)


@pytest.mark.parametrize("width", [10**4, 10**5, 10**6])
def test_a_long_slide_keeps_its_digits(width):
    # each step takes less than half a unit in the last place of Λ near the end; the chapter has the asymptotics
    value, error = two_layer.final_ntk_in_floats("logistic", 1.0, 2.0, width, 5.0)
    assert error < 1e-15
    kappa = 25 / width
    assert value == pytest.approx((8 - 1.5 * kappa - 9 / 80 * kappa**2) / 5, rel=2e-15 + kappa**3)


def test_bounded_chaos_is_undecided_and_never_nan():
    with pytest.raises(two_layer.Undecided, match=r"rounding decides the orbit, .* exactly: Λ stays 4"):
        two_layer.final_ntk("squared", 1.0, 2.0, 100, 2.0)
    assert two_layer.phase_map("squared", 1.0, 2.0, 100, 2.0, steps=1000) == "unsettled"


@pytest.mark.parametrize(("loss", "given"), [
    ("squared", (1.0, 2.0, 100, 1.9)), ("squared", (0.3, 2.4, 5, 1.5)), ("exponential", (1.0, 2.0, 100, 0.86)),
    ("logistic", (1.0, 2.0, 100, 6.0)), ("logistic", (-1.0, 2.0, 100, 27.0)), ("logistic", (2.0, 2.0, 1000, 30.0))])
def test_the_estimated_error_is_the_spread_of_orbits_with_random_rounding(loss, given):
    f0, ntk0, width, rate = given
    size, rng = 1e-9, np.random.default_rng(7)

    def rounded(values):
        return values * (1 + size * rng.standard_normal(4000))

    steps = int(np.argmax(rate**2 / width * two_layer.iterate(loss, *given, 2000)[0]**2 < 1e-17))
    f, scaled, kappa = np.full(4000, f0), rounded(rate * ntk0), rounded(rate**2 / width)
    for _ in range(steps):
        g = linear_predictor.slope(loss, f)
        growth = 1 + kappa * g**2
        change = rounded(kappa * g**2 * scaled) - rounded(4 * kappa * g * f)
        f, scaled = rounded(f * growth) - rounded(scaled * g), scaled + change
    value, error = two_layer.final_ntk_in_floats(loss, *given)
    assert scaled.mean() / rate == pytest.approx(value, rel=1e-4)
    assert scaled.std() / scaled.mean() == pytest.approx((error - 2**-53 - 1e-17) * size * 2**53, rel=0.1)


def test_a_limit_out_of_reach_is_undecided():
    with pytest.raises(two_layer.Undecided, match="undecided after 1,000 steps: f = "):
        two_layer.final_ntk("logistic", 1.0, 2.0, 10**6, 6.0, max_steps=1000)
    # D0 next to 0, where the kernel falls like 1/t for a while
    with pytest.raises(two_layer.Undecided, match="undecided after 1,000 steps: f = "):
        two_layer.final_ntk("squared", 0.5, 1 + 1e-9, 1, 0.9, max_steps=1000)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_kernel_that_falls_to_zero_for_ever_ends_at_zero(loss, monkeypatch):
    # D0 = 0: Λ = 2√κ|f| for ever, and f → 0 like 1/t
    with pytest.raises(two_layer.Undecided):
        two_layer.final_ntk_in_floats(loss, 0.5, 1.0, 1, 0.9, max_steps=1000)
    monkeypatch.setattr(two_layer, "final_ntk_in_floats", None)  # seconds, and in vain
    assert two_layer.final_ntk(loss, 0.5, 1.0, 1, 0.9) == 0


@pytest.mark.parametrize(("change", "message"), [
    ({"f0": "one"}, "f0 = 'one'; allowed: a real number"), ({"ntk0": 2j}, "ntk0 = 2j; allowed: a real number"),
    ({"width": [4, 9]}, r"width = \[4, 9\]; allowed: one number"), ({"learning_rate": None}, "learning_rate = None"),
    ({"f0": True}, "f0 = True"), ({"f0": [[1], [1, 2]]}, r"f0 = \[\[1\], \[1, 2\]\]; allowed: a real number"),
    ({"ntk0": "9" * 500}, r"ntk0 = '9{12}\.{3}9{13}'"), ({"width": 10**400}, "width = 1000000000"),
    ({"max_steps": -1}, "max_steps = -1; allowed: a whole number"),
    ({"max_steps": 10**30}, "allowed: a whole number ≥ 0 and ≤ 1000000000000$"),
    ({"max_steps": "x"}, "max_steps = 'x'"),
    ({"tolerance": "x"}, "tolerance = 'x'"), ({"tolerance": 0}, "tolerance = 0; allowed: a number > 0"),
    ({"loss": 3}, "3")])
def test_what_is_no_number_is_refused_in_one_line(change, message):
    given = {"loss": "squared", "f0": 1.0, "ntk0": 2.0, "width": 4, "learning_rate": 1.0, **change}
    with pytest.raises(InputError, match=message) as error:
        two_layer.final_ntk(**given)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_numbers_of_any_real_type_are_numbers():
    plain = two_layer.final_ntk("squared", 1.0, 2.0, 4, 0.5)
    assert two_layer.final_ntk("squared", Fraction(1), 2, np.int32(4), np.float32(0.5)) == plain


@pytest.mark.parametrize("loss", LOSSES)
def test_divergent_orbits_have_no_limit_and_end_in_nan(loss):
    rate = {"exponential": 1.5, "logistic": 40.0, "squared": 2.2}[loss]
    assert math.isnan(two_layer.final_ntk(loss, 1.0, 2.0, 20, rate))
    f, ntk = two_layer.iterate(loss, 1.0, 2.0, 20, rate, 4000)
    assert np.isnan(f[-1])
    assert np.isnan(ntk[-1])
    assert np.isfinite(f[:2]).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_labels_are_those_of_long_orbits(loss):
    """The compiled loop leaves early; the orbits of ``iterate`` do not."""
    rates = np.linspace(0.1, 1.9, 13) * {"exponential": 0.7, "logistic": 5.0, "squared": 1.0}[loss]
    f0 = np.linspace(0.1, 2.5, 7)[:, None]
    labels = two_layer.phase_map(loss, f0, 2.0, 8, rates)
    f, _ = two_layer.iterate(loss, f0, 2.0, 8, rates, 4000)
    size = np.abs(f)
    rises = (size[1:] > size[:-1] * (1 + 1e-12)) & (size[:-1] > 1e-12)
    expected = np.where(np.isnan(f[-1]) | (size[-1] > 1e6), "divergent",
                        np.where(rises.any(axis=0), "catapult", "lazy"))
    assert len(set(expected.ravel())) >= 2
    assert (labels == expected).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("width", [1, 7, 1000])
def test_first_step_raises_the_loss_beyond_the_critical_rate_only(loss, width):
    f0, ntk0 = random_starts(50, width, seed=6)
    critical = two_layer.critical_learning_rate(loss, f0, ntk0, width)
    for factor, rises in ((0.01, False), (0.5, False), (0.999, False), (1.001, True)):
        f, _ = two_layer.iterate(loss, f0, ntk0, width, factor * critical, 1)
        assert ((np.abs(f[1]) > np.abs(f0)) == rises).all()


def test_critical_rate_of_a_start_whose_loss_can_only_jump():
    # λ0² m < 8 f0²: no rise by s > 2 + a², one by s < a²
    critical = two_layer.critical_learning_rate("squared", 1.0, 2.2, 1)
    assert critical == pytest.approx(2.2)
    assert abs(two_layer.iterate("squared", 1.0, 2.2, 1, critical, 1)[0][1]) == pytest.approx(1.0)


def test_critical_rate_at_zero_and_at_infinite_width_is_that_of_the_linear_predictor():
    assert two_layer.critical_learning_rate("logistic", 0.0, 2.0, 10) == 4.0
    for loss in LOSSES:
        wide = two_layer.critical_learning_rate(loss, 1.5, 2.0, 1e18)
        assert wide == pytest.approx(linear_predictor.critical_learning_rate(loss, 1.5) / 2, rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("width", [1, 10, 500])
def test_below_the_convergence_edge_every_orbit_converges(loss, width):
    f0, ntk0 = random_starts(60, width, seed=7)
    edge = two_layer.convergence_edge(loss, f0, ntk0, width)
    for factor in (0.3, 0.9, 0.97):
        labels = two_layer.phase_map(loss, f0, ntk0, width, factor * edge, steps=10**6)
        assert np.isin(labels, ["lazy", "catapult"]).all()
    if loss == "squared":  # whose edge is sharp
        assert (two_layer.phase_map(loss, f0, ntk0, width, 1.01 * edge) == "divergent").all()


def test_the_cycle_of_two_is_one_and_lies_beyond_kappa_eight():
    rate, width = np.array([9.0, 12.0, 60.0]), 10.0
    f, ntk = two_layer.two_cycle(width, rate)
    after, ntk_after = two_layer.iterate("logistic", f, ntk, width, rate, 1)
    assert after[1] == pytest.approx(-f, rel=1e-12)
    assert ntk_after[1] == pytest.approx(ntk, rel=1e-12)
    assert np.isnan([*two_layer.two_cycle(8, 8.0), two_layer.cycle_multiplier(8, 8.0)]).all()


def test_gradient_flow_keeps_the_product_and_the_edge_is_two_over_the_curvature():
    p, q, D = two_layer.invariants(1.0, 3.0, 4, 0.5)
    assert (p, q, D) == (2.0, 1.0, 2.0)
    assert [two_layer.stability_edge(loss, 0.5) for loss in LOSSES] == [4, 16, 4]
    f, ntk = two_layer.iterate("logistic", 1.0, 3.0, 4, 1e-3, 20_000)
    kept = two_layer.invariants(f, ntk, 4, 1e-3)[2]
    assert kept == pytest.approx(kept[0], rel=1e-3)


def test_shapes_broadcast_and_a_point_gives_one_label():
    assert two_layer.phase_map("squared", np.ones((3, 1)), 2.0, 50, np.ones(4)).shape == (3, 4)
    assert two_layer.phase_map("squared", 1.0, 2.0, 50, 0.1) == "lazy"
    f, ntk = two_layer.iterate("squared", np.ones((3, 1)), 2.0, 50, np.ones(4), 5)
    assert f.shape == ntk.shape == (6, 3, 4)


@pytest.mark.parametrize(("change", "message"), [
    ({"f0": math.nan}, "f0 = nan; allowed: finite"), ({"ntk0": 0.0}, "ntk0 = 0; allowed: > 0"),
    ({"width": 0}, "width = 0; allowed: a whole number"), ({"width": 2.5}, "width = 2.5"),
    ({"learning_rate": -1.0}, "learning_rate = -1; allowed: > 0"), ({"learning_rate": math.inf}, "allowed: > 0"),
    ({"learning_rate": 1e20}, "allowed: at most 1e20"), ({"f0": 100.0}, "no network of width 4 has f = 100"),
    ({"loss": "logistc"}, "did you mean 'logistic'")])
def test_wrong_input_is_one_line(change, message):
    given = {"loss": "logistic", "f0": 1.0, "ntk0": 2.0, "width": 4, "learning_rate": 1.0, **change}
    with pytest.raises(InputError, match=message):
        two_layer.final_ntk(**given)
    with pytest.raises(InputError, match=message):
        two_layer.iterate(**given, steps=3)


def test_a_number_of_steps_out_of_range_is_refused():
    with pytest.raises(InputError, match="steps = -1"):
        two_layer.iterate("squared", 1.0, 2.0, 4, 1.0, -1)
    with pytest.raises(InputError, match="steps = 0"):
        two_layer.phase_map("squared", 1.0, 2.0, 4, 1.0, steps=0)
