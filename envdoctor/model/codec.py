"""Between run records and bytes: the one place that knows how a run file is written."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from envdoctor.errors import IncompleteError, InputError
from envdoctor.model.run import SCHEMA, Run

LARGEST_FILE_BYTES = 200_000_000


def encode(run: Run) -> bytes:
    """A run as indented JSON.

    Raises:
        ValueError: it holds a number that is none. The encoder of msgspec would write null.
    """
    if run.state == "running":
        # Written after every round, and written anew: the last time looks at each number.
        with contextlib.suppress(UnicodeEncodeError):
            return msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n"
    plain = msgspec.to_builtins(run)
    try:
        # Indented by msgspec: with an indent, json leaves its encoder in C for one in Python.
        text = json.dumps(plain, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise ValueError("the run holds a number that is none") from error
    # A path may hold bytes that are no text.
    return msgspec.json.format(text.encode("utf-8", "replace"), indent=1) + b"\n"


def decode(data: bytes, source: str) -> Run:
    """A run from its JSON.

    Raises:
        InputError: it is damaged, of another schema, or no run at all.
    """
    try:
        schema = msgspec.json.decode(data, type=_Versioned).schema
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(
            f"{source} is not a run file of envdoctor, or is damaged.", str(error)
        ) from error
    if schema != SCHEMA:
        raise InputError(
            f"{source} has schema {schema}; this envdoctor reads schema {SCHEMA}.",
            "Take the version of envdoctor that wrote it, or a newer one.",
        )
    try:
        return msgspec.json.decode(data, type=Run)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"{source} is not a valid run file: {error}.") from error


class _Versioned(msgspec.Struct):
    schema: int


def read(path: Path) -> Run:
    """Read a run file; raises InputError if that cannot be done."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path} is too large for a run file.")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read ({reason}).") from error
    return decode(data, str(path))


def write(run: Run, path: Path) -> None:
    """Write a run file so that it is whole at any moment: beside it first, then in its place.

    Raises:
        IncompleteError: the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(encode(run))
                stream.flush()
                os.fsync(stream.fileno())
            # mkstemp makes it private; a result is an ordinary file.
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise IncompleteError(
            f"the run file {path} cannot be written ({error.strerror}).",
            "Choose another place with --save.",
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def run_schema() -> dict[str, Any]:
    """The JSON Schema of a run file."""
    schema = msgspec.json.schema(Run)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
