"""When a run began, as other formats want it, and run files that say nonsense of it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from msgspec import structs

from envdoctor.errors import InputError
from envdoctor.model.run import Run
from envdoctor.report import junit, tensorboard
from envdoctor.report.beginning import local_time, seconds_since_1970


@pytest.mark.parametrize(
    ("text", "local", "seconds"),
    [
        ("2026-01-01T12:00:00+00:00", "2026-01-01T12:00:00", 1_767_268_800),
        ("2026-01-01T14:00:00+02:00", "2026-01-01T14:00:00", 1_767_268_800),
        ("2026-01-01T12:00:00.750Z", "2026-01-01T12:00:00", 1_767_268_800.75),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59", -1),
    ],
)
def test_a_time_with_its_zone(run: Run, text: str, local: str, seconds: float) -> None:
    run = structs.replace(run, started_at=text)
    assert local_time(run) == local
    assert seconds_since_1970(run) == seconds


def test_a_date_alone_is_its_midnight(run: Run) -> None:
    assert local_time(structs.replace(run, started_at="2026-01-01")) == "2026-01-01T00:00:00"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T12:00:00", "\x00", "9" * 10_000])
def test_no_time_is_a_sentence(run: Run, tmp_path: Path, text: str) -> None:
    run = structs.replace(run, started_at=text)
    with pytest.raises(InputError, match="is no time of ISO 8601") as caught:
        junit.write(run, io.StringIO())
    assert len(caught.value.sentence) < 200
    assert caught.value.hint
    with pytest.raises(InputError, match="is no time of ISO 8601"):
        tensorboard.write(run, str(tmp_path / "logs"))
    assert list(tmp_path.iterdir()) == []


def test_a_time_beyond_what_unix_counts_is_a_sentence(run: Run) -> None:
    with pytest.raises(InputError, match="is no time of ISO 8601"):
        seconds_since_1970(structs.replace(run, started_at="0001-01-01T00:00:00"))
