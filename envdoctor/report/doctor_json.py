"""The diagnosis and the facts themselves, whose JSON Schemas are published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.model import doctor_codec

if TYPE_CHECKING:
    from typing import TextIO

    from envdoctor.model.diagnosis import Diagnosis
    from envdoctor.model.snapshot import Snapshot


def write(record: Diagnosis | Snapshot, stream: TextIO) -> None:
    """Write the record."""
    stream.write(doctor_codec.encode(record))
