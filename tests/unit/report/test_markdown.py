from __future__ import annotations

import io
import re
import runpy
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from envdoctor.model.run import Run, Unavailable
from envdoctor.report import markdown
from envdoctor.report.sentences import TO


def _written(run: Run) -> str:
    stream = io.StringIO()
    markdown.write(run, stream)
    return stream.getvalue()


def test_the_tables_as_markdown(run: Run, golden: Callable[[str, str], None]) -> None:
    golden("run.md", _written(run))


def test_every_line_of_a_table_has_as_many_cells(run: Run) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", _written(run), flags=re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1, table


def test_what_a_stranger_wrote_is_no_markup(run: Run) -> None:
    text = _written(run)
    assert not re.search(r"(?<!\\)<", text)
    assert not re.search(r"(?<!\\)\[", text)


def test_the_name_and_the_remedy_of_an_absent_backend_are_no_markup_either(run: Run) -> None:
    absent = Unavailable(backend="<b>odd</b>", reason="gone.", remedy="run `this` <i>now</i>")
    text = _written(structs.replace(run, unavailable=(absent,)))
    assert not re.search(r"(?<!\\)<b>", text)
    # A backtick ends a code span, so that what follows would be markup.
    assert "`run `this`" not in text


def test_a_reason_of_several_lines_stays_one_item(run: Run) -> None:
    absent = Unavailable(backend="odd", reason="one\n\n# two", remedy="")
    text = _written(structs.replace(run, unavailable=(absent,)))
    assert "\n# two" not in text


def test_the_table_has_rank_ratio_verdict_and_the_remarks(run: Run) -> None:
    text = _written(run)
    heading = next(line for line in text.splitlines() if line.startswith("| # |"))
    for column in ("vs fastest", "95 % CI", "verdict", "cpu", "util"):
        assert f" {column} |" in heading
    assert "| ~1 | tensorflow 2.13.0 graph |" in text
    assert f"| 1.03x | 1.02{TO}1.04 | leans slower |" in text
    assert "\nfastest: torch eager 42.1 ms/step; " in text
    assert "\n\n~ tensorflow graph takes about 1.03x as long as torch eager" in text


def test_a_twin_is_no_line_and_no_item(run: Run) -> None:
    assert len(re.findall(r"^\| \S* ?\| numpy 2.4.0 ", _written(run), flags=re.MULTILINE)) == 3
    assert "- numpy" not in _written(run)


def test_several_workloads_end_with_the_geometric_mean(run: Run) -> None:
    made = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))["made_run"]
    lines = _written(made(workloads=("mlp-tiny", "cnn-tiny"))).splitlines()
    (mean,) = [line for line in lines if "geometric mean" in line]
    assert mean.startswith("over mlp-tiny and cnn-tiny")
    assert lines.index(mean) > max(i for i, line in enumerate(lines) if line.startswith("|"))
    assert "geometric mean" not in _written(run)
