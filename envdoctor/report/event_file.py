"""Writes event files of TensorBoard: scalars, and what its table of parameters needs.

An own writer, because those of others import a framework where one is installed, for seconds. The
format is two stable things: records with masked CRC-32C sums, and Protocol Buffers (event.proto,
summary.proto and the plugin hparams of TensorBoard), of which this needs a few fields.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5
"""Wire types of Protocol Buffers."""
SUCCESS, FAILURE = 1, 2
"""How a session ended."""


def header(seconds: float) -> bytes:
    """The record that every event file begins with."""
    return _record(_double(1, seconds) + _text(3, "brain.Event:2"))


def scalar(tag: str, value: float, *, step: int, seconds: float) -> bytes:
    """One point of a curve.

    Args:
        tag: the curve.
        value: in single precision.
        step: on the x axis.
        seconds: since 1970.
    """
    return _event(_text(1, tag) + _float(2, value), step, seconds)


def session(parameters: Mapping[str, str | float], *, status: int, seconds: float) -> bytes:
    """The parameters of a folder of events, and how what it shows has ended."""
    entries = b"".join(
        _message(1, _text(1, name) + _message(2, _value(value)))
        for name, value in parameters.items()
    )
    start = _message(3, entries + _double(5, seconds))
    end = _message(4, _number(1, status) + _double(2, seconds))
    return b"".join(
        _event(_text(1, f"_hparams_/session_{part}_info") + _plugin(content), 0, seconds)
        for part, content in (("start", start), ("end", end))
    )


def _plugin(content: bytes) -> bytes:
    """The metadata that hands a value to the plugin for parameters."""
    return _message(9, _message(1, _text(1, "hparams") + _message(2, content)))


def _value(value: str | float) -> bytes:
    """A google.protobuf.Value."""
    return _text(3, value) if isinstance(value, str) else _double(2, float(value))


def _event(value: bytes, step: int, seconds: float) -> bytes:
    return _record(_double(1, seconds) + _number(2, step) + _message(5, _message(1, value)))


def _record(data: bytes) -> bytes:
    """Length and data, each with its sum."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    found = crc32c(data)
    return struct.pack("<I", ((found >> 15 | found << 17) + _MASK) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """The checksum of Castagnoli's polynomial."""
    found = 0xFFFFFFFF
    for byte in data:
        found = _TABLE[(found ^ byte) & 0xFF] ^ found >> 8
    return found ^ 0xFFFFFFFF


def _entry(index: int) -> int:
    for _ in range(8):
        index = index >> 1 ^ (_POLYNOMIAL if index & 1 else 0)
    return index


_TABLE = tuple(map(_entry, range(256)))


def _varint(value: int) -> bytes:
    """Seven bits a byte, lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _key(field, _DOUBLE) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return _key(field, _FLOAT) + struct.pack("<f", value)


def _message(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode("utf-8", "replace"))
