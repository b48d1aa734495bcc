"""What policies are judged by, on numbers small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from catapult import losses
from catapult.training import measures

P = np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.4, 0.4, 0.2], [0.1, 0.3, 0.6]])
Y = np.array([0, 0, 1, 2, 0, 1])
"""Right are 0, 1 (class 0: .7, .5), 2 (class 1: .8), 3 (class 2: .4); 4 is a tie, 5 is wrong."""


def test_accuracy_counts_a_tie_as_an_error():
    assert measures.accuracy(P, Y) == pytest.approx(4 / 6)
    assert measures.accuracy(P, Y, k=2) == pytest.approx(1)
    assert measures.accuracy(P[:, ::-1], 2 - Y, k=2) == pytest.approx(1)
    assert measures.accuracy(P, np.array([2, 2, 2, 0, 2, 0]), k=2) == 0
    assert measures.accuracy(P, np.array([2, 2, 2, 0, 2, 0]), k=3) == 1


def test_confidence_is_that_of_what_is_right():
    assert measures.confidence(P, Y) == pytest.approx((0.7 + 0.5 + 0.8 + 0.4) / 4)
    assert measures.confidence(P, Y) != pytest.approx(P.max(1).mean())
    assert np.isnan(measures.confidence(P[-1:], Y[-1:]))


def test_its_deviation_divides_by_n():
    squares = (0.1**2 + 0.1**2 + 0.2**2 + 0.2**2) / 4  # around .6
    assert measures.confidence_deviation(P, Y) == pytest.approx(squares**0.5)
    assert measures.confidence_deviation(P, Y) != pytest.approx((squares * 4 / 3) ** 0.5, rel=1e-2)


def test_the_deviation_across_classes_is_that_of_three_means():
    means = [0.6, 0.8, 0.4]
    assert measures.deviation_across_classes(P, Y) == pytest.approx(np.std(means))
    assert measures.deviation_across_classes(P, Y) != pytest.approx(measures.confidence_deviation(P, Y), rel=1e-2)


def test_the_probabilities_of_one_output_are_those_of_the_logistic_loss():
    f, y = np.array([-3.0, 0.5, 2.0, 800.0]), np.array([1.0, 1, -1, 1])
    p = measures.probabilities(f)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-15)
    np.testing.assert_allclose(-np.log(p[np.arange(4), (y > 0).astype(int)]), losses.logistic.of(f, y), rtol=1e-12,
                               atol=1e-300)
    np.testing.assert_allclose(measures.probabilities(np.stack([0 * f, f], 1)), p, rtol=1e-12)


def test_cost_is_the_first_step_that_reaches_the_target():
    assert measures.cost([10, 20, 30], [0.5, 0.9, 0.8], 0.85) == 20
    assert measures.cost([10, 20, 30], [0.5, 0.9, 0.8], 0.9) == 20
    assert measures.cost([10, 20, 30], [0.5, 0.9, 0.8], 0.91) == np.inf


def test_the_gap_is_positive_where_the_test_loss_is_larger():
    assert measures.loss_gap(0.1, 0.4) == pytest.approx(0.3)
