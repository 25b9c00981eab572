"""Builds HTML as a tree of elements, so that no text can ever become markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable

    Child = ET.Element | str | None

_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Control characters, halves of pairs, and what turns the direction of the text after it."""


def visible(text: str) -> str:
    """Text in which what cannot be seen, or reorders what can, stands as its code point."""
    return _UNSHOWN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def element(name: str, /, *children: Child, **attributes: str) -> ET.Element:
    """An element with texts and elements in it, in order.

    Args:
        name: of the element.
        children: what it holds; None is left out.
        attributes: with `_` for `-`, and one at the end of a word of Python's: `class_`.
    """
    made = ET.Element(name)
    for key, value in attributes.items():
        made.set(key.removesuffix("_").replace("_", "-"), visible(value))
    add(made, children)
    return made


def add(parent: ET.Element, children: Iterable[Child]) -> None:
    """Append texts and elements to an element; None is left out."""
    for child in children:
        if isinstance(child, ET.Element):
            parent.append(child)
        elif child is not None:
            _add_text(parent, visible(child))


def _add_text(parent: ET.Element, text: str) -> None:
    """Text lies in the element itself, or behind the last one in it."""
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def texts(name: str, lines: Iterable[str], /, **attributes: str) -> list[ET.Element]:
    """One element for each text."""
    return [element(name, line, **attributes) for line in lines]


def document(root: ET.Element) -> str:
    """The whole page as text."""
    return f"<!doctype html>\n{ET.tostring(root, encoding='unicode', method='html')}\n"
