"""The beginning of a run file: who ran what and when, without reading a hundred megabytes.

A run file holds its plan before its blocks, and is written with one field a line; so the text up
to the field `cells` is, with a brace after it, a whole document. JSON has no line break inside a
string, so that field cannot be mistaken. Another layout of the same data is read as a whole.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from envdoctor.errors import InputError
from envdoctor.library.records import Entry
from envdoctor.model import codec
from envdoctor.model.cell import Row
from envdoctor.model.run import SCHEMA

FIRST_BYTES = 16_384
"""Enough for the beginning of most run files."""
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


_HEAD = msgspec.json.Decoder(_Head)


def read_entry(file: os.DirEntry[str], status: os.stat_result) -> Entry:
    """The entry of a file; its problem in a sentence if it is no run that can be shown."""
    entry = Entry(
        id=as_text(file.name).removesuffix(".json"),
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
    )
    try:
        head = _head(file, status.st_size)
    except InputError as error:
        return msgspec.structs.replace(entry, problem=error.sentence)
    return msgspec.structs.replace(
        entry,
        started_at=head.started_at,
        state=head.state,
        workloads=head.plan.workloads,
        rows=tuple(dict.fromkeys(row.title for row in head.plan.rows)),
    )


def as_text(name: str) -> str:
    """A name of the file system with a question mark for each byte of it that is no text."""
    return name.encode("utf-8", "replace").decode()


def _head(file: os.DirEntry[str], size: int) -> _Head:
    """The first fields of a run file.

    Raises:
        InputError: it cannot be read, is damaged or cut off, of another schema, or no run.
    """
    if as_text(file.name) != file.name:
        raise InputError(f"{as_text(file.name)} has a name that is no text.")
    try:
        with open(file.path, "rb", buffering=0) as stream:  # noqa: PTH123  a Path takes its time
            begin, found, _ = stream.read(FIRST_BYTES).partition(_MARK)
            if not found:
                begin, found, _ = (begin + stream.read(HEAD_BYTES - FIRST_BYTES)).partition(_MARK)
            stream.seek(max(0, size - len(_END)), os.SEEK_SET)
            end = stream.read()
    except OSError as error:
        raise InputError(f"{file.name} cannot be read ({error.strerror}).") from error
    if found:
        head = _decode(begin.rstrip().rstrip(b",") + b"}", file.name)
        if end != _END:
            raise InputError(f"{file.name} is cut off: it does not end as a run file does.")
        return head
    return _whole(Path(file.path), size)


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
        head = _HEAD.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(_refusal(data, name, str(error))) from error
    if head.schema != SCHEMA:
        raise InputError(_refusal(data, name, ""))
    return head


def _refusal(data: bytes, name: str, reason: str) -> str:
    """Why it is no run that can be shown: the schema first, since another explains the rest."""
    try:
        schema = msgspec.json.decode(data, type=_Versioned).schema
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return f"{name} is not a run file of envdoctor, or is damaged."
    if schema != SCHEMA:
        return f"{name} has schema {schema}; this envdoctor reads schema {SCHEMA}."
    return f"{name} is not a valid run file: {reason}."
