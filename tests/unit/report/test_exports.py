"""JSON Lines, JUnit, event files and frames."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec import structs

import envdoctor
from envdoctor.errors import InputError
from envdoctor.model import codec
from envdoctor.model.run import Run
from envdoctor.report import event_file, jsonl, junit, tensorboard
from envdoctor.report.curves import COLUMNS, curves, history
from envdoctor.report.measures import measures


def _lines(run: Run) -> list[dict[str, object]]:
    stream = io.StringIO()
    jsonl.write(run, stream)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_hold_every_block_and_say_which_count(run: Run) -> None:
    lines = _lines(run)
    assert len(lines) == sum(len(cell.blocks) for cell in run.cells)
    spoilt = [line for line in lines if line["causes"]]
    assert spoilt
    assert not any(line["kept"] for line in spoilt)
    assert all(line["samples"] == 6400 for line in lines if line["workload"] == "mlp-tiny")


def _suites(run: Run) -> ET.Element:
    stream = io.StringIO()
    junit.write(run, stream)
    return ET.fromstring(stream.getvalue())


def test_junit_has_a_case_for_each_row_with_one_ending(run: Run) -> None:
    root = _suites(run)
    assert [suite.get("name") for suite in root] == [record.name for record in run.workloads]
    cases = {case.get("name"): case for case in root[0].findall("testcase")}
    rows = [c for c in run.cells if c.workload == "mlp-tiny" and not c.row.twin]
    assert len(cases) == len(rows) == int(root[0].get("tests", ""))
    endings = {
        name: [child.tag for child in case if child.tag != "system-out"]
        for name, case in cases.items()
    }
    assert endings["numpy"] == []
    assert endings["torch compile"] == ["failure"]
    assert endings["tensorflow graph"] == ["error"]
    assert endings["jax jit"] == ["failure"]  # it missed its quality
    assert root[0].get("failures") == "2"


def test_junit_withholds_the_speed_of_other_work(run: Run) -> None:
    (case,) = [c for c in _suites(run)[0] if c.get("name") == "torch compile"]
    assert case.find("system-out") is None


def test_measures_have_parameters_and_no_empty_metric(run: Run) -> None:
    found = list(measures(run))
    first = found[0]
    assert first.parameters["backend"] == first.cell.row.backend
    assert first.metrics["accuracy"] == 0.9611
    crashed = next(each for each in found if each.cell.outcome.status == "crashed")
    assert "step_seconds" not in crashed.metrics


def _records(data: bytes) -> Iterator[bytes]:
    """The records of an event file, each sum checked."""
    place = 0
    while place < len(data):
        length = data[place : place + 8]
        (size,) = struct.unpack("<Q", length)
        body = data[place + 12 : place + 12 + size]
        assert data[place + 8 : place + 12] == event_file._masked(length)
        assert data[place + 12 + size : place + 16 + size] == event_file._masked(body)
        yield body
        place += size + 16


def test_the_checksum_is_that_of_the_standard() -> None:
    assert event_file.crc32c(b"123456789") == 0xE3069283  # RFC 3720, B.4 and everywhere
    assert event_file.crc32c(bytes(32)) == 0x8A9136AA


def test_event_files_are_whole_records_in_a_folder_for_each_row(run: Run, tmp_path: Path) -> None:
    tensorboard.write(run, str(tmp_path))
    files = sorted(tmp_path.rglob("events.out.tfevents.*"))
    assert len(files) == len([cell for cell in run.cells if not cell.row.twin])
    for file in files:
        first, *rest = _records(file.read_bytes())
        assert first.endswith(b"brain.Event:2")
        assert len(rest) >= 2  # the parameters and the ending, even of a row that crashed
    assert all(file.resolve().is_relative_to(tmp_path.resolve()) for file in files)


def test_a_folder_that_cannot_be_written_is_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        tensorboard.write(run, str(tmp_path / "file"))


def test_the_training_is_curves_of_named_scalars(run: Run) -> None:
    found = list(curves(run.cells[0]))
    assert [(each.name, each.step, each.value) for each in found] == [
        ("train/loss", 1, 2.31),
        ("train/loss", 220, 0.4),
        ("test/accuracy", 220, 0.9),
        ("test/loss", 220, 0.38),
        ("train/loss", 440, 0.1),
        ("test/accuracy", 440, 0.9611),
        ("test/loss", 440, 0.131),
    ]
    houses = next(cell for cell in run.cells if cell.workload == "houses")
    assert {each.name for each in curves(houses)} == {
        "train/loss",
        "test/mean_absolute_error",
        "test/loss",
    }


def test_a_row_that_ended_in_its_training_has_the_losses_until_then(run: Run) -> None:
    cell = structs.replace(run.cells[0], quality=None)
    assert [each.name for each in curves(cell)].count("train/loss") == 3
    assert not any(each.name == "test/" for each in curves(cell))


def test_every_point_of_a_training_has_a_line_of_known_columns(run: Run) -> None:
    lines = list(history(run))
    assert len(lines) == sum(len(cell.history) for cell in run.cells) > 0
    assert all(set(line) == set(COLUMNS) for line in lines)


READ = """
import sys
sys.modules["tensorflow"] = None
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
found = EventAccumulator(sys.argv[1])
found.Reload()
print(len(found.Scalars("blocks/step_seconds")), *sorted(found.PluginTagToContent("hparams")))
for name in ("train/loss", "test/accuracy", "test/loss"):
    points = found.Scalars(name)
    begun = found.Scalars("loss")[0].wall_time
    print(*(f"{p.step}:{p.value:.4g}:{p.wall_time - begun:.2f}" for p in points))
"""


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="TensorBoard is not installed")
def test_tensorboard_reads_them(run: Run, tmp_path: Path) -> None:
    tensorboard.write(run, str(tmp_path))
    command = [sys.executable, "-c", READ, str(tmp_path / "mlp-tiny" / "numpy")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
    first, *curves = told.splitlines()
    assert first == "16 _hparams_/session_end_info _hparams_/session_start_info"
    assert curves == [
        "1:2.31:0.04 220:0.4:0.31 440:0.1:0.61",
        "220:0.9:0.31 440:0.9611:0.61",
        "220:0.38:0.31 440:0.131:0.61",
    ]


def test_a_loaded_run_shows_itself(run: Run, tmp_path: Path) -> None:
    codec.write(run, tmp_path / "run.json")
    found = envdoctor.load(tmp_path / "run.json")
    assert found.run.id == run.id
    assert run.id in repr(found)
    assert "| backend |" in found.to_markdown()
    shown = found._repr_html_()
    assert "<script>" not in shown


@pytest.mark.skipif(find_spec("pandas") is None, reason="pandas is not installed")
def test_pandas_takes_rows_and_blocks(run: Run, tmp_path: Path) -> None:
    codec.write(run, tmp_path / "run.json")
    code = (
        "import sys, envdoctor\n"
        "found = envdoctor.load(sys.argv[1])\n"
        "print(len(found.to_frame()), len(found.to_frame('blocks')))\n"
        "print(len(found.to_frame('history')), found.to_frame('history').loss.dtype)\n"
        "print(found.to_frame().step_seconds.dtype, found.to_frame('blocks').wall_ns.dtype)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run.json")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
    rows = len([cell for cell in run.cells if not cell.row.twin])
    blocks = sum(len(cell.blocks) for cell in run.cells)
    points = sum(len(cell.history) for cell in run.cells)
    sizes = [str(rows), str(blocks), str(points), "float64"]
    assert told.split() == [*sizes, "float64", "int64"]
