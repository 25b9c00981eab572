"""Hides network addresses, and leaves versions and PCI addresses that look like them."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_IP_4 = re.compile(r"(?<![\w.+-])(?:\d{1,3}\.){3}\d{1,3}(?![\w+-]|\.\w)")
_IP_6 = re.compile(r"(?i)(?<![\w:.])[0-9a-f:]{3,39}(?![\w:.]\w|[\w:])")
_MAC = re.compile(r"(?i)(?<![\w:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])")
_LINK = re.compile(r"[=<>~!]=\s*v?$|[<>]\s*v?$")
"""What stands before the version of a requirement."""
_WORD = re.compile(r"([\w.-]+)(?:\s+v?|\s*\()$")
VERSION_WORDS = re.compile(
    r"version|versions|release|runtime|driver|build|cuda|cudnn|cublas|cufft|cusolver"
    r"|cusparse|nccl|nvrtc|tensorrt|rocm|hip|mkl|openblas",
    re.IGNORECASE,
)
"""What stands before a version in a sentence."""


def hide_addresses(text: str, kept: Collection[str] = ()) -> str:
    """A text without network addresses; those of the machine itself, such as 127.0.0.1, stay.

    Args:
        text: anything.
        kept: names of distributions, which versions stand behind.
    """
    text = _MAC.sub("<mac>", text)
    text = _IP_4.sub(lambda match: _hide_4(match, kept), text)
    return _IP_6.sub(_hide_6, text)


def _hide_4(match: re.Match[str], kept: Collection[str]) -> str:
    found = match[0]
    try:
        address = ipaddress.IPv4Address(found)
    except ValueError:
        return found
    before = match.string[: match.start()]
    word = _WORD.search(before)
    named = word is not None and (
        VERSION_WORDS.fullmatch(word[1]) is not None or _is_name(word[1], kept)
    )
    if address.is_loopback or address.is_unspecified or named or _LINK.search(before):
        return found
    return "<ip>"


def _is_name(word: str, kept: Collection[str]) -> bool:
    name = word.lower().replace("_", "-")
    return name in kept or name.startswith("nvidia-")


def _hide_6(match: re.Match[str]) -> str:
    found = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
    try:
        address = ipaddress.IPv6Address(found)
    except ValueError:
        return match[0]
    if address.is_loopback or address.is_unspecified or not any(map(str.isdigit, found)):
        return match[0]
    return "<ip>" + match[0][len(found) :]
