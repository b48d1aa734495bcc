"""What checks every displayed formula of a chapter: a formula is a labelled ``math`` directive, a check its test.

A chapter's tests make one ``Formulas``, mark each test with the labels that it checks, and assert that none is missing.
"""

from __future__ import annotations

import re

import sympy

from catapult import paths


class Formulas:
    """The displayed formulas of some chapters, and the names of the tests that check each."""

    def __init__(self, *chapters: str):
        self.chapters = chapters
        self.checked: dict[str, list[str]] = {}

    def __call__(self, *labels: str):
        """Mark a test as checking the formulas with these labels."""
        def mark(test):
            for label in labels:
                self.checked.setdefault(label, []).append(test.__name__)
            return test
        return mark

    def assert_complete(self, at_least: int) -> None:
        """Fail for a display without a label, a label without a test, a test without a label, or too few of them."""
        labels = [label for chapter in self.chapters for label in displays(chapter)]
        assert len(labels) >= at_least
        assert len(set(labels)) == len(labels)
        assert set(labels) == set(self.checked)


def displays(chapter: str) -> list[str | None]:
    """Return the label of every displayed formula of a chapter, None for one without a label."""
    text = (paths.BOOK / f"{chapter}.md").read_text(encoding="utf-8")
    assert "$$" not in text, "write a display as a math directive with a label"
    blocks = re.findall(r"^ *```\{math\}\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)
    return [(re.search(r":label: (\S+)", block) or [None, None])[1] for block in blocks]


def zero(expression) -> bool:
    """Whether a sympy expression vanishes identically: proved, by writing it in exponentials and cancelling."""
    exponentials = sympy.expand(sympy.sympify(expression).rewrite(sympy.exp))
    return sympy.simplify(sympy.together(exponentials)) == 0
