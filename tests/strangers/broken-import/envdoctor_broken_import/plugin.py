"""Raises when it is imported, as a plugin does whose own dependency is missing."""

from __future__ import annotations

raise ImportError("libwonder.so.7: cannot open shared object file")
