from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from envdoctor.choose.records import (
    Candidate,
    Choice,
    Judged,
    Measurement,
    Reason,
    Source,
)
from envdoctor.report.choice import choice_schema, show_choice, write_json, write_markdown

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "choose.schema.json"
PAGE = Source(kind="fact", where="https://example.org/a", seen="2026-01-01", confidence="medium")
RUN = Source(kind="run", where="made-1: mlp-tiny")


@pytest.fixture
def choice():
    met = Judged(need="mobile", answer="yes", reason=Reason(text="with a|pipe", source=PAGE))
    return Choice(
        needs=("mobile",),
        valid_as_of="2026-01-01",
        decision="one",
        headline="torch for mobile: it is fastest.",
        recommended=("torch",),
        measurement=Measurement(
            run="made-1", started_at="2026-01-01T12:00", workloads=("mlp-tiny",), machine="A CPU"
        ),
        candidates=(
            Candidate(
                framework="torch", outcome="first", rank=1, row="torch eager", value=1e-3,
                needs=(met,),
            ),
            Candidate(
                framework="jax", outcome="behind", rank=2, row="jax jit", value=2e-3, ratio=2.0,
                low=1.9, high=2.1, hindrance="jax is not installed.", remedy="pip install jax",
            ),
            Candidate(framework="mlx", outcome="unknown", needs=(Judged(need="mobile", answer="unknown"),)),
        ),
        would_change=(Reason(text="with --priority memory: jax", source=RUN),),
        not_measured=("Anything but training.",),
    )  # fmt: skip


def _shown(choice, width=100):
    console = Console(file=io.StringIO(), width=width)
    show_choice(choice, console)
    return console.file.getvalue()


def test_the_answer_stands_first_and_every_reason_has_its_source(choice):
    lines = _shown(choice).splitlines()
    assert lines[0] == "torch for mobile: it is fastest."
    text = "\n".join(lines)
    assert "run made-1 of 2026-01-01 on mlp-tiny" in text
    assert "facts as of 2026-01-01" in text
    assert "torch: with a|pipe [https://example.org/a, medium confidence]" in text
    assert "with --priority memory: jax [run made-1: mlp-tiny]" in text
    assert "jax is not installed. pip install jax" in text
    assert "2.00x (1.90 to 2.10)" in text
    assert "1.00 ms" in text


@pytest.mark.parametrize("width", [60, 80, 140])
def test_no_line_is_wider_than_the_terminal_and_all_fits_a_screen(width, choice):
    lines = _shown(choice, width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < 30


def test_markdown_has_the_same_and_escapes(choice):
    stream = io.StringIO()
    write_markdown(choice, stream)
    text = stream.getvalue()
    assert text.startswith("**torch for mobile: it is fastest.**\n")
    assert "with a\\|pipe" in text
    assert "### Not measured" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1


def test_json_is_the_record_and_its_schema_is_published(choice):
    stream = io.StringIO()
    write_json(choice, stream)
    found = json.loads(stream.getvalue())
    assert found["recommended"] == ["torch"]
    assert found["candidates"][0]["needs"][0]["reason"]["source"]["where"] == PAGE.where
    text = json.dumps(choice_schema(), indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        SCHEMA_FILE.write_text(text, encoding="utf-8")
    published = SCHEMA_FILE.read_text(encoding="utf-8")
    assert published == text, "UPDATE_GOLDEN=1 pytest writes it anew"
