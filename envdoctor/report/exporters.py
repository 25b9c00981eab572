"""Registers the built-in output formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Exporter, hookimpl
from envdoctor.report import csv, json, markdown

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_exporters() -> Iterator[Exporter]:
    """One record a format; the console is not a file format and stands apart."""
    yield Exporter(name="csv", summary="one line a cell", suffix=".csv", write=csv.write)
    yield Exporter(name="json", summary="the whole record", suffix=".json", write=json.write)
    yield Exporter(name="markdown", summary="tables", suffix=".md", write=markdown.write)
