"""Between the records of the doctor and JSON: facts that can be sent, answers that can be kept."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import msgspec

from envdoctor.errors import InputError
from envdoctor.model.diagnosis import Diagnosis
from envdoctor.model.snapshot import SNAPSHOT_SCHEMA, Snapshot

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_FILE_BYTES = 50_000_000
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def encode(record: Diagnosis | Snapshot) -> str:
    """A record as indented JSON; a number that is none becomes null."""
    plain = _finite(msgspec.to_builtins(record))
    text = json.dumps(plain, allow_nan=False, ensure_ascii=False, indent=1)
    # A path may hold bytes that are no text.
    return text.encode("utf-8", "replace").decode("utf-8") + "\n"


def read_snapshot(path: Path) -> Snapshot:
    """The facts that `envdoctor info --format json` has written.

    Raises:
        InputError: the file cannot be read, is damaged, of another schema, or something else.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path} is too large for a file of facts.")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read ({reason}).") from error
    return decode_snapshot(data, str(path))


def decode_snapshot(data: bytes, source: str) -> Snapshot:
    """Facts from their JSON; raises InputError as `read_snapshot` does."""
    hint = "Such a file is written by `envdoctor info --format json --output FILE`."
    try:
        schema = msgspec.json.decode(data, type=_Versioned).schema
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"{source} is no file of facts, or is damaged.", hint) from error
    if schema != SNAPSHOT_SCHEMA:
        raise InputError(
            f"{source} has schema {schema}; this envdoctor reads schema {SNAPSHOT_SCHEMA}.",
            "Take the version of envdoctor that wrote it, or a newer one.",
        )
    try:
        return msgspec.json.decode(data, type=Snapshot)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"{source} is no valid file of facts: {error}.", hint) from error


class _Versioned(msgspec.Struct):
    schema: int


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def check_schema() -> dict[str, Any]:
    """The JSON Schema of what `envdoctor check --format json` writes."""
    return {"$schema": _DIALECT, **msgspec.json.schema(Diagnosis)}


def facts_schema() -> dict[str, Any]:
    """The JSON Schema of what `envdoctor info --format json` writes."""
    return {"$schema": _DIALECT, **msgspec.json.schema(Snapshot)}
