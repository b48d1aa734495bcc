"""Data sets as problems, where their pixels come from, and certificates of separability. Imports no torch."""

from catapult.datasets import cifar10, mnist, separability, sources
from catapult.datasets.downloading import fetch
from catapult.datasets.problem import Problem
from catapult.datasets.separability import Certificate, certify
from catapult.datasets.sources import DataMissing, status
from catapult.datasets.synthetic import (
                                         degenerate_pair,
                                         easy_clouds,
                                         mixed_cloud,
                                         opposing,
                                         overlapping_cloud,
                                         separable_cloud,
)

__all__ = [
    "Certificate",
    "DataMissing",
    "Problem",
    "certify",
    "cifar10",
    "degenerate_pair",
    "easy_clouds",
    "fetch",
    "mixed_cloud",
    "mnist",
    "opposing",
    "overlapping_cloud",
    "separability",
    "separable_cloud",
    "sources",
    "status",
]
