from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from envdoctor.errors import IncompleteError, InputError
from envdoctor.model import codec
from envdoctor.model.cell import (
    Block,
    Cell,
    Certificate,
    Launch,
    Memory,
    Noise,
    Phases,
    Plausibility,
    Progress,
    Quality,
    Row,
)
from envdoctor.model.facts import Facts
from envdoctor.model.folds import Folds
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Ceiling, Energy, Plan, Round, Run, Unavailable

ROOT = Path(__file__).parents[3]
SCHEMA_FILE = ROOT / "docs" / "run.schema.json"

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
SPEED = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
COUNT = st.integers(0, 2**62)
POSITIVE = st.integers(1, 2**62)
ROW = st.builds(Row, backend=TEXT, mode=TEXT, interpreter=TEXT, twin=st.booleans())
CAUSES = st.lists(st.sampled_from(["steal", "quota", "canary"]), max_size=2).map(tuple)


def _all_of(kind: type, **values: st.SearchStrategy) -> st.SearchStrategy:
    """A record whose fields without a strategy of their own hold numbers, some of them perhaps."""
    plain = {
        int: COUNT,
        float: NUMBER,
        int | None: st.none() | COUNT,
        float | None: st.none() | NUMBER,
        bool | None: st.none() | st.booleans(),
    }
    found = {
        field: plain[annotation]
        for field, annotation in get_type_hints(kind).items()
        if annotation in plain
    }
    return st.builds(kind, **{**found, **values})


BLOCK = _all_of(
    Block,
    steps=POSITIVE,
    wall_ns=POSITIVE,
    noise=st.none() | _all_of(Noise),
    causes=CAUSES,
)
LAUNCH = _all_of(
    Launch,
    phases=_all_of(Phases),
    caches=st.sampled_from(["cold", "warm"]),
    alone=st.booleans(),
    warmup_ns=st.lists(COUNT, max_size=3).map(tuple),
    settling_ns=st.lists(COUNT, max_size=3).map(tuple),
    steady=st.booleans(),
)
CERTIFICATE = st.builds(
    Certificate,
    same_work=st.booleans(),
    tier=st.sampled_from(["G64", "G32"]),
    output_error=st.none() | NUMBER,
    gradient_error=st.none() | NUMBER,
    gradient_name=TEXT,
    reason=TEXT,
)
CELL = st.builds(
    Cell,
    row=ROW,
    workload=TEXT,
    outcome=st.builds(Outcome, status=st.sampled_from(["ok", "crashed"]), reason=TEXT),
    certificate=st.none() | CERTIFICATE,
    versions=st.dictionaries(TEXT, TEXT, max_size=2),
    launches=st.lists(LAUNCH, max_size=2).map(tuple),
    first_losses=st.lists(NUMBER, max_size=3).map(tuple),
    blocks=st.lists(BLOCK, max_size=3).map(tuple),
    plausibility=st.none() | _all_of(Plausibility),
    memory=st.none() | _all_of(Memory),
    training_seconds=st.none() | NUMBER,
    quality=st.none() | _all_of(Quality, metric=TEXT),
    folds=st.none() | st.builds(Folds, wanted=COUNT, values=st.lists(NUMBER).map(tuple)),
    history=st.lists(_all_of(Progress, step=POSITIVE), max_size=3).map(tuple),
)
PLAN = _all_of(
    Plan,
    rows=st.lists(ROW, max_size=2).map(tuple),
    twin=st.none() | ROW,
    workloads=st.lists(TEXT, max_size=2).map(tuple),
    cpus=st.lists(COUNT, max_size=3).map(tuple),
    preset=TEXT,
    interleaved=st.booleans(),
    stopping=st.booleans(),
)
ROUND = _all_of(Round, workload=TEXT, kept=st.booleans(), causes=CAUSES)
RUN = st.builds(
    Run,
    id=TEXT,
    envdoctor_version=TEXT,
    state=st.sampled_from(["running", "finished", "interrupted"]),
    started_at=TEXT,
    facts=st.just(Facts()),
    plan=PLAN,
    cells=st.lists(CELL, max_size=2).map(tuple),
    rounds=st.lists(ROUND, max_size=3).map(tuple),
    ceiling=st.none() | _all_of(Ceiling, backend=TEXT, flops_per_second=SPEED),
    energies=st.lists(_all_of(Energy, row=ROW, workload=TEXT, source=TEXT), max_size=1).map(tuple),
    unavailable=st.lists(st.builds(Unavailable, backend=TEXT, reason=TEXT), max_size=2).map(tuple),
)


@settings(max_examples=50)
@given(RUN)
def test_any_run_comes_back_as_it_was(run: Run) -> None:
    assert codec.decode(codec.encode(run), "it") == run


def test_a_rich_run_comes_back_through_a_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder" / "run.json"
    codec.write(run, path)
    assert codec.read(path) == run


def test_a_run_file_is_plain_json(run: Run) -> None:
    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    assert json.loads(codec.encode(run), parse_constant=refuse)["schema"] == 1


def _with_cell(run: Run, **values: object) -> Run:
    return structs.replace(run, cells=(structs.replace(run.cells[0], **values),))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_not_written_as_nothing(run: Run, number: float) -> None:
    # The encoder would write null, which nobody can read back where a number is required.
    quality = Quality(
        metric="accuracy", value=number, standard_error=0.0, samples=1, loss=0.0, reached=None
    )
    with pytest.raises(ValueError, match="number"):
        codec.encode(_with_cell(run, quality=quality))


def test_an_endless_error_is_not_written_as_unknown(run: Run) -> None:
    certificate = Certificate(same_work=False, tier="G64", output_error=math.inf)
    with pytest.raises(ValueError, match="number"):
        codec.encode(_with_cell(run, certificate=certificate))


def test_text_that_is_no_unicode_is_still_written(run: Run, tmp_path: Path) -> None:
    # Paths and logs of the user's machine may hold any bytes.
    broken = os.fsdecode(b"log \xff of a framework")
    changed = _with_cell(run, outcome=Outcome(status="failed", reason="it", details=broken))
    codec.write(changed, tmp_path / "run.json")
    assert "of a framework" in codec.read(tmp_path / "run.json").cells[0].outcome.details


class DiskFullError(OSError):
    strerror = "No space left on device"


@pytest.mark.parametrize("fault", [DiskFullError(), KeyboardInterrupt()])
@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_failure_in_the_middle_leaves_the_old_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, at: str
) -> None:
    path = tmp_path / "run.json"
    codec.write(run, path)

    def fail(*_: object) -> None:
        raise fault

    if at == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    wanted = IncompleteError if isinstance(fault, OSError) else KeyboardInterrupt
    with pytest.raises(wanted):
        codec.write(structs.replace(run, id="another"), path)
    monkeypatch.undo()
    assert codec.read(path) == run
    assert list(tmp_path.iterdir()) == [path]


def test_a_record_that_cannot_be_encoded_leaves_the_old_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    codec.write(run, path)
    with pytest.raises(TypeError):
        codec.write(structs.replace(run, id=object()), path)
    assert codec.read(path) == run
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_file_is_an_ordinary_file(run: Run, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        codec.write(run, tmp_path / "run.json")
    finally:
        os.umask(before)
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o644


def test_a_place_that_is_no_folder_is_one_sentence_with_a_hint(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IncompleteError, match=r"run\.json cannot be written") as caught:
        codec.write(run, tmp_path / "file" / "run.json")
    assert "--save" in caught.value.hint


def _damages(good: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "cut": good[: len(good) // 2],
        "garbage": b"\x89PNG\r\n\x1a\n",
        "foreign list": b"[1, 2]",
        "foreign object": b'{"version": 3}',
        "no run": b'{"schema": 1}',
        "wrong type": good.replace(b'"cells": [', b'"cells": [3,', 1),
        "wrong word": good.replace(b'"state": "finished"', b'"state": "fine"', 1),
        "null number": good.replace(b'"block_seconds": 0.2', b'"block_seconds": null', 1),
        "block of no steps": good.replace(b'"steps": 100', b'"steps": 0', 1),
        "block of no time": re.sub(rb'"wall_ns": \d+', b'"wall_ns": 0', good, count=1),
        "schema no number": b'{"schema": "1"}',
        "schema true": b'{"schema": true}',
        "no unicode": good.replace(b'"id": "', b'"id": "\xff', 1),
        "deep": b'{"schema": 1, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    }


@pytest.mark.parametrize("damage", _damages(b""))
def test_a_file_that_is_no_run_is_one_sentence(damage: str, run: Run) -> None:
    good = codec.encode(run)
    data = _damages(good)[damage]
    assert data != good
    with pytest.raises(InputError) as caught:
        codec.decode(data, "old.json")
    assert caught.value.sentence.startswith("old.json ")
    assert caught.value.sentence.endswith(".")
    assert "\n" not in caught.value.sentence


@settings(max_examples=200)
@given(cut=st.integers(0, 4000), patch=st.binary(min_size=1, max_size=3))
def test_any_damage_gives_a_run_or_a_sentence(cut: int, patch: bytes, run: Run) -> None:
    good = codec.encode(run)
    try:
        assert isinstance(codec.decode(good[:cut] + patch + good[cut + 1 :], "f"), Run)
    except InputError as error:
        told = error.sentence
    else:
        return
    assert told.startswith("f ")


def test_a_file_of_the_future_asks_for_a_newer_envdoctor() -> None:
    with pytest.raises(InputError, match="has schema 2; this envdoctor reads schema 1") as caught:
        codec.decode(b'{"schema": 2, "all": "is different"}', "new.json")
    assert "newer" in caught.value.hint


def test_a_key_of_a_later_version_is_overlooked(run: Run) -> None:
    data = codec.encode(run).replace(b'"schema": 1,', b'"schema": 1, "later": true,', 1)
    assert codec.decode(data, "it") == run


def test_a_file_from_before_histories_were_kept_has_none(run: Run) -> None:
    plain = json.loads(codec.encode(run))
    kept = [cell.pop("history") for cell in plain["cells"]]
    assert any(kept)
    found = codec.decode(json.dumps(plain).encode(), "old.json")
    assert not any(cell.history for cell in found.cells)
    assert [cell.quality for cell in found.cells] == [cell.quality for cell in run.cells]


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(b"{}" * 10)
    monkeypatch.setattr(codec, "LARGEST_FILE_BYTES", 19)
    with pytest.raises(InputError, match="too large for a run file"):
        codec.read(path)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json cannot be read \(No such file"):
        codec.read(tmp_path / "none.json")


def test_the_published_schema_is_that_of_the_code() -> None:
    text = msgspec.json.format(msgspec.json.encode(codec.run_schema()), indent=2).decode() + "\n"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        SCHEMA_FILE.write_text(text, encoding="utf-8")
    assert SCHEMA_FILE.read_text(encoding="utf-8") == text, "UPDATE_GOLDEN=1 pytest writes it anew"


def test_the_published_schema_names_every_key_of_a_run_file(run: Run) -> None:
    schema = codec.run_schema()

    def walk(value: object, rule: dict) -> None:
        while "$ref" in rule:
            rule = schema["$defs"][rule["$ref"].rpartition("/")[2]]
        for choice in rule.get("anyOf", ()):
            if "$ref" in choice and value is not None:
                walk(value, choice)
        if isinstance(value, dict) and "properties" in rule:
            assert set(value) <= set(rule["properties"])
            for key, inner in value.items():
                walk(inner, rule["properties"][key])
        elif isinstance(value, list) and "items" in rule:
            for inner in value:
                walk(inner, rule["items"])

    walk(json.loads(codec.encode(run)), schema)
