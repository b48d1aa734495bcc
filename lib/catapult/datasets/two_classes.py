r"""Two classes of a set of labelled images as a :class:`~catapult.datasets.problem.Problem`.

The steps, in this order; whatever is fitted is fitted on the training images alone:

1. *Draw.* Training images: as many of one class as of the other (an odd one goes to the first), drawn with
   the seed; with one seed a smaller set is part of a larger one. Test images: the same for every seed.
2. *Features* of the pixels in [0, 1]: "pixels" themselves; "blocks", the means of 4 × 4 pixels; "components",
   the leading principal components (right singular vectors of the training matrix), not whitened.
3. *Centring* (if asked): the training mean of each feature is subtracted, before components are computed.
   Pixels are never negative, so without it the mean image dominates the Gram matrix, and with that the
   sharpness at the start and the critical learning rate. It changes the problem, too: the predictor has no
   bias.
4. *Scale*: one factor for all, so that the mean of |x|² over the training set is d, the number of features.
   The NTK parametrisation divides by √d: first-layer preactivations then have variance about 1 whatever
   the features, and learning rates compare across them.
5. *Label noise*: a share of the training labels, drawn with the seed, is flipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catapult.datasets.problem import Problem
from catapult.parameters import InputError, nearest, whole

FEATURES = ("pixels", "blocks", "components")
BLOCK = 4
_TEST_STREAM = 20_201_125  # the test images do not depend on the seed


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images: uint8 of shape (N, H, W) or (N, H, W, 3), and class numbers of shape (N,)."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    in_words: str


def two_class_problem(images: Images, classes: tuple[int, int], names: tuple[str, str], *, samples: int,
                      test_samples: int | None, features: str, components: int, label_noise: float,
                      centred: bool, seed: int, unused: bool = False) -> Problem:
    """Return the problem of telling ``classes[0]`` (y = +1) from ``classes[1]`` (y = −1); see the module.

    Parameters
    ----------
    images
        What to draw from.
    classes, names
        Two different class numbers, and what they are called.
    samples
        Size n ≥ 2 of the training set.
    test_samples
        Size ≥ 2 of the test set; None for all test images of the two classes.
    features
        "pixels", "blocks" or "components".
    components
        Number of principal components, 1 ≤ components ≤ min(n, pixels); used with "components" only.
    label_noise
        Share of the training labels that is flipped, in [0, 0.5]: exactly round(label_noise·n) of them.
    centred
        Whether the training mean is subtracted.
    seed
        Seed ≥ 0 of the training draw and of the label noise.
    unused
        Whether the training images that were not drawn are test images, too, all of them, in one order of all images
        that no seed changes: so parts of the test set hold nearly the same images for every seed. ``test_samples`` is
        then None.

    Raises
    ------
    InputError
        One line, for a value out of range, and for more images than there are.
    """
    if unused and test_samples is not None:
        raise InputError(f"test_samples = {test_samples}, unused = True; allowed: None where unused images are taken")
    _check(features, components, label_noise, seed)
    rng = np.random.default_rng([seed, 0])
    train, y = _draw(rng, images.train_labels, classes, names, samples, "samples")
    test, y_test = _draw(np.random.default_rng(_TEST_STREAM), images.test_labels, classes, names,
                         test_samples, "test_samples")
    test_images = images.test[test]
    if unused:
        test_images, y_test = _all_but(images, train, classes)
    order = rng.permutation(len(train))
    train, y = train[order], y[order]
    X, X_test = scaled_features(images.train[train], test_images, features, components, centred)
    noise = np.random.default_rng([seed, 1])
    y[noise.permutation(len(y))[:round(label_noise * len(y))]] *= -1
    words = {"pixels": "pixel values", "blocks": f"means of {BLOCK} × {BLOCK} pixels",
             "components": "principal components"}[features]
    name = (f"{names[0]} against {names[1]}: {len(y)} training and {len(y_test)} test images, "
            f"{X.shape[1]} {words}, {'centred' if centred else 'not centred'}"
            f"{f', {label_noise:.3g} of the training labels flipped' if label_noise else ''}"
            f" ({images.in_words})")
    return Problem(X, y, X_test, y_test, name)


def _check(features: str, components: int, label_noise: float, seed: int) -> None:
    if features not in FEATURES:
        raise InputError(f"features = {features!r}{nearest(features, FEATURES)}; allowed: "
                         f"{', '.join(FEATURES)}")
    if not 0 <= label_noise <= 0.5:
        raise InputError(f"label_noise = {label_noise!r}; allowed: a number from 0 to 0.5")
    for name, value, least in (("components", components, 1), ("seed", seed, 0)):
        whole(name, value, least)


def _draw(rng, labels, classes, names, size, what) -> tuple[np.ndarray, np.ndarray]:
    """Return indices of ``size`` images, half of each class, and their labels ±1; all if ``size`` is None."""
    pools = [np.flatnonzero(labels == number) for number in classes]
    counts = [len(pool) for pool in pools]
    if size is not None:
        size = whole(what, size, 2)
        counts = [(size + 1) // 2, size // 2]
        if any(count > len(pool) for count, pool in zip(counts, pools, strict=True)):
            raise InputError(f"{what} = {size}; allowed: up to {2 * min(map(len, pools))}, there are "
                             f"{len(pools[0])} of {names[0]} and {len(pools[1])} of {names[1]}")
    drawn = [rng.permutation(pool)[:count] for pool, count in zip(pools, counts, strict=True)]
    return np.concatenate(drawn), np.repeat([1.0, -1.0], counts)


def _all_but(images: Images, drawn: np.ndarray, classes) -> tuple[np.ndarray, np.ndarray]:
    """Return all images of the two classes but the training images drawn, and their labels ±1; see ``unused``."""
    labels = np.concatenate([images.train_labels, images.test_labels])
    order = np.random.default_rng(_TEST_STREAM).permutation(len(labels))
    order = order[np.isin(labels[order], classes) & ~np.isin(order, drawn)]
    pixels = np.empty((len(order), *images.train.shape[1:]), images.train.dtype)
    first = order < len(images.train)
    pixels[first], pixels[~first] = images.train[order[first]], images.test[order[~first] - len(images.train)]
    return pixels, np.where(labels[order] == classes[0], 1.0, -1.0)


def scaled_features(train, test, features, components, centred) -> tuple[np.ndarray, np.ndarray]:
    """Return training and test inputs from images, uint8: the steps 2 to 4 of the module, fitted on the former."""
    X, X_test = (_flat(images / 255.0, blocks=features == "blocks") for images in (train, test))
    if centred:
        mean = X.mean(axis=0)
        X, X_test = X - mean, X_test - mean
    if features == "components":
        if components > min(X.shape):
            raise InputError(f"components = {components}; allowed: up to {min(X.shape)}, the smaller of the "
                             "numbers of training images and of pixel values")
        directions = _principal_directions(X, components)
        X, X_test = X @ directions, X_test @ directions
    scale = np.sqrt(X.size / np.sum(X**2))
    return scale * X, scale * X_test


def _flat(pixels: np.ndarray, blocks: bool) -> np.ndarray:
    n, height, width = pixels.shape[:3]
    if blocks:
        pixels = pixels.reshape(n, height // BLOCK, BLOCK, width // BLOCK, BLOCK, -1).mean(axis=(2, 4))
    return pixels.reshape(n, -1)


def _principal_directions(X: np.ndarray, number: int) -> np.ndarray:
    """Return the leading right singular vectors as columns, each with its largest entry positive."""
    directions = np.linalg.svd(X, full_matrices=False)[2][:number].T
    largest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[largest, np.arange(number)])
