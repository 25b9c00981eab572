"""Starts a probe: a script that lies in the private folder, so that this is on the path first.

    python -X faulthandler start_probe.py ENTRY ANSWERS [DEVICE]

calls the function `package.module:function` with something to report by and the device, or None.
Every report is a line of JSON in the file ANSWERS, handed to the system before the next thing is
tried, so that whatever kills this process leaves behind how far it came.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
from typing import Any, Dict, List


class Reporter:
    """Appends one report after another to a file."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __call__(self, report: Dict[str, Any]) -> None:
        """Write a report; unbuffered, because the process may be gone with the next statement."""
        text = json.dumps(report, allow_nan=False, ensure_ascii=False)
        # Messages may hold what was no UTF-8 in the first place.
        os.write(self._file, text.encode("utf-8", "replace") + b"\n")


def main(arguments: List[str]) -> None:
    """Call the entry, and say so if it comes back."""
    entry, answers, *device = arguments
    reporter = Reporter(answers)
    module, _, function = entry.partition(":")
    probe = getattr(importlib.import_module(module), function)
    probe(reporter, device[0] if device else None)
    reporter({"done": True})


def _put_this_folder_first() -> None:
    """Python does so itself, unless the user has set PYTHONSAFEPATH."""
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  light
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)


if __name__ == "__main__":
    faulthandler.enable()
    _put_this_folder_first()
    from envdoctor.child.start import die_with_the_parent, watch_the_core

    watch_the_core(os.environ.pop("ENVDOCTOR_WATCH", ""))
    die_with_the_parent()
    main(sys.argv[1:])
