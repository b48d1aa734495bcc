"""The scorecard: the sentences of the papers' abstracts, each with the rows of the ledger that answer it.

A sentence has no verdict of its own: it has those of its rows, of ``claims.yml``.
"""

from __future__ import annotations

import html
from collections import Counter
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from catapult import paths
from catapult.companion import claims
from catapult.parameters import InputError, nearest, shown

TABLE = paths.LIBRARY / "companion" / "sentences.yml"
OUTCOMES = ("seen", "corrected", "refuted", "undecided", "differing", "not yet")


class Sentence(BaseModel):
    """One sentence of an abstract, in our words.

    ``paper`` is its key in the bibliography. ``rows`` are the ledger's rows that state it, or ``missing`` says what
    would; ``beside`` are rows of ours that bear on it and state something else.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: str
    paper: str
    says: str
    rows: list[str] = []
    beside: list[str] = []
    missing: str = ""

    @model_validator(mode="after")
    def _is_answered_or_not(self) -> Sentence:
        if bool(self.rows) == bool(self.missing):
            raise ValueError("needed are rows, or what is missing, and not both")
        return self


def table() -> dict[str, Any]:
    """Return what ``sentences.yml`` holds."""
    return yaml.safe_load(paths.text(TABLE))


def every() -> list[Sentence]:
    """Return the sentences in the order of the table; InputError for one that breaks the schema."""
    found = []
    for entry in table()["sentences"]:
        try:
            found.append(Sentence(**entry))
        except ValidationError as error:
            raise InputError(f"sentences.yml, {entry.get('id', '?')}: {error.errors()[0]['msg']}") from None
    return found


def of(paper: str) -> list[Sentence]:
    """Return the sentences of one paper; raise InputError for one that has none."""
    found = [sentence for sentence in every() if sentence.paper == paper]
    if not found:
        papers = list(dict.fromkeys(sentence.paper for sentence in every()))
        raise InputError(f"no sentence is of the paper {shown(paper)}{nearest(paper, papers)}; allowed: "
                         f"{', '.join(papers)}")
    return found


def outcome(sentence: Sentence) -> str:
    """Return the outcome on which all rows of a sentence agree, "differing" if they do not, "not yet" without rows."""
    if sentence.missing:
        return "not yet"
    tally = claims.tally(claims.select(sentence.rows))
    return next((name for name in OUTCOMES if tally.get(name) == tally["tested"]), "differing")


def chapters() -> list[str]:
    """Return the chapters whose rows the sentences name, in the order of the book."""
    named = {row for sentence in every() for row in (*sentence.rows, *sentence.beside)}
    return list(dict.fromkeys(claim.chapter for claim in claims.ledger() if claim.id in named))


def counts() -> dict[str, int]:
    """Return how many sentences have each outcome."""
    found = Counter(outcome(sentence) for sentence in every())
    return {name: found[name] for name in OUTCOMES}


def scorecard(paper: str):
    """Return the sentences of a paper with the rows that answer them, measured once a build: a displayable table."""
    from IPython.display import Markdown

    lines = ["| | sentence | verdict | measured (bound) | effect | control | check and row | chapter |",
             "|" + " --- |" * 8]
    for sentence in of(paper):
        opening = f"**{sentence.id}** | {sentence.says}"
        if sentence.missing:
            lines.append(f"| {opening} | **not yet** | | | | needs {sentence.missing} | |")
            opening = " | "
        names = [*sentence.rows, *sentence.beside]
        # select() of no names is the whole ledger
        for found in claims.verify(claims.select(names), measure=claims.measured) if names else ():
            lines.append(f"| {opening} | {_answer(found, beside=found.claim.id in sentence.beside)} |")
            opening = " | "
    return Markdown("\n".join(lines))


def _answer(found: claims.Outcome, beside: bool) -> str:
    """Return the cells of one row of the ledger, from its verdict to its chapter."""
    claim = found.claim
    mark = {"passed": "✓", "failed": "✗"}.get(found.status, html.escape(found.status))
    verdict = f"**{claim.verdict}** {mark}"
    if beside:
        verdict = f"ours, beside it: {verdict}"
    elif claim.basis == "reconstructed":
        verdict += " (reconstructed)"
    value = "–" if found.value is None else f"{found.value:.3g} ({html.escape(claim.bound)})"
    effect = "–" if found.effect is None else f"{found.effect:.3g}"
    if found.interval:
        effect += " [{:.3g}, {:.3g}]".format(*found.interval)
    control = "–" if found.control is None else f"{found.control:.3g}"
    link = (f'<code>catapult verify {claim.id}</code><br>'
            f'<a class="claim-id" href="claims.html#claim-{claim.id}">what it states</a>')
    return " | ".join((verdict, value, effect, control, link, f'<a href="{claim.chapter}.html">{claim.chapter}</a>'))
