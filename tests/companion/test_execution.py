"""Pages are executed when what they depend on has changed, and else not; what was executed stays."""

from __future__ import annotations

import pytest

from catapult import paths
from catapult.companion import claims, execution, registry
from catapult.datasets import DataMissing
from catapult.runs import keys

PAGES = [page for page in (paths.ROOT / f"{name}.md" for name in registry.contents()) if execution._is_notebook(page)]
THEIR_OWN = {"published-figures", "start-large", "diagonal-networks", "incremental-learning",
             "rank-collapse"}
"""Chapters whose experiments write their loss themselves."""


def states():
    return {page.stem: execution.state(page) for page in PAGES}


@pytest.fixture(scope="module")
def now():
    return states()


@pytest.mark.slow
@pytest.mark.parametrize(("module", "stale"), [
    ("companion/book.py", set()), ("theory/outlier.py", {"logistic-regression", "claims"}), ("commands.py", set()),
    ("datasets/downloading.py", set()),
    ("chapters/mnist/checks/live.py", {"mnist", "separability-dial", "claims", "sentences", "if-you-train-networks"}),
    ("companion/sentences.py", {"sentences"}), ("chapters/landing_page/figures.py", {"index"}),
    ("losses.py", {page.stem for page in PAGES} - THEIR_OWN)])
def test_a_page_is_stale_when_a_module_that_it_imports_has_changed(module, stale, now, monkeypatch):
    meaning = keys._meaning
    monkeypatch.setattr(keys, "_meaning", lambda path: meaning(path) + "x" * (path == paths.LIBRARY / module))
    after = states()
    assert {name for name in now if after[name] != now[name]} == stale


@pytest.mark.slow
def test_a_page_is_stale_when_a_row_that_it_prints_has_changed(now, monkeypatch):
    text_of = claims.text_of
    monkeypatch.setattr(claims, "text_of", lambda chapter: text_of(chapter) + "# new\n" * (chapter == "certificates"))
    after = states()
    assert {name for name in now if after[name] != now[name]} == {"certificates", "claims", "index"}


@pytest.mark.slow
def test_a_page_is_stale_when_its_data_have_changed(now, monkeypatch):
    monkeypatch.setattr(registry.get("mnist").experiment, "data", lambda parameters: "other pixels")
    after = states()
    assert {name for name in now if after[name] != now[name]} == {"mnist"}


PAGE = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

```{{code-cell}} ipython3
{code}
```
"""


@pytest.mark.slow
def test_a_page_whose_data_are_not_at_hand_is_built_and_goes_stale_when_they_come(now, monkeypatch):
    def missing(experiment, parameters):
        raise DataMissing("cifar10 is not at hand")

    monkeypatch.setattr(execution.keys, "data_checksum", missing)
    page = paths.BOOK / "cifar10.md"
    without = execution.state(page)
    monkeypatch.setattr(execution.keys, "data_checksum", lambda experiment, parameters: "the photographs")
    assert execution.state(page) != without


@pytest.mark.slow
def test_stale_pages_are_executed_once_and_those_that_were_are_kept_when_one_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(execution, "CACHE", tmp_path / "cache")
    pages, said = [tmp_path / "good.md", tmp_path / "bad.md", tmp_path / "prose.md"], []
    ran = tmp_path / "ran"
    pages[0].write_text(PAGE.format(code=f"open({str(ran)!r}, 'a').write('x')"))
    pages[1].write_text(PAGE.format(code="print('before')\n1 / 0"))
    pages[2].write_text("# No code\n")
    with pytest.raises(execution.PageFailed, match=r"bad\.md stopped:(.|\n)*ZeroDivisionError"):
        execution.refresh(pages, said.append)
    pages[1].write_text(PAGE.format(code="1 / 1"))
    execution.refresh(pages, said.append)
    execution.refresh(pages, said.append)
    assert ran.read_text() == "x"
    begun = [line.removeprefix("executing ") for line in said if line.startswith("executing ")]
    assert begun == ["good", "bad", "bad"]
