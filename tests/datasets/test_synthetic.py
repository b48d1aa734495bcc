import numpy as np
import pytest

from catapult.datasets import (
    certify,
    degenerate_pair,
    easy_clouds,
    mixed_cloud,
    opposing,
    overlapping_cloud,
    separable_cloud,
)
from catapult.datasets.decomposition import decompose
from catapult.parameters import InputError


def test_degenerate_pair_is_one_point_with_both_labels():
    pair = degenerate_pair()
    assert pair.X.tolist() == [[1], [1]]
    assert pair.y.tolist() == [1, -1]


@pytest.mark.parametrize(("n", "dimension", "margin"), [(1, 1, 0.1), (7, 3, 2.0), (200, 5, 0.01)])
def test_separable_cloud_is_certified_separable_and_has_its_margin(n, dimension, margin):
    problem = separable_cloud(n, dimension, margin, seed=1)
    assert problem.X.shape == (n, dimension)
    assert certify(problem.Z).kind == "separable"
    # The hard-margin direction has at least the margin of the direction that the cloud was built with.
    from scipy.optimize import minimize
    w = minimize(lambda w: w @ w / 2, np.zeros(dimension), jac=lambda w: w,
                 constraints={"type": "ineq", "fun": lambda w: problem.Z @ w - 1, "jac": lambda w: problem.Z})
    assert 1 / np.linalg.norm(w.x) >= margin * (1 - 1e-6)  # the solver's tolerance


def test_opposing_points_come_in_the_shape_of_their_shares():
    assert opposing(0.1, 0.5).tolist() == [[0.1, 1], [0.1, -0.5]]
    assert opposing(0.1, [0.5, 0]).tolist() == [[[0.1, 1], [0.1, -0.5]], [[0.1, 1], [0.1, 0]]]


def test_easy_clouds_have_half_a_standard_deviation_of_margin():
    assert [cloud.tolist() for cloud in easy_clouds(9, 3)] == [separable_cloud(9, 3, 0.5, seed).Z.tolist()
                                                               for seed in range(4)]


@pytest.mark.parametrize(("n", "dimension", "separation"), [(2, 1, 0.0), (40, 2, 1.0), (100, 10, 2.0)])
def test_overlapping_cloud_is_certified_strictly_non_separable(n, dimension, separation):
    problem = overlapping_cloud(n, dimension, separation, seed=0)
    assert problem.X.shape == (n, dimension)
    assert certify(problem.Z).kind == "strictly non-separable"


def test_overlapping_cloud_says_so_when_the_clouds_do_not_overlap():
    with pytest.raises(InputError, match=r"none of 20 draws .* allowed: more points"):
        overlapping_cloud(10, 20, 1.0, seed=0)


@pytest.mark.parametrize("cloud", [separable_cloud, overlapping_cloud])
def test_clouds_depend_on_the_seed_alone(cloud):
    first, again, other = (cloud(30, 2, 0.5, seed=seed).checksum for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize("arguments", [(0, 2, 1.0, 0), (5, 0, 1.0, 0), (5, 2, -1.0, 0), (5, 2, np.nan, 0),
                                       (5, 2, 1.0, -1), (5.0, 2, 1.0, 0)])
@pytest.mark.parametrize("cloud", [separable_cloud, overlapping_cloud])
def test_values_out_of_range_are_refused(cloud, arguments):
    with pytest.raises(InputError, match="allowed"):
        cloud(*arguments)


MIXED = {"inside": 5, "outside": 20, "separation": 1.0, "signal": 1.5}


@pytest.mark.parametrize("spread", ["even", "uneven"])
def test_mixed_cloud_has_its_parts_certified_and_a_test_set_of_the_same_law(spread):
    problem = mixed_cloud(100, 0.2, spread=spread, seed=3, **MIXED)
    parts = decompose(problem.Z)
    assert (parts.kind, parts.rank, parts.separable.sum()) == ("mixed", 5, 20)
    seen = (problem.X_test[:, 5:] != 0).any(1)
    assert seen.mean() == 0.2
    means = (problem.y_test[:, None] * problem.X_test)[seen, 5:]
    assert means[:, 0].mean() == pytest.approx(1.5, abs=0.15)
    assert means[:, 1].std() == pytest.approx({"even": 1, "uneven": 4}[spread], rel=0.1)
    assert abs(means[:, 2:].mean(0)).max() < 0.2


@pytest.mark.parametrize("wrong", [{"share": 0.0}, {"share": 1.0}, {"spread": "odd"}, {"outside": 1}, {"seed": -1},
                                   {"points": 60, "share": 0.9, "outside": 2}])
def test_mixed_cloud_refuses_in_one_line(wrong):
    with pytest.raises(InputError):
        mixed_cloud(**{"points": 100, "share": 0.2, "spread": "even", "seed": 0, **MIXED, **wrong})
