"""Import torchvision wherever torch works.

The compiled part of a CUDA build of torchvision does not load beside a CPU build of torch. Importing
torchvision then stops, because its Python part describes two operators that nobody has defined. Its data
sets, transforms and models do not need them: with their schemas defined (and no implementation) the import
succeeds.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

MISSING_OPERATOR = "operator torchvision::nms does not exist"
SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
SCHEMAS = ("nms" + SIGNATURE, "qnms" + SIGNATURE)
_definitions = []  # a torch.library.Library takes its definitions back when it is collected


@functools.cache
def import_torchvision() -> ModuleType:
    """Return the module torchvision; touch nothing if it imports by itself.

    Only the error ``operator torchvision::nms does not exist`` is mended; any other is passed on.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if str(error) != MISSING_OPERATOR:
            raise
    _define_operators()
    return importlib.import_module("torchvision")


def _define_operators() -> None:
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    _definitions.append(library)
