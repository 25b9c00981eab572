"""Text that may stand in XML."""

from __future__ import annotations

import re

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


def legal(text: str) -> str:
    """The text with a question mark for each character that XML forbids."""
    return _NOT_XML.sub("?", text)
