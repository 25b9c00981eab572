from __future__ import annotations

import io
from collections.abc import Callable

from envdoctor.model import codec
from envdoctor.model.run import Run
from envdoctor.report import json


def test_the_record_is_written_whole(run: Run, golden: Callable[[str, str], None]) -> None:
    stream = io.StringIO()
    json.write(run, stream)
    golden("run.json", stream.getvalue())
    assert codec.decode(stream.getvalue().encode(), "it") == run


def test_the_record_keeps_what_no_table_shows(run: Run) -> None:
    stream = io.StringIO()
    json.write(run, stream)
    found = codec.decode(stream.getvalue().encode(), "it")
    assert any(cell.row.twin for cell in found.cells)
    assert any(not turn.kept for turn in found.rounds)
    assert any(block.causes for cell in found.cells for block in cell.blocks)
