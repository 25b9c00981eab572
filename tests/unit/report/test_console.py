from __future__ import annotations

import io
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console

from envdoctor.model.run import Run
from envdoctor.report.console import show_run
from envdoctor.report.sentences import TO

MADE = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))
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
    for number in ("0.155 ms", "413,000", "yes 4e-16", "24,300"):
        assert number in text
    # Where there is no room for the spread, its whole column is left out.
    assert ("0.155 ms  ±0.7 %" in text) == (width > 60)


def test_energy_is_shown_if_it_was_measured(run: Run) -> None:
    text = _shown(run, 140)
    assert "J/1k samples" in text
    assert "0.0610 ±0.0025" in text
    assert "by RAPL package" in text
    without = _shown(structs.replace(run, energies=(), energy_note="no counter here."), 140)
    assert "J/1k samples" not in without
    assert "energy was not measured: no counter here." in without


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


def test_a_narrow_terminal_keeps_the_ratio_and_loses_what_matters_less(run: Run) -> None:
    narrow, middle, wide = (_shown(run, width) for width in (80, 110, 200))
    for text in (narrow, middle, wide):
        assert "1.53x" in text
        assert "fastest" in text
        for cost in ("warm-up", "312 + 12 MB", "96.1 ±1.0"):
            assert cost in _table(text)
    assert f"1.52{TO}1.55" in middle
    assert "leans slower" not in _table(narrow)
    for column in ("verdict", "util", "cpu", "leans slower", "35 %"):
        assert column in _table(wide)


def _table(text: str) -> str:
    """The second table, without what stands below it."""
    return text.partition("transformer-tiny ·")[2].partition("  fastest:")[0]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_heading_is_one_short_line_and_how_it_was_measured_another(width: int, run: Run) -> None:
    lines = _shown(run, width).splitlines()
    first = lines.index("mlp-tiny · 26,122 parameters · batch 64 · cpu, 2 threads · fp32")
    assert lines[first + 1].rstrip() == "2 launches, 16 rounds · noise grade A (A/A ±0.8 %)"


@pytest.mark.parametrize("width", [*WIDTHS, 300])
def test_a_remark_stays_right_of_its_mark_when_it_is_wrapped(width: int, run: Run) -> None:
    lines = _shown(run, width).splitlines()
    start = next(i for i, line in enumerate(lines) if "torch 2.13.0 compile:" in line)
    end = next(i for i, line in enumerate(lines) if "Try TF_ENABLE" in line)
    for line in lines[start : end + 1]:
        assert line.startswith(("  - ", "    "))


def test_a_twin_is_nowhere_to_be_seen(run: Run) -> None:
    # Without the twins only what they prove is gone: the noise of the machine.
    without = structs.replace(
        run,
        cells=tuple(cell for cell in run.cells if not cell.row.twin),
        plan=structs.replace(run.plan, twin=None),
    )
    wanted = [line for line in _shown(run, 140).splitlines() if "A/A" not in line]
    found = _shown(without, 140).splitlines()
    assert [line for line in wanted if line not in found] == []


def test_a_rise_of_noise_takes_the_ranks_away_and_says_what_helps() -> None:
    text = _shown(MADE["made_run"](noise=0.15, twin_factor=1.3), 110)
    assert "This machine is too noisy to rank these backends right now." in text
    assert "What helps: close other work" in text
    assert "vs fastest  " not in text
    assert "  fastest" not in text


def test_several_workloads_end_with_the_geometric_mean(run: Run) -> None:
    text = _shown(MADE["made_run"](workloads=("mlp-tiny", "cnn-tiny")), 110)
    assert text.count("geometric mean") == 1
    assert text.index("geometric mean") > text.rindex("  fastest: ")
    assert "geometric mean" not in _shown(run, 110), "no two workloads have the same rows"
