"""Checked parameters: one schema for the command line, the chapters and the documentation.

An experiment declares its parameters as a subclass of :class:`Parameters`; everything that a person may
type is checked against it before any work starts, and a mistake becomes one line that says what was wrong,
where, what is allowed and which valid name is nearest.
"""

from __future__ import annotations

import difflib
import functools
import math
import types
import typing
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

SCALES = ("quick", "default", "paper")
LARGEST_SEED = 2**63 - 1
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
"""A whole number that fits into 64 bits with its sign, as generators of random numbers and tables want it."""


class InputError(ValueError):
    """Wrong input: the message is the one line that the user reads; the command line exits with status 2."""


def nearest(name: object, allowed: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the allowed name closest to ``name``, or an empty string."""
    close = difflib.get_close_matches(str(name), list(allowed), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def is_whole(value: object, least: int) -> bool:
    """Return whether ``value`` is a whole number ≥ ``least``, by its type too: neither True nor 5.0 is one."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def whole(name: str, value: Any, least: int) -> int:
    """Return ``value`` as an int; InputError, naming it, unless it is a whole number ≥ ``least``."""
    if not is_whole(value, least):
        raise InputError(f"{name} = {value!r}; allowed: a whole number ≥ {least}")
    return int(value)


class Parameters(BaseModel):
    """Base class: unknown names, wrong types, NaN and infinity are refused; instances are immutable.

    Every field has a default and a description. ``scales`` maps ``"quick"`` and ``"paper"`` to the values
    that differ from the defaults at that scale.
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
            raise InputError(f"{where}scale {scale!r} is unknown{nearest(scale, SCALES)}; allowed: "
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
            given = f" = {values[name]!r}" if name in values else ""
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
            raise InputError(f"{where}no parameter is called {name!r}{nearest(name, model.model_fields)}; "
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
    wrong = InputError(f"{where}{name} = {value!r} is not {_TYPE_NAMES.get(annotation, annotation)}; allowed: "
                       f"{allowed_values(model, name)}")
    try:
        if annotation is bool:
            return {"true": True, "false": False}[value.lower()]
        converted = annotation(value)
    except (ValueError, KeyError):
        raise wrong from None
    if isinstance(converted, float) and not math.isfinite(converted):
        raise wrong
    return converted


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
