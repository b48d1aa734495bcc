"""The nbval references match their chapters and check something. nbval itself collects them from reference/."""

from __future__ import annotations

import re

import nbformat
import pytest

import references
from catapult.companion import registry

CHAPTERS = registry.every()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.id)
def test_reference_is_its_chapter_at_quick_scale(chapter):
    reference = nbformat.read(references.path(chapter), as_version=4)
    fresh = references.unexecuted(chapter)
    assert [cell.source for cell in reference.cells] == [cell.source for cell in fresh.cells], (
        f"tests/reference/{chapter.id}.ipynb is stale: make references"
    )
    assert [cell.metadata for cell in reference.cells] == [cell.metadata for cell in fresh.cells]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.id)
def test_reference_compares_real_numbers(chapter):
    reference = nbformat.read(references.path(chapter), as_version=4)
    checked = [cell for cell in reference.cells if references.is_checked(cell)]
    assert len(checked) >= 2
    for cell in checked:
        # nbval compares nothing in a cell whose execution_count is null, and passes.
        assert cell.execution_count is not None
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        assert any(character.isdigit() for character in printed), f"{cell.id} prints no number"


def test_no_reference_is_left_over():
    kept = {references.path(chapter) for chapter in CHAPTERS}
    assert set(references.FOLDER.glob("*.ipynb")) == kept


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.id)
def test_parameters_cell_repeats_the_schema(chapter):
    (cell,) = [cell for cell in registry.notebook(chapter).cells if "parameters" in cell.metadata.tags]
    namespace = {}
    exec(compile(cell.source, "cell", "exec", dont_inherit=True), namespace)
    written = {name: namespace[name] for name in namespace["__annotations__"]}
    model = chapter.parameters
    assert list(written) == list(model.model_fields)
    assert written == model().as_dict()
    types = {name: field.annotation if isinstance(field.annotation, type) else str
             for name, field in model.model_fields.items()}
    assert {name: namespace["__annotations__"][name] for name in written} == types
    for line in cell.source.splitlines():
        assert re.fullmatch(r"\w+: \w+ = \S+  # [^=]+", line), f"{line!r}: one annotated scalar a line, with a comment"
