"""A run, or several side by side, as one page that can be sent to anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report.html.page import page

if TYPE_CHECKING:
    from typing import TextIO

    from envdoctor.model.run import Run

__all__ = ["page", "write"]


def write(run: Run, stream: TextIO) -> None:
    """Write the page of one run."""
    stream.write(page([run]))
