"""Three points: the recursion of inner products is gradient descent on all weights, and the laws are told apart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from catapult.oracles.linear_networks import LinearNetworks
from catapult.parameters import InputError
from catapult.theory import three_points

Z = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])


@pytest.mark.parametrize(("width", "rate"), [(1, 2.0), (7, 5.0), (30, 20.0)])
def test_the_inner_products_follow_gradient_descent_on_all_weights(width, rate):
    rng = np.random.default_rng(3)
    W, w = rng.standard_normal((width, 2)), rng.standard_normal(width)
    found = three_points.follow(three_points.gram(W, w), width, rate, np.arange(41))
    network = LinearNetworks([W[None], w[None, None]], width**-0.5)
    for step in range(41):
        np.testing.assert_allclose(network.product[0], [found.inside[step], found.outside[step]], rtol=1e-9, atol=1e-12)
        norms = (network.matrices[0][0][:, 0]**2).sum() + (network.matrices[1]**2).sum()
        assert found.edge[step].item() == pytest.approx(rate * norms / (12 * width), rel=1e-10)
        network.descend(Z, rate, 1)


def test_a_stretch_between_records_has_its_mean_and_its_extremes():
    start = three_points.gram(*_drawn(9, 1))
    every = three_points.follow(start, 9, 5.0, np.arange(31))
    some = three_points.follow(start, 9, 5.0, [10, 30])
    assert some.square[1].item() == pytest.approx((every.inside[11:] ** 2).mean().item(), rel=1e-12)
    assert some.highest[1].item() == every.edge[11:].max().item()
    assert some.lowest[1].item() == every.edge[11:].min().item()


def test_a_blow_up_is_nan_from_then_on():
    found = three_points.follow(three_points.gram(*_drawn(100, 0)), 100, 200.0, [0, 1, 5000, 5001])
    assert np.isfinite(found.edge[:2]).all()
    assert np.isnan(found.edge[2:]).all()


@pytest.mark.parametrize(("share", "survives"), [(12, True), (50, False)])
def test_networks_survive_while_the_square_of_the_rate_is_some_ten_widths(share, survives):
    for width in (10, 100):
        for seed in range(5):
            start = three_points.gram(*_drawn(width, seed))
            found = three_points.follow(start, width, np.sqrt(share * width), [0, 2000])
            assert np.isfinite(found.edge[1]).item() == survives


def test_arrival_is_where_the_flow_with_u_at_zero_reaches_the_edge():
    m, rate = 100, 4.5
    start = three_points.gram(*_drawn(m, 0))
    start[0, 2] = start[2, 0] = start[0, 1] = start[1, 0] = 0.0
    p, step = three_points.arrival(start, m, rate)
    found = three_points.follow(start, m, rate, np.unique(np.geomspace(1, 2 * step, 4000).astype(int)))
    first = int((found.edge.values >= 1).argmax())
    assert found.step[first].item() == pytest.approx(step, rel=0.05)  # steps are longer than the flow's
    assert found.outside[first].item() == pytest.approx(p, rel=0.005)
    assert three_points.arrival(start, m, 50.0)[1] == 0

    def flow(_, state):  # (p, |c|²), with |b|² − |c|² constant; a rests
        push = rate / (3 * np.sqrt(m)) / (1 + np.exp(state[0]))
        return push * (2 * state[1] + m * (start[1, 1] - start[2, 2])) / np.sqrt(m), 2 * push * np.sqrt(m) * state[0]

    def reached(_, state):
        return rate * (m * start[0, 0] + state[1]) / (12 * m) - 1

    reached.terminal = True
    solved = solve_ivp(flow, (0, 2 * step), (np.sqrt(m) * start[1, 2], m * start[2, 2]), events=reached, rtol=1e-10,
                       atol=1e-10)
    assert solved.t[-1] == pytest.approx(step, rel=1e-6)
    assert solved.y[0, -1] == pytest.approx(p, rel=1e-6)


def test_bad_input_is_refused_in_one_line():
    for width, rate, records in ((0, 1.0, [1]), (2, 0.0, [1]), (2, 1.0, [2, 1])):
        with pytest.raises(InputError):
            three_points.follow(np.eye(3), width, rate, records)
    with pytest.raises(InputError):
        three_points.gram(np.eye(3), np.ones(3))


def _drawn(width: int, seed: int):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((width, 2)), rng.standard_normal(width)


def test_opposed_weights_never_arrive():
    for c, m in ((1.0, 1), (0.3, 4)):
        vectors = np.zeros((m, 3))
        vectors[0] = [0.2, -c, c]  # b = −c, so p < 0 at the start, and tends to 0 from below
        start = three_points.gram(vectors[:, :2], vectors[:, 2])
        assert three_points.arrival(start, m, 2.0)[1] == np.inf
        vectors[0, 1] *= 1 - 1e-3
        near = three_points.arrival(three_points.gram(vectors[:, :2], vectors[:, 2]), m, 2.0)[1]
        vectors[0, 1] *= 1 - 1e-1
        assert near > three_points.arrival(three_points.gram(vectors[:, :2], vectors[:, 2]), m, 2.0)[1]


def test_an_arrival_beyond_all_numbers_is_infinite():
    assert three_points.arrival(np.eye(3), 100, 0.1)[1] == np.inf
