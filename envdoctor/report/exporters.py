"""Registers the built-in output formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Exporter, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from envdoctor.model.run import Run


@hookimpl
def envdoctor_exporters() -> Iterator[Exporter]:
    """One record a format; the console is not a file format and stands apart."""
    yield Exporter(name="csv", summary="one line a cell", suffix=".csv", write=_write_csv)
    yield Exporter(name="html", summary="a page with charts", suffix=".html", write=_write_html)
    yield Exporter(name="json", summary="the whole record", suffix=".json", write=_write_json)
    yield Exporter(name="jsonl", summary="one line a block", suffix=".jsonl", write=_write_jsonl)
    yield Exporter(name="junit", summary="one test case a row", suffix=".xml", write=_write_junit)
    yield Exporter(name="markdown", summary="tables", suffix=".md", write=_write_markdown)


# Imported when one is asked for: with what they need they take a tenth of the time of a check.


def _write_csv(run: Run, stream: TextIO) -> None:
    from envdoctor.report import csv

    csv.write(run, stream)


def _write_html(run: Run, stream: TextIO) -> None:
    from envdoctor.report import html

    html.write(run, stream)


def _write_json(run: Run, stream: TextIO) -> None:
    from envdoctor.report import json

    json.write(run, stream)


def _write_jsonl(run: Run, stream: TextIO) -> None:
    from envdoctor.report import jsonl

    jsonl.write(run, stream)


def _write_junit(run: Run, stream: TextIO) -> None:
    from envdoctor.report import junit

    junit.write(run, stream)


def _write_markdown(run: Run, stream: TextIO) -> None:
    from envdoctor.report import markdown

    markdown.write(run, stream)
