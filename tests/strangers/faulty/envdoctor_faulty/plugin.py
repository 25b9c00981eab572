"""NumPy with one fault a mode: how frameworks really end, on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

MODES = {
    "healthy": "no fault: what shows that the others have but one",
    "chatters": "prints megabytes on both streams, then does its work",
    "raises": "a step raises",
    "runs-out": "a step raises MemoryError",
    "unsupported": "says that it cannot",
    "segfaults": "a step ends with the signal of a segmentation fault",
    "reads-null": "a step reads from address zero",
    "is-killed": "a step ends with SIGKILL, as when memory is out",
    "leaves-child": "a step starts a process and then crashes",
    "exits": "building ends the process with code 0 and no word",
    "exits-politely": "building raises SystemExit",
    "crashes-late": "the timed program crashes after forty steps",
    "nan": "the loss is not a number",
    "nan-when-timed": "the loss of the timed program is not a number",
    "third-build-fails": "the timed program can be built twice in a process, and no third time",
    "wrong-gradient": "one gradient is a millionth too long",
    "stalls": "the timed program never ends its first step",
    "stalls-with-child": "the timed program starts a process and never ends its first step",
    "stalls-when-told": "the timed program never ends a step once a file exists",
    "hangs": "a step never ends",
    "hangs-deaf": "a step never ends, starts a process and hears no signal that can be ignored",
}


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """One backend; a row for each way to fail."""
    yield Backend(
        name="faulty",
        summary="NumPy with one fault a mode",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_faulty.trainer:Trainer",
        modes=tuple(Mode(name=name, summary=summary) for name, summary in MODES.items()),
        precisions=("fp32", "fp64"),
    )
