"""Parameters as users give them: files of ``NAME: VALUE`` and texts ``NAME=VALUE``, read as text, never evaluated."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import yaml

from catapult.parameters import InputError, plain, shown

LARGEST_FILE = 1 << 16
"""Bytes that a file of parameters may have."""


def read_file(file: str | Path) -> dict[str, str | None]:
    """Return the values of a YAML file of parameters, not checked: as text, or None, as ``-p`` would give them.

    Read are lines of ``NAME: VALUE`` only, each name once. What YAML could make of a value (octal numbers, dates,
    lists, objects, copies of copies) is not made.

    Raises
    ------
    InputError
        If it can't be read or is anything else.
    """
    where, allowed = f"parameter file {plain(file)}", "allowed: lines of NAME: VALUE"
    text = _text_of(file, where, allowed)
    values: dict[str, str | None] = {}
    anchors: dict[str, str | None] = {}
    line = 1

    def refused(what: str) -> InputError:
        return InputError(f"{where}, line {line}: {what}; {allowed}")

    try:
        loader = yaml.SafeLoader(text)
        events = iter(loader.get_event, None)
        next(events)
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            return {}
        event = next(events)
        if isinstance(event, yaml.ScalarEvent) and event.value == "" and event.style is None:  # nothing but "---"
            next(events)
        elif isinstance(event, yaml.MappingStartEvent):
            for name in events:
                line = name.start_mark.line + 1
                if isinstance(name, yaml.MappingEndEvent):
                    break
                value = next(events)
                if not isinstance(name, yaml.ScalarEvent) or name.tag:
                    raise refused("a name that is no plain text")
                if name.value in values:
                    raise refused(f"{shown(name.value)} is given twice")
                if isinstance(value, yaml.AliasEvent) and value.anchor in anchors:
                    values[name.value] = anchors[value.anchor]
                    continue
                if not isinstance(value, yaml.ScalarEvent) or value.tag:
                    raise refused(f"{shown(name.value)} is no plain value")
                none = value.style is None and value.value in ("", "~")
                values[name.value] = anchors[value.anchor] = None if none else value.value
            next(events)
        else:
            line = event.start_mark.line + 1
            raise refused("not a mapping of names to values")
        event = next(events)
        if not isinstance(event, yaml.StreamEndEvent):
            line = event.start_mark.line + 1
            raise refused("a second document")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else line
        raise refused("not valid YAML") from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        line = loader.line + 1  # an escape beyond Unicode, which the scanner does not foresee
        raise refused("not valid YAML") from None
    return values


def _text_of(file: str | Path, where: str, allowed: str) -> str:
    """Return the text of a file that somebody named, without waiting for it and without reading it for ever."""
    what = f"{allowed} in a file of at most {LARGEST_FILE:,} bytes, in UTF-8"
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError(f"{where}: no file but a folder, a pipe or a device; {what}")
            data = opened.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise InputError(f"{where}: too large; {what}")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{where}: not in UTF-8; {what}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: {getattr(error, 'strerror', None) or 'no name of a file'}; {what}") from None


def read_assignments(texts: list[str]) -> dict[str, str]:
    """Return the values of texts ``NAME=VALUE``, not checked.

    Raises
    ------
    InputError
        For a text without ``=``, or a name that is given twice.
    """
    values = {}
    for text in texts:
        name, equals, value = (part.strip(" ") for part in text.partition("="))
        if not equals or not name:
            raise InputError(f"-p {shown(text)}: no value; allowed: -p NAME=VALUE")
        if name in values:
            raise InputError(f"-p {plain(name)}: given twice; allowed: once")
        values[name] = value
    return values
