"""The commit that the book is made from."""

from __future__ import annotations

import subprocess

from catapult import paths

SOURCES = ("book", "lib", "data", "_config.yml", "_toc.yml", "CITATION.cff", "requirements.txt")
"""What the pages are made from."""


def commit() -> str:
    """Return the last commit, or "" where that is not what the pages are made from, or there is no git checkout."""
    try:
        top, last, changed = (_git(*command) for command in (
            ("rev-parse", "--show-toplevel"), ("rev-parse", "HEAD"), ("status", "--porcelain", "--", *SOURCES)))
    except (OSError, subprocess.CalledProcessError):
        return ""
    return last if paths.ROOT.samefile(top) and not changed else ""


def _git(*command: str) -> str:
    done = subprocess.run(["git", "-C", str(paths.ROOT), *command], capture_output=True, check=True, text=True)
    return done.stdout.strip()
