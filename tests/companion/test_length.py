"""No chapter is longer than a sitting: what stands on its page unfolded, a formula counted as one word."""

from __future__ import annotations

import re

import pytest

from catapult.companion import claims, registry

LONGEST = 5000
FORMULA = re.compile(r"^ *```\{math\}$.*?^ *```$|\$[^$]+\$", re.DOTALL | re.MULTILINE)
FOLDED = re.compile(r"^(?P<fence>`{3,4})\{(?:prf:proof|code-cell)\}.*?^(?P=fence)$", re.DOTALL | re.MULTILINE)
CAPTION = re.compile(r"^    caption: \|$(.*?)^---$", re.DOTALL | re.MULTILINE)


def words(text: str) -> int:
    """Return the number of words of a page's text: proofs and code are folded, a formula or a reference is one word."""
    captions = " ".join(CAPTION.findall(text))
    unfolded = re.sub(r"\A---$.*?^---$", "", FOLDED.sub("", text), flags=re.DOTALL | re.MULTILINE) + captions
    plain = re.sub(r"^ *(`{3,4}|:\w+:).*$", "", FORMULA.sub(" x ", unfolded), flags=re.MULTILINE)
    return sum(bool(re.search(r"\w", word)) for word in re.sub(r"\{[\w:]+\}`[^`]*`", "x", plain).split())


def test_words_count_a_formula_once_and_leave_out_proofs_and_code():
    page = """---
title: left out
---
# Two words

See $a + b + c$ and {numref}`fig-one`:

```{math}
:label: eq-one
a = b + c + d
```

````{prf:theorem} Three more words
:label: thm-one
It holds.
````

````{prf:proof}
Not counted at all.
````

```{code-cell} ipython3
---
mystnb:
  figure:
    caption: |
      Four words of caption.
---
print("not counted")
```
"""
    assert words(page) == 2 + 4 + 1 + 2 + 4


@pytest.mark.parametrize("chapter", registry.every(), ids=lambda chapter: chapter.id)
def test_no_chapter_is_longer_than_a_sitting(chapter):
    rows = sum(words(f"{claim.statement} {claim.quantity}") for claim in claims.of(chapter.id))
    length = words(chapter.path.read_text(encoding="utf-8")) + rows
    assert 10 < length <= LONGEST
