"""Progress on standard error: a live view on a terminal, else plain lines.

Whatever is shown is computed and written when an event comes. The engine yields events only between
blocks and stands still meanwhile, and no thread redraws the view, so nothing of it runs beside a
block that is timed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from envdoctor.bench.events import Began, Doing, Ended, Event, Saved
from envdoctor.cli.time_left import TimeLeft, keep_factors, read_factors
from envdoctor.report import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from envdoctor.bench.events import Piece
    from envdoctor.model.run import Run

PLAIN_INTERVAL_SECONDS = 10.0
"""How often a plain line may come within one piece of work."""


class Progress:
    """Shows events. A context manager; leaving it clears the live view."""

    def __init__(
        self,
        planned: Iterable[Piece],
        keep_in: Path | None = None,
        *,
        quiet: bool = False,
        console: Console | None = None,
    ) -> None:
        """Begin with what is planned.

        Args:
            planned: all pieces of work, with guesses at what they take.
            keep_in: where the run learns how good the guesses are on this machine, and leaves it.
            quiet: whether to show nothing.
            console: where to show it; standard error unless a test has its own.
        """
        self._console = console or Console(stderr=True)
        self._keep_in = keep_in
        self._left = TimeLeft(planned, read_factors(keep_in))
        self._quiet = quiet
        self._present: Began | None = None
        self._said = 0.0
        self._run: Run | None = None
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self._console.is_terminal and not self._quiet:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
        # Pieces that are over teach even if the run was interrupted.
        keep_factors(self._keep_in, self._left.learned())

    def show(self, event: Event) -> None:
        """Take in an event and show it."""
        match event:
            case Began(title):
                self._left.begin(event)
                self._present = event
                self._say(title, always=True)
            case Doing(what, done):
                self._left.advance(done)
                title = "" if self._present is None else self._present.title
                self._say(f"{title}: {what}", always=False)
            case Ended():
                self._left.end()
            case Saved(run):
                self._run = run

    def _say(self, text: str, *, always: bool) -> None:
        shown = Text(f"{text} · about {numbers.clock(self._left.seconds())} left")
        if self._live is not None:
            self._live.update(self._view(shown), refresh=True)
        elif not self._quiet and (always or time.monotonic() - self._said > PLAIN_INTERVAL_SECONDS):
            self._said = time.monotonic()
            self._console.print(shown, soft_wrap=True)

    def _view(self, line: Text) -> Group:
        """The line, and under it the rows as they stand once rounds are taken."""
        shown = None
        if self._run is not None and self._present is not None and self._present.kind == "timing":
            from envdoctor.cli.interim import interim

            shown = interim(self._run, self._present.workload)
        return Group(line) if shown is None else Group(line, shown)
