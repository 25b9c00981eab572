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
