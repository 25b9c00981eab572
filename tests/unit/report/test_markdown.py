from __future__ import annotations

import io
import re
from collections.abc import Callable

from msgspec import structs

from envdoctor.model.run import Run, Unavailable
from envdoctor.report import markdown


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
