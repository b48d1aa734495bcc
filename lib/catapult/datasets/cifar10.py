"""CIFAR-10: two classes of photographs as a problem, or all ten. There is no substitute for the files."""

from __future__ import annotations

import functools
import io
import pickle

import numpy as np

from catapult.datasets import checked_files, sources
from catapult.datasets.problem import Problem
from catapult.datasets.two_classes import Images, scaled_features, two_class_problem
from catapult.parameters import InputError, nearest, whole

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def two_classes(classes: tuple[str, str] = ("cat", "dog"), *, samples: int = 512,
                test_samples: int | None = None, features: str = "pixels", components: int = 50,
                label_noise: float = 0.0, centred: bool = True, seed: int = 0,
                unused: bool = False) -> Problem:
    """Return the problem of telling the first class (y = +1) from the second (y = −1).

    Parameters
    ----------
    classes
        Two different names of ``CLASSES``.
    samples, test_samples, features, components, label_noise, centred, seed, unused
        As in :func:`catapult.datasets.two_classes.two_class_problem`; "pixels" are 3,072 features (row,
        column, colour), "blocks" 192. Each class has 5,000 training and 1,000 test images.

    Raises
    ------
    DataMissing
        If CIFAR-10 is not at hand; the line says how to get it.
    InputError
        One line, for a value out of range, more images than there are, and altered data.
    """
    for name in classes:
        if name not in CLASSES:
            raise InputError(f"classes: no class is called {name!r}{nearest(name, CLASSES)}; allowed: "
                             f"{', '.join(CLASSES)}")
    if len(classes) != 2 or classes[0] == classes[1]:
        raise InputError(f"classes = {tuple(classes)!r}; allowed: two different ones of {', '.join(CLASSES)}")
    return two_class_problem(
        images(), (CLASSES.index(classes[0]), CLASSES.index(classes[1])), tuple(classes), samples=samples,
        test_samples=test_samples, features=features, components=components, label_noise=label_noise,
        centred=centred, seed=seed, unused=unused)


def ten_classes(*, samples: int = 1_000, components: int = 20, seed: int = 0) -> Problem:
    """Return the problem of telling all ten classes, on principal components; labels are places in ``CLASSES``.

    Parameters
    ----------
    samples
        Training images n, as many of each class: a multiple of ten, at most 50,000. All published test images are
        test images.
    components
        Principal components of the training images, centred and scaled as :mod:`catapult.datasets.two_classes` says.
    seed
        Seed ≥ 0 of the training draw.

    Raises
    ------
    DataMissing
        If CIFAR-10 is not at hand; the line says how to get it.
    InputError
        One line, for a value out of range and altered data.
    """
    pictures, number = images(), len(CLASSES)
    pools = [np.flatnonzero(pictures.train_labels == label) for label in range(number)]
    most = number * min(map(len, pools))
    if whole("samples", samples, number) % number or samples > most:
        raise InputError(f"samples = {samples}; allowed: multiples of {number} up to {most}")
    rng = np.random.default_rng([whole("seed", seed, 0), 10])
    drawn = rng.permutation(np.concatenate([rng.permutation(pool)[:samples // number] for pool in pools]))
    X, X_test = scaled_features(pictures.train[drawn], pictures.test, "components", whole("components", components, 1),
                                True)
    return Problem(X, pictures.train_labels[drawn], X_test, pictures.test_labels,
                   f"all ten classes: {samples} training and {len(X_test)} test images, {components} principal "
                   f"components, centred ({pictures.in_words})")


def images() -> Images:
    """Return all photographs, uint8 of shape (N, 32, 32, 3); checked, then kept in memory."""
    return _read(sources.locate("cifar10"))


@functools.lru_cache(maxsize=1)
def _read(place: sources.Source) -> Images:
    """Read a place that was checked."""
    files = dict(place.files)

    def batch(name: str) -> tuple[np.ndarray, np.ndarray]:
        held = unpickled(checked_files.read(place.folder / name, files[name]))
        return held["data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), np.asarray(held["labels"])

    train = [batch(f"data_batch_{number}") for number in range(1, 6)]
    test = batch("test_batch")
    return Images(np.concatenate([data for data, _ in train]), np.concatenate([labels for _, labels in train]),
                  np.ascontiguousarray(test[0]), test[1], place.in_words)


_OF_ARRAYS = {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
              ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")}
"""What pickled arrays are made with, by today's numpy and Python and by those of the published files."""


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str):
        if (module, name) not in _OF_ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")
        return super().find_class(module, name)


def unpickled(data: bytes) -> dict:
    """Return what a batch holds: text, lists and arrays in a dictionary; anything else is an UnpicklingError."""
    return _ArraysOnly(io.BytesIO(data), encoding="latin1").load()
