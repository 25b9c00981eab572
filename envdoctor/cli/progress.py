"""Progress with a time left, on standard error: a live line on a terminal, else plain ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from envdoctor.bench.events import Began, Doing, Ended, Event
from envdoctor.report import numbers

if TYPE_CHECKING:
    from rich.status import Status

PLAIN_INTERVAL_SECONDS = 10.0
"""How often a plain line may come within one piece of work."""


class TimeLeft:
    """Scales the expected times by how the pieces so far really went."""

    def __init__(self, expected_seconds: float) -> None:
        self._total = max(expected_seconds, 1e-9)
        self._done = 0.0
        self._begun = time.monotonic()
        self._piece = 0.0
        self._share = 0.0

    def begin(self, expected_seconds: float) -> None:
        """A piece of work begins."""
        self._piece, self._share = expected_seconds, 0.0

    def advance(self, share: float) -> None:
        """So much of the present piece is done, 0 to 1."""
        self._share = share

    def end(self) -> None:
        """The present piece is over."""
        self._done += self._piece
        self._piece = self._share = 0.0

    def seconds(self) -> float | None:
        """The time left; None before anything is known."""
        done = self._done + self._piece * self._share
        if done <= 0:
            return None
        elapsed = time.monotonic() - self._begun
        return max(0.0, self._total - done) * elapsed / done


class Progress:
    """Shows events. A context manager; leaving it clears the live line."""

    def __init__(self, expected_seconds: float, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True)
        self._left = TimeLeft(expected_seconds)
        self._quiet = quiet
        self._title = ""
        self._said = 0.0
        self._status: Status | None = None

    def __enter__(self) -> Progress:
        if self._console.is_terminal and not self._quiet:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, event: Event) -> None:
        """Take in an event and show it."""
        match event:
            case Began(title, expected):
                self._left.begin(expected)
                self._title = title
                self._say(title, always=True)
            case Doing(what, done):
                self._left.advance(done)
                self._say(f"{self._title}: {what}", always=False)
            case Ended():
                self._left.end()
            case _:
                pass

    def _say(self, text: str, *, always: bool) -> None:
        left = self._left.seconds()
        shown = f"{text} · about {numbers.clock(left)} left" if left is not None else text
        if self._status is not None:
            self._status.update(Text(shown))
        elif not self._quiet and (always or time.monotonic() - self._said > PLAIN_INTERVAL_SECONDS):
            self._said = time.monotonic()
            self._console.print(Text(shown), soft_wrap=True)
