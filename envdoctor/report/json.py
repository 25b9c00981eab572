"""The run record itself, whose JSON Schema is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.model import codec

if TYPE_CHECKING:
    from typing import TextIO

    from envdoctor.model.run import Run


def write(run: Run, stream: TextIO) -> None:
    """Write the record."""
    stream.write(codec.encode(run).decode("utf-8"))
