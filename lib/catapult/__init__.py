"""The library behind the executable companion to the theory of large learning rates.

    catapult.Problem      a data set: X (n, d), y ±1, and a test set
    catapult.Network      a fully connected network without biases
    catapult.ConvolutionalNetwork
                          a small convolutional network without biases
    catapult.train        gradient descent at many learning rates and seeds → xarray.Dataset
    catapult.theory       closed forms and recursions, by setting

Importing the package is light: each name is imported when it is first used.
"""

from __future__ import annotations

import importlib

_HOMES = {"Problem": "catapult.datasets", "Network": "catapult.networks",
          "ConvolutionalNetwork": "catapult.networks.convolutional", "train": "catapult.training"}
_MODULES = ("chapters", "companion", "curvature", "datasets", "losses", "networks", "phases", "runs", "statistics",
            "theory", "training")

__all__ = [*_HOMES, *_MODULES]

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What says how many threads linear algebra takes. Commands, the book and the tests take one a process where it is not
said: the matrices are small, and threads that wait for each other on a busy machine take ten times as long."""


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"catapult.{name}")
    raise AttributeError(f"module 'catapult' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
