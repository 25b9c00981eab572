from __future__ import annotations

import io
import json
import math
import os
import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from envdoctor.errors import InputError
from envdoctor.model import doctor_codec
from envdoctor.model.diagnosis import Diagnosis
from envdoctor.model.outcome import OK
from envdoctor.model.snapshot import ProbeResult, ProbeStep
from envdoctor.report import doctor_json

ROOT = Path(__file__).parents[3]
MADE: dict[str, Any] = runpy.run_path(str(ROOT / "tests" / "support" / "diagnoses.py"))
SCHEMAS = {"check": doctor_codec.check_schema, "facts": doctor_codec.facts_schema}


def text_of(record: Any) -> str:
    stream = io.StringIO()
    doctor_json.write(record, stream)
    return stream.getvalue()


def test_a_diagnosis_is_plain_json() -> None:
    plain = json.loads(text_of(MADE["sick"]()))
    assert list(plain) == ["schema", "envdoctor_version", "valid_as_of", "targets", "notes"]
    (target,) = plain["targets"]
    assert target["interpreter"] == "/home/ada/venv/bin/python"
    assert target["counts"]["fail"] == 1
    assert [(each["id"], each["caused_by"]) for each in target["findings"][:2]] == [
        ("nvidia-module", ""),
        ("shm-too-small", ""),
    ]
    assert target["snapshot"]["environment"]["distributions"]["torch"]["version"] == "2.13.0"


def test_a_diagnosis_comes_back_as_it_was() -> None:
    sick = MADE["sick"]()
    assert msgspec.json.decode(text_of(sick), type=Diagnosis) == sick


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    snapshot = MADE["sick"]().targets[0].snapshot
    path = tmp_path / "facts.json"
    path.write_text(text_of(snapshot), encoding="utf-8")
    assert doctor_codec.read_snapshot(path) == snapshot


def test_a_number_that_is_none_is_null() -> None:
    step = ProbeStep(name="matmul", passed=False, error=math.inf, seconds=math.nan)
    probe = ProbeResult(framework="x", device="cpu", outcome=OK, steps=(step,))
    snapshot = structs.replace(MADE["sick"]().targets[0].snapshot, probes=(probe,))
    (found,) = json.loads(text_of(snapshot))["probes"]
    assert (found["steps"][0]["error"], found["steps"][0]["seconds"]) == (None, None)


def test_text_that_is_no_unicode_is_still_written() -> None:
    broken = os.fsdecode(b"/srv/\xff/python")
    target = structs.replace(MADE["sick"]().targets[0], interpreter=broken)
    assert "/srv/?/python" in text_of(Diagnosis(targets=(target,)))


DAMAGES = {
    "empty": b"",
    "garbage": b"\x89PNG",
    "list": b"[1]",
    "foreign": b'{"version": 3}',
    "future": b'{"schema": 2}',
    "no facts": b'{"schema": 1}',
    "deep": b'{"schema": 1, "x": ' + b"[" * 100_000,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_file_that_holds_no_facts_is_one_sentence(name: str) -> None:
    with pytest.raises(InputError) as caught:
        doctor_codec.decode_snapshot(DAMAGES[name], "it.json")
    assert caught.value.sentence.startswith("it.json ")
    assert "\n" not in caught.value.sentence
    assert caught.value.hint


def test_a_file_that_is_missing_or_huge_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        doctor_codec.read_snapshot(tmp_path / "none.json")
    (tmp_path / "huge.json").write_bytes(b"{}" * 10)
    monkeypatch.setattr(doctor_codec, "LARGEST_FILE_BYTES", 19)
    with pytest.raises(InputError, match="too large"):
        doctor_codec.read_snapshot(tmp_path / "huge.json")


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_that_of_the_code(name: str) -> None:
    path = ROOT / "docs" / f"{name}.schema.json"
    text = msgspec.json.format(msgspec.json.encode(SCHEMAS[name]()), indent=2).decode() + "\n"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "UPDATE_GOLDEN=1 pytest writes it anew"
