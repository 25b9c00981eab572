"""The beginning of a run file: who ran what and when, without reading a hundred megabytes.

A run file holds its plan before its blocks, and is written with one field a line; so the text up
to the field `cells` is, with a brace after it, a whole document. JSON has no line break inside a
string, so that field cannot be mistaken. Another layout of the same data is read as a whole.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from envdoctor.errors import InputError
from envdoctor.library.records import Entry
from envdoctor.model import codec
from envdoctor.model.cell import Row
from envdoctor.model.run import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

HEAD_BYTES = 65_536
LARGEST_READ_BYTES = 20_000_000
"""What a list reads as a whole at most, where a beginning alone says nothing."""
_MARK = b'\n "cells": '
_END = b"\n}\n"


class _Plan(Struct):
    rows: tuple[Row, ...]
    workloads: tuple[str, ...]


class _Head(Struct):
    schema: int
    started_at: str
    state: str
    plan: _Plan


class _Versioned(Struct):
    schema: int


def read_entry(path: Path, status: os.stat_result) -> Entry:
    """The entry of a file; its problem in a sentence if it is no run that can be shown."""
    entry = Entry(id=path.stem, size_bytes=status.st_size, modified_ns=status.st_mtime_ns)
    try:
        head = _head(path, status.st_size)
    except InputError as error:
        return msgspec.structs.replace(entry, problem=error.sentence)
    return msgspec.structs.replace(
        entry,
        started_at=head.started_at,
        state=head.state,
        workloads=head.plan.workloads,
        rows=tuple(dict.fromkeys(row.title for row in head.plan.rows)),
    )


def _head(path: Path, size: int) -> _Head:
    """The first fields of a run file.

    Raises:
        InputError: it cannot be read, is damaged or cut off, of another schema, or no run.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(HEAD_BYTES)
            stream.seek(max(0, size - len(_END)), os.SEEK_SET)
            end = stream.read()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}).") from error
    begin, found, _ = data.partition(_MARK)
    if found:
        head = _decode(begin.rstrip().rstrip(b",") + b"}", path.name)
        if end != _END:
            raise InputError(f"{path.name} is cut off: it does not end as a run file does.")
        return head
    return _whole(path, size)


def _whole(path: Path, size: int) -> _Head:
    """The same from the whole file, where its layout is not ours."""
    if size > LARGEST_READ_BYTES:
        raise InputError(
            f"{path.name} does not begin like a run file, and is too large to read "
            f"({size / 1e6:,.0f} MB)."
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}).") from error
    head = _decode(data, path.name)
    codec.decode(data, path.name)
    return head


def _decode(data: bytes, name: str) -> _Head:
    try:
        schema = msgspec.json.decode(data, type=_Versioned).schema
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"{name} is not a run file of envdoctor, or is damaged.") from error
    if schema != SCHEMA:
        raise InputError(f"{name} has schema {schema}; this envdoctor reads schema {SCHEMA}.")
    try:
        return msgspec.json.decode(data, type=_Head)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"{name} is not a valid run file: {error}.") from error
