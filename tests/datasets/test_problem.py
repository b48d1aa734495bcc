import numpy as np
import pytest
import torch

from catapult.datasets import Problem
from catapult.parameters import InputError

X, y = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1, -1, 1]


def test_arrays_are_read_only_float64_copies():
    given = np.array(X, dtype=np.float32)
    problem = Problem(given, y)
    given[0, 0] = 9
    assert problem.X[0, 0] == 1
    assert problem.X.dtype == problem.y.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        problem.X[0, 0] = 2


def test_torch_tensors_give_the_same_problem_as_numpy_arrays():
    tensors = Problem(torch.tensor(X, requires_grad=True), torch.tensor(y), torch.tensor(X), torch.tensor(y))
    assert tensors.checksum == Problem(np.array(X), np.array(y), np.array(X), np.array(y)).checksum


def test_signed_inputs_are_labels_times_inputs():
    assert Problem(X, y).Z.tolist() == [[1, 2], [-3, -4], [5, 6]]


def test_class_numbers_have_no_signed_inputs():
    problem = Problem(X, [0, 2, 1])
    assert problem.y.tolist() == [0, 2, 1]
    with pytest.raises(InputError, match="class numbers; allowed: 1 and -1"):
        _ = problem.Z


@pytest.mark.parametrize("other", [
    Problem([[1.0, 2.0], [3.0, 4.0], [5.0, 6.5]], y), Problem(X, [1, 1, 1]), Problem(X, y, X, y),
    Problem(np.reshape(X, (6, 1)), [1, -1, 1, 1, -1, 1])])
def test_checksum_changes_with_values_labels_test_set_and_shape(other):
    assert other.checksum != Problem(X, y).checksum


def test_checksum_does_not_depend_on_the_name():
    assert Problem(X, y, name="a").checksum == Problem(X, y, name="b").checksum


@pytest.mark.parametrize(("arguments", "message"), [
    (([1.0, 2.0], y), r"X has shape \(2,\); allowed: \(n, d\)"),
    ((np.zeros((0, 2)), []), "at least 1"),
    ((X, [1, -1]), r"y has shape \(2,\); allowed: \(3,\)"),
    ((X, [1, 0, -1]), "y holds the label -1; allowed: 1 and -1, or class numbers 0, 1, …"),
    ((X, [0, 1, 1.5]), "y holds the label 1.5; allowed"),
    (([[np.nan, 0], [0, 0], [0, 0]], y), "X holds NaN or infinity"),
    (([["a", "b"]], [1]), "X is not an array of numbers"),
    ((X, y, X), "X_test and y_test: allowed: both or neither"),
    ((X, y, [[1.0]], [1]), "X_test has shape .* 2 columns"),
    ((X, y, X, [1, -2, 1]), "y_test holds the label -2"),
])
def test_wrong_arrays_are_refused_with_one_line(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        Problem(*arguments)
    assert "\n" not in str(caught.value)
