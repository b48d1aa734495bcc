"""The scorecard: the sentences of the papers' abstracts, each with the rows of the ledger that answer it.

A sentence has no verdict of its own: it has those of its rows, of ``claims.yml``.
"""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from catapult import paths
from catapult.companion import claims
from catapult.parameters import InputError, nearest, shown

TABLE = paths.LIBRARY / "companion" / "sentences.yml"
OUTCOMES = ("seen", "in part", "corrected", "refuted", "undecided", "differing", "not yet")


class Sentence(BaseModel):
    """One sentence of an abstract, in our words.

    ``paper`` is its key in the bibliography. ``rows`` are the ledger's rows that state it (``part``: only a part of
    it), or ``missing`` says what would; ``beside`` are rows of ours that bear on it and state something else.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: str
    paper: str
    says: str
    rows: list[str] = []
    part: bool = False
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
    found = next((name for name in OUTCOMES if tally.get(name) == tally["tested"]), "differing")
    return "in part" if found == "seen" and sentence.part else found


def chapters() -> list[str]:
    """Return the chapters whose rows the sentences name, in the order of the book."""
    named = {row for sentence in every() for row in (*sentence.rows, *sentence.beside)}
    return list(dict.fromkeys(claim.chapter for claim in claims.ledger() if claim.id in named))


def counts() -> dict[str, int]:
    """Return how many sentences have each outcome."""
    found = Counter(outcome(sentence) for sentence in every())
    return {name: found[name] for name in OUTCOMES}


def scorecard(paper: str):
    """Return the sentences of a paper with the rows that answer them, measured once a build, as displayable entries."""
    from IPython.display import Markdown

    entries = []
    for sentence in of(paper):
        word = outcome(sentence)
        lines = [f'<div class="sentence" id="sentence-{sentence.id}">',
                 f'<p><strong>{sentence.id}</strong> {html.escape(sentence.says)} '
                 f'<span class="outcome outcome-{word.replace(" ", "-")}">{word}</span></p>']
        if sentence.missing:
            lines.append(f"<p>Needs {html.escape(sentence.missing)}.</p>")
        names = [*sentence.rows, *sentence.beside]
        # select() of no names is the whole ledger
        for found in claims.verify(claims.select(names), claims.measured) if names else ():
            lines.append(_answer(found, beside=found.claim.id in sentence.beside))
        entries.append("\n".join([*lines, "</div>"]))
    return Markdown("\n\n".join(entries))


def _answer(found: claims.Outcome, beside: bool) -> str:
    """Return one row of the ledger: its picture, verdict, effect and control, its command, its chapter."""
    claim = found.claim
    mark = {"passed": "✓", "failed": "✗"}.get(found.status, html.escape(found.status))
    verdict = f"<strong>{claim.verdict}</strong> {mark}"
    if beside:
        verdict = f"ours, beside it: {verdict}"
    elif claim.basis == "reconstructed":
        verdict += " (reconstructed)"
    interval = " [{}, {}]".format(*map(_number, found.interval)) if found.interval else ""
    facts = [verdict]
    if found.value is not None:
        facts.append(f"measured {_number(found.value)}{'' if found.effect is not None else interval} "
                     f"(bound {_bound(claim.bound)})")
    if found.effect is not None:
        facts.append(f"effect {_number(found.effect)}{interval}")
    if found.control is not None:
        facts.append(f"control {_number(found.control)}")
    # The quantity may hold formulas: it is Markdown, between blank lines, the rest HTML.
    return (f'<div class="answer{" beside" if beside else ""}">{_picture(found)}<div>\n<p>{" · ".join(facts)}</p>\n\n'
            f'<span class="claim-facts">{html.escape(claim.quantity)}</span>\n\n'
            f'<p><a class="claim-id" href="claims.html#claim-{claim.id}">what it states</a> · '
            f'<a href="{claim.chapter}.html">{claim.chapter}</a> · <code>catapult verify {claim.id}</code></p>\n'
            "</div></div>")


def _number(number: float) -> str:
    """Return three digits of a number, with a true minus sign."""
    return f"{number:.3g}".replace("-", "−")


def _bound(bound: str) -> str:
    """Return a bound as it is written in mathematics."""
    for typed, written in {"<=": "≤", ">=": "≥", "==": "=", "<": "&lt;", ">": "&gt;", "-": "−"}.items():
        bound = bound.replace(typed, written)
    return bound


def _picture(found: claims.Outcome) -> str:
    """Return a small drawing of what was measured.

    Where the row has an effect with an interval: the effect (dot), the interval (bar), no effect (line at 0) and the
    control (ring). Else the measured number (dot) over the numbers that keep to the bound (band).
    """
    low, high = found.interval or (None, None)
    of_effect = found.effect is not None and low is not None and low <= found.effect <= high
    dot = found.effect if of_effect else found.value
    if dot is None or not math.isfinite(dot):
        return '<svg class="picture" viewBox="0 0 160 32" aria-hidden="true"></svg>'
    band = () if of_effect else _band(found.claim.bound)
    others = (low, high, found.control, *(band or (0.0,)))
    marks = [dot, *(number for number in others if number is not None and math.isfinite(number))]
    left, right = min(marks), max(marks)
    margin = 0.12 * (right - left) or 1.0

    def x(number: float) -> float:
        share = (number - left + margin) / (right - left + 2 * margin)
        return round(8 + 144 * min(max(share, 0.0), 1.0), 1)

    drawn = ['<path class="axis" d="M4 16H156"/>']
    says = f"measured {_number(dot)}" if band else f"effect {_number(dot)}"
    if band:
        start, end = (x(edge) for edge in band)
        drawn.append(f'<rect class="bound" x="{start - 1.5}" y="5" width="{round(end - start + 3, 1)}" height="22"/>')
        says += f", bound {found.claim.bound}"
    else:
        drawn.append(f'<path class="none" d="M{x(0)} 4V24"/><text x="{x(0)}" y="31">0</text>')
    if found.interval:
        drawn.append(f'<path class="interval" d="M{x(low)} 16H{x(high)}"/>')
        says += f", interval {_number(low)} to {_number(high)}"
    if found.control is not None and math.isfinite(found.control):
        drawn.append(f'<circle class="control" cx="{x(found.control)}" cy="16" r="4.5"/>')
        says += f", control {_number(found.control)}"
    drawn.append(f'<circle class="dot" cx="{x(dot)}" cy="16" r="3.5"/>')
    return (f'<svg class="picture" viewBox="0 0 160 32" role="img" aria-label="{html.escape(says)}">'
            f'{"".join(drawn)}</svg>')


def _band(bound: str) -> tuple[float, float]:
    """Return the two ends of the numbers that keep to a bound; the open side is infinite."""
    numbers = [float(number) for number in re.findall(claims.NUMBER, bound)]
    if bound.startswith("in"):
        return numbers[0], numbers[1]
    (edge,) = numbers
    return {"<": (-math.inf, edge), ">": (edge, math.inf), "=": (edge, edge)}[bound[0]]
