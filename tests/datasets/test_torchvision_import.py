import os
import subprocess
import sys

import pytest

from catapult.datasets.torchvision_import import import_torchvision

pytestmark = pytest.mark.slow

# Stands in for a CUDA torchvision beside a CPU torch, on any machine.
NEEDS_OPERATORS = """
import torch
for name in ("nms", "qnms"):
    try:
        getattr(torch.ops.torchvision, name)
    except AttributeError:
        raise RuntimeError("operator torchvision::nms does not exist") from None
"""
IMPORT = ("import gc, sys; from catapult.datasets import torchvision_import as t\n"
          "m = t.import_torchvision(); gc.collect(); ")


def _run(code, tmp_path, torchvision=None):
    environment = dict(os.environ)
    if torchvision is not None:
        (tmp_path / "torchvision.py").write_text(torchvision)
        environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path[1:]])
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_missing_operators_are_defined_and_stay_defined(tmp_path):
    code = IMPORT + "import torch; print(torch.ops.torchvision.nms.default._schema, len(t._definitions))"
    result = _run(code, tmp_path, NEEDS_OPERATORS)
    assert result.stdout.strip() == (
        "torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor 1"), result.stderr


def test_an_import_that_works_is_left_alone(tmp_path):
    result = _run(IMPORT + "print(m.answer, t._definitions, 'torch' in sys.modules)", tmp_path, "answer = 42")
    assert result.stdout.strip() == "42 [] False", result.stderr


@pytest.mark.parametrize("message", ["some other trouble", "operator torchvision::roi_align does not exist"])
def test_any_other_error_is_passed_on_and_nothing_is_defined(tmp_path, message):
    code = ("from catapult.datasets import torchvision_import as t\n"
            "try: t.import_torchvision()\n"
            "except RuntimeError as error: print(error, t._definitions)")
    result = _run(code, tmp_path, f"raise RuntimeError({message!r})")
    assert result.stdout.strip() == f"{message} []", result.stderr


def test_the_installed_torchvision_imports_and_is_mended_only_where_it_must_be(tmp_path):
    code = ("from catapult.datasets import torchvision_import as t\n"
            "try:\n    import torchvision; plain = True\n"
            "except RuntimeError: plain = False\n"
            "t.import_torchvision().datasets.CIFAR10; print(plain == (t._definitions == []))")
    result = _run(code, tmp_path)
    assert result.stdout.strip() == "True", result.stderr


def test_transforms_and_models_work():
    import torch

    torchvision = import_torchvision()
    from torchvision.transforms import v2
    assert v2.Normalize([0.5], [0.5])(torch.ones(1, 2, 2)).tolist() == [[[1, 1], [1, 1]]]
    assert torchvision.models.squeezenet1_0(num_classes=2)(torch.zeros(1, 3, 64, 64)).shape == (1, 2)
