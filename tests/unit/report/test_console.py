from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from msgspec import structs
from rich.console import Console

from envdoctor.model.run import Run
from envdoctor.report.console import show_run

WIDTHS = (80, 110, 140)


def _shown(run: Run, width: int, **options: object) -> str:
    stream = io.StringIO()
    show_run(run, Console(file=stream, width=width, **options))
    return stream.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_tables_in_a_terminal(width: int, run: Run, golden: Callable[[str, str], None]) -> None:
    text = _shown(run, width)
    golden(f"console-{width}.txt", text)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [*WIDTHS, 300])
def test_what_a_stranger_wrote_comes_out_as_it_is(width: int, run: Run) -> None:
    words = re.sub(r"\s+", " ", _shown(run, width))
    for literal in (
        "[red]x[/red]",
        "[bold]step[/bold] :x: 3 | <script>alert(1)</script>",
        "`venv` [link=http://x]here[/link].",
        "/usr [dim].",
        "[red]:boom:[/red]",
    ):
        assert literal in words, literal


@pytest.mark.parametrize("width", [60, *WIDTHS])
def test_no_number_is_cut(width: int, run: Run) -> None:
    text = _shown(run, width)
    assert "…" not in text
    for number in ("0.155 ms ±4 %", "413,000", "yes 4e-16", "24,300"):
        assert number in text


def test_a_row_without_a_proof_shows_no_speed(run: Run) -> None:
    lines = _shown(run, 140).splitlines()
    (about,) = [line for line in lines if "torch 2.13.0 compile" in line]
    assert "speed withheld" in about
    # The unproven row would have been the fastest: 64 / 98.765 us.
    assert not any("648,000" in line for line in lines)


def test_rows_stand_in_the_order_of_their_speed(run: Run) -> None:
    text = _shown(run, 140)
    places = [text.index(title) for title in ("jax jit", "torch eager", "numpy  ", "[red]x")]
    assert places == sorted(places)


def test_colour_is_only_for_terminals(run: Run) -> None:
    assert "\x1b" not in _shown(run, 110)
    assert "\x1b[" in _shown(run, 110, force_terminal=True, color_system="standard")


def test_a_run_without_cells_shows_what_else_could_run(run: Run) -> None:
    text = _shown(structs.replace(run, cells=()), 110)
    assert "±" not in text
    assert 'python -m pip install "mxnet>=1.9"' in text
