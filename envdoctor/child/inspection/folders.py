"""Listings of folders: reading a folder once is far cheaper than asking for each of its files."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH123

from __future__ import annotations

import os
from typing import Dict, List, Optional

Listing = Dict[str, "os.DirEntry[str]"]


class Folders:
    """What folders hold, each read once."""

    def __init__(self) -> None:
        self.refused: Dict[str, str] = {}
        """Folders that could not be read, with the reason."""
        self._listings: Dict[str, Optional[Listing]] = {}

    def names(self, folder: str) -> List[str]:
        """What is in a folder, in order; nothing if it is not there or cannot be read."""
        return sorted(self.listing(folder) or ())

    def listing(self, folder: str) -> Optional[Listing]:
        """What is in a folder, by name; None if it cannot be read."""
        if folder not in self._listings:
            self._listings[folder] = self._read(folder)
        return self._listings[folder]

    def _read(self, folder: str) -> Optional[Listing]:
        try:
            with os.scandir(folder) as entries:
                return {entry.name: entry for entry in entries}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            self.refused[folder] = str(getattr(error, "strerror", None) or error)
            return None


def read_text(path: str) -> str:
    """A file as text, whatever its bytes are; raises OSError."""
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        return stream.read()
