"""Random command lines and parameter files end in one line at most, never in a traceback; see ``fuzzing.py``."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fuzzing
from catapult import commands
from fuzzing import case, faults, parameter_file, wrong

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_random_command_lines_and_files_in_this_process(first):
    assert faults(range(first, first + 100)) == []


def test_random_command_lines_in_processes_of_their_own():
    done = subprocess.run([sys.executable, fuzzing.__file__, "60", "10000", "in_a_process"], check=False, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=600)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_a_fault_would_be_seen(monkeypatch):
    monkeypatch.setattr(commands, "complain", lambda message, status: status)
    assert faults(range(30))
    assert wrong(1, "", "Traceback (most recent call last):\n")
    assert wrong(2, "", "catapult: no\n")
    assert wrong(0, "", "") == ""


def test_cases_are_the_same_for_the_same_seed():
    import random

    assert case(5) == case(5)
    assert len({parameter_file(random.Random(seed)) for seed in range(50)}) > 40
