"""How the ledger is shown: the rows of a chapter, the table of papers, and the whole of it as data.

What ``companion/claims.py`` measured is written as Markdown with HTML around it. Each row says its chapter, verdict,
basis and so on in attributes, for the script that filters (``book/_static/ledger.js``); without scripts it is a list.
"""

from __future__ import annotations

import csv
import functools
import html
import io
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from IPython.display import Markdown

from catapult.companion import claims
from catapult.companion.claims import BASES, VERDICTS, Claim, Outcome
from catapult.parameters import InputError, Parameters

MIME = "application/vnd.catapult.claims+json"
"""The type under which an executed page keeps its rows as data."""
COLUMNS = ("id", "chapter", "address", "verdict", "evidence", "basis", "sources", "statement", "quantity", "value",
           "bound", "status", "effect", "interval", "control", "conditions", "data", "theorem", "figure", "command")


BASIS_IN_SHORT = {"read": ", body", "abstract": ", abstract", "reconstructed": ", our reading", "ours": ""}


class Rows(Markdown):
    """Rows as a page shows them, and as data."""

    def __init__(self, outcomes: list[Outcome], text: str):
        super().__init__(text)
        self.outcomes = outcomes

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        return {"text/markdown": self.data, MIME: [row(outcome) for outcome in self.outcomes]}


def row(outcome: Outcome) -> dict[str, Any]:
    """Return a row of the ledger as data: what stands on the page, in ``COLUMNS``."""
    claim, measured = outcome.claim, outcome.as_dict()
    more = {"chapter": claim.chapter, "address": f"claims.html#claim-{claim.id}", "evidence": claim.kind_of_evidence,
            "quantity": claim.quantity, "theorem": claim.theorem and _where(claim.theorem),
            "figure": claim.figure and f"{claim.chapter}.html#{claim.figure}", "command": f"catapult verify {claim.id}"}
    return {name: {**measured, **more}[name] for name in COLUMNS}


def as_json(rows: list[Mapping[str, Any]]) -> str:
    """Return rows as the text of ``claims.json``."""
    return json.dumps({"claims": rows}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(rows: list[Mapping[str, Any]]) -> str:
    """Return rows as the text of ``claims.csv``: a list with semicolons, nothing as an empty cell."""
    def cell(value: Any) -> Any:
        if isinstance(value, Mapping):
            value = [f"{name}: {'holds' if holds else 'does not hold'}" for name, holds in value.items()]
        return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value

    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([cell(row[name]) for name in COLUMNS] for row in rows)
    return text.getvalue()


def verdicts(chapter: str, values: Parameters | None = None, *, anchor: bool = False) -> Rows:
    """Return the rows of a chapter, measured once a build; with ``anchor`` as on the page of the whole ledger.

    Where ``values`` are not the defaults, what was measured on runs with them is marked: the row's bound is for the
    defaults, and it is said whether these runs keep to it.
    """
    rows = claims.of(chapter)
    if not rows:
        raise InputError(f"no claim belongs to chapter {chapter!r}")
    outcomes = list(claims.verify(rows, functools.partial(claims.measured, values=values)))
    changed = type(values) if values is not None and values != type(values)() else None
    text = [entry(outcome, anchor, changed is not None and claims.model(outcome.claim) is changed)
            for outcome in outcomes]
    if anchor:
        counted = Counter(claim.verdict for claim in rows)
        counts = ", ".join(f"{counted[verdict]} {verdict}" for verdict in VERDICTS if counted[verdict])
        text.insert(0, f'<p class="claim-counts">{len(rows)} rows: {counts}.</p>')
    return Rows(outcomes, "\n\n".join(text))


def entry(outcome: Outcome, anchor: bool, changed: bool = False) -> str:
    """Return one row as Markdown inside an HTML block; ``changed``: measured at other parameters than the defaults."""
    claim = outcome.claim
    opening = '<div class="claim">'
    address = f"claims.html#claim-{claim.id}"
    if anchor:
        about = {"chapter": claim.chapter, "verdict": claim.verdict, "basis": claim.basis, "data": claim.data,
                 "evidence": claim.kind_of_evidence, "paper": whose(claim)}
        opening = (f'<div class="claim" id="claim-{claim.id}" '
                   + " ".join(f'data-{name}="{html.escape(value)}"' for name, value in about.items()) + ">")
        address = address.removeprefix("claims.html")
    name = f'<a class="claim-id" href="{address}"><code>{claim.id}</code></a>'
    status = _status_at_these(outcome) if changed else _status(outcome)
    first = [name, f"<strong>{claim.verdict}</strong>", status, claim.kind_of_evidence,
             *_links(claim, anchor)]
    return (f"{opening}\n\n{' · '.join(first)}\n\n{claim.statement.strip()}\n\n"
            f'<span class="claim-facts">{html.escape(claim.quantity)}: {_value(outcome)}. '
            f"Source: {html.escape(source(claim))}. <code>catapult verify {claim.id}</code></span>\n\n</div>")


def _links(claim: Claim, anchor: bool) -> list[str]:
    """Return the links of a row: to its chapter from the whole ledger, to its theorem and its figure."""
    links = [f'<a href="{claim.chapter}.html">{claim.chapter}</a>'] if anchor else []
    if claim.theorem:
        page, kind = claims.theorems()[claim.theorem]
        if anchor:
            links.append(f'<a href="{_where(claim.theorem)}">{kind}</a>')
        elif page == claim.chapter:
            links.append(f'<a href="#{claim.theorem}">{kind}</a>')
        else:  # a page of its own has no other beside it: there what leads to the ledger, or as far, becomes text
            links.append(f'<a class="claim-id" href="{_where(claim.theorem)}">{kind}</a>')
    if claim.figure:
        links.append(f'<a href="{f"{claim.chapter}.html" if anchor else ""}#{claim.figure}">figure</a>')
    return links


def _where(theorem: str) -> str:
    return f"{claims.theorems()[theorem][0]}.html#{theorem}"


def _status(outcome: Outcome) -> str:
    """Return what came of the check, in words: of a refutation that its counterexample stands, or not."""
    words = {("passed", False): "✓ passed", ("passed", True): "✓ the counterexample stands",
             ("failed", False): "✗ failed", ("failed", True): "✗ failed: the counterexample does not stand"}
    found = words.get((outcome.status, outcome.claim.is_refutation), f"– {html.escape(outcome.status)}")
    return found + "".join(f'; <em>does not hold: {html.escape(name)}</em>' for name in outcome.broken)


def _status_at_these(outcome: Outcome) -> str:
    kept = "keep to the row's bound" if outcome.status == "passed" else "do not keep to the row's bound"
    return f"<em>at these parameters</em> the runs {kept}, which is for the defaults"


def _value(outcome: Outcome) -> str:
    """Return the measured number with its bound, and what else was measured."""
    value = "no number" if outcome.value is None else f"{outcome.value:.4g}"
    extra = "" if outcome.effect is None else f"; effect {outcome.effect:.4g}"
    if outcome.interval:
        extra += "; interval {:.4g} to {:.4g}".format(*outcome.interval)
    if outcome.control is not None:
        extra += f"; control {outcome.control:.4g}"
    return f"{value} (bound: {html.escape(outcome.claim.bound)}{extra})"


def source(claim: Claim) -> str:
    """Return whose a claim is, in words: with what was read, and what is near by."""
    works = ", ".join(claims.cited(key) for key in claim.sources)
    if claim.basis == "ours":
        return "ours" + (f"; near: {works}" if works else "")
    if claim.verdict == "corrected":
        return f"ours, in place of a statement of {works} ({BASES[claim.basis]})"
    if claim.id.startswith("tempting-"):
        return f"a statement one may be tempted to make after {works} ({BASES[claim.basis]})"
    return f"{works} ({BASES[claim.basis]})"


def definitions(title: str, table: Mapping[str, str]) -> Markdown:
    """Return what the words of a column mean (``BASES``, ``VERDICTS``, ``EVIDENCE``), as a folded list."""
    words = "\n".join(f"* *{word}*: {meaning}." for word, meaning in table.items())
    return Markdown(f'<details class="words"><summary>{title}</summary>\n\n{words}\n\n</details>')


def papers() -> Markdown:
    """Return how many rows about each paper have each verdict, by what was read of it: a table, linked to the rows."""
    rows = claims.ledger()
    sizes = Counter(whose(claim) for claim in rows)
    groups = sorted({(claim.basis, whose(claim)) for claim in rows},
                    key=lambda group: (group[1] == "ours", -sizes[group[1]], group[1], list(BASES).index(group[0])))
    lines = ["| whose statement | rows | " + " | ".join(VERDICTS) + " |", "| --- |" + " ---: |" * (len(VERDICTS) + 1)]
    for basis, paper in groups:
        found = Counter(claim.verdict for claim in rows if (claim.basis, whose(claim)) == (basis, paper))
        lines.append(_counts(_name(paper) + BASIS_IN_SHORT[basis], found, basis=basis, paper=paper))
    lines.append(_counts("all", Counter(claim.verdict for claim in rows)))
    table = "\n".join(lines)
    return Markdown(f'<div class="papers">\n\n{table}\n\n</div>')


def whose(claim: Claim) -> str:
    """Return whose statement a row is about: the key of its first source, or "ours"."""
    return "ours" if claim.basis == "ours" else claim.sources[0]


def _name(paper: str) -> str:
    return "ours" if paper == "ours" else claims.cited(paper)


def _counts(opening: str, found: Counter, **chosen: str) -> str:
    """Return a line of the table of papers: how many rows have each verdict, as links to these rows."""
    def link(number: int, **more: str) -> str:
        query = "&amp;".join(f"{name}={value}" for name, value in {**chosen, **more}.items())
        return f'<a href="claims.html?{query}">{number}</a>' if number else "·"

    numbers = [link(found.total()), *(link(found[verdict], verdict=verdict) for verdict in VERDICTS)]
    return f"| {opening} | {' | '.join(numbers)} |"


def filters() -> Markdown:
    """Return the place where a script puts the filters of the ledger, with the names of the papers that it shows."""
    names = {whose(claim): _name(whose(claim)) for claim in claims.ledger()}
    return Markdown(f'<div class="ledger-filters" data-names="{html.escape(json.dumps(names))}"></div>')
