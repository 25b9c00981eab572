"""What Python says of its start-up files when it starts: they may fail, and it goes on."""

from __future__ import annotations

import re
from typing import Any

_IN_FILE = re.compile(
    r"Error processing line \d+ of (?P<path>[^\n]+):\n\n(?P<trace>.*?)\n+Remainder of file ignored",
    re.DOTALL,
)
_IN_MODULE = re.compile(r"Error in (sitecustomize|usercustomize); [^\n]*:\n(?P<trace>[^\n]+)")


def add_complaints(
    files: list[dict[str, Any]], standard_error: str, customizations: dict[str, str]
) -> None:
    """Write down what failed at the start-up files that it concerns.

    Args:
        files: the .pth files, which are changed.
        standard_error: what the interpreter wrote when it started.
        customizations: where `sitecustomize` and `usercustomize` come from.
    """
    by_path = {file["path"]: file for file in files}
    for said in _IN_FILE.finditer(standard_error):
        file = by_path.get(said["path"])
        if file is not None and not file["error"]:
            file["error"] = last_words(said["trace"])
    for said in _IN_MODULE.finditer(standard_error):
        path = customizations.get(said[1]) or said[1]
        files.append({"path": path, "executes": True, "error": said["trace"].strip()})


def last_words(text: str) -> str:
    """The last line that says something: of a traceback, the exception."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
