"""Checked parameters: one schema for the command line, the chapters and the documentation.

An experiment declares its parameters as a subclass of :class:`Parameters`; everything that a person may
type is checked against it before any work starts, and a mistake becomes one line that says what was wrong,
where, what is allowed and which valid name is nearest.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
import reprlib
import types
import typing
from collections.abc import Iterable, Mapping
from fractions import Fraction
from numbers import Integral
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

SCALES = ("quick", "default", "paper")
LARGEST_SEED = 2**63 - 1
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
"""A whole number that fits into 64 bits with its sign, as generators of random numbers and tables want it."""


LONGEST = 200
"""Characters of somebody's input that a message repeats."""


class InputError(ValueError):
    """Wrong input: the message is the one line that the user reads; the command line exits with status 2.

    Whatever it is made from, it is one printable line, in which no word is longer than ``LONGEST`` characters.
    """

    def __init__(self, message: object):
        super().__init__(one_line(message))


def one_line(message: object) -> str:
    """Return a message as one printable line, without words of more than ``LONGEST`` characters, and not endless."""
    text = re.sub(r"\s*[^\S ]\s*", " ", _cut(str(message), 20 * LONGEST)).strip()
    return re.sub(rf"\S{{{LONGEST + 1},}}", lambda word: _cut(word[0], LONGEST), _printable(text))


def shown(value: object) -> str:
    """Return a value as messages repeat it: its repr, on one line, cut to ``LONGEST`` characters, never expanded."""
    if isinstance(value, int) and value.bit_length() > LONGEST:  # Python refuses to write down the largest ones
        return f"a whole number of {value.bit_length():,} bits"
    return _cut(repr(_cut(value, LONGEST)) if isinstance(value, str) else _printable(_brief.repr(value)), LONGEST)


def plain(value: object) -> str:
    """Return a path or an option's text as messages repeat it: as :func:`shown`, but without quotation marks."""
    return _cut(_printable(_cut(str(value), LONGEST)), LONGEST)


_brief = reprlib.Repr()
_brief.maxlevel, _brief.maxstring, _brief.maxother = 2, LONGEST, LONGEST


def _cut(text: str, most: int) -> str:
    """Return a text, without its middle if it has more than ``most`` characters."""
    return text if len(text) <= most else f"{text[:most // 2]}…{text[len(text) - (most - most // 2 - 1):]}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def nearest(name: object, allowed: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the allowed name closest to ``name``, or an empty string."""
    name = name if isinstance(name, str) else shown(name)
    close = difflib.get_close_matches(name[:LONGEST], list(allowed), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


_WHOLE = r"[+-]?(?:0|[1-9][0-9]*)"
_NUMBER = r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def whole_from(text: str) -> int:
    """Return the whole number that a text is; ValueError for any other text.

    Only the digits 0 to 9 count, without leading zeros and underscores: elsewhere 0100 is 64, and 1_0 is ten.
    """
    if not re.fullmatch(_WHOLE, text):
        raise ValueError("no whole number")
    return int(text)


def number_from(text: str) -> float:
    """Return the finite number that a text is, as 10, 0.5 or 1e-3; ValueError for any other text.

    As in :func:`whole_from` only the digits 0 to 9 count, without leading zeros and underscores.
    """
    if not re.fullmatch(_NUMBER, text) or not math.isfinite(float(text)):
        raise ValueError("no finite number")
    return float(text)


def fraction_from(text: str) -> Fraction:
    """Return the exact number that a text is, as 10, 0.1, 1e-3 or 9/10; ValueError for any other text.

    The digits are those of :func:`number_from`; a power of ten is at most ``LARGEST_POWER``, so that it can be written.
    """
    if re.fullmatch(f"{_WHOLE}/[1-9][0-9]*", text):
        return Fraction(text)
    if not re.fullmatch(_NUMBER, text) or abs(int(text.lower().partition("e")[2] or 0)) > LARGEST_POWER:
        raise ValueError("no number")
    return Fraction(text)


LARGEST_POWER = 10_000


def is_whole(value: object, least: int) -> bool:
    """Return whether ``value`` is a whole number ≥ ``least``, by its type too: neither True nor 5.0 is one."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return ``value`` as an int; InputError, naming it, unless it is a whole number ≥ ``least``, and ≤ ``most``."""
    if not is_whole(value, least) or (most is not None and value > most):
        bound = "" if most is None else f" and ≤ {most}"
        raise InputError(f"{name} = {shown(value)}; allowed: a whole number ≥ {least}{bound}")
    return int(value)


class Parameters(BaseModel):
    """Base class: unknown names, wrong types, NaN and infinity are refused; instances are immutable.

    Every field has a default and a description. ``scales`` maps ``"quick"`` and ``"paper"`` to the values
    that differ from the defaults at that scale.

    Examples
    --------
    >>> class Sizes(Parameters):
    ...     width: int = 100
    >>> Sizes.checked({"width": "64"}).as_dict()
    {'width': 64}
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @classmethod
    def checked(cls, values: Mapping[str, Any] | None = None, *, scale: str = "default", where: str = ""):
        """Return an instance from ``values`` laid over the values of ``scale``.

        Text is converted to the type of its field (``"1e-3"`` to a float), never evaluated.

        Raises
        ------
        InputError
            One line: where, which name, what was wrong, what is allowed.
        """
        where = f"{where}: " if where else ""
        if scale not in SCALES:
            raise InputError(f"{where}scale {shown(scale)} is unknown{nearest(scale, SCALES)}; allowed: "
                             f"{', '.join(SCALES)}")
        values = dict(values or {})
        _refuse_unknown(cls, values, where)
        values = {name: _convert(cls, name, value, where) for name, value in values.items()}
        try:
            return cls(**{**cls.scales.get(scale, {}), **values})
        except ValidationError as error:
            first = error.errors()[0]
            if not first["loc"]:  # a rule on several parameters: it says itself which
                raise InputError(where + first["msg"].removeprefix("Value error, ")) from None
            name, what = str(first["loc"][0]), first["msg"]
            given = f" = {shown(values[name])}" if name in values else ""
            near = nearest(values.get(name), _options(cls.model_fields[name].annotation) or ())
            raise InputError(f"{where}{name}{given}{near}: {what[:1].lower()}{what[1:]}; allowed: "
                             f"{allowed_values(cls, name)}") from None

    @classmethod
    def each(cls, values: Mapping[str, Any], *, where: str = "") -> dict[str, Any]:
        """Return ``values`` converted and checked one by one; rules on several of them are left to :meth:`checked`.

        Raises
        ------
        InputError
            As :meth:`checked`.
        """
        _refuse_unknown(cls, values, f"{where}: " if where else "")
        return {name: getattr(_alone(cls, name).checked({name: value}, where=where), name)
                for name, value in values.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters as a plain dictionary, in declaration order."""
        return self.model_dump()


def _refuse_unknown(model: type[Parameters], names: Iterable[str], where: str) -> None:
    for name in names:
        if name not in model.model_fields:
            raise InputError(f"{where}no parameter is called {shown(name)}{nearest(name, model.model_fields)}; "
                             f"allowed: {', '.join(model.model_fields)}")


@functools.lru_cache(maxsize=256)
def _alone(model: type[Parameters], name: str) -> type[Parameters]:
    """Return a schema of the one field, without the rules on several."""
    field = model.model_fields[name]
    return create_model(model.__name__, __base__=Parameters, **{name: (field.annotation, field)})


def _options(annotation: Any) -> tuple | None:
    return typing.get_args(annotation) if typing.get_origin(annotation) is Literal else None


def _convert(model: type[Parameters], name: str, value: Any, where: str) -> Any:
    """Convert text to the type of the field ``name``; leave anything else to the strict model."""
    annotation = model.model_fields[name].annotation
    if isinstance(annotation, types.UnionType):
        (annotation,) = (a for a in typing.get_args(annotation) if a is not type(None))
        if isinstance(value, str) and value.lower() in ("none", "null"):
            return None
    if not isinstance(value, str) or annotation is str or _options(annotation):
        return value
    try:
        return _FROM_TEXT[annotation](value)
    except (ValueError, KeyError):
        example = "10" if annotation is int else "10 or 1e-3"
        digits = f", in the digits 0 to 9, as {example}" if re.search(r"\d", value) else ""
        raise InputError(f"{where}{name} = {shown(value)} is not {_TYPE_NAMES.get(annotation, annotation)}; allowed: "
                         f"{allowed_values(model, name)}{digits}") from None


_FROM_TEXT = {int: whole_from, float: number_from, bool: lambda text: {"true": True, "false": False}[text.lower()]}
_TYPE_NAMES = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}
_BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def type_name(model: type[Parameters], name: str) -> str:
    """Return the type of a field in words."""
    annotation = model.model_fields[name].annotation
    if isinstance(annotation, types.UnionType):
        return " or ".join(_TYPE_NAMES.get(a, "none") for a in typing.get_args(annotation))
    return "one of a list" if _options(annotation) else _TYPE_NAMES.get(annotation, str(annotation))


def allowed_values(model: type[Parameters], name: str) -> str:
    """Return in words what a field may be: its options, or its type and bounds."""
    field = model.model_fields[name]
    if options := _options(field.annotation):
        return ", ".join(str(option) for option in options)
    bounds = [f"{sign} {getattr(rule, key)}" for rule in field.metadata
              for key, sign in _BOUNDS.items() if getattr(rule, key, None) is not None]
    return " ".join([type_name(model, name), " and ".join(bounds)]).strip()
