"""How far work is and how long it will take, in words for those who wait."""

from __future__ import annotations

import contextlib
import sys
import time

from catapult.parameters import Parameters

LINES = 30
"""Seconds between lines of progress where standard error is no terminal."""


class Progress:
    """How far work is and how long it will take: a bar in a terminal, elsewhere a line now and then.

    ``total`` of what is called ``unit`` are to do, ``left`` of them now; ``wanted``: whether to show anything.
    """

    def __init__(self, total: int, left: int, unit: str, wanted: bool = True):
        self.total, self.done, self.failed, self.now = total, total - left, 0, 0
        self.started = self.said = time.monotonic()
        self.unit, self.wanted, self.bar = unit, wanted, None
        if wanted and left and sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=total, initial=self.done, unit=unit, file=sys.stderr, dynamic_ncols=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_) -> None:
        if self.bar is not None:
            self.bar.close()

    def add(self, count: int, failed: int = 0) -> None:
        """Count what is done now, and how many of it failed."""
        self.done, self.now, self.failed = self.done + count, self.now + count, self.failed + failed
        if self.bar is not None:
            self.bar.update(count)
            if self.failed:
                self.bar.set_postfix(failed=self.failed)
        elif self.wanted and time.monotonic() - self.said > LINES:
            self.said = time.monotonic()
            left = (self.said - self.started) / self.now * (self.total - self.done)
            failures = f", {self.failed} failed" if self.failed else ""
            self.say(f"{self.done} of {self.total} {self.unit}s{failures}, about {in_words(left)} left")

    def say(self, text: str) -> None:
        """Print a line, unless it is empty or none is wanted."""
        if self.wanted and text:
            with self.bar.external_write_mode(file=sys.stderr) if self.bar is not None else contextlib.nullcontext():
                print(f"catapult: {text}", file=sys.stderr, flush=True)


def steps_to_time(model: type[Parameters]) -> int:
    """Return how many steps tell, with twice as many, how long a step takes: 100, or the fewest that are allowed."""
    rules = model.model_fields["steps"].metadata if "steps" in model.model_fields else ()
    return max([100, *(getattr(rule, "ge", 0) for rule in rules)])


def in_words(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
