"""Drive the command in this process, and hold what every refusal is."""

from __future__ import annotations

import os
import sys
from unittest import mock

import pytest

from catapult import cli


def catapult(monkeypatch, capfd, *arguments) -> tuple[int, str, str]:
    """Run the command; return its exit status, its output and its complaints."""
    monkeypatch.setattr(sys, "argv", ["catapult", *map(str, arguments)])
    capfd.readouterr()
    with mock.patch.dict(os.environ), pytest.raises(SystemExit) as stopped:  # --data names a folder in it
        cli.main()
    return stopped.value.code, *capfd.readouterr()


def one_line(complaint: str) -> str:
    """Return the one line that a complaint is."""
    assert complaint.startswith("catapult: "), complaint
    assert complaint.count("\n") == 1, complaint
    assert complaint.endswith("\n")
    assert len(complaint) < 2000, complaint
    assert complaint[:-1].isprintable()
    return complaint[:-1]


def refused(monkeypatch, capfd, *arguments) -> str:
    """Return the line with which the command refuses wrong input: status 2, and it says what is allowed."""
    status, output, complaint = catapult(monkeypatch, capfd, *arguments)
    assert (status, output) == (2, ""), complaint
    line = one_line(complaint)
    assert "allowed" in line.lower(), line
    return line
